"""What other programs must be told to use codextui as their MCP server. One module a client."""
