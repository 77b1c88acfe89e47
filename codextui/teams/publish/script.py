"""Publishes the runs of a user's own script, by the hooks of the Agents SDK."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from codextui.protocol import events as ev
from codextui.protocol.runs import RunEventKind
from codextui.protocol.threads import (
    ThreadState,
    Usage,
    add_usage,
    handle_with_suffix,
    sum_usage,
)
from codextui.teams.publish import items
from codextui.teams.publish.hooks import ToolCallHooks
from codextui.teams.publish.publisher import Publisher, role_thread_id, run_thread_id
from codextui.teams.publish.threads import (
    MAX_BRIEF,
    Publish,
    RolePublisher,
    ThreadPublisher,
    role_thread_info,
    run_thread_info,
)
from codextui.teams.records.costs import read_usage
from codextui.teams.records.spans import SpanRecorder

if TYPE_CHECKING:
    from agents import Agent, ModelResponse, Tool
    from agents.items import TResponseInputItem
    from agents.run_context import AgentHookContext, RunContextWrapper

logger = logging.getLogger(__name__)

_NOT_IN_RUN_ID = re.compile(r"[^A-Za-z0-9]+")
_NOT_IN_ROLE = re.compile(r"[\W_]+")
_MAX_NAME = 60


class ScriptServer(Protocol):
    """The part of a `CodexServer` that the hooks use."""

    failed_calls: set[str]

    async def open_publisher(self, run_id: str, hooks: PublishingHooks) -> Publisher:
        """Open a publisher for a run."""

    def place_thread(self, call_id: str, parent: str, handle: str) -> None:
        """Set the parent and the default handle of the thread that a call starts."""


class PublishingHooks(ToolCallHooks):
    """Publishes a script's run: its agents, their messages, tool calls and handoffs.

    Created by `CodexServer.hooks`. The console shows one run for one object, with a turn for each
    `Runner.run`. Concurrent runs need objects of their own. Failures are logged, once, and never
    raised to the script.
    """

    def __init__(self, name: str, server: ScriptServer) -> None:
        self._name = name
        self._server = server
        self._run: ScriptRun | None = None
        self._has_logged = False

    async def on_agent_start(self, context: AgentHookContext[Any], agent: Any) -> None:
        """Publish that an agent begins, or continues after a tool call."""
        with self._logged():
            (await self._open_run()).publisher_of(context, agent)

    async def on_agent_end(self, context: AgentHookContext[Any], agent: Any, output: Any) -> None:
        """Publish the run's final output."""
        with self._logged():
            (await self._open_run()).finish(context, agent, output)

    async def on_handoff(
        self, context: RunContextWrapper[Any], from_agent: Any, to_agent: Any
    ) -> None:
        """Publish a handoff, or its refusal if both agents are the same."""
        with self._logged():
            (await self._open_run()).hand_off(context, from_agent, to_agent)

    async def on_llm_start(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        system_prompt: str | None,  # noqa: ARG002 - the SDK's signature
        input_items: list[TResponseInputItem],  # noqa: ARG002
    ) -> None:
        """Publish that a model call begins."""
        with self._logged():
            (await self._open_run()).begin_model_call(context, agent)

    async def on_llm_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse
    ) -> None:
        """Publish a model's response."""
        with self._logged():
            (await self._open_run()).end_model_call(context, agent, response)

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        """Publish that a tool call begins, and show a new Codex thread under the agent."""
        with self._logged():
            await super().on_tool_start(context, agent, tool)
            if tool.name in items.CODEX_TOOLS:
                role = await self.publisher_of(context, agent)
                handle = handle_with_suffix(role.role, "-codex")
                self._server.place_thread(self.call_key(context), role.thread.thread_id, handle)

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Any, tool: Tool, result: object
    ) -> None:
        """Publish that a tool call ended."""
        with self._logged():
            await super().on_tool_end(context, agent, tool, result)

    def handle_event(self, event: ev.Event, parent: str) -> None:
        """Handle an event of the server.

        Args:
            event: an event of a thread of this run, or of a Codex thread.
            parent: the id of the role or run that the thread works for, empty for none.
        """
        with self._logged():
            if self._run is not None:
                self._run.handle_event(event, parent)

    def close(self) -> None:
        """Abort what has not ended, and publish nothing more; a later run is a new one."""
        with self._logged():
            if self._run is not None:
                self._run.abort("the script ended before it")
        self._run = None

    async def publisher_of(self, context: Any, agent: Any) -> RolePublisher:
        """Return the publisher of an agent that is at work."""
        return (await self._open_run()).publisher_of(context, agent)

    def failed_calls_of(self, agent: Any) -> Container[str]:  # noqa: ARG002 - all agents share one
        """Return the keys of the Codex calls that failed."""
        return self._server.failed_calls

    def server_of(self, agent: Any, tool: Any) -> str:  # noqa: ARG002 - of any agent
        """Return `codex` for Codex's tools, empty for others."""
        return "codex" if tool.name in items.CODEX_TOOLS else ""

    async def _open_run(self) -> ScriptRun:
        if self._run is None:
            name = _NOT_IN_RUN_ID.sub("-", self._name).strip("-")[:_MAX_NAME] or "script"
            run_id = f"{name}-{secrets.token_hex(4)}"
            publisher = await self._server.open_publisher(run_id, self)
            self._run = ScriptRun(publisher.publish, run_id, self._name, cwd=str(Path.cwd()))
        return self._run

    @contextmanager
    def _logged(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - no failure may end the script
            if not self._has_logged:
                self._has_logged = True
                logger.warning("the run %s is not published completely: %r", self._name, error)


class ScriptRun:
    """Publishes consecutive runs of the Agents SDK as turns of one thread.

    A run of the SDK is identified by its `usage` object, which is the same from its start to its
    end. The hooks do not report that a run failed: what it leaves open is aborted when the next
    one begins.

    Args:
        publish: publishes a message.
        run_id: the run's id, without its prefix.
        name: the run's name.
        cwd: the folder of the script.
    """

    def __init__(self, publish: Publish, run_id: str, name: str, *, cwd: str) -> None:
        self._publish = publish
        self._run_id = run_id
        self._cwd = cwd
        info = run_thread_info(run_thread_id(run_id), name, cwd=cwd, task="")
        self._thread = ThreadPublisher(publish, info)
        self._spans = SpanRecorder(
            lambda span: publish(run_thread_id(run_id), "", ev.SpanChanged(span))
        )
        self._roles: dict[str, RolePublisher] = {}
        self._role_names: set[str] = set()
        self._prompts: dict[str, str] = {}
        self._usage: dict[str, Usage] = {}
        self._model_calls = 0
        self._current_run: object = None

    def publisher_of(self, context: Any, agent: Any) -> RolePublisher:
        """Return the publisher of an agent, after beginning its turn and the run's if needed."""
        prompt = ""
        if context.usage is not self._current_run:
            self.abort("another run began")
            self._current_run = context.usage
            prompt = _last_user_text(getattr(context, "turn_input", ()))
            self._thread.update(brief=items.clip(prompt, MAX_BRIEF))
            self._thread.begin_turn(prompt)
        role = self._roles.get(agent.name) or self._add_role(agent)
        if not role.thread.in_turn:
            role.begin_turn(prompt or self._prompts.pop(role.role, ""))
            self._publish_note(RunEventKind.ROLE_STARTED, role.role, "is at work")
        return role

    def begin_model_call(self, context: Any, agent: Any) -> None:
        """Begin a model call of an agent."""
        role = self.publisher_of(context, agent)
        self._model_calls += 1
        role.begin_model_call(f"answer-{self._model_calls}", _model_name(agent))

    def end_model_call(self, context: Any, agent: Any, response: Any) -> None:
        """Publish the response of a model call."""
        role = self.publisher_of(context, agent)
        self._model_calls += 1
        for index, output in enumerate(response.output):
            item = items.output_item(f"said-{self._model_calls}-{index}", output)
            if item is not None:
                role.thread.publish(ev.ItemCompleted(item))
        last = read_usage(response.usage)
        role.end_model_call(add_usage(role.thread.info.usage, last), last)
        self._count_tokens(role.thread.thread_id, role.thread.info.usage, last)

    def hand_off(self, context: Any, source: Any, target: Any) -> None:
        """Publish a handoff; one to the agent itself is a refused one."""
        role = self.publisher_of(context, source)
        if source is target:
            reason = "goes on: its handoff was refused"
            self._publish_note(RunEventKind.HANDOFF_REFUSED, role.role, reason)
            return
        target_role = self._roles.get(target.name) or self._add_role(target)
        handed_off = ev.HandedOff(role.role, target_role.role)
        role.thread.publish(handed_off)
        self._thread.publish(handed_off)
        role.end_turn(f"Handed off to {handed_off.target}.", ThreadState.WAITING)
        self._prompts[handed_off.target] = f"{handed_off.source} hands off to you."

    def finish(self, context: Any, agent: Any, output: Any) -> None:
        """Complete the run with its final output."""
        role = self.publisher_of(context, agent)
        answer = items.result_text(output)
        role.end_turn(answer)
        for other in self._roles.values():
            if other.thread.info.state is ThreadState.WAITING:
                other.thread.update(state=ThreadState.DONE)
        self._publish_note(RunEventKind.RUN_ENDED, "", f"done: {answer}")
        self._thread.end_turn(answer, ThreadState.DONE)
        self._current_run = None

    def abort(self, reason: str) -> None:
        """Interrupt the roles and the run that have not ended, for a reason in words."""
        self._current_run = None
        for role in self._roles.values():
            if role.thread.info.state in (ThreadState.RUNNING, ThreadState.WAITING):
                role.abort_turn("interrupted", reason)
        if self._thread.in_turn:
            self._thread.abort_turn("interrupted", reason)

    def handle_event(self, event: ev.Event, parent: str) -> None:
        """Warn that requests of people are ignored; count the tokens of the agents' threads."""
        threads = {role.thread.thread_id: role.thread for role in self._roles.values()}
        threads[self._thread.thread_id] = self._thread
        match event.msg:
            case ev.RoleRequested(action) if event.thread_id in threads:
                warning = f"{action}: a script of its own runs this; it takes no directions"
                threads[event.thread_id].publish(ev.Warned(warning))
            case ev.TokensCounted(total, last) if parent in threads:
                self._count_tokens(event.thread_id, total, last)
            case _:
                pass

    def _count_tokens(self, thread_id: str, total: Usage, last: Usage) -> None:
        """Publish the run's tokens after a role or a Codex thread has used more."""
        self._usage[thread_id] = total
        self._thread.count_tokens(sum_usage(self._usage.values()), last)

    def _add_role(self, agent: Any) -> RolePublisher:
        name = self._role_name(agent.name)
        info = role_thread_info(
            role_thread_id(self._run_id, name),
            name,
            run_thread_id(self._run_id),
            model=_model_name(agent),
            cwd=self._cwd,
            brief=items.clip(str(agent.handoff_description or ""), MAX_BRIEF),
        )
        role = RolePublisher(name, ThreadPublisher(self._publish, info), self._spans)
        self._roles[agent.name] = role
        return role

    def _role_name(self, agent_name: str) -> str:
        """Return a unique lower-case name for an agent's role."""
        base = _NOT_IN_ROLE.sub("-", agent_name.lower()).strip("-")[:_MAX_NAME] or "agent"
        name, number = base, 1
        while name in self._role_names:
            number += 1
            name = f"{base}-{number}"
        self._role_names.add(name)
        return name

    def _publish_note(self, kind: RunEventKind, role: str, text: str) -> None:
        self._thread.publish(ev.RunNoted(kind, role, items.clip(text)))


def _model_name(agent: Any) -> str:
    """Return the model's name, empty for the Agents SDK's default."""
    model = agent.model
    return model if isinstance(model, str) else str(getattr(model, "model", "") or "")


def _last_user_text(turn_input: Any) -> str:
    """Return the last user message in the input of a run, empty if it has no text."""
    for item in reversed(list(turn_input)):
        if isinstance(item, dict) and item.get("role") == "user":
            content = item.get("content")
            parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
            return "\n".join(str(part["text"]) for part in parts if part.get("text"))
    return ""
