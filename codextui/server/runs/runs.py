"""The runs of all programs: who may tell of them, and what becomes of what is told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from msgspec import structs

from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import RUN_PREFIX, TEAM_CLIENT_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.approvals.broker import Broker
from codextui.server.mcp.session import Session
from codextui.server.runs.publication import Told
from codextui.server.threads.registry import Registry, ThreadRecord, TurnOutcome

OVER = (ThreadState.DONE, ThreadState.FAILED, ThreadState.INTERRUPTED, ThreadState.KILLED)
"""The states of a role or a run that has come to its end."""


@dataclass(slots=True, eq=False)
class Run:
    """A run that a program tells of, or told of.

    Attributes:
        run_id: the id of its own row.
        rows: its own row and those of its roles, by id, in the order in which they were told.
        owner: whose run it is for as long as that is connected; None where nobody is.
        told: the rows that the owner has told.
        killed: whether it was killed, and has not been run again since.
        killed_under: the owner whose run was killed: what that still tells brings no row back.
        kept: characters of what its owner has told, and is kept.
    """

    run_id: str
    rows: dict[str, ThreadRecord] = field(default_factory=dict)
    owner: Session | None = None
    told: set[str] = field(default_factory=set)
    killed: bool = False
    killed_under: Session | None = None
    kept: int = 0


def how_to_resume(client: str, run_id: str) -> str:
    """What a person can type to go on with a run of a client's; empty where nobody knows."""
    if not client.startswith(TEAM_CLIENT_PREFIX):
        return ""
    return f"`codextui run --resume {run_id.removeprefix(RUN_PREFIX)}`"


def left_alone(row: ThreadInfo) -> ThreadInfo:
    """The row of a role or run whose program is gone: what had not ended waits for it."""
    if row.state in OVER:
        return structs.replace(row, turn_started_at=None, waits_for="")
    how = how_to_resume(row.client, row.parent or row.thread_id)
    note = "the program that ran it is gone"
    return structs.replace(
        row,
        state=ThreadState.DISCONNECTED,
        turn_started_at=None,
        waits_for="",
        note=f"{note}: {how}" if how else note,
    )


_GONE = "The program that ran it is gone."


