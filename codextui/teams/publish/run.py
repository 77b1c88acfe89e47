"""Publishes a run of a team: its thread, its roles, its gates and its spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import structs

from codextui.jsonrpc import fields
from codextui.protocol import events as ev
from codextui.protocol.runs import Gate, RunEventKind, Span, SpanKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.teams.config.team import Role, Team
from codextui.teams.gates.board import GateBoard
from codextui.teams.publish.publisher import role_thread_id, run_thread_id
from codextui.teams.publish.threads import (
    Publish,
    RolePublisher,
    ThreadPublisher,
    role_thread_info,
    run_thread_info,
)
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunOutcome
from codextui.teams.records.spans import SpanRecorder
from codextui.teams.records.store import RunStore

_PART = "rows"

_MAX_NOTE = 4000

_PUBLISHED_AS_ITEMS = frozenset(
    {RunEventKind.ROLE_SAID, RunEventKind.TOOL_CALLED, RunEventKind.TOOL_ANSWERED}
)

_ABORTED_STATES = (ThreadState.FAILED, ThreadState.INTERRUPTED)
_FINAL_STATES = (ThreadState.DONE, *_ABORTED_STATES)

_STATES = {
    RunOutcome.DONE: ThreadState.DONE,
    RunOutcome.PERSON: ThreadState.INTERRUPTED,
    RunOutcome.INTERRUPTED: ThreadState.INTERRUPTED,
}


def publish_nothing(thread_id: str, turn_id: str, msg: ev.Msg) -> None:
    """Publish nothing: for a run without a server."""


class RunPublisher:
    """Publishes everything that happens in a run.

    Attributes:
        thread: the run's own thread.
        roles: the roles, by name.
        spans: records the time of the roles.
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
        publish: Publish = publish_nothing,
        store_span: Callable[[Span], None] = lambda _: None,
        known_items: Mapping[str, frozenset[str]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Publish the threads of the run and its roles, none of them in a turn.

        Args:
            team: the team.
            project: the folder of the project, absolute.
            task: the task that the team is given.
            store: counts the turns of the threads, across all processes that run the run.
            budget: what the run has used.
            publish: publishes a message.
            store_span: stores a span in the run's folder.
            known_items: the ids of the items that were published before, by role.
            clock: returns unix seconds.
        """
        self._task = task
        self._store = store
        self._budget = budget
        self._publish = publish
        self._store_span = store_span
        self._gate_waits: dict[str, str] = {}
        self.spans = SpanRecorder(self.publish_span)
        self.board = GateBoard(team, project, self._publish_gates)
        with store.reading(_PART) as turns:
            self._turns = {name: fields.integer_or(turns, name) for name in turns}
        self.thread = ThreadPublisher(
            publish, self._run_info(team, project, clock()), turn_count=self._turns.get("", 0)
        )
        known_items = known_items or {}
        self.roles = {
            role.name: RolePublisher(
                role.name,
                self._role_thread(role, project, clock()),
                self.spans,
                known_items=known_items.get(role.name, frozenset()),
            )
            for role in team.roles.values()
        }

    def _run_info(self, team: Team, project: Path, created_at: float) -> ThreadInfo:
        info = run_thread_info(
            run_thread_id(self._store.run_id),
            team.name,
            cwd=str(project),
            task=self._task,
            created_at=created_at,
        )
        return structs.replace(info, usage=self._budget.usage)

    def _role_thread(self, role: Role, project: Path, created_at: float) -> ThreadPublisher:
        info = role_thread_info(
            role_thread_id(self._store.run_id, role.name),
            role.name,
            self.thread.thread_id,
            cwd=str(project / role.cwd),
            model=role.model,
            sandbox=role.sandbox if role.codex else "",
            approval_policy=role.approval_policy if role.codex else "",
            brief=role.about,
            created_at=created_at,
            usage=self._budget.role_usage(role.name),
        )
        return ThreadPublisher(self._publish, info, turn_count=self._turns.get(role.name, 0))

    # The run.

    def begin(self) -> None:
        """Begin the run's turn; its prompt is the task, unless the run is resumed."""
        resumed = self.thread.turn_count > 0
        self._count_turn("")
        self.thread.begin_turn("" if resumed else self._task)
        self.board.refresh()

    def handle_event(self, event: RunEvent) -> None:
        """Publish an event of the run, unless roles publish it as an item."""
        match event.kind:
            case RunEventKind.HANDED_OFF:
                target = fields.text(event.data, "to")
                self._budget.record_handoff(event.role, target)
                self.end_gate_wait(target)
                self._publish_to_both(event.role, ev.HandedOff(event.role, target))
            case RunEventKind.HANDOFF_REFUSED:
                self._publish_refusal(event)
            case kind if kind not in _PUBLISHED_AS_ITEMS:
                self.thread.publish(ev.RunNoted(kind, event.role, event.text[:_MAX_NOTE]))
            case _:
                pass
        self.board.refresh()

    async def finish(self, outcome: RunOutcome, message: str) -> None:
        """End the run, and every role, span and turn that has not ended."""
        for role in self.roles.values():
            self._finish_role(role, outcome)
        self.spans.end_all(failed=bool(outcome))
        await self.board.flush()
        if outcome is RunOutcome.DONE:
            self.thread.end_turn(message, ThreadState.DONE)
        else:
            state = _STATES.get(outcome, ThreadState.FAILED)
            reason = "interrupted" if state is ThreadState.INTERRUPTED else "failed"
            self.thread.abort_turn(reason, message, state)

    def _finish_role(self, role: RolePublisher, outcome: RunOutcome) -> None:
        thread = role.thread
        if outcome is RunOutcome.DONE and thread.info.state not in _ABORTED_STATES:
            role.end_turn()
            if not thread.turn_count:
                thread.update(note="was never needed")
        elif thread.info.state not in _FINAL_STATES:
            role.abort_turn("interrupted")

    def publish_span(self, span: Span) -> None:
        """Store and publish a span."""
        self._store_span(span)
        self.thread.publish(ev.SpanChanged(span))

    def count_tokens(self, last: Usage) -> None:
        """Publish the tokens of the whole run, and those of the last step."""
        self.thread.count_tokens(self._budget.usage, last)

    # Its roles.

    def begin_role_turn(self, role: str, prompt: str = "") -> None:
        """Begin a turn of a role, with a prompt if there is one."""
        self.end_gate_wait(role)
        self._count_turn(role)
        turn_id = self.roles[role].begin_turn(prompt)
        self._budget.begin_role_turn(role, turn_id)

    def end_model_call(self, role: str, last: Usage) -> None:
        """End a model call of a role, whose tokens are in the budget already."""
        self.roles[role].end_model_call(self._budget.role_usage(role), last)
        self.count_tokens(last)

    def begin_gate_wait(self, role: str, waits_for: tuple[str, ...]) -> None:
        """Begin the span of a role that waits at its gate for others."""
        if role not in self._gate_waits:
            self._gate_waits[role] = self.spans.begin(role, SpanKind.GATE, waits_for=waits_for)

    def end_gate_wait(self, role: str) -> None:
        """End the span that `begin_gate_wait` began, if any."""
        self.spans.end(self._gate_waits.pop(role, ""))

    def is_finished(self, role: str) -> bool:
        """Return whether a role is done, failed or interrupted."""
        return self.roles[role].thread.info.state in _FINAL_STATES

    def _publish_refusal(self, event: RunEvent) -> None:
        source, target = event.role, fields.text(event.data, "to")
        missing = fields.texts(event.data, "missing")
        self.begin_gate_wait(target, fields.texts(event.data, "waits_for"))
        self._publish_to_both(source, ev.HandoffRefused(source, target, missing))

    def _publish_to_both(self, role: str, msg: ev.Msg) -> None:
        self.roles[role].thread.publish(msg)
        self.thread.publish(msg)

    def _publish_gates(self, gates: tuple[Gate, ...]) -> None:
        self.thread.publish(ev.GatesChecked(gates))

    def _count_turn(self, role: str) -> None:
        self._turns[role] = self._turns.get(role, 0) + 1
        self._store.write(_PART, dict(self._turns))
