"""Work that belongs to the server, not to the client that asked for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class Background:
    """Tasks that go on where whoever waits for them is gone."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        """Begin some work; that it fails is in the log at least."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    async def finish(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Begin some work and wait for it; it goes on where the waiting is cancelled."""
        return await asyncio.shield(self.start(work))

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Do something as soon as whatever runs now is through."""
        asyncio.get_running_loop().call_soon(callback)

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.info("%s: %s", type(error).__name__, error)
