"""Runs a team on the Agents SDK."""
