"""Turns that end with the client that started them, as those of `codex exec` do."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field

from codextui.errors import CodextuiError, TurnNotRunning
from codextui.server.threads.turns import SentMessage, Turns

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnedTurns:
    """The clients whose turns end with them.

    Attributes:
        turns: ends the turns.
    """

    turns: Turns
    _by_owner: defaultdict[Hashable, list[SentMessage]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, owner: Hashable, sent: SentMessage) -> None:
        """Let a turn end with a client."""
        self._by_owner[owner].append(sent)

    def has(self, owner: Hashable) -> bool:
        """Return whether a client has such turns."""
        return owner in self._by_owner

    async def end(self, owner: Hashable) -> None:
        """End what the turns of a client that has disconnected have left running.

        A turn of somebody else that runs on the same thread goes on.
        """
        await asyncio.gather(*(self._end(sent) for sent in self._by_owner.pop(owner, ())))

    async def _end(self, sent: SentMessage) -> None:
        record = sent.record
        try:
            if record.turn.running_id == sent.turn_id:
                with suppress(TurnNotRunning):
                    await self.turns.interrupt(record.thread_id)
            else:
                await self.turns.end_commands(record)
        except CodextuiError as error:
            logger.warning("the turn of %s was not ended: %s", record.info.handle, error)
