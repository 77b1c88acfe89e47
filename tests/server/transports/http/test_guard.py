"""Which hosts and origins are accepted, also where the server listens for other machines."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from codextui.config.address import HttpAddress
from codextui.server.transports.http.guard import HttpGuard
from codextui.server.transports.http.token import TokenFile

ACCEPTED = 200


async def answer(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": ACCEPTED, "headers": []})


async def request(tmp_path: Path, address: str, **headers: str) -> int:
    """Return the status of a request with the token to a server at that address."""
    token = TokenFile(tmp_path / "token")
    guard = HttpGuard(answer, HttpAddress(address, 8040), token)
    given = {"authorization": f"Bearer {token.read()}", **headers}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing of the body is read")

    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": raw}
    await guard(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("0.0.0.0", "192.0.2.7:8040", ACCEPTED),
        ("0.0.0.0", "localhost:8040", ACCEPTED),
        ("0.0.0.0", f"{socket.gethostname()}:8040", ACCEPTED),
        ("0.0.0.0", "evil.example:8040", 421),
        ("::", "[2001:db8::7]:8040", ACCEPTED),
        ("192.0.2.7", "192.0.2.7:8040", ACCEPTED),
        ("192.0.2.7", "192.0.2.8:8040", 421),
        ("192.0.2.7", "localhost:8040", 421),
        ("::1", "[::1]:8040", ACCEPTED),
    ],
)
async def test_only_the_servers_own_names_are_accepted(
    tmp_path: Path, address: str, host: str, status: int
) -> None:
    assert await request(tmp_path, address, host=host) == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://192.0.2.7:8040", ACCEPTED),
        ("http://192.0.2.7:9", 403),
        ("http://localhost:8040", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_only_the_servers_own_pages_are_allowed(
    tmp_path: Path, origin: str, status: int
) -> None:
    assert await request(tmp_path, "192.0.2.7", host="192.0.2.7:8040", origin=origin) == status


async def test_a_request_without_a_host_is_refused(tmp_path: Path) -> None:
    assert await request(tmp_path, "127.0.0.1") == 421
