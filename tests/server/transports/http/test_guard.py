"""Which names and pages are let in where the server listens for other machines, too."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from codextui.config.address import HttpAddress
from codextui.server.transports.http.guard import HttpGuard
from codextui.server.transports.http.token import TokenFile

LET_IN = 200


async def answer(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": LET_IN, "headers": []})


async def knock(tmp_path: Path, address: str, **headers: str) -> int:
    """The status of a request with the token to a server that listens there."""
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
        ("0.0.0.0", "192.0.2.7:8040", LET_IN),
        ("0.0.0.0", "localhost:8040", LET_IN),
        ("0.0.0.0", f"{socket.gethostname()}:8040", LET_IN),
        ("0.0.0.0", "evil.example:8040", 421),
        ("::", "[2001:db8::7]:8040", LET_IN),
        ("192.0.2.7", "192.0.2.7:8040", LET_IN),
        ("192.0.2.7", "192.0.2.8:8040", 421),
        ("192.0.2.7", "localhost:8040", 421),
        ("::1", "[::1]:8040", LET_IN),
    ],
)
async def test_only_names_of_its_own_are_answered(
    tmp_path: Path, address: str, host: str, status: int
) -> None:
    assert await knock(tmp_path, address, host=host) == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://192.0.2.7:8040", LET_IN),
        ("http://192.0.2.7:9", 403),
        ("http://localhost:8040", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_only_pages_of_its_own_are_let_in(tmp_path: Path, origin: str, status: int) -> None:
    assert await knock(tmp_path, "192.0.2.7", host="192.0.2.7:8040", origin=origin) == status


async def test_a_request_without_a_host_is_refused(tmp_path: Path) -> None:
    assert await knock(tmp_path, "127.0.0.1") == 421
