"""Sets up MCP clients to use codextui: a module for each client."""
