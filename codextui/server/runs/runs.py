"""The runs of all programs: who may tell of them, and what becomes of what is told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from codextui.errors import ServerRefused
from codextui.server.broker import Broker
from codextui.server.runs.publication import Told
from codextui.server.runs.run import OVER, Run, left_alone
from codextui.server.session import Session
from codextui.server.threads.record import ThreadRecord, TurnOutcome
from codextui.server.threads.registry import Registry
from codextui.wire import event as ev
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo, ThreadState

MAX_ROWS = 500
"""Rows that a run may have."""

MAX_RUNS = 64
"""Runs that one client may tell of."""

MAX_KEPT = 256 * 1024 * 1024
"""Characters of a run's past that are kept; then no more is taken of it."""

OVERHEAD = 200
"""What an event costs beside its own characters, in characters."""

GONE = "The program that ran it is gone."


class Runs:
    """The runs. A run belongs to the client that told of it first, until that is gone."""

    def __init__(self, registry: Registry, broker: Broker) -> None:
        self._registry = registry
        self._broker = broker
        self._runs: dict[str, Run] = {}

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
            run.told.clear()
        if run.killed and run.killed_under is not by and any(map(_brings_back, told)):
            run.killed = False
        for one in told:
            run.kept += _kept(one)
            self._apply(run, one)
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
                run.owner = None
                self._abandon(run)

    def kill(self, run: Run) -> None:
        """Hide a run, and whatever its program still tells of it."""
        self._runs[run.run_id] = run
        run.killed = True
        run.killed_under = run.owner
        for record in run.rows.values():
            self._end(record, ev.TurnAborted("killed"))
            self._registry.update(
                record, state=ThreadState.KILLED, turn_started_at=None, waits_for=""
            )

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
        if run.owner is None and sum(one.owner is by for one in self._runs.values()) >= MAX_RUNS:
            raise ServerRefused(f"a client may tell of {MAX_RUNS} runs, and this one does already")
        if run.kept + sum(map(_kept, told)) > MAX_KEPT:
            raise ServerRefused(f"no more of {run.run_id} is taken: {MAX_KEPT} characters are kept")
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

    def _apply(self, run: Run, told: Told) -> None:
        if isinstance(told.msg, ev.ThreadChanged):
            self._tell_row(run, told.msg.thread)
            return
        record, turn_id = run.rows[told.thread_id], told.turn_id
        match told.msg:
            case ev.TurnStarted():
                record.begin_turn(turn_id)
                self._registry.publish(record, turn_id, told.msg)
                if record.info.turn_id != turn_id:
                    self._change(record, turn_id=turn_id, turn_started_at=time.time())
            case ev.TurnCompleted(said):
                self._end(record, ev.TurnCompleted(said or record.last_message), turn_id)
            case ev.TurnAborted():
                self._end(record, told.msg, turn_id)
            case ev.ItemCompleted({"type": "agentMessage", "text": str(text)}):
                record.last_message = text
                self._registry.publish(record, turn_id, told.msg)
            case ev.TokensCounted(total, _, window):
                counted = {"usage": total, "context_window": window}
                _keep(record, counted)
                self._registry.note(record, **counted)
                self._registry.publish(record, turn_id, told.msg)
            case msg:
                self._registry.publish(record, turn_id, msg)

    def _tell_row(self, run: Run, row: ThreadInfo) -> None:
        assert run.owner is not None  # noqa: S101 - publish has set it
        row = replace(row, client=run.owner.client)
        record = run.rows.get(row.thread_id)
        if record is None:
            handle = self._registry.unique_handle(row.handle or row.thread_id.rpartition("/")[2])
            state = ThreadState.KILLED if run.killed else row.state
            record = ThreadRecord(replace(row, handle=handle, state=state), told=row)
            run.rows[row.thread_id] = record
            self._registry.add(record)
        else:
            record.told = row
            self._registry.put(record, self._row_of(run, record, row))
        if row.thread_id not in run.told:
            run.told.add(row.thread_id)
            if row.state.has_turn and not record.running:
                record.running = row.turn_id  # it goes on with a turn that it told of elsewhere

    def _row_of(self, run: Run, record: ThreadRecord, row: ThreadInfo) -> ThreadInfo:
        """The row as everybody is told it: the handle, approvals and the end are the server's."""
        before = record.info
        handle = before.handle
        if run.killed:
            return replace(
                row, handle=handle, state=ThreadState.KILLED, turn_started_at=None, waits_for=""
            )
        if before.state is ThreadState.KILLED:
            handle = self._registry.unique_handle(handle)
        if record.asking:
            waits_for = next(iter(record.asking.values()))
            row = replace(row, state=ThreadState.NEEDS_INPUT, waits_for=waits_for)
        return replace(row, handle=handle)

    def _end(
        self, record: ThreadRecord, msg: ev.TurnCompleted | ev.TurnAborted, turn_id: str = ""
    ) -> None:
        """End a turn and what was asked in it; without `turn_id`, what runs and all approvals."""
        self._broker.withdraw(thread_id=record.info.thread_id, turn_id=turn_id or None)
        turn_id = turn_id or record.running
        if not turn_id:
            return
        self._registry.publish(record, turn_id, msg)
        outcome = TurnOutcome(turn_id, record.last_message)
        if isinstance(msg, ev.TurnAborted):
            outcome = replace(outcome, reason=msg.reason, message=msg.message)
        record.end_turn(outcome)
        if record.info.turn_id == turn_id:
            self._change(record, turn_started_at=None)

    def _abandon(self, run: Run) -> None:
        for record in run.rows.values():
            self._end(record, ev.TurnAborted("lost", GONE))
            record.told = None
            self._registry.put(record, left_alone(record.info))

    def _change(self, record: ThreadRecord, **changes: object) -> None:
        """Change a row and what it goes back to after an approval; tell everybody."""
        _keep(record, changes)
        self._registry.update(record, **changes)


def _keep(record: ThreadRecord, changes: Mapping[str, object]) -> None:
    if record.told is not None:
        record.told = replace(record.told, **changes)  # type: ignore[arg-type]  # fields of it


def _brings_back(told: Told) -> bool:
    """Whether this says that a run goes on."""
    match told.msg:
        case ev.ThreadChanged(ThreadInfo(kind=ThreadKind.RUN, state=state)):
            return state not in OVER
        case _:
            return False


def _kept(told: Told) -> int:
    """How much of the past this takes up for good; what the next of its kind replaces is none."""
    match told.msg:
        case ev.ThreadChanged() | ev.TokensCounted() | ev.GatesChecked() | ev.PlanUpdated():
            return 0
        case ev.TextDelta() | ev.ReasoningDelta() | ev.PlanDelta() | ev.OutputDelta():
            return len(told.msg.delta)
        case _:
            return told.chars + OVERHEAD
