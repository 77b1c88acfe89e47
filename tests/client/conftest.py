from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client.fake_server import FakeServer


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeServer]:
    folder: Path = tmp_path_factory.mktemp("s")
    async with FakeServer(folder / "s.sock") as server:
        yield server
