"""Records what a connection reports, and lets a test wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from codextui.client.updates import ConnectionUpdate, EventReceived
from codextui.protocol.events import Event

FactT = TypeVar("FactT")


class Recorder:
    """`take` is the `on_update` of a connection."""

    def __init__(self) -> None:
        self.updates: list[ConnectionUpdate] = []
        self._changed = asyncio.Event()

    def take(self, update: ConnectionUpdate) -> None:
        self.updates.append(update)
        self._changed.set()

    async def until(self, fits: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not fits():
                self._changed.clear()
                await self._changed.wait()

    async def wait_for(self, kind: type[FactT], count: int = 1) -> FactT:
        """Wait until `count` updates of this kind were reported, and return the last of them."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def of(self, kind: type[FactT]) -> list[FactT]:
        return [update for update in self.updates if isinstance(update, kind)]

    @property
    def events(self) -> list[Event]:
        return [update.event for update in self.of(EventReceived)]
