"""The Codex process: find the binary, speak to its app-server, translate what it says."""
