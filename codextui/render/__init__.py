"""Items, rows and dialogs' bodies as strips: pure functions of what, width and palette."""
