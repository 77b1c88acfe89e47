"""A run of somebody's own script, as rows: its own, and one for each of its agents."""

from __future__ import annotations

import functools
import re
from typing import Any

from codextui.teams import items
from codextui.teams.budget import usage_of
from codextui.teams.ledger import plus
from codextui.teams.publisher import role_thread, run_thread
from codextui.teams.role_telling import RoleTelling
from codextui.teams.row import Row, Tell, role_row, run_row
from codextui.teams.spans import SpanLog
from codextui.wire import event as ev
from codextui.wire.thread import ThreadState, Usage

_NO_NAME = re.compile(r"[\W_]+")
_LONGEST_NAME = 60


class ScriptRun:
    """Tells of a script's runs, one after the other, by what the hooks of the Agents SDK say.

    A run of the SDK is known by its `usage`, which is one object from its start to its end. The
    hooks do not say when a run fails: what it leaves open is cut off when the next one begins.

    Args:
        tell: tells the server.
        run_id: the run's id, without its prefix.
        name: what people call it.
        cwd: where the script works.
    """

    def __init__(self, tell: Tell, run_id: str, name: str, *, cwd: str) -> None:
        self._tell = tell
        self._run_id = run_id
        self._cwd = cwd
        self._row = Row(tell, run_row(run_thread(run_id), name, cwd=cwd, task=""))
        self._spans = SpanLog(lambda span: tell(run_thread(run_id), "", ev.SpanChanged(span)))
        self._roles: dict[str, RoleTelling] = {}
        self._names: set[str] = set()
        self._given: dict[str, str] = {}
        self._spent: dict[str, Usage] = {}
        self._asked = 0
        self._goes_on: object = None

    def attend(self, context: Any, agent: Any) -> RoleTelling:
        """Let an agent be at work, and its run go on; return who tells of it."""
        given = ""
        if context.usage is not self._goes_on:
            self.cut_off("another run began")
            self._goes_on = context.usage
            given = _said_last(getattr(context, "turn_input", ()))
            self._row.change(brief=items.clip(given, 300))
            self._row.begin_turn(given)
        role = self._roles.get(agent.name) or self._add(agent)
        if not role.row.at_work:
            role.begin(given or self._given.pop(role.role, ""))
            self._note("role_started", role.role, "is at work")
        return role

    def ask(self, context: Any, agent: Any) -> None:
        """An agent's model is asked."""
        role = self.attend(context, agent)
        self._asked += 1
        role.ask(f"answer-{self._asked}", _model_name(agent))

    def answer(self, context: Any, agent: Any, response: Any) -> None:
        """An agent's model answered."""
        role = self.attend(context, agent)
        self._asked += 1
        for index, output in enumerate(response.output):
            item = items.output_item(f"said-{self._asked}-{index}", output)
            if item is not None:
                role.row.tell(ev.ItemCompleted(item))
        last = usage_of(response.usage)
        role.answered(plus(role.row.info.usage, last), last)
        self._count(role.row.thread_id, role.row.info.usage, last)

    def call(
        self, context: Any, agent: Any, call_id: str, tool: str, arguments: str
    ) -> RoleTelling:
        """An agent calls a tool; return who tells of it."""
        role = self.attend(context, agent)
        server = "codex" if tool in items.CODEX_TOOLS else ""
        role.call(call_id, server, tool, items.arguments_of(arguments))
        return role

    def take(self, context: Any, agent: Any, call_id: str, result: object, *, failed: bool) -> None:
        """A tool's call is over."""
        error = items.text_of(result) if failed else ""
        self.attend(context, agent).returned(call_id, result, error=error)

    def hand_off(self, context: Any, source: Any, target: Any) -> None:
        """An agent handed off; one that gets it back was refused, and goes on."""
        role = self.attend(context, source)
        if source is target:
            self._note("handoff_refused", role.role, "goes on: its handoff was refused")
            return
        told = ev.HandedOff(role.role, (self._roles.get(target.name) or self._add(target)).role)
        role.row.tell(told)
        self._row.tell(told)
        role.end(f"Handed off to {told.target}.", ThreadState.WAITING)
        self._given[told.target] = f"{told.source} hands off to you."

    def end(self, context: Any, agent: Any, output: Any) -> None:
        """The run came to its end."""
        role = self.attend(context, agent)
        said = items.text_of(output)
        role.end(said)
        for other in self._roles.values():
            if other.row.info.state is ThreadState.WAITING:
                other.row.change(state=ThreadState.DONE)
        self._note("run_ended", "", f"done: {said}")
        self._row.end_turn(said, ThreadState.DONE)
        self._goes_on = None

    def cut_off(self, why: str) -> None:
        """What goes on has ended, and nobody said how."""
        self._goes_on = None
        for role in self._roles.values():
            if role.row.info.state in (ThreadState.RUNNING, ThreadState.WAITING):
                role.abort("interrupted", why)
        if self._row.at_work:
            self._row.abort_turn("interrupted", why)

    def see(self, event: ev.Event, parent: str) -> None:
        """Take an event of the server's, of a row or of a thread that stands under `parent`."""
        rows = {role.row.thread_id: role.row for role in self._roles.values()}
        rows[self._row.thread_id] = self._row
        match event.msg:
            case ev.RoleRequested(action) if event.thread_id in rows:
                told = f"{action}: a script of its own runs this; it takes no directions"
                rows[event.thread_id].tell(ev.Warned(told))
            case ev.TokensCounted(total, last) if parent in rows:
                self._count(event.thread_id, total, last)
            case _:
                pass

    def _count(self, thread_id: str, total: Usage, last: Usage) -> None:
        """Count what an agent, or a thread of its, has used so far."""
        self._spent[thread_id] = total
        self._row.count(functools.reduce(plus, self._spent.values()), last)

    def _add(self, agent: Any) -> RoleTelling:
        name = self._name(agent.name)
        about = items.clip(str(agent.handoff_description or ""), 300)
        info = role_row(
            role_thread(self._run_id, name),
            name,
            run_thread(self._run_id),
            model=_model_name(agent),
            cwd=self._cwd,
            brief=about,
        )
        role = RoleTelling(name, Row(self._tell, info), self._spans)
        self._roles[agent.name] = role
        return role

    def _name(self, agent: str) -> str:
        """What an agent is called as a role: in small letters, and like no other."""
        plain = _NO_NAME.sub("-", agent.lower()).strip("-")[:_LONGEST_NAME] or "agent"
        name, number = plain, 1
        while name in self._names:
            number += 1
            name = f"{plain}-{number}"
        self._names.add(name)
        return name

    def _note(self, kind: str, role: str, text: str) -> None:
        self._row.tell(ev.RunNoted(kind, role, items.clip(text)))


def _model_name(agent: Any) -> str:
    """The model's name, empty where it is the Agents SDK's default."""
    model = agent.model
    return model if isinstance(model, str) else str(getattr(model, "model", "") or "")


def _said_last(given: Any) -> str:
    """The last that a user said in what a run is given; empty where that is no text."""
    for item in reversed(list(given)):
        if isinstance(item, dict) and item.get("role") == "user":
            content = item.get("content")
            parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
            return "\n".join(str(part["text"]) for part in parts if part.get("text"))
    return ""
