"""Looks at this machine for the console: Codex, its login, its daemon, old entries of clients."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from codextui.codex.binary import CodexBinary, login_command, search_codex
from codextui.codex.daemon import Daemon
from codextui.config.schema import Config
from codextui.console.model.findings import Finding, Verdict
from codextui.setup.old_entries import find_old_entries

STATUS_TIMEOUT_S = 10.0
"""Seconds that `codex login status` may take."""


def inspect_machine(config: Config) -> tuple[Finding, ...]:
    """Look for everything; blocks, and never raises."""
    search = search_codex(config.codex.binary)
    binary = search.binary
    if binary is None:
        return (Finding(Verdict.BAD, "Codex", search.problem), *_find_old_entries())
    return (
        Finding(Verdict.GOOD, "Codex", f"{binary.version_text} at {_short(binary.path)}"),
        _find_login(binary, config.codex.home),
        _find_daemon(config.codex.home),
        *_find_old_entries(),
    )


def _find_login(binary: CodexBinary, home: Path | None) -> Finding:
    """Ask Codex for its login. What it says is never shown: it has a part of the key."""
    env = dict(os.environ) if home is None else {**os.environ, "CODEX_HOME": str(home)}
    advice = f"Type: {login_command(binary, home)} (a provider of your own may need none)"
    try:
        done = subprocess.run(  # noqa: S603 - the Codex that the server runs, too
            [str(binary.path), "login", "status"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STATUS_TIMEOUT_S,
            env=env,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding(Verdict.NOTE, "Login", "Codex does not say whether it is logged in", advice)
    if done.returncode:
        return Finding(Verdict.BAD, "Login", "Codex is not logged in", advice)
    said = (done.stdout + done.stderr).decode(errors="replace").lower()
    how = "with ChatGPT" if "chatgpt" in said else "with an API key" if "api key" in said else ""
    return Finding(Verdict.GOOD, "Login", f"Codex is logged in {how}".rstrip())


def _find_daemon(home: Path | None) -> Finding:
    daemon = Daemon(home)
    if daemon.is_registered and daemon.socket is not None:
        text = "Codex's daemon runs: the threads of your codex and IDE stand in the tree"
        return Finding(Verdict.GOOD, "Daemon", text)
    text = "Codex's daemon did not run; [codex] attach says when codextui starts it"
    return Finding(Verdict.NOTE, "Daemon", text)


def _find_old_entries() -> Iterator[Finding]:
    entries = find_old_entries()
    for entry in entries:
        names = ", ".join(entry.names)
        yield Finding(
            Verdict.BAD,
            "Old entry",
            f"{entry.client} starts codex mcp-server, which Codex has removed: {names} in "
            f"{_short(entry.path)}",
            f"codextui setup {entry.setup} says what to write instead",
        )
    if not entries:
        yield Finding(Verdict.GOOD, "Clients", "none of them starts the removed codex mcp-server")


def _short(path: Path) -> str:
    home = f"{Path.home()}/"
    text = str(path)
    return f"~/{text.removeprefix(home)}" if text.startswith(home) else text
