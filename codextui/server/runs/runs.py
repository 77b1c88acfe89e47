"""The runs that programs publish: who owns each, and what its events change.

A run and each of its roles is a thread of the registry. The run belongs to the client that
published it first, until that client disconnects.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from msgspec import structs

from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.clients import Session
from codextui.server.options import DEFAULT_LIMITS, RunLimits
from codextui.server.runs.publication import PublishedEvent
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.threads.turn_state import AT_REST, ENDED_STATES, disconnected

EVENT_OVERHEAD = 200
"""Characters counted for an event in addition to its own."""

_PROGRAM_GONE = "The program that ran it is gone."


@dataclass(slots=True, eq=False)
class Run:
    """A run of a team.

    Attributes:
        run_id: the id of the run's own thread.
        records: the run's own thread and those of its roles, by id, in the order in which they
            were published.
        owner: the client that runs it; None where that has disconnected.
        published: the ids of the threads whose info the owner has published.
        killed: whether it was killed, and has not been run again since.
        killed_owner: the owner when it was killed, whose events do not bring it back.
        retained_chars: characters of the history that the owner's events take up.
    """

    run_id: str
    records: dict[str, ThreadRecord] = field(default_factory=dict)
    owner: Session | None = None
    published: set[str] = field(default_factory=set)
    killed: bool = False
    killed_owner: Session | None = None
    retained_chars: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        own = self.records.get(self.run_id)
        return own is not None and own.info.state not in ENDED_STATES


class Runs:
    """The runs, and the clients that own them."""

    def __init__(
        self,
        registry: ThreadRegistry,
        broker: ApprovalBroker,
        limits: RunLimits = DEFAULT_LIMITS.runs,
    ) -> None:
        self._registry = registry
        self._threads = _RunThreads(registry, broker)
        self._limits = limits
        self._runs: dict[str, Run] = {}
        self._open_calls: Counter[Session] = Counter()

    @contextmanager
    def open_call(self, session: Session) -> Iterator[None]:
        """Count a call of `codex-publish` as open.

        Raises:
            ServerRefused: the client has too many open calls.
        """
        limit = self._limits.open_calls
        if self._open_calls[session] >= limit:
            raise ServerRefused(f"{limit} calls of codex-publish are not answered yet: wait")
        self._open_calls[session] += 1
        try:
            yield
        finally:
            self._open_calls[session] -= 1
            if not self._open_calls[session]:
                del self._open_calls[session]

    def publish(
        self, run_id: str, events: Iterable[PublishedEvent], session: Session
    ) -> dict[str, str]:
        """Apply the events of a client's run, all or none; return the handles of its threads.

        Raises:
            ServerRefused: the run is another client's, or a limit is reached.
        """
        events = tuple(events)
        run = self._get(run_id)
        self._check(run, events, session)
        self._runs[run_id] = run
        if run.owner is not session:
            run.owner = session
            run.retained_chars = 0
            run.published.clear()
        if run.killed and run.killed_owner is not session and any(map(_revives, events)):
            run.killed = False
        run.retained_chars += _retained_chars(run, events)
        for event in events:
            self._threads.apply(run, session, event)
        return {thread_id: record.info.handle for thread_id, record in run.records.items()}

    def run_of(self, record: ThreadRecord) -> Run:
        """Return the run that a role, or a run's own thread, belongs to."""
        return self._get(record.thread_id.partition("/")[0])

    def check_owner(self, record: ThreadRecord, session: Session) -> None:
        """Check that a client owns the run of a role.

        Raises:
            ServerRefused: it does not, or the run was killed.
        """
        run = None if record.is_codex_thread else self.run_of(record)
        if run is None or run.owner is not session:
            raise ServerRefused(f"{record.info.handle} is of no run that {session.name} tells of")
        if run.killed:
            raise ServerRefused(f"{record.info.handle} was killed")

    def disconnect(self, session: Session) -> None:
        """Mark the runs of a client that has disconnected, until a client publishes them again."""
        for run in self._runs.values():
            if run.owner is session:
                run.owner = run.killed_owner = None
                for record in run.records.values():
                    self._threads.disconnect(record)

    def kill(self, run: Run) -> None:
        """End a run, and hide what its program still publishes of it."""
        self._runs[run.run_id] = run
        run.killed = True
        run.killed_owner = run.owner
        for record in run.records.values():
            self._threads.kill(record)

    def _get(self, run_id: str) -> Run:
        """Return a run, with its threads of an earlier server where this one has not seen it."""
        known = self._runs.get(run_id)
        if known is not None:
            return known
        records = {
            record.thread_id: record
            for record in self._registry
            if record.thread_id == run_id or record.thread_id.startswith(f"{run_id}/")
        }
        own = records.get(run_id)
        killed = own is not None and own.info.state is ThreadState.KILLED
        return Run(run_id, records, killed=killed)

    def _check(self, run: Run, events: tuple[PublishedEvent, ...], session: Session) -> None:
        limits = self._limits
        if run.owner is not None and run.owner is not session:
            raise ServerRefused(f"{run.run_id} is run by {run.owner.name}")
        owned = [one for one in self._runs.values() if one.owner is session]
        active = sum(one.is_active for one in owned)
        if run.owner is None and active >= limits.active_runs:
            raise ServerRefused(
                f"{limits.active_runs} runs of a client may go on, and as many do already"
            )
        retained = sum(one.retained_chars for one in owned) + _retained_chars(run, events)
        if retained > limits.retained_chars:
            raise ServerRefused(
                f"no more is taken: {limits.retained_chars} characters are kept of a client"
            )
        self._check_threads(run, events)

    def _check_threads(self, run: Run, events: tuple[PublishedEvent, ...]) -> None:
        """Check that the run's own thread, and every role, is published before its events."""
        known = set(run.records)
        for number, event in enumerate(events):
            if isinstance(event.msg, ev.ThreadChanged) and (
                event.thread_id == run.run_id or run.run_id in known
            ):
                known.add(event.thread_id)
            if event.thread_id not in known:
                what = "row" if run.run_id in known else "run's own row"
                raise ServerRefused(
                    f"codex-publish: events.{number}: tell the {what} first (thread_changed)"
                )
        if len(known) > self._limits.rows:
            raise ServerRefused(
                f"{run.run_id} would have {len(known)} rows; {self._limits.rows} may be"
            )


