"""Publishes runs to the shared server."""
