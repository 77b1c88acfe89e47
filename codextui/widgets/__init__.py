"""The widgets of the console: one a file."""
