"""A run as it is told to the shared server: its row, its roles', its gates and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import Gate, Span, SpanKind
from codextui.protocol.threads import ThreadState, Usage
from codextui.teams.config.team import Role, Team
from codextui.teams.gates.board import GateBoard
from codextui.teams.publish import items
from codextui.teams.publish.publisher import role_thread, run_thread
from codextui.teams.publish.rows import Row, Tell, role_row, run_row
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.records.spans import SpanLog
from codextui.teams.records.store import RunStore
from codextui.teams.runner.ending import Ending


@dataclass(slots=True)
class _Call:
    item: JsonObject
    span: str
    started: float


class RolePublisher:
    """Tells of one role, in the order in which it does things.

    Args:
        role: its name.
        row: its row.
        spans: what time goes into.
        known: the ids of the items that were told before the run was cut off: what is done over
            again after that is not told twice.
        now: seconds.
    """

    def __init__(
        self,
        role: str,
        row: Row,
        spans: SpanLog,
        *,
        known: frozenset[str] = frozenset(),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.role = role
        self.row = row
        self._spans = spans
        self._told = set(known)
        self._now = now
        self._answer = ""
        self._thinking = ""
        self._stint = ""
        self._paused = ""
        self._calls: dict[str, _Call] = {}

    # Stints.

    def begin(self, given: str = "") -> str:
        """Begin a stint with what the role is given, and return the turn's id."""
        turn_id = self.row.begin_turn(given)
        self._stint = self._spans.begin(self.role, SpanKind.ROLE, turn_id)
        return turn_id

    def end(self, said: str = "", state: ThreadState = ThreadState.DONE) -> None:
        """End the stint that goes on: it ended as it should."""
        self._close(failed=False)
        self.row.end_turn(said, state)

    def abort(self, reason: str, message: str = "") -> None:
        """End the stint that goes on early: `interrupted` or `failed`."""
        failed = reason == "failed"
        self._close(failed=True)
        state = ThreadState.FAILED if failed else ThreadState.INTERRUPTED
        self.row.abort_turn(reason, message, state)

    def pause(self) -> None:
        """A person holds the role."""
        if not self._paused:
            self._paused = self._spans.begin(self.role, SpanKind.PAUSED)
        if self.row.info.state is not ThreadState.PAUSED:
            self.row.change(state=ThreadState.PAUSED)

    def go_on(self) -> None:
        """Nobody holds it any more."""
        if self._paused:
            self._spans.end(self._paused)
            self._paused = ""
            state = ThreadState.RUNNING if self.row.at_work else ThreadState.WAITING
            self.row.change(state=state)

    # Model calls.

    def ask(self, answer: str, model: str = "") -> None:
        """A model call begins.

        Args:
            answer: a name for its answer that is the same whenever the same is asked again.
            model: the model's name.
        """
        self._answer = answer
        self._thinking = self._spans.begin(self.role, SpanKind.MODEL, model)

    def recall(self, answer: str) -> None:
        """An answer from before is given again; `answer` is its name, as `ask` had it."""
        self._answer = answer

    def hear(self, event: Any) -> None:
        """Take an event of the Responses API's stream."""
        match event.type:
            case "response.output_item.added":
                self._start(event.output_index, event.item)
            case "response.output_text.delta" | "response.refusal.delta":
                self._add(event, lambda item_id: ev.TextDelta(item_id, event.delta))
            case "response.reasoning_summary_text.delta":
                part = event.summary_index
                self._add(event, lambda item_id: ev.ReasoningDelta(item_id, event.delta, part))
            case "response.reasoning_text.delta":
                part = event.content_index
                self._add(
                    event, lambda item_id: ev.ReasoningDelta(item_id, event.delta, part, raw=True)
                )
            case "response.output_item.done":
                self._complete(event.output_index, event.item)
            case "response.completed":
                for index, output in enumerate(event.response.output or ()):
                    self._complete(index, output)
            case _:
                pass

    def answered(self, total: Usage, last: Usage) -> None:
        """A model call is over: what the role has used so far, and with this call."""
        self._spans.end(self._thinking, tokens=last.total)
        self._thinking = ""
        self.row.count(total, last)

    # Calls of tools.

    def call(self, call_id: str, server: str, tool: str, arguments: object) -> None:
        """A tool's call begins; `server` is `codex` for Codex, empty for a tool of the script's."""
        item = items.tool_call(call_id, server, tool, arguments)
        kind = SpanKind.CODEX if server == "codex" else SpanKind.TOOL
        span = self._spans.begin(self.role, kind, tool)
        self._calls[call_id] = _Call(item, span, self._now())
        self.row.tell(ev.ItemStarted(item))

    def returned(self, call_id: str, result: object, *, error: str = "") -> None:
        """A tool's call is over."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            seconds = self._now() - call.started
            self._spans.end(call.span, failed=bool(error))
            item = items.ended_call(call.item, result, seconds=seconds, error=error)
            self.row.tell(ev.ItemCompleted(item))

    def _start(self, index: int, output: Any) -> None:
        item_id = self._item_id(index)
        item = items.output_item(item_id, output)
        if item is not None and item_id not in self._told:
            self.row.tell(ev.ItemStarted(item))

    def _add(self, event: Any, more: Callable[[str], ev.Msg]) -> None:
        item_id = self._item_id(event.output_index)
        if item_id not in self._told and event.delta:
            self.row.tell(more(item_id))

    def _complete(self, index: int, output: Any) -> None:
        item_id = self._item_id(index)
        item = items.output_item(item_id, output)
        if item is not None and item_id not in self._told:
            self._told.add(item_id)
            self.row.tell(ev.ItemCompleted(item))

    def _item_id(self, index: int) -> str:
        return f"{self._answer}-{index}"

    def _close(self, *, failed: bool) -> None:
        self.go_on()
        for call_id in tuple(self._calls):
            self.returned(call_id, None, error="was cut off")
        for span in (self._thinking, self._stint):
            self._spans.end(span, failed=failed)
        self._thinking = self._stint = ""


_PART = "rows"

_TOLD_OTHERWISE = frozenset(
    {RunEventKind.ROLE_SAID, RunEventKind.TOOL_CALLED, RunEventKind.TOOL_ANSWERED}
)

_LONGEST = 4000
"""Characters of what is told of a happening."""

_CUT_OFF = (ThreadState.FAILED, ThreadState.INTERRUPTED)
_OVER = (ThreadState.DONE, *_CUT_OFF)

_STATES = {Ending.DONE: ThreadState.DONE, Ending.PERSON: ThreadState.INTERRUPTED}


def publish_nothing(thread_id: str, turn_id: str, msg: ev.Msg) -> None:
    """Tell nobody anything: for a run without a server."""


class RunPublisher:
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
        tell: Tell = publish_nothing,
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
        info = structs.replace(info, usage=budget.usage)
        self.row = Row(tell, info, turns=self._turns.get("", 0))
        self.roles = {
            role.name: RolePublisher(
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

    def see(self, happening: RunEvent) -> None:
        """Take what happens in the run."""
        match happening.kind:
            case RunEventKind.HANDED_OFF:
                target = fields.text(happening.data, "to")
                self._budget.hand_off(happening.role, target)
                self.end_wait(target)
                self._tell_both(happening.role, ev.HandedOff(happening.role, target))
            case RunEventKind.HANDOFF_REFUSED:
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

    def _finish_role(self, role: RolePublisher, ending: Ending) -> None:
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

    def _refuse(self, happening: RunEvent) -> None:
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
