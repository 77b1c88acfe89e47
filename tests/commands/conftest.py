"""Runs command lines against a fake server, with folders of their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer
from commands.command_line import Result

from codextui import cli
from codextui.config import paths


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Empty folders in place of the user's."""
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
    async def run(*arguments: str) -> Result:
        async with asyncio.timeout(60):
            code = await asyncio.to_thread(cli.main, arguments)
        return Result(code, capsys.readouterr())

    return run
