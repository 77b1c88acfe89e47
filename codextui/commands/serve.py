"""`codextui serve`, `token` and `kill-server`."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from codextui.client.spawn import PROBED_VARIABLE, wait_until_gone, wait_until_settled
from codextui.commands.call import call_tool
from codextui.commands.output import print_json, print_line, print_note
from codextui.commands.running_server import command_for, find_running, listen_on
from codextui.config import paths
from codextui.config.address import HttpAddress
from codextui.config.schema import Config, ServerConfig, load_config
from codextui.errors import ConfigInvalid, ServerRunning, ServerUnreachable
from codextui.text.sanitize import sanitize

_PROBED_DELAY_S = 30.0
"""Seconds until a server that was started to be asked for its tools starts Codex by itself."""

if TYPE_CHECKING:
    from codextui.server.options import ServerOptions


def serve_foreground(options: argparse.Namespace) -> int:
    """Run the shared server in this process until it is shut down.

    Where one runs already, `--http` lets that one listen, and anything else is refused.
    """
    settings = load_config(paths.config_path(options.config))
    http = _http(options, settings.server)
    if options.until_stdin_ends:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    while not _serve(_server_options(options, settings, http)):
        if options.daemon:  # whoever started it connects to the one that runs
            print_note(f"codextui: the server {options.server!r} runs already")
            return 0
        if asyncio.run(wait_until_settled(options.server)):
            return _meet_running(options, http, settings.server.http)
    return 0


def _serve(options: ServerOptions) -> bool:
    """Run the server until it is shut down; False where one of its name runs already."""
    from codextui.server.run import serve, tune_garbage_collection  # noqa: PLC0415

    faulthandler.enable(2)  # into the log, which is the stderr of a daemon
    tune_garbage_collection()
    try:
        asyncio.run(serve(options))
    except ServerRunning:
        return False
    return True


def _server_options(
    options: argparse.Namespace, settings: Config, http: HttpAddress | None
) -> ServerOptions:
    from codextui.server.options import ServerOptions  # noqa: PLC0415

    was_probed = os.environ.pop(PROBED_VARIABLE, "") != ""
    # A server with HTTP clients does not end when idle: they could not start it again.
    idle = settings.server.idle_timeout if options.daemon and http is None else 0.0
    return ServerOptions(
        name=options.server,
        socket=paths.socket_path(options.server),
        lock=paths.lock_path(options.server),
        journal=paths.journal_path(options.server),
        codex_binary=settings.codex.binary,
        codex_home=settings.codex.home,
        attach=settings.codex.attach,
        token_env=settings.codex.token_env,
        codex_delay_s=_PROBED_DELAY_S if was_probed else 0.0,
        http=http,
        http_required=options.http is not None,
        token=paths.token_path(options.server),
        deciders=settings.approvals.clients,
        unattended_timeout_s=settings.approvals.unattended_timeout,
        others=settings.approvals.others,
        idle_timeout_s=idle if options.idle_timeout is None else options.idle_timeout,
    )


def _meet_running(
    options: argparse.Namespace, http: HttpAddress | None, configured: HttpAddress | None
) -> int:
    """Let the server that runs already listen as `--http` says, or refuse to start another one."""
    if options.http is not None and not options.until_stdin_ends:
        _add_listener(options, options.http, configured)
        return 0
    name = options.server
    server = find_running(name)
    if server is None:
        raise ServerUnreachable(f"the server {name!r} has just ended: type that again")
    where = f", and listens on {server.http.mcp_url}" if server.http else ""
    text = (
        f"{server} runs already{where}: `{command_for(name)}` opens the console, "
        f"`{command_for(name, 'ps')}` lists its threads, `{command_for(name, 'kill-server')}` "
        "ends it"
    )
    if http is not None and server.http is None:
        add = command_for(name, "serve", *http.options)
        text += f". It does not listen on {http}, as configured: `{add}` lets it"
    raise ServerRunning(text)


def _add_listener(
    options: argparse.Namespace, address: HttpAddress, configured: HttpAddress | None
) -> None:
    name = options.server
    server, added = listen_on(name, address)
    url = server.http.mcp_url if server.http else ""
    print_line(f"{server} runs already, and {'now listens' if added else 'listens'} on {url}.")
    print_line(
        "It goes on without this terminal, and does not end when idle: "
        f"`{command_for(name, 'kill-server')}` ends it."
    )
    if name == paths.DEFAULT_SERVER and server.http != configured:
        config = sanitize(str(paths.config_path(options.config)))
        anywhere = "" if address.is_loopback else " and `http_anywhere = true`"
        print_line(
            f'To let it listen there whenever it starts, write `http = "{server.http}"`{anywhere} '
            f"under [server] in {config}."
        )
    if options.idle_timeout is not None:
        print_note("codextui: --idle-timeout is left out: the server runs already")


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
