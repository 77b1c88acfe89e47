"""One thread, as the server holds it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from codextui.wire.approval import Approval, FileChange
from codextui.wire.event import Msg
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo

KEPT_TURNS = 64
"""Turns whose end can still be asked for."""


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """How a turn ended.

    Attributes:
        turn_id: which.
        content: the agent's last message in it, empty where there was none.
        reason: empty where it ended as it should; otherwise `interrupted`, `failed`, `killed`
            or `lost`.
        message: what went wrong, in a sentence; empty where nothing did.
    """

    turn_id: str
    content: str
    reason: str = ""
    message: str = ""


class Watcher(Protocol):
    """Somebody who made a call on a thread, and waits for its turn. Must not block."""

    def hear(self, msg: Msg) -> None:
        """Something happened on the thread."""

    def unattended(self, approval: Approval) -> None:
        """Nobody who could decide an approval is there, from now on."""


@dataclass(slots=True, eq=False)
class ThreadRecord:
    """A thread: its row, and what the server remembers of the turn that runs.

    Attributes:
        info: the row as it was told last.
        loaded: whether the Codex process of now has it loaded, and tells us of it.
        killing: whether it is being killed, so that its turn's end is called that.
        running: the turn that runs, empty where none does.
        last_message: the agent's last message in that turn.
        patches: what each file change of that turn would do, by item.
        asking: the open approvals by id: what a person has to do, `approval` or `answer`.
        busy: held while a turn is started or the thread is loaded, so that two callers do
            neither twice.
        watchers: those who wait for a turn of it.
        told: of a role or a run, the row as its program told it last; None where no program does.
    """

    info: ThreadInfo
    loaded: bool = False
    killing: bool = False
    running: str = ""
    last_message: str = ""
    patches: dict[str, tuple[FileChange, ...]] = field(default_factory=dict)
    asking: dict[str, str] = field(default_factory=dict)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    watchers: list[Watcher] = field(default_factory=list)
    told: ThreadInfo | None = None
    _turns: OrderedDict[str, asyncio.Future[TurnOutcome]] = field(default_factory=OrderedDict)

    @property
    def in_codex(self) -> bool:
        """Whether it is a thread of Codex's, rather than a role or a run."""
        return self.info.kind is ThreadKind.CODEX

    def begin_turn(self, turn_id: str) -> None:
        """A turn runs now."""
        self.running = turn_id
        self.last_message = ""
        self.patches.clear()
        self.outcome_of(turn_id)

    def end_turn(self, outcome: TurnOutcome) -> None:
        """A turn is over: tell those who wait for it."""
        if self.running == outcome.turn_id:
            self.running = ""
            self.patches.clear()
        future = self.outcome_of(outcome.turn_id)
        if not future.done():
            future.set_result(outcome)

    def outcome_of(self, turn_id: str) -> asyncio.Future[TurnOutcome]:
        """What tells the end of a turn, also where that has come already."""
        future = self._turns.get(turn_id)
        if future is None:
            future = self._turns[turn_id] = asyncio.get_running_loop().create_future()
            while len(self._turns) > KEPT_TURNS and next(iter(self._turns.values())).done():
                self._turns.popitem(last=False)
        return future

    async def wait_for(self, turn_id: str) -> TurnOutcome:
        """Wait for a turn's end. That a waiter is cancelled does nothing to the turn."""
        return await asyncio.shield(self.outcome_of(turn_id))
