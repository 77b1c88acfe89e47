"""MCP's Streamable HTTP, behind guards of our own."""
