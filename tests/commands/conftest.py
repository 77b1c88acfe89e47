"""A command line of its own, and a server that says what a test wants it to say."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer
from commands.command_line import Ran

from codextui import cli
from codextui.config import paths


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No file or server of the user's is seen, and none is left behind."""
    for name in ("state", "config", "cache"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield tmp_path


@pytest.fixture
async def server(home: Path) -> AsyncIterator[FakeServer]:
    async with FakeServer(paths.socket_path("default")) as server:
        yield server


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    async def run(*arguments: str) -> Ran:
        async with asyncio.timeout(20):
            code = await asyncio.to_thread(cli.main, arguments)
        return Ran(code, capsys.readouterr())

    return run
