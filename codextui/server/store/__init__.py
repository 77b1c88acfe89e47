"""The journal: what outlives the server."""
