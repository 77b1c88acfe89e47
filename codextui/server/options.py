"""How a shared server is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codextui.http_address import HttpAddress


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
        http: where to listen for HTTP as well; None does not.
        http_required: whether the server must not start where that address cannot be had.
        token: the file with the bearer token of HTTP clients (`paths.token_path`); it must be
            given for HTTP.
        idle_timeout_s: seconds without a client, a running turn and an open approval after
            which the server ends by itself; 0 is never.
        unattended_timeout_s: seconds without anybody who could decide after which an approval
            is declined; 0 is at once, None is never.
        progress_interval_s: seconds after which a caller is told again what its call does.
        orphan_timeout_s: seconds that a client may think about a question before its call is
            given up (MCP 2026-07-28, where it is not connected meanwhile).
    """

    name: str
    socket: Path
    lock: Path
    journal: Path
    log: Path | None = None
    codex_binary: Path | None = None
    codex_home: Path | None = None
    env: Mapping[str, str] | None = None
    http: HttpAddress | None = None
    http_required: bool = True
    token: Path | None = None
    idle_timeout_s: float = 0.0
    unattended_timeout_s: float | None = 1800.0
    progress_interval_s: float = 8.0
    orphan_timeout_s: float = 3600.0
