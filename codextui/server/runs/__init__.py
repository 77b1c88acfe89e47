"""The runs that programs tell of: their rows, who owns them, and what can be asked of them."""
