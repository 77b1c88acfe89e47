"""The records in a run's folder."""
