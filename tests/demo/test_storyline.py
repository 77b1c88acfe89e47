"""The order of things, with a server that does nothing but take notes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codextui.demo.agents import FOLLOW_UP
from codextui.demo.stage import Storyline
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, ThreadState


@dataclass
class Notes:
    """What was called; `called` is set with every call."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    called: asyncio.Condition = field(default_factory=asyncio.Condition)
    refuse: bool = False

    async def call(self, tool: str, arguments: Any) -> Any:
        if self.refuse:
            raise ServerRefused("no")
        async with self.called:
            self.calls.append((tool, arguments))
            self.called.notify_all()
        return {"thread": {"thread_id": arguments.get("handle", "")}}

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10), self.called:
            await self.called.wait_for(lambda: len(self.calls) >= count)


def ended(thread: str) -> ev.Event:
    return ev.Event(1, thread, "u", 0.0, ev.TurnCompleted())


def killed(thread: str) -> ev.Event:
    row = ThreadInfo(thread, thread, ThreadState.KILLED)
    return ev.Event(1, thread, "", 0.0, ev.ThreadChanged(row))


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def test_three_roles_are_started_and_the_builder_gets_a_follow_up_when_the_tests_are_done(
    notes: Notes,
):
    story = Storyline(notes.call, Path("/w"))
    playing = asyncio.create_task(story.play())
    await notes.wait_for(3)
    assert [arguments["handle"] for _, arguments in notes.calls] == ["builder", "tester", "writer"]
    assert {arguments["cwd"] for _, arguments in notes.calls} == {"/w"}
    story.see(ended("builder"))
    story.see(ended("writer"))
    _, pending = await asyncio.wait([playing], timeout=0.05)
    assert pending
    assert len(notes.calls) == 3
    story.see(ended("tester"))
    await notes.wait_for(4)
    assert notes.calls[3] == ("codex-send", {"thread": "builder", "prompt": FOLLOW_UP})
    story.see(ended("builder"))
    await asyncio.wait_for(playing, 10)


async def test_a_killed_builder_gets_no_follow_up(notes: Notes):
    story = Storyline(notes.call, Path("/w"))
    playing = asyncio.create_task(story.play())
    await notes.wait_for(3)
    story.see(killed("builder"))
    story.see(ended("tester"))
    story.see(ended("writer"))
    await asyncio.wait_for(playing, 10)
    assert len(notes.calls) == 3


async def test_a_server_that_refuses_ends_the_story(notes: Notes):
    notes.refuse = True
    with pytest.raises(ServerRefused):
        await Storyline(notes.call, Path("/w")).play()
