"""How a shared server is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `serve` needs to know. Every path is absolute, and its folder exists.

    Attributes:
        name: the server's name (`-L`), for messages.
        socket: the unix socket to listen on (`paths.socket_path`).
        lock: the file to keep locked while the server runs (`paths.lock_path`).
        journal: the SQLite file that threads and decisions are kept in (`paths.journal_path`).
        log: the file to write the log to; None writes it to stderr.
        codex_binary: the Codex binary to run, as configured; None finds one.
        codex_home: `CODEX_HOME` for Codex; None leaves what the environment says.
        env: the whole environment of Codex; None hands down our own.
        idle_timeout_s: seconds without a client, a running turn and an open approval after
            which the server ends by itself; 0 is never.
    """

    name: str
    socket: Path
    lock: Path
    journal: Path
    log: Path | None = None
    codex_binary: Path | None = None
    codex_home: Path | None = None
    env: Mapping[str, str] | None = None
    idle_timeout_s: float = 0.0