@dataclass(frozen=True, slots=True)
class Rows:
    """Changes rows as their program tells, and tells everybody.

    A row is what its program says, but for what only the server knows: its handle, whose it is,
    that something is asked, and that it was killed.
    """

    registry: Registry
    broker: Broker

    def apply(self, run: Run, owner: Session, told: Told) -> None:
        """Apply something that was told; what it is about has been told before."""
        match told.msg:
            case ev.ThreadChanged(row):
                self._tell_row(run, structs.replace(row, client=owner.client))
            case msg:
                self._tell(run.rows[told.thread_id], told.turn_id, msg)

    def kill(self, record: ThreadRecord) -> None:
        """End what goes on in a row, and hide it."""
        self._end(record, ev.TurnAborted("killed"))
        self.registry.put(record, _killed(record.info))

    def abandon(self, record: ThreadRecord) -> None:
        """End what goes on in a row, because its program is gone."""
        self._end(record, ev.TurnAborted("lost", _GONE))
        record.told = None
        self.registry.put(record, left_alone(record.info))

    def _tell(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> None:
        match msg:
            case ev.TurnCompleted(said):
                self._end(record, ev.TurnCompleted(said or record.last_message), turn_id)
                return
            case ev.TurnAborted():
                self._end(record, msg, turn_id)
                return
            case ev.TurnStarted():
                record.begin_turn(turn_id)
            case ev.ItemCompleted({"type": "agentMessage", "text": str(text)}):
                record.last_message = text
            case ev.TokensCounted(total, _, window):
                counted = {"usage": total, "context_window": window}
                _keep(record, counted)
                self.registry.note(record, **counted)
            case _:
                pass
        self.registry.publish(record, turn_id, msg)
        if isinstance(msg, ev.TurnStarted):
            self._begin(record, turn_id)

    def _tell_row(self, run: Run, row: ThreadInfo) -> None:
        record = run.rows.get(row.thread_id)
        if record is None:
            record = self._add(run, row)
        else:
            record.told = structs.replace(row, created_at=row.created_at or record.info.created_at)
            self.registry.put(record, self._row_of(run, record, record.told))
        if row.thread_id not in run.told:
            run.told.add(row.thread_id)
            if row.state.has_turn and not record.running:
                record.running = row.turn_id  # it goes on with a turn that it told of elsewhere

    def _add(self, run: Run, row: ThreadInfo) -> ThreadRecord:
        handle = self.registry.unique_handle(row.handle or row.thread_id.rpartition("/")[2])
        row = structs.replace(row, handle=handle, created_at=row.created_at or time.time())
        record = ThreadRecord(_killed(row) if run.killed else row, told=row)
        run.rows[row.thread_id] = record
        self.registry.add(record)
        return record

    def _row_of(self, run: Run, record: ThreadRecord, row: ThreadInfo) -> ThreadInfo:
        """The row as everybody is told it."""
        handle = record.info.handle
        if run.killed:
            return structs.replace(_killed(row), handle=handle)
        if record.info.state is ThreadState.KILLED:
            handle = self.registry.unique_handle(handle)
        if record.asking:
            waits_for = next(iter(record.asking.values()))
            row = structs.replace(row, state=ThreadState.NEEDS_INPUT, waits_for=waits_for)
        return structs.replace(row, handle=handle)

    def _begin(self, record: ThreadRecord, turn_id: str) -> None:
        """Have a row say that a turn runs, where its program has not."""
        known = record.info.turn_id == turn_id and record.info.turn_started_at is not None
        if not known and record.info.state is not ThreadState.KILLED:
            self._change(record, turn_id=turn_id, turn_started_at=time.time())

    def _end(
        self, record: ThreadRecord, msg: ev.TurnCompleted | ev.TurnAborted, turn_id: str = ""
    ) -> None:
        """End a turn and what was asked in it; without `turn_id`, what runs and all approvals."""
        self.broker.withdraw(thread_id=record.info.thread_id, turn_id=turn_id or None)
        turn_id = turn_id or record.running
        if not turn_id:
            return
        self.registry.publish(record, turn_id, msg)
        outcome = TurnOutcome(turn_id, record.last_message)
        if isinstance(msg, ev.TurnAborted):
            outcome = replace(outcome, reason=msg.reason, message=msg.message)
        record.end_turn(outcome)
        if record.info.turn_id == turn_id:
            self._change(record, turn_started_at=None)

    def _change(self, record: ThreadRecord, **changes: object) -> None:
        """Change a row and what it goes back to after an approval; tell everybody."""
        _keep(record, changes)
        self.registry.update(record, **changes)


def _keep(record: ThreadRecord, changes: Mapping[str, object]) -> None:
    if record.told is not None:
        record.told = structs.replace(record.told, **changes)


def _killed(row: ThreadInfo) -> ThreadInfo:
    return structs.replace(row, state=ThreadState.KILLED, turn_started_at=None, waits_for="")


MAX_ROWS = 500
"""Rows that a run may have."""

MAX_RUNS = 64
"""Runs that one client may have going on."""

MAX_KEPT = 256 * 1024 * 1024
"""Characters that are kept of the past of a client's runs; then no more is taken."""

MAX_CALLS = 4
"""Calls with which a client may tell something at once."""

OVERHEAD = 200
"""What an event costs beside its own characters, in characters."""


class Runs:
    """The runs. A run belongs to the client that told of it first, until that is gone."""

    def __init__(self, registry: Registry, broker: Broker) -> None:
        self._registry = registry
        self._rows = Rows(registry, broker)
        self._runs: dict[str, Run] = {}
        self._calls: Counter[Session] = Counter()

    @contextmanager
    def telling(self, by: Session) -> Iterator[None]:
        """While a client's call is not answered. Raises ServerRefused where there are too many."""
        if self._calls[by] >= MAX_CALLS:
            raise ServerRefused(f"{MAX_CALLS} calls of codex-publish are not answered yet: wait")
        self._calls[by] += 1
        try:
            yield
        finally:
            self._calls[by] -= 1
            if not self._calls[by]:
                del self._calls[by]

    def publish(self, run_id: str, told: Iterable[Told], by: Session) -> dict[str, str]:
        """Apply what a client tells of its run, all or nothing; return the handles of its rows.

        Raises ServerRefused.
        """
        told = tuple(told)
        run = self._runs.get(run_id) or self._recollect(run_id)
        self._check(run, told, by)
        self._runs[run_id] = run
        if run.owner is not by:
            run.owner = by
            run.kept = 0
            run.told.clear()
        if run.killed and run.killed_under is not by and any(map(_brings_back, told)):
            run.killed = False
        run.kept += _kept_of(run, told)
        for one in told:
            self._rows.apply(run, by, one)
        return {thread_id: record.info.handle for thread_id, record in run.rows.items()}

    def run_of(self, record: ThreadRecord) -> Run:
        """The run that a row is of."""
        run_id = record.info.thread_id.partition("/")[0]
        return self._runs.get(run_id) or self._recollect(run_id)

    def check_owner(self, record: ThreadRecord, session: Session) -> None:
        """Raises ServerRefused where a row is of no run that this client tells of."""
        run = None if record.in_codex else self.run_of(record)
        if run is None or run.owner is not session:
            raise ServerRefused(f"{record.info.handle} is of no run that {session.name} tells of")
        if run.killed:
            raise ServerRefused(f"{record.info.handle} was killed")

    def leave(self, session: Session) -> None:
        """A client is gone: nobody runs what it ran, until somebody tells of that again."""
        for run in self._runs.values():
            if run.owner is session:
                run.owner = run.killed_under = None
                for record in run.rows.values():
                    self._rows.abandon(record)

    def kill(self, run: Run) -> None:
        """Hide a run, and whatever its program still tells of it."""
        self._runs[run.run_id] = run
        run.killed = True
        run.killed_under = run.owner
        for record in run.rows.values():
            self._rows.kill(record)

    def _recollect(self, run_id: str) -> Run:
        """A run that nobody has told of to this server; what it had before is its own."""
        rows = {
            record.info.thread_id: record
            for record in self._registry
            if record.info.thread_id == run_id or record.info.thread_id.startswith(f"{run_id}/")
        }
        own = rows.get(run_id)
        killed = own is not None and own.info.state is ThreadState.KILLED
        return Run(run_id, rows, killed=killed)

    def _check(self, run: Run, told: tuple[Told, ...], by: Session) -> None:
        if run.owner is not None and run.owner is not by:
            raise ServerRefused(f"{run.run_id} is run by {run.owner.name}")
        owned = [one for one in self._runs.values() if one.owner is by]
        if run.owner is None and sum(map(_goes_on, owned)) >= MAX_RUNS:
            raise ServerRefused(f"{MAX_RUNS} runs of a client may go on, and as many do already")
        if sum(one.kept for one in owned) + _kept_of(run, told) > MAX_KEPT:
            raise ServerRefused(f"no more is taken: {MAX_KEPT} characters are kept of a client")
        self._check_rows(run, told)

    def _check_rows(self, run: Run, told: tuple[Told, ...]) -> None:
        known = set(run.rows)
        for number, one in enumerate(told):
            if isinstance(one.msg, ev.ThreadChanged) and (
                one.thread_id == run.run_id or run.run_id in known
            ):
                known.add(one.thread_id)
            if one.thread_id not in known:
                what = "row" if run.run_id in known else "run's own row"
                raise ServerRefused(
                    f"codex-publish: events.{number}: tell the {what} first (thread_changed)"
                )
        if len(known) > MAX_ROWS:
            raise ServerRefused(f"{run.run_id} would have {len(known)} rows; {MAX_ROWS} may be")


def _brings_back(told: Told) -> bool:
    """Whether this says that a run goes on."""
    match told.msg:
        case ev.ThreadChanged(ThreadInfo(kind=ThreadKind.RUN, state=state)):
            return state not in OVER
        case _:
            return False


def _goes_on(run: Run) -> bool:
    own = run.rows.get(run.run_id)
    return own is not None and own.info.state not in OVER


def _kept_of(run: Run, told: tuple[Told, ...]) -> int:
    """How much of the past all of this takes up for good, with the rows that are new."""
    new = {
        one.thread_id: one.chars + OVERHEAD
        for one in told
        if isinstance(one.msg, ev.ThreadChanged) and one.thread_id not in run.rows
    }
    return sum(new.values()) + sum(map(_kept, told))


def _kept(told: Told) -> int:
    """How much of the past this takes up for good; what the next of its kind replaces is none."""
    match told.msg:
        case ev.ThreadChanged() | ev.TokensCounted() | ev.GatesChecked() | ev.PlanUpdated():
            return 0
        case ev.TextDelta() | ev.ReasoningDelta() | ev.PlanDelta() | ev.OutputDelta():
            return len(told.msg.delta)
        case _:
            return told.chars + OVERHEAD
