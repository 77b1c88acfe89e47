"""Turns that end with the client that started them, as those of `codex exec` do."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from codextui.errors import CodextuiError, TurnNotRunning
from codextui.server.threads.registry import ThreadRecord
from codextui.server.threads.turns import SentMessage, Turns

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnedTurn:
    """A turn that ends with its client.

    Attributes:
        sent: the message that started it.
        with_commands: whether commands and sub-agents that it leaves at work end with the client
            as well; those of other clients on the same thread are not told apart.
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
        record, registry = turn.sent.record, self.turns.registry
        if record.turn.running_id == turn.sent.turn_id:
            await self._interrupt(record)
        elif turn.with_commands:
            await self.turns.end_commands(record)
        if turn.with_commands:
            for child in registry:
                if registry.is_sub_agent_of(record.thread_id, child.thread_id):
                    await self._interrupt(child)

    async def _interrupt(self, record: ThreadRecord) -> None:
        try:
            await self.turns.interrupt(record.thread_id)
        except TurnNotRunning:
            pass
        except CodextuiError as error:
            logger.warning("the turn of %s was not ended: %s", record.info.handle, error)
