"""Who may come in by HTTP at all: looked at before a byte of the body is read."""

from __future__ import annotations

import json
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from codextui.config.address import HttpAddress
from codextui.server.transports.http.token import TokenFile

PATH = "/mcp"
"""The one path that there is."""

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_INVALID_REQUEST = -32600


class HttpGuard:
    """Lets requests through that name this server, come from no foreign page and have the token.

    Everybody else reads why not, and nothing of the server.
    """

    def __init__(self, app: ASGIApp, address: HttpAddress, token: TokenFile) -> None:
        self._app = app
        self._token = token
        self._address = address
        self._names = _names_of(address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as ASGI has it."""
        if scope["type"] != "http":
            return
        handle = self._refusal(scope) or self._app
        await handle(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_for_us(headers.getlist("host")):
            return refusal(421, "this server goes by another name: see the Host header")
        if not all(self._is_own_page(o, headers["host"]) for o in headers.getlist("origin")):
            return refusal(403, "web pages of other origins are not let in")
        if not self._is_authorized(headers.getlist("authorization")):
            return refusal(
                401,
                "a bearer token is needed, which `codextui token` prints",
                {"WWW-Authenticate": 'Bearer realm="codextui"'},
            )
        return (
            None
            if scope["path"].rstrip("/") == PATH
            else refusal(404, f"there is nothing but {PATH}")
        )

    def _is_for_us(self, hosts: list[str]) -> bool:
        """Whether the request was sent to this server, not to a name that was pointed at it."""
        name = _host_name(f"//{hosts[0]}") if len(hosts) == 1 else ""
        return name in self._names or (self._address.is_every_address and _is_address(name))

    def _is_own_page(self, origin: str, host: str) -> bool:
        name = _host_name(origin)
        if self._address.is_loopback:
            return name in _LOOPBACK_NAMES
        return bool(name) and origin.partition("//")[2] == host

    def _is_authorized(self, presented: list[str]) -> bool:
        scheme, _, token = presented[0].partition(" ") if len(presented) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and self._token.accepts(token.strip())


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that says no, as a JSON-RPC error."""
    error = {"code": _INVALID_REQUEST, "message": message}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error})
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _names_of(address: HttpAddress) -> frozenset[str]:
    if address.is_loopback:
        return _LOOPBACK_NAMES | {address.host}
    if not address.is_every_address:
        return frozenset({address.host})
    own = socket.gethostname().lower()
    return _LOOPBACK_NAMES | {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}


def _host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
