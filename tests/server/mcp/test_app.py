"""What the server says of itself to a client."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.server.mcp.app import instructions
from codextui.server.options import ServerOptions


def options(name: str) -> ServerOptions:
    path = Path("/nowhere")
    return ServerOptions(name=name, socket=path, lock=path, journal=path)


@pytest.mark.parametrize(
    ("name", "stop"),
    [
        ("default", "`codextui interrupt THREAD`"),
        ("other", "`codextui interrupt -L other THREAD`"),
    ],
)
def test_the_instructions_of_a_shared_server_say_how_to_continue_and_how_to_stop(
    name: str, stop: str
) -> None:
    told = instructions(options(name))
    assert "threadId" in told
    assert "codex-reply" in told
    assert stop in told
    assert len(told) < 2_000  # what Claude Code shows of it


def test_the_instructions_of_a_private_server_name_no_command_that_cannot_reach_it() -> None:
    told = instructions(options(""))
    assert "codex-reply" in told
    assert "codextui" not in told
