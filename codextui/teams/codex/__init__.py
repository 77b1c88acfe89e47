"""Codex for agents of the Agents SDK, over the shared server."""
