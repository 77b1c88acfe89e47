"""The console's state, changed by events alone. No I/O."""
