"""codextui: a terminal console for teams of Codex agents, on a shared MCP server."""

__version__ = "0.1.0"
