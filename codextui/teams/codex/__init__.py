"""Codex as an MCP server of the Agents SDK, on the shared server."""
