"""Finding the shared server, and starting it where none runs."""
