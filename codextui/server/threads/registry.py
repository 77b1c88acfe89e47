"""Every thread of the server, by id, handle and beginning of an id."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import structs

from codextui.errors import ServerRefused, ThreadUnknown
from codextui.protocol.approvals import Approval, FileChange
from codextui.protocol.events import Msg, ThreadChanged
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal

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


PREFIX = 6
"""Characters of a thread id that are enough to name it, where they name only one."""

MAX_HANDLE = 40
MAX_BRIEF = 2_000

_NO_HANDLE = re.compile(r"[^A-Za-z0-9._-]+")


class Registry:
    """The threads. Whatever changes a row goes through `update`, which tells everybody."""

    def __init__(self, hub: EventHub, journal: Journal) -> None:
        self._hub = hub
        self._journal = journal
        self._records: dict[str, ThreadRecord] = {}

    def __iter__(self) -> Iterator[ThreadRecord]:
        return iter(tuple(self._records.values()))

    def __contains__(self, thread_id: str) -> bool:
        return thread_id in self._records

    def get(self, thread_id: str) -> ThreadRecord | None:
        """The thread of exactly that id, None where there is none."""
        return self._records.get(thread_id)

    def find(self, name: str) -> ThreadRecord:
        """The thread of that id, handle, or unique beginning of an id. Raises ThreadUnknown.

        Of two threads with one handle (a killed one keeps its own) the living one is meant. The id
        of a run, or of a role, may be given without what all of them begin with.
        """
        record = self._records.get(name)
        if record is not None:
            return record
        living = [r for r in self if r.info.state is not ThreadState.KILLED]
        for records in (living, list(self)):
            for record in reversed(records):
                if record.info.handle == name:
                    return record
        record = self._records.get(RUN_PREFIX + name)
        if record is not None:
            return record
        return self._find_by_prefix(name)

    def find_codex(self, name: str) -> ThreadRecord:
        """As `find`, for what only a thread of Codex's can do. Raises ServerRefused, too."""
        record = self.find(name)
        if not record.in_codex:
            raise ServerRefused(
                f"{record.info.handle} is a {record.info.kind.value} of a team, not a Codex thread"
            )
        return record

    def add(self, record: ThreadRecord) -> None:
        """Take a thread in, and tell everybody."""
        self._records[record.info.thread_id] = record
        self._tell(record)

    def restore(self, record: ThreadRecord) -> None:
        """Take a thread in that the journal knows already."""
        self._records[record.info.thread_id] = record
        if record.info.state is not ThreadState.KILLED:
            self._hub.publish(record.info.thread_id, "", ThreadChanged(record.info))

    def update(self, record: ThreadRecord, **changes: object) -> None:
        """Change a thread's row; tell everybody where that makes a difference."""
        self.put(record, _replace(record.info, changes))

    def put(self, record: ThreadRecord, info: ThreadInfo) -> None:
        """Replace a row by another; tell everybody where that makes a difference."""
        if info != record.info:
            record.info = info
            self._tell(record)

    def begin_turn(self, record: ThreadRecord, turn_id: str) -> None:
        """Change a thread's row to one on which this turn runs; told once for each turn."""
        info = record.info
        known = info.turn_id == turn_id and info.turn_started_at is not None
        began = info.turn_started_at if known else time.time()
        state = ThreadState.NEEDS_INPUT if record.asking else ThreadState.RUNNING
        self.update(record, state=state, turn_id=turn_id, turn_started_at=began, note="")

    def tell_again(self, thread_id: str) -> None:
        """Tell a thread's row after its past."""
        self._tell(self._records[thread_id])

    def rename(self, record: ThreadRecord, wanted: str) -> None:
        """Give a thread another handle, made unique."""
        if wanted != record.info.handle:
            self.update(record, handle=self.unique_handle(wanted))

    def note(self, record: ThreadRecord, **changes: object) -> None:
        """Change a thread's row without telling: it will be in the next telling."""
        record.info = _replace(record.info, changes)

    def note_brief(self, record: ThreadRecord, prompt: str) -> None:
        """Keep the beginning of a thread's first prompt in its row, without telling.

        The row goes to everybody at every change; the whole prompt is in the transcript.
        """
        brief = prompt if len(prompt) <= MAX_BRIEF else prompt[: MAX_BRIEF - 1] + "…"
        self.note(record, brief=brief)

    def publish(self, record: ThreadRecord, turn_id: str, msg: Msg) -> None:
        """Tell everybody that something happened on a thread."""
        self._hub.publish(record.info.thread_id, turn_id, msg)
        for watcher in tuple(record.watchers):
            watcher.hear(msg)

    def unique_handle(self, wanted: str) -> str:
        """The handle that was asked for, or the next one that is free: `backend-2`."""
        taken = {r.info.handle for r in self if r.info.state is not ThreadState.KILLED}
        clean = _NO_HANDLE.sub("-", wanted).strip("-.")[:MAX_HANDLE]
        if not clean:
            return next(h for n in itertools.count(1) if (h := f"codex-{n}") not in taken)
        candidates = itertools.chain([clean], (f"{clean}-{n}" for n in itertools.count(2)))
        return next(handle for handle in candidates if handle not in taken)

    def _find_by_prefix(self, name: str) -> ThreadRecord:
        found = [r for r in self if len(name) >= PREFIX and r.info.thread_id.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ThreadUnknown(f"{name!r} is the beginning of {len(found)} thread ids: add more")
        raise ThreadUnknown(f"no thread has the id or handle {name!r}")

    def _tell(self, record: ThreadRecord) -> None:
        self._journal.keep_thread(record.info)
        self._hub.publish(record.info.thread_id, record.info.turn_id, ThreadChanged(record.info))


def _replace(info: ThreadInfo, changes: Mapping[str, object]) -> ThreadInfo:
    return structs.replace(info, **changes)


def new_message_id() -> str:
    """An id that comes back as `clientId` of the message's item."""
    return f"codextui-{secrets.token_hex(8)}"
