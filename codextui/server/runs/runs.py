"""The runs of all programs: who may tell of them, and what becomes of what is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from codextui.errors import ServerRefused
from codextui.server.broker import Broker
from codextui.server.runs.publication import Told
from codextui.server.runs.rows import Rows
from codextui.server.runs.run import OVER, Run
from codextui.server.session import Session
from codextui.server.threads.record import ThreadRecord
from codextui.server.threads.registry import Registry
from codextui.wire import event as ev
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo, ThreadState

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
