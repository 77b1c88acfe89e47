"""The shared server that runs already, as `serve` and `setup --http` describe it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from codextui.client.session import call_once
from codextui.client.spawn import find_server
from codextui.commands.call import CLIENT_NAME
from codextui.config.address import LOOPBACK, HttpAddress, parse_mcp_url
from codextui.config.paths import DEFAULT_SERVER
from codextui.errors import (
    CodextuiError,
    ConfigInvalid,
    ServerNotRunning,
    ServerRefused,
    ServerUnreachable,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject

_ANSWER_S = 20.0
"""Seconds that a server may take to describe itself, for which it asks its Codex."""


_EXAMPLE = HttpAddress(LOOPBACK, 8040)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that runs.

    Attributes:
        name: its name (`-L`).
        pid: its process.
        http: the address on which it listens for HTTP; None where it does not.
    """

    name: str
    pid: int
    http: HttpAddress | None

    def __str__(self) -> str:
        return f"the server {self.name!r} (pid {self.pid})"


def find_running(name: str) -> RunningServer | None:
    """Return the server of that name; None where none runs.

    Raises:
        CodextuiError: it runs, but does not say what it is.
    """
    try:
        content = asyncio.run(_ask(name, "codex-server", {}))
    except ServerNotRunning:
        return None
    url = fields.text_or(content, "http")
    return RunningServer(
        name, fields.integer_or(content, "pid"), parse_mcp_url(url) if url else None
    )


def listen_on(name: str, address: HttpAddress) -> tuple[RunningServer, bool]:
    """Let the running server listen for HTTP clients on an address.

    Whether other machines may reach the address is the caller's to check.

    Returns:
        The server, and whether it did not listen there before.

    Raises:
        ServerRefused: it does not, and says why.
        ServerUnreachable: it does not run, or does not answer.
    """
    arguments: JsonObject = {"address": str(address), "anywhere": not address.is_loopback}
    try:
        content = asyncio.run(_ask(name, "codex-listen", arguments))
    except ServerRefused as error:
        if not str(error).startswith("Unknown tool"):
            raise
        end, serve = command_for(name, "kill-server"), command_for(name, "serve", *address.options)
        raise ServerRefused(
            f"the server {name!r} is of an older codextui, which cannot listen later: type `{end}` "
            f"and then `{serve}`"
        ) from error
    http = parse_mcp_url(fields.text(content, "http"))
    server = RunningServer(name, fields.integer_or(content, "pid"), http)
    return server, fields.flag(content, "added")


def command_for(name: str, *words: str) -> str:
    """Return a command line of ours for the server of that name."""
    option = () if name == DEFAULT_SERVER else ("-L", name)
    return " ".join(("codextui", *words[:1], *option, *words[1:]))


def choose_http(
    name: str, given: HttpAddress | None, configured: HttpAddress | None
) -> tuple[HttpAddress, str]:
    """Return the address at which a client is to find the server, and what is wrong with it.

    Args:
        name: the server's name.
        given: the address that the user has given. Without it, or its port, it is the one on which
            the server listens, else the configured one.
        configured: the address of the configuration.

    Returns:
        The address, and a warning where the server that runs does not listen there, else "".

    Raises:
        ConfigInvalid: there is no address.
    """
    problem, server = "", None
    try:
        server = find_running(name)
    except CodextuiError as error:
        problem = f"whether the server listens there is not known: {error}"
    address = given if given is not None and given.port else None
    address = address or (server.http if server else None) or configured
    if address is None or not address.port:
        raise ConfigInvalid(_where(name, server))
    return address, _mismatch(server, address) if server else problem


def _where(name: str, server: RunningServer | None) -> str:
    """Return what to type where no address is known."""
    serve = command_for(name, "serve", *_EXAMPLE.options)
    does = f"{server} does not listen for HTTP" if server else f"no server {name!r} runs"
    return (
        f"{does}: type `{serve}` and then this again, or this with --http HOST:PORT, such as "
        f"--http {_EXAMPLE}"
    )


def _mismatch(server: RunningServer, address: HttpAddress) -> str:
    serve = command_for(server.name, "serve", *address.options)
    if server.http is None:
        return f"{server} does not listen for HTTP yet: type `{serve}`, and it does"
    if server.http.includes(address.reachable):
        return ""
    end = command_for(server.name, "kill-server")
    return (
        f"{server} listens on {server.http}, not on {address}: set the client up with --http "
        f"{server.http}, or type `{end}`, which ends its turns, and then `{serve}`"
    )


async def _ask(name: str, tool: str, arguments: JsonObject) -> JsonObject:
    path = await find_server(name)
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await call_once(path, CLIENT_NAME, tool, arguments)
    except TimeoutError:
        raise ServerUnreachable(
            f"the server {name!r} has not answered within {_ANSWER_S:g} seconds"
        ) from None
