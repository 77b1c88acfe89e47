"""Approvals: the broker, the requests of Codex, and how clients are asked."""
