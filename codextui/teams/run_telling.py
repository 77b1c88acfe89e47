"""A run as it is told to the shared server: its row, its roles', its gates and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from codextui.teams.budget import Budget
from codextui.teams.ending import Ending
from codextui.teams.gate_board import GateBoard
from codextui.teams.happening import Happening, Kind
from codextui.teams.publisher import role_thread, run_thread
from codextui.teams.role_telling import RoleTelling
from codextui.teams.row import Row, Tell, role_row, run_row
from codextui.teams.run_store import RunStore
from codextui.teams.spans import SpanLog
from codextui.teams.team import Role, Team
from codextui.wire import event as ev
from codextui.wire import fields
from codextui.wire.run import Gate, Span, SpanKind
from codextui.wire.thread import ThreadState, Usage

_PART = "rows"

_TOLD_OTHERWISE = frozenset({Kind.ROLE_SAID, Kind.TOOL_CALLED, Kind.TOOL_ANSWERED})

_LONGEST = 4000
"""Characters of what is told of a happening."""

_CUT_OFF = (ThreadState.FAILED, ThreadState.INTERRUPTED)
_OVER = (ThreadState.DONE, *_CUT_OFF)

_STATES = {Ending.DONE: ThreadState.DONE, Ending.PERSON: ThreadState.INTERRUPTED}


def tell_nobody(thread_id: str, turn_id: str, msg: ev.Msg) -> None:
    """Tell nobody anything: for a run without a server."""


class RunTelling:
    """Tells of a run: everything that happens in it goes through here to whoever watches.

    Attributes:
        row: the run's own row.
        roles: the roles, by name.
        spans: what time goes into.
        board: the gates.
    """

    def __init__(
        self,
        team: Team,
        project: Path,
        task: str,
        *,
        store: RunStore,
        budget: Budget,
        tell: Tell = tell_nobody,
        keep_span: Callable[[Span], None] = lambda _: None,
        known: Mapping[str, frozenset[str]] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Tell the rows: the run's, then those of its roles, none of them at work.

        Args:
            team: whose run.
            project: where.
            task: what the team is asked to do.
            store: where the rows' turns are counted, over all processes that ran the run.
            budget: what it costs.
            tell: tells the server.
            keep_span: keeps a span on disk.
            known: the items that were told before, by role.
            now: unix seconds.
        """
        self._team = team
        self._task = task
        self._store = store
        self._budget = budget
        self._tell = tell
        self._keep_span = keep_span
        self._waits: dict[str, str] = {}
        self.spans = SpanLog(self.tell_span)
        self.board = GateBoard(team, project, self._tell_gates)
        kept = store.read(_PART) or {}
        self._turns = {name: fields.integer_or(kept, name) for name in kept}
        thread_id = run_thread(store.run_id)
        info = run_row(thread_id, team.name, cwd=str(project), task=task, created_at=now())
        info = replace(info, usage=budget.usage)
        self.row = Row(tell, info, turns=self._turns.get("", 0))
        self.roles = {
            role.name: RoleTelling(
                role.name,
                self._role_row(role, project, now()),
                self.spans,
                known=(known or {}).get(role.name, frozenset()),
            )
            for role in team.roles.values()
        }

    def _role_row(self, role: Role, project: Path, now: float) -> Row:
        info = role_row(
            role_thread(self._store.run_id, role.name),
            role.name,
            self.row.thread_id,
            cwd=str(project / role.cwd),
            model=role.model,
            sandbox=role.sandbox if role.codex else "",
            approval_policy=role.approval_policy if role.codex else "",
            brief=role.about,
            created_at=now,
            usage=self._budget.role_usage(role.name),
        )
        return Row(self._tell, info, turns=self._turns.get(role.name, 0))

    # The run.

    def begin(self) -> None:
        """The run begins, or goes on."""
        again = self.row.turns > 0
        self._count("")
        self.row.begin_turn("" if again else self._task)
        self.board.look()

    def see(self, happening: Happening) -> None:
        """Take what happens in the run."""
        match happening.kind:
            case Kind.HANDED_OFF:
                target = fields.text(happening.data, "to")
                self._budget.hand_off(happening.role, target)
                self.end_wait(target)
                self._tell_both(happening.role, ev.HandedOff(happening.role, target))
            case Kind.HANDOFF_REFUSED:
                self._refuse(happening)
            case kind if kind not in _TOLD_OTHERWISE:
                text = happening.text[:_LONGEST]
                self.row.tell(ev.RunNoted(str(kind), happening.role, text))
            case _:
                pass
        self.board.look()

    async def finish(self, ending: Ending, message: str) -> None:
        """The run ends; whatever of it has not ended, does."""
        for role in self.roles.values():
            self._finish_role(role, ending)
        self.spans.end_all(failed=bool(ending))
        await self.board.finish()
        if ending is Ending.DONE:
            self.row.end_turn(message, ThreadState.DONE)
        else:
            state = _STATES.get(ending, ThreadState.FAILED)
            reason = "interrupted" if ending is Ending.PERSON else "failed"
            self.row.abort_turn(reason, message, state)

    def _finish_role(self, role: RoleTelling, ending: Ending) -> None:
        row = role.row
        if ending is Ending.DONE and row.info.state not in _CUT_OFF:
            role.end()
            if not row.turns:
                row.change(note="was never needed")
        elif row.info.state not in _OVER:
            role.abort("interrupted")

    def tell_span(self, span: Span) -> None:
        """Keep a span, and tell it."""
        self._keep_span(span)
        self.row.tell(ev.SpanChanged(span))

    # Its roles.

    def begin_stint(self, role: str, given: str = "") -> None:
        """A role begins to work."""
        self.end_wait(role)
        self._count(role)
        turn_id = self.roles[role].begin(given)
        self._budget.begin_stint(role, turn_id)

    def counted(self, role: str, last: Usage) -> None:
        """A model call of a role is over, and in the budget."""
        self.roles[role].answered(self._budget.role_usage(role), last)
        self.count_run(last)

    def count_run(self, last: Usage) -> None:
        """The run has used more."""
        self.row.count(self._budget.usage, last)

    def begin_wait(self, role: str, waits_for: tuple[str, ...]) -> None:
        """A role waits at its gate for others."""
        if role not in self._waits:
            self._waits[role] = self.spans.begin(role, SpanKind.GATE, waits_for=waits_for)

    def end_wait(self, role: str) -> None:
        """A role is let in."""
        self.spans.end(self._waits.pop(role, ""))

    def is_over(self, role: str) -> bool:
        """Whether a role has come to its end, for now."""
        return self.roles[role].row.info.state in _OVER

    def _refuse(self, happening: Happening) -> None:
        source, target = happening.role, fields.text(happening.data, "to")
        missing = fields.texts(happening.data, "missing")
        self.begin_wait(target, fields.texts(happening.data, "waits_for"))
        self._tell_both(source, ev.HandoffRefused(source, target, missing))

    def _tell_both(self, role: str, msg: ev.Msg) -> None:
        self.roles[role].row.tell(msg)
        self.row.tell(msg)

    def _tell_gates(self, gates: tuple[Gate, ...]) -> None:
        self.row.tell(ev.GatesChecked(gates))

    def _count(self, role: str) -> None:
        self._turns[role] = self._turns.get(role, 0) + 1
        self._store.write(_PART, dict(self._turns))