@dataclass(frozen=True, slots=True)
class _RunThreads:
    """Applies a program's events to the threads of its run.

    A thread's info is what its program publishes, except what only the server knows: the handle,
    the client, whether an approval is open, and whether it was killed.
    """

    registry: ThreadRegistry
    broker: ApprovalBroker

    def apply(self, run: Run, owner: Session, event: PublishedEvent) -> None:
        """Apply an event of a thread that has been published before, or is by this event."""
        match event.msg:
            case ev.ThreadChanged(info):
                self._replace_info(run, structs.replace(info, client=owner.client_name))
            case ev.TurnCompleted() | ev.TurnAborted():
                record = run.records[event.thread_id]
                self.broker.withdraw(thread_id=event.thread_id, turn_id=event.turn_id)
                self.registry.apply(record, event.turn_id, event.msg)
            case msg:
                self.registry.apply(run.records[event.thread_id], event.turn_id, msg)

    def kill(self, record: ThreadRecord) -> None:
        """End the turn and the approvals of a thread, and hide it."""
        self._end(record, ev.TurnAborted("killed"))
        self.registry.replace_info(record, _killed(record.info))

    def disconnect(self, record: ThreadRecord) -> None:
        """End the turn and the approvals of a thread whose program is gone."""
        self._end(record, ev.TurnAborted("lost", _PROGRAM_GONE))
        record.program_info = None
        self.registry.replace_info(record, disconnected(record.info))

    def _end(self, record: ThreadRecord, msg: ev.TurnAborted) -> None:
        self.broker.withdraw(thread_id=record.thread_id)
        if record.turn.running_id:
            self.registry.apply(record, record.turn.running_id, msg)

    def _replace_info(self, run: Run, info: ThreadInfo) -> None:
        record = run.records.get(info.thread_id)
        if record is None:
            record = self._add(run, info)
        else:
            was_over = self.registry.handles.is_over(record)
            created_at = info.created_at or record.info.created_at
            record.program_info = structs.replace(info, created_at=created_at)
            self.registry.replace_info(record, self._shown(run, record, record.program_info))
            if was_over and record.thread_id == run.run_id:
                self._number_handles(run)
        if info.thread_id not in run.published:
            run.published.add(info.thread_id)
            if info.state.has_turn and not record.turn.running_id:
                # The program goes on with a turn that it published to an earlier server.
                record.turn = replace(record.turn, running_id=info.turn_id)

    def _add(self, run: Run, info: ThreadInfo) -> ThreadRecord:
        wanted = info.handle or info.thread_id.rpartition("/")[2]
        handle = self.registry.handles.unique(wanted)
        info = structs.replace(info, handle=handle, created_at=info.created_at or time.time())
        record = ThreadRecord(_killed(info) if run.killed else info, program_info=info)
        run.records[info.thread_id] = record
        self.registry.add(record)
        return record

    def _number_handles(self, run: Run) -> None:
        """Give the roles of a run that goes on again other handles where theirs are taken."""
        handles = self.registry.handles
        for record in run.records.values():
            if not handles.is_over(record):
                handle = handles.unique(record.info.handle, of=record)
                self.registry.update(record, handle=handle)

    def _shown(self, run: Run, record: ThreadRecord, info: ThreadInfo) -> ThreadInfo:
        """Return the info to publish for what the program published."""
        handle = record.info.handle
        if run.killed:
            return structs.replace(_killed(info), handle=handle)
        if record.info.state is ThreadState.KILLED:
            handle = self.registry.handles.unique(handle, of=record)
        if record.pending_approvals:
            info = structs.replace(info, state=ThreadState.NEEDS_INPUT, **record.waiting())
        same_turn = info.turn_id == record.info.turn_id
        turn_usage = record.info.turn_usage if same_turn else Usage()
        return structs.replace(info, handle=handle, turn_usage=turn_usage)


def _killed(info: ThreadInfo) -> ThreadInfo:
    return structs.replace(info, state=ThreadState.KILLED, **AT_REST)


def _revives(event: PublishedEvent) -> bool:
    """Return whether an event shows that its run is active."""
    match event.msg:
        case ev.ThreadChanged(ThreadInfo(kind=ThreadKind.RUN, state=state)):
            return state not in ENDED_STATES
        case _:
            return False


def _retained_chars(run: Run, events: tuple[PublishedEvent, ...]) -> int:
    """Return how much of the history the events take up for good, with their new threads."""
    new = {
        event.thread_id: event.chars + EVENT_OVERHEAD
        for event in events
        if isinstance(event.msg, ev.ThreadChanged) and event.thread_id not in run.records
    }
    return sum(new.values()) + sum(map(_event_chars, events))


def _event_chars(event: PublishedEvent) -> int:
    """Return how much of the history an event takes up; nothing where the next one replaces it."""
    match event.msg:
        case ev.ThreadChanged() | ev.TokensCounted() | ev.GatesChecked() | ev.PlanUpdated():
            return 0
        case ev.TextDelta() | ev.ReasoningDelta() | ev.PlanDelta() | ev.OutputDelta():
            return len(event.msg.delta)
        case _:
            return event.chars + EVENT_OVERHEAD
