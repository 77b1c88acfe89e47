"""`codex-listen`: a running server that begins to listen for HTTP clients."""

from __future__ import annotations

import os

from codextui.config.address import HttpAddress, parse_http_address, parse_mcp_url
from codextui.errors import ConfigInvalid, ServerRefused, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.server.clients import Caller
from codextui.server.state import ServerState


async def listen(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-listen`."""
    if not caller.session.persistent:
        raise ServerRefused("HTTP clients cannot open addresses: connect to the server's socket")
    address = _address(arguments)
    added = not _listens_on(server, address)
    if added:
        _start(server, address)
    server.http.is_wanted = True
    return {"http": server.http.url, "added": added, "pid": os.getpid()}


def _address(arguments: JsonObject) -> HttpAddress:
    try:
        address = parse_http_address(fields.text(arguments, "address"))
    except ConfigInvalid as error:
        raise ServerRefused(f"address {error}") from error
    if not (address.is_loopback or fields.flag(arguments, "anywhere")):
        raise ServerRefused(
            f"{address} can be reached by other machines, and what is said would travel "
            "unencrypted: that needs `anywhere`"
        )
    return address


def _listens_on(server: ServerState, address: HttpAddress) -> bool:
    return bool(server.http.url) and parse_mcp_url(server.http.url).includes(address)


def _start(server: ServerState, address: HttpAddress) -> None:
    if server.http.url:
        end = server.options.shell_command("kill-server")
        raise ServerRefused(
            f"the server {server.options.name!r} listens on {server.http.url}, and on one address "
            f"only: use that one, or type `{end}` first, which ends its turns"
        )
    if server.http.listen is None:
        raise ServerRefused("this server does not listen for HTTP clients")
    try:
        server.http.listen(address)
    except (ConfigInvalid, ServerUnreachable) as error:
        raise ServerRefused(str(error)) from error
