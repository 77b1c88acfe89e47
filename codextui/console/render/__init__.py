"""Items, rows and dialogs as strips. Pure."""
