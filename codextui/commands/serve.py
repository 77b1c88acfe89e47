"""`codextui serve` and `codextui kill-server`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading

from codextui import config, paths
from codextui.commands.output import emit, show
from codextui.errors import ConfigInvalid


def serve_here(options: argparse.Namespace) -> int:
    """Run the shared server in this process until it is shut down."""
    from codextui.server.serve import ServeOptions, serve  # noqa: PLC0415 - the server's half

    settings = _load(options)
    idle = settings.server.idle_timeout if options.daemon else 0.0
    if options.until_stdin_ends:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    asyncio.run(
        serve(
            ServeOptions(
                name=options.server,
                socket=paths.socket_path(options.server),
                lock=paths.lock_path(options.server),
                journal=paths.journal_path(options.server),
                codex_binary=settings.codex.binary,
                codex_home=settings.codex.home,
                idle_timeout_s=idle if options.idle_timeout is None else options.idle_timeout,
            )
        )
    )
    return 0


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 65536):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def kill_server(options: argparse.Namespace) -> int:
    """End the shared server, and wait until it is gone."""
    from codextui.client.spawn import wait_until_gone  # noqa: PLC0415 - `serve` needs no client
    from codextui.commands.link import call_once  # noqa: PLC0415

    call_once(options, "codex-shutdown", {})
    asyncio.run(wait_until_gone(options.server))
    if options.json:
        emit({"server": options.server, "ended": True})
    else:
        show(f"the server {options.server} has ended")
    return 0


def _load(options: argparse.Namespace) -> config.Config:
    if options.config is not None and not options.config.is_file():
        raise ConfigInvalid(f"{options.config} is no file")
    return config.load(options.config or paths.config_path())
