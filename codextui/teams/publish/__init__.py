"""Publishes a run to the shared server."""
