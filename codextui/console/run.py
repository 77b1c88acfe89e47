"""Starts the console on a shared server: its configuration, drafts and log of crashes."""

from __future__ import annotations

import contextlib
import faulthandler
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from codextui.config import paths
from codextui.config.schema import Config, load_config
from codextui.console.app import ConsoleApp
from codextui.console.connection import ConsoleConnection
from codextui.console.drafts import Drafts
from codextui.console.model.findings import Finding
from codextui.errors import CodextuiError


def run(
    server: str,
    *,
    config: Path | None = None,
    detach_label: str = "detach",
    first_thread: str = "",
    inspect: Callable[[Config], tuple[Finding, ...]] | None = None,
) -> int:
    """Run the console on the shared server `server`, and return the process's exit code.

    Args:
        server: the server's name; it is started if it is not running.
        config: the configuration file; None for the user's own.
        detach_label: what leaving the console does, as the footer shows it.
        first_thread: id of the thread to open as soon as it is known; empty for none.
        inspect: looks at this machine, which is shown the first time and when asked for; None
            looks for nothing.

    Returns:
        the exit code, or `DEMO_WANTED` if the user has left to see the demo.

    Raises:
        ConfigInvalid: the configuration cannot be used.
    """
    path = paths.config_path(config)
    _enable_faulthandler(server)
    loaded = load_config(path)
    app = ConsoleApp(
        server,
        partial(ConsoleConnection, server, config),
        config=loaded,
        config_path=path,
        home=str(Path.home()),
        folder=_current_folder(),
        detach_label=detach_label,
        first_thread=first_thread,
        drafts=_load_drafts(server),
        inspect=None if inspect is None else partial(inspect, loaded),
        is_first_time=_is_first_time(path, server),
    )
    result = app.run()
    app.save_drafts()
    return app.return_code or result or 0


def _is_first_time(config_path: Path, server: str) -> bool:
    """Return whether there is neither a configuration nor anything that a server has stored."""
    try:
        return not config_path.exists() and not paths.journal_path(server).exists()
    except (CodextuiError, OSError):
        return False


def _current_folder() -> str:
    """Return the current folder, or the home folder if it was deleted."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return str(Path.home())


def _enable_faulthandler(server: str) -> None:
    """Write a traceback to the server's log if the interpreter itself crashes."""
    with contextlib.suppress(CodextuiError, OSError):
        # It must stay open as long as the process lives.
        descriptor = os.open(paths.log_path(server), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        faulthandler.enable(descriptor)


def _load_drafts(server: str) -> Drafts:
    try:
        return Drafts(paths.drafts_path(server))
    except (CodextuiError, OSError):
        return Drafts()
