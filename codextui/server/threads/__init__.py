"""The threads of the server: their records, and what can be done with those of Codex."""
