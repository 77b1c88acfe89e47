"""Guards the HTTP transport: checks a request's headers before its body is read."""

from __future__ import annotations

import json
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from codextui.config.address import MCP_PATH, HttpAddress
from codextui.jsonrpc.endpoint import INVALID_REQUEST
from codextui.jsonrpc.fields import JsonObject
from codextui.server.mcp.validation import error_response
from codextui.server.transports.http.token import TokenFile

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class HttpGuard:
    """Passes on requests that name this server, come from no foreign page and have the token.

    All others are refused with the reason, and learn nothing of the server. The `Host` header is
    checked against DNS rebinding, the `Origin` header against foreign web pages.
    """

    def __init__(self, app: ASGIApp, address: HttpAddress, token: TokenFile) -> None:
        self._app = app
        self._token = token
        self._address = address
        self._names = _host_names(address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request as ASGI defines it."""
        if scope["type"] != "http":
            return
        handle = self._refusal(scope) or self._app
        await handle(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._names_this_server(headers.getlist("host")):
            return json_error(421, "this server goes by another name: see the Host header")
        if not all(self._is_own_page(o, headers["host"]) for o in headers.getlist("origin")):
            return json_error(403, "web pages of other origins are not let in")
        if not self._is_authorized(headers.getlist("authorization")):
            return json_error(
                401,
                "a bearer token is needed, which `codextui token` prints",
                {"WWW-Authenticate": 'Bearer realm="codextui"'},
            )
        if scope["path"].rstrip("/") != MCP_PATH:
            return json_error(404, f"there is nothing but {MCP_PATH}")
        return None

    def _names_this_server(self, hosts: list[str]) -> bool:
        name = _host_name(f"//{hosts[0]}") if len(hosts) == 1 else ""
        return name in self._names or (self._address.is_unspecified and _is_address(name))

    def _is_own_page(self, origin: str, host: str) -> bool:
        name = _host_name(origin)
        if self._address.is_loopback:
            return name in _LOOPBACK_NAMES
        return bool(name) and origin.partition("//")[2] == host

    def _is_authorized(self, presented: list[str]) -> bool:
        scheme, _, token = presented[0].partition(" ") if len(presented) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and self._token.accepts(token.strip())


def json_error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return a response that refuses a request, with the reason as a JSON-RPC error."""
    return json_response(status, error_response(None, INVALID_REQUEST, message), headers)


def json_response(status: int, body: JsonObject, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON object as its body."""
    content = json.dumps(body)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def _host_names(address: HttpAddress) -> frozenset[str]:
    """Return the names under which a server at that address is reached."""
    if address.is_loopback:
        return _LOOPBACK_NAMES | {address.host}
    if not address.is_unspecified:
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
