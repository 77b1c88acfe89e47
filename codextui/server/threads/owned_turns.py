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
class OwnedTurn:
    """A turn that ends with its client.

    Attributes:
        sent: the message that started it.
        with_commands: whether commands that it leaves running end with the client as well; those
            of a thread that other clients work on are not told apart.
    """

    sent: SentMessage
    with_commands: bool


@dataclass(frozen=True, slots=True)
class OwnedTurns:
    """The clients whose turns end with them.

    Attributes:
        turns: ends the turns.
    """

    turns: Turns
    _by_owner: defaultdict[Hashable, list[OwnedTurn]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, owner: Hashable, turn: OwnedTurn) -> None:
        """Let a turn end with a client."""
        self._by_owner[owner].append(turn)

    def has(self, owner: Hashable) -> bool:
        """Return whether a client has such turns."""
        return owner in self._by_owner

    async def end(self, owner: Hashable) -> None:
        """End the turns of a client that has disconnected.

        Another turn that runs on the same thread goes on.
        """
        await asyncio.gather(*(self._end(turn) for turn in self._by_owner.pop(owner, ())))

    async def _end(self, turn: OwnedTurn) -> None:
        record = turn.sent.record
        try:
            if record.turn.running_id == turn.sent.turn_id:
                with suppress(TurnNotRunning):
                    await self.turns.interrupt(record.thread_id)
            elif turn.with_commands:
                await self.turns.end_commands(record)
        except CodextuiError as error:
            logger.warning("the turn of %s was not ended: %s", record.info.handle, error)
