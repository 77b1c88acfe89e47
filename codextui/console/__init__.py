"""The console: a Textual app on the shared server."""
