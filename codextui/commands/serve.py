"""`codextui serve`, `token` and `kill-server`."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import os
import signal
import sys
import threading

from codextui.commands.output import print_json, print_line, print_note
from codextui.config import paths
from codextui.config.address import HttpAddress
from codextui.config.schema import ServerConfig, load_config
from codextui.errors import ConfigInvalid


def serve_foreground(options: argparse.Namespace) -> int:
    """Run the shared server in this process until it is shut down."""
    from codextui.server.options import ServerOptions  # noqa: PLC0415
    from codextui.server.run import serve, tune_garbage_collection  # noqa: PLC0415

    settings = load_config(paths.config_path(options.config))
    http = _http(options, settings.server)
    # A server with HTTP clients does not end when idle: they could not start it again.
    idle = settings.server.idle_timeout if options.daemon and http is None else 0.0
    if options.until_stdin_ends:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    faulthandler.enable(2)  # into the log, which is the stderr of a daemon
    tune_garbage_collection()
    asyncio.run(
        serve(
            ServerOptions(
                name=options.server,
                socket=paths.socket_path(options.server),
                lock=paths.lock_path(options.server),
                journal=paths.journal_path(options.server),
                codex_binary=settings.codex.binary,
                codex_home=settings.codex.home,
                attach=settings.codex.attach,
                token_env=settings.codex.token_env,
                http=http,
                http_required=options.http is not None,
                token=paths.token_path(options.server),
                deciders=settings.approvals.clients,
                unattended_timeout_s=settings.approvals.unattended_timeout,
                others=settings.approvals.others,
                idle_timeout_s=idle if options.idle_timeout is None else options.idle_timeout,
            )
        )
    )
    return 0


def _http(options: argparse.Namespace, settings: ServerConfig) -> HttpAddress | None:
    """Return the address for HTTP. The configured one is only for the default server."""
    lasting = options.server == paths.DEFAULT_SERVER and not options.until_stdin_ends
    address: HttpAddress | None = options.http or (settings.http if lasting else None)
    if address is None or address.is_loopback:
        return address
    if not (options.http_anywhere or settings.http_anywhere):
        raise ConfigInvalid(
            f"{address} can be reached by other machines, and what is said would travel "
            "unencrypted: use 127.0.0.1, or add --http-anywhere (http_anywhere = true)"
        )
    print_note(
        f"codextui: warning: other machines can reach {address}; the token, and everything that "
        "is said, travels unencrypted"
    )
    return address


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 65536):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def kill_server(options: argparse.Namespace) -> int:
    """End the shared server and wait until it has ended."""
    from codextui.client.spawn import wait_until_gone  # noqa: PLC0415 - only for this command
    from codextui.commands.call import call_tool  # noqa: PLC0415

    call_tool(options, "codex-shutdown", {})
    asyncio.run(wait_until_gone(options.server))
    if options.json:
        print_json({"server": options.server, "ended": True})
    else:
        print_line(f"the server {options.server} has ended")
    return 0


def print_token(options: argparse.Namespace) -> int:
    """Print the token for HTTP clients; with `--new`, replace it first."""
    from codextui.server.transports.http.token import TokenFile  # noqa: PLC0415 - only for this command

    path = paths.token_path(options.server)
    file = TokenFile(path)
    token = file.replace() if options.new else file.read()
    if options.json:
        print_json({"token": token, "file": str(path)})
    else:
        print_line(token)
    return 0
