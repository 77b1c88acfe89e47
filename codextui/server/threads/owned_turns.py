"""Turns that end with the client that started them, as those of `codex exec` do."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from codextui.errors import CodextuiError, TurnNotRunning
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
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
        first_turn_s: seconds that a sub-agent has to begin, before it counts as one without a turn.
    """

    turns: Turns
    first_turn_s: float = 10.0
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
            above = record.thread_id
            children = [c for c in registry if registry.is_sub_agent_of(above, c.thread_id)]
            await asyncio.gather(*map(self._interrupt_sub_agent, children))

    async def _interrupt_sub_agent(self, record: ThreadRecord) -> None:
        """End the turn of a sub-agent, also one that Codex is only about to start."""
        if not record.info.turn_id:
            await _wait_for_turn(record, self.first_turn_s)
        await self._interrupt(record)

    async def _interrupt(self, record: ThreadRecord) -> None:
        try:
            await self.turns.interrupt(record.thread_id)
        except TurnNotRunning:
            pass
        except CodextuiError as error:
            logger.warning("the turn of %s was not ended: %s", record.info.handle, error)


class _TurnStart:
    """Waits for the start of a turn. A `TurnWatcher`."""

    def __init__(self) -> None:
        self.came = asyncio.Event()

    def on_event(self, msg: ev.Msg) -> None:
        if isinstance(msg, ev.TurnStarted):
            self.came.set()

    def on_unattended(self, approval: Approval) -> None:
        """Do nothing: it waits for no decision."""


async def _wait_for_turn(record: ThreadRecord, seconds: float) -> None:
    start = _TurnStart()
    record.watchers.append(start)
    try:
        async with asyncio.timeout(seconds):
            await start.came.wait()
    except TimeoutError:
        pass
    finally:
        record.watchers.remove(start)
