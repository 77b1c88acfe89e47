"""Text for terminals: sanitizing untrusted text, and short figures. Pure functions."""
