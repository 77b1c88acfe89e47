"""Turns that end with the client that started them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.owned_turns import OwnedTurn, OwnedTurns
from codextui.server.threads.registry import SUB_AGENT_CLIENT, ThreadRecord, ThreadRegistry
from codextui.server.threads.turns import SentMessage


@pytest.mark.parametrize("begins", ["before", "after"])
async def test_a_sub_agent_ends_with_the_turn_whenever_its_own_begins(
    begins: str, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    registry = ThreadRegistry(EventHub(), journal)
    parent = ThreadRecord(ThreadInfo("p", "parent", ThreadState.IDLE))
    info = ThreadInfo("c", "child", ThreadState.IDLE, client=SUB_AGENT_CLIENT, parent="p")
    child = ThreadRecord(info)
    registry.add(parent)
    registry.add(child)
    turns = Mock(registry=registry, interrupt=AsyncMock(), end_commands=AsyncMock())
    owned = OwnedTurns(turns)
    owned.add("client", OwnedTurn(SentMessage(parent, "turn-1", steered=False), with_commands=True))
    if begins == "before":
        registry.apply(child, "turn-c", ev.TurnStarted())
    ending = asyncio.create_task(owned.end("client"))
    if begins == "after":
        for _ in range(10):  # rounds of the event loop
            await asyncio.sleep(0)
        assert child.watchers
        turns.interrupt.assert_not_awaited()
        registry.apply(child, "turn-c", ev.TurnStarted())
    await ending
    turns.interrupt.assert_awaited_once_with("c")
    assert not child.watchers
    await journal.close()


async def test_a_sub_agent_that_never_begins_is_not_waited_for_long(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    registry = ThreadRegistry(EventHub(), journal)
    parent = ThreadRecord(ThreadInfo("p", "parent", ThreadState.IDLE))
    info = ThreadInfo("c", "child", ThreadState.IDLE, client=SUB_AGENT_CLIENT, parent="p")
    registry.add(parent)
    registry.add(ThreadRecord(info))
    turns = Mock(registry=registry, interrupt=AsyncMock(), end_commands=AsyncMock())
    owned = OwnedTurns(turns, first_turn_s=0.0)
    owned.add("client", OwnedTurn(SentMessage(parent, "turn-1", steered=False), with_commands=True))
    await owned.end("client")
    assert not owned.has("client")
    await journal.close()
