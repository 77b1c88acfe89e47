"""The approval broker, and everyone it can ask."""
