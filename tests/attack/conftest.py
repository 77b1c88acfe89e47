"""The real Codex, for attacks on a real server."""

from contract.conftest import codex_binary, scratch

__all__ = ["codex_binary", "scratch"]
