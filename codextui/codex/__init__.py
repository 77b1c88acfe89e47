"""Everything about Codex: its binary and process, and the protocol of `codex app-server`."""
