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
        self._changed = asyncio.Event()
        self._threads: dict[str, str] = {}

    def see(self, event: ev.Event) -> None:
        """Takes note of the turns that end."""
        if isinstance(event.msg, ev.TurnCompleted | ev.TurnAborted):
            self._ended[event.thread_id] += 1
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
        while self._ended[self._threads[role.name]] < count:
            self._changed.clear()
            await self._changed.wait()
