"""The server that is composed of its parts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from contract.serving import PATIENCE_S

from codextui.protocol.events import Warned
from codextui.server.app import open_server
from codextui.server.options import ServerOptions


async def warnings_after(options: ServerOptions, *versions: str) -> list[str]:
    """What a server warns of when a Codex of each version has started, one after the other."""
    async with asyncio.timeout(PATIENCE_S), open_server(options) as server:
        for version in versions:
            server.codex_handler.handle_ready(version)
            await asyncio.gather(*server.background._tasks)
        return [e.msg.message for e in server.hub.events_of("") if isinstance(e.msg, Warned)]


async def test_a_codex_that_is_newer_than_the_tested_ones_is_noticed_once(
    options: ServerOptions,
) -> None:
    (warning,) = await warnings_after(options, "0.171.0", "0.999.0", "0.999.0")
    assert "Codex 0.999.0 is newer than 0.171.0" in warning
    assert await warnings_after(options, "0.999.0") == []
    assert len(await warnings_after(options, "0.999.1")) == 1


async def test_a_private_server_says_nothing_of_a_newer_codex(options: ServerOptions) -> None:
    assert await warnings_after(replace(options, name=""), "0.999.0") == []
