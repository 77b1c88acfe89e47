"""What a run records in its folder."""
