"""What a program tells of its run, applied to the rows of the run and its roles."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from codextui.server.broker import Broker
from codextui.server.runs.publication import Told
from codextui.server.runs.run import Run, left_alone
from codextui.server.session import Session
from codextui.server.threads.record import ThreadRecord, TurnOutcome
from codextui.server.threads.registry import Registry
from codextui.wire import event as ev
from codextui.wire.thread import ThreadInfo, ThreadState

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
                self._tell_row(run, replace(row, client=owner.client))
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
            record.told = replace(row, created_at=row.created_at or record.info.created_at)
            self.registry.put(record, self._row_of(run, record, record.told))
        if row.thread_id not in run.told:
            run.told.add(row.thread_id)
            if row.state.has_turn and not record.running:
                record.running = row.turn_id  # it goes on with a turn that it told of elsewhere

    def _add(self, run: Run, row: ThreadInfo) -> ThreadRecord:
        handle = self.registry.unique_handle(row.handle or row.thread_id.rpartition("/")[2])
        row = replace(row, handle=handle, created_at=row.created_at or time.time())
        record = ThreadRecord(_killed(row) if run.killed else row, told=row)
        run.rows[row.thread_id] = record
        self.registry.add(record)
        return record

    def _row_of(self, run: Run, record: ThreadRecord, row: ThreadInfo) -> ThreadInfo:
        """The row as everybody is told it."""
        handle = record.info.handle
        if run.killed:
            return replace(_killed(row), handle=handle)
        if record.info.state is ThreadState.KILLED:
            handle = self.registry.unique_handle(handle)
        if record.asking:
            waits_for = next(iter(record.asking.values()))
            row = replace(row, state=ThreadState.NEEDS_INPUT, waits_for=waits_for)
        return replace(row, handle=handle)

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
        record.told = replace(record.told, **changes)  # type: ignore[arg-type]  # fields of it


def _killed(row: ThreadInfo) -> ThreadInfo:
    return replace(row, state=ThreadState.KILLED, turn_started_at=None, waits_for="")
