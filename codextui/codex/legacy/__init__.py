"""Events and requests in the words of `codex mcp-server`."""
