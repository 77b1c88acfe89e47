"""Publishes the runs of somebody's own script, by the hooks of the Agents SDK."""

from __future__ import annotations

import functools
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents import RunHooks
from agents.tool_context import ToolContext

from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState, Usage
from codextui.teams.publish import items
from codextui.teams.publish.items import CODEX_TOOLS
from codextui.teams.publish.publisher import role_thread, run_thread
from codextui.teams.publish.rows import Row, Tell, role_row, run_row
from codextui.teams.publish.run import RolePublisher
from codextui.teams.records.costs import plus, usage_of
from codextui.teams.records.spans import SpanLog

if TYPE_CHECKING:
    from agents import Agent, ModelResponse, Tool
    from agents.items import TResponseInputItem
    from agents.run_context import AgentHookContext, RunContextWrapper

    from codextui.protocol.events import Event
    from codextui.teams.codex.server import CodexServer

logger = logging.getLogger(__name__)

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
        self._roles: dict[str, RolePublisher] = {}
        self._names: set[str] = set()
        self._given: dict[str, str] = {}
        self._spent: dict[str, Usage] = {}
        self._asked = 0
        self._goes_on: object = None

    def attend(self, context: Any, agent: Any) -> RolePublisher:
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
    ) -> RolePublisher:
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

    def _add(self, agent: Any) -> RolePublisher:
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
        role = RolePublisher(name, Row(self._tell, info), self._spans)
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


_NO_ID = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_ID = 60


class PublishingHooks(RunHooks[Any]):
    """Tells the shared server of a script's run: its agents, what they say and call, who hands off.

    `CodexServer.hooks` makes it. One object is one row in the console; each `Runner.run` with it is
    a turn of that row, one at a time. Runs that go on at once take an object each. Whatever goes
    wrong here is logged, once, and the script goes on.
    """

    def __init__(self, name: str, server: CodexServer) -> None:
        self._name = name
        self._server = server
        self._run: ScriptRun | None = None
        self._complained = False

    async def on_agent_start(self, context: AgentHookContext[Any], agent: Any) -> None:
        """An agent begins, or goes on after a tool."""
        with self._harmlessly():
            (await self._open()).attend(context, agent)

    async def on_agent_end(self, context: AgentHookContext[Any], agent: Any, output: Any) -> None:
        """An agent gave the run's final output."""
        with self._harmlessly():
            (await self._open()).end(context, agent, output)

    async def on_handoff(
        self, context: RunContextWrapper[Any], from_agent: Any, to_agent: Any
    ) -> None:
        """An agent handed off; where both are the same, a gate held it."""
        with self._harmlessly():
            (await self._open()).hand_off(context, from_agent, to_agent)

    async def on_llm_start(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        system_prompt: str | None,  # noqa: ARG002 - the SDK's signature
        input_items: list[TResponseInputItem],  # noqa: ARG002
    ) -> None:
        """An agent's model is asked."""
        with self._harmlessly():
            (await self._open()).ask(context, agent)

    async def on_llm_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse
    ) -> None:
        """An agent's model answered."""
        with self._harmlessly():
            (await self._open()).answer(context, agent, response)

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        """A tool is called; a Codex thread that it starts stands under its agent."""
        with self._harmlessly():
            run = await self._open()
            call_id = _call_id(context)
            arguments = context.tool_arguments if isinstance(context, ToolContext) else ""
            role = run.call(context, agent, call_id, tool.name, arguments)
            if tool.name in CODEX_TOOLS:
                self._server.assign(call_id, role.row.thread_id, f"{role.role}-codex")

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Any, tool: Tool, result: object
    ) -> None:
        """A tool's call is over."""
        with self._harmlessly():
            call_id = _call_id(context)
            failed = tool.name in CODEX_TOOLS and call_id in self._server.failed
            (await self._open()).take(context, agent, call_id, result, failed=failed)

    def see(self, event: Event, parent: str) -> None:
        """Take an event of the server's, of a row or of a thread that stands under `parent`."""
        with self._harmlessly():
            if self._run is not None:
                self._run.see(event, parent)

    def close(self) -> None:
        """Nothing is told from now on; what had not ended was cut off. A later run is a new one."""
        with self._harmlessly():
            if self._run is not None:
                self._run.cut_off("the script ended before it")
        self._run = None

    async def _open(self) -> ScriptRun:
        if self._run is None:
            name = _NO_ID.sub("-", self._name).strip("-")[:_LONGEST_ID] or "script"
            run_id = f"{name}-{secrets.token_hex(4)}"
            publisher = await self._server.open_publisher(run_id, self)
            self._run = ScriptRun(publisher.tell, run_id, self._name, cwd=str(Path.cwd()))
        return self._run

    @contextmanager
    def _harmlessly(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the script goes on, whatever this was
            if not self._complained:
                self._complained = True
                logger.warning("the run %s is not told as a whole: %r", self._name, error)


def _call_id(context: RunContextWrapper[Any]) -> str:
    return context.tool_call_id if isinstance(context, ToolContext) else ""
