"""The MCP side of the server: tools, calls, sessions."""
