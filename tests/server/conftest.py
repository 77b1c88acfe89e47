from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from contract.serving import Served

from codextui.demo import Script, ScriptedModel
from codextui.server.options import ServerOptions


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="codextui-") as path:
        yield Path(path)


@pytest.fixture
def options(folder: Path) -> ServerOptions:
    """The options of a server without a Codex."""
    return ServerOptions(
        name="test",
        socket=folder / "s.sock",
        lock=folder / "s.lock",
        journal=folder / "s.sqlite",
        log=folder / "s.log",
        codex_binary=folder / "no-codex",
    )


@pytest.fixture
async def served(options: ServerOptions) -> AsyncIterator[Served]:
    served = Served(options, ScriptedModel(Script()))
    await served.start()
    yield served
    await served.stop()
