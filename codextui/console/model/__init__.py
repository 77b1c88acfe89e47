"""The state of the console, changed by events. No I/O."""
