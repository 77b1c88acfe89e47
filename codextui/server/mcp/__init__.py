"""The server's side of MCP: request handlers, tools and calls."""
