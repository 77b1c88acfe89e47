"""Keeps the facts of a connection, and lets a test wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from codextui.client.facts import EventArrived, Fact
from codextui.protocol.events import Event

FactT = TypeVar("FactT")


class Recorder:
    """`take` is a connection's `on_fact`."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._changed = asyncio.Event()

    def take(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._changed.set()

    async def until(self, fits: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not fits():
                self._changed.clear()
                await self._changed.wait()

    async def wait_for(self, kind: type[FactT], count: int = 1) -> FactT:
        """Wait until `count` facts of this kind came, and return the last of them."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def of(self, kind: type[FactT]) -> list[FactT]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def events(self) -> list[Event]:
        return [fact.event for fact in self.of(EventArrived)]
