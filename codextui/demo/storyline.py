"""The order of things in the demo: three roles at once, then a follow-up for one of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from codextui.demo.role import BUILDER, FOLLOW_UP, ROLES, TESTER, Role
from codextui.wire import event as ev
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.thread import ThreadState

Call = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Calls a tool of the shared server: `Connection.call`."""


class Storyline:
    """Puts the roles to work, and sends the follow-up when its time has come.

    `see` must be given every event of the server, in order.
    """

    def __init__(self, call: Call, project: Path) -> None:
        self._call = call
        self._project = project
        self._ended: Counter[str] = Counter()
        self._killed: set[str] = set()
        self._changed = asyncio.Event()
        self._threads: dict[str, str] = {}

    def see(self, event: ev.Event) -> None:
        """Takes note of the turns that end, and of threads that a person kills."""
        match event.msg:
            case ev.TurnCompleted() | ev.TurnAborted():
                self._ended[event.thread_id] += 1
                self._changed.set()
            case ev.ThreadChanged(thread) if thread.state is ThreadState.KILLED:
                self._killed.add(thread.thread_id)
                self._changed.set()

    async def play(self) -> None:
        """Runs the story and returns when every thread is at rest.

        Raises:
            CodextuiError: the server refused something.
        """
        # A start returns at once, and in this order they stand on the screen.
        for role in ROLES:
            self._threads[role.name] = await self._start(role)
        await self._turns_ended(BUILDER, 1)
        await self._turns_ended(TESTER, 1)
        builder = self._threads[BUILDER.name]
        if builder not in self._killed:
            await self._call("codex-send", {"thread": builder, "prompt": FOLLOW_UP})
            await self._turns_ended(BUILDER, 2)
        for role in ROLES:
            await self._turns_ended(role, 1)

    async def _start(self, role: Role) -> str:
        started = await self._call(
            "codex-start",
            {
                "prompt": role.brief,
                "handle": role.name,
                "cwd": str(self._project),
                "sandbox": role.sandbox,
                "approval-policy": "on-request",
                "developer-instructions": role.instructions,
            },
        )
        return fields.text(fields.as_object(started.get("thread"), "thread"), "thread_id")

    async def _turns_ended(self, role: Role, count: int) -> None:
        """Waits until so many turns have ended, or nothing more can be expected."""
        thread = self._threads[role.name]
        while self._ended[thread] < count and thread not in self._killed:
            self._changed.clear()
            await self._changed.wait()
