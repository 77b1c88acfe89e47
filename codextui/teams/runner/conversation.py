"""One conversation of the Agents SDK, recorded after every step so that it can be resumed.

Every call of Codex interrupts the run before it is made (`require_approval` of the MCP server):
the model's response is recorded first, and after a crash the same call is made with the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from typing import Any, cast

from agents import Agent, Runner, RunResultStreaming, RunState
from agents.exceptions import AgentsException
from agents.items import (
    ItemHelpers,
    MessageOutputItem,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
    TResponseInputItem,
)
from agents.stream_events import RunItemStreamEvent, StreamEvent
from agents.tool_context import ToolContext
from openai import OpenAIError

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import ToolAsked
from codextui.protocol.decisions import Aborted, Approved, Declined
from codextui.protocol.runs import RunEventKind
from codextui.protocol.threads import ThreadState
from codextui.teams.codex.calls import CURRENT_CONVERSATION, ConversationKey
from codextui.teams.config.team import Mode
from codextui.teams.gates.conditions import find_unmet
from codextui.teams.publish.hooks import ToolCallHooks
from codextui.teams.publish.items import CODEX_TOOLS, clip, parse_arguments, result_text
from codextui.teams.publish.threads import RolePublisher
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.model import turn_start_part

_MAX_OUTPUT = 2000

_DECLINER = "whoever declined its call"

_REJECTION = "The user declined this call."


class Conversation:
    """A conversation that begins with one role, and may be handed off to others.

    Args:
        context: the context of the run.
        name: a name that is unique in the run, under which the conversation is recorded.
    """

    def __init__(self, context: RunContext, name: str) -> None:
        self._context = context
        self._name = name
        self._part = f"strand-{name}"  # as in the runs that earlier releases recorded
        self._hooks = RoleTurnHooks(context)
        self._items: list[TResponseInputItem] = []
        with context.store.reading(self._part) as recorded:
            reruns = fields.as_object(recorded.get("reruns", {}), "reruns")
            self._reruns = {role: fields.integer_or(reruns, role) for role in reruns}

    @property
    def role(self) -> str:
        """The role that is at work, or was last; empty before the first."""
        return self._hooks.role

    async def run(self, role: str, task: str) -> str:
        """Run a role from its task, or from the recorded state, to the final answer.

        Raises RunStopped if the run cannot continue.
        """
        recorded = self._context.store.read(self._part)
        if recorded is None:
            return await self._run(role, _user_message(task), prompt=task)
        with self._context.store.reading(self._part) as recorded:
            current_role = fields.text(recorded, "agent")
            state = fields.maybe_text(recorded, "state")
            output = fields.maybe_text(recorded, "output")
            items = _items(recorded)
        if output is not None:
            self._items = items
            self._hooks.role = current_role
            return output
        if state is not None:
            root = self._context.agents[role]
            return await self._run(current_role or role, await self._load(root, state), root=root)
        return await self._run(current_role, items)

    async def send(self, role: str, message: str) -> str:
        """Send a role a message after an answer, and return the next answer. Raises as `run`."""
        items = [*self._items, *_user_message(message)]
        self._record(role, {"input": items})
        return await self._run(role, items, prompt=message)

    async def resume(self, role: str) -> str:
        """Let a role read its messages after an answer; return the next one. Raises as `run`."""
        self._record(role, {"input": self._items})
        return await self._run(role, self._items)

    def rerun_count(self, role: str) -> int:
        """Return how many requested reruns of a role were begun in this conversation."""
        return self._reruns.get(role, 0)

    def record_rerun(self, role: str) -> None:
        """Count all requested reruns of a role as begun; stored with the next state."""
        self._reruns[role] = self._context.controls.rerun_count(role)

    def rewind(self, role: str, task: str = "") -> bool:
        """Rewind to the start of a role's last turn, or to the very start; `run` resumes there.

        Args:
            role: the role.
            task: if given, the conversation starts over with this task.

        Returns:
            False if the role has had no turn.
        """
        with self._context.store.reading(turn_start_part(self._name, role)) as start:
            if not start and not task:
                return False
            items = _user_message(task) if task else _items(start)
        self._context.controls.rewind(self._name, len(items))
        self._record(role, {"input": items})
        return True

    async def _load(self, root: Agent[Any], state: str) -> RunState[Any, Any]:
        """Return the SDK's recorded state. Raises ConfigInvalid where it is of no use."""
        with self._context.store.reading(self._part):
            try:
                return await RunState.from_string(root, state)
            except Exception as error:
                # The SDK raises whatever comes of an unexpected shape.
                raise ValueError(f"the state: {error}") from error

    async def _run(
        self,
        role: str,
        start: list[TResponseInputItem] | RunState[Any, Any],
        *,
        root: Agent[Any] | None = None,
        prompt: str = "",
    ) -> str:
        self._hooks.begin_turn(role, prompt)
        agent = root or self._context.agents[role]
        try:
            while True:
                result = await self._stream(agent, start)
                if not result.interruptions:
                    return self._finish(result)
                start = result.to_state()
                self._record_state(start)
                await self._decide_calls(start, result.interruptions)
        except asyncio.CancelledError:
            by = self._context.controls.stopped_by(self.role)
            self._hooks.abort_turn("interrupted", f"stopped by {by}" if by else "")
            raise
        except RunStopped as stopped:
            failed = stopped.outcome in (RunOutcome.FAILED, RunOutcome.GATE)
            self._hooks.abort_turn("failed" if failed else "interrupted", str(stopped))
            raise
        except (AgentsException, OpenAIError, OSError, ValueError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            self._hooks.abort_turn("failed", reason)
            raise RunStopped(RunOutcome.FAILED, reason) from error

    async def _stream(
        self, agent: Agent[Any], start: list[TResponseInputItem] | RunState[Any, Any]
    ) -> RunResultStreaming:
        """Run until the final output or the next interruption, and record every state."""
        CURRENT_CONVERSATION.set(ConversationKey(self._name, sum(self._reruns.values())))
        result = Runner.run_streamed(
            agent, start, max_turns=None, hooks=self._hooks, run_config=self._context.run_config
        )
        try:
            async for event in result.stream_events():
                if event.type != "raw_response_event":
                    self._handle_stream_event(event)
                    state = result.to_state()
                    if _can_resume(state):
                        self._record_state(state)
        finally:
            result.cancel("immediate")
        return result

    async def _decide_calls(self, state: RunState[Any, Any], calls: list[ToolApprovalItem]) -> None:
        await asyncio.gather(*(self._decide_call(state, call) for call in calls))

    async def _decide_call(self, state: RunState[Any, Any], call: ToolApprovalItem) -> None:
        """Approve a call of Codex, which asks by itself; ask people about any other."""
        role = call.agent.name
        if role in self._context.codex_servers and call.name in CODEX_TOOLS:
            await self._hooks.wait_while_paused(role)
            state.approve(call)
            return
        origin = call.tool_origin
        asked = ToolAsked(
            tool=call.name or "",
            arguments=_as_object(parse_arguments(call.arguments)),
            server=(origin.mcp_server_name or "") if origin is not None else "",
        )
        raw_id = getattr(call.raw_item, "id", "")
        key = CURRENT_CONVERSATION.get().call_key(str(call.call_id or raw_id))
        match await self._context.approvals.decide_call(role, key, asked):
            case Approved():
                await self._hooks.wait_while_paused(role)
                state.approve(call)
            case Aborted():
                self._context.controls.stop(role, _DECLINER)
                state.reject(call, rejection_message=_REJECTION)
            case Declined(message) if message:
                state.reject(call, rejection_message=message)
            case _:
                state.reject(call, rejection_message=_REJECTION)

    def _finish(self, result: RunResultStreaming) -> str:
        self._items = result.to_input_list()
        output = str(result.final_output)
        self._record(result.last_agent.name, {"input": self._items, "output": output})
        self._hooks.end_turn(output)
        return output

    def _record_state(self, state: RunState[Any, Any]) -> None:
        agent = state._current_agent  # noqa: SLF001 - the SDK has no public name for it
        self._record(agent.name if agent is not None else "", {"state": state.to_string()})

    def _record(self, role: str, content: Mapping[str, object]) -> None:
        recorded = {"agent": role, "reruns": self._reruns, **content}
        self._context.store.write(self._part, recorded)

    def _handle_stream_event(self, event: StreamEvent) -> None:
        if isinstance(event, RunItemStreamEvent):
            run_event = _run_event(event)
            if run_event is not None:
                self._context.on_event(run_event)


def _items(recorded: JsonObject) -> list[TResponseInputItem]:
    return cast("list[TResponseInputItem]", list(fields.objects(recorded, "input")))


def _can_resume(state: RunState[Any, Any]) -> bool:
    # While the SDK itself resumes from an interruption, the state is incomplete; the state that
    # it resumes from was recorded.
    interrupted = bool(state.get_interruptions())
    return not interrupted or state._last_processed_response is not None  # noqa: SLF001 - as above


def _user_message(text: str) -> list[TResponseInputItem]:
    return [{"role": "user", "content": text}]


def _as_object(arguments: object) -> JsonObject:
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def _run_event(event: RunItemStreamEvent) -> RunEvent | None:
    item = event.item
    role = item.agent.name
    match item:
        case MessageOutputItem():
            text = ItemHelpers.text_message_output(item)
            return RunEvent(RunEventKind.ROLE_SAID, role, text)
        case ToolCallItem():
            name = str(getattr(item.raw_item, "name", "") or getattr(item.raw_item, "type", ""))
            arguments = str(getattr(item.raw_item, "arguments", ""))
            call = {"tool": name, "call": str(getattr(item.raw_item, "call_id", ""))}
            return RunEvent(RunEventKind.TOOL_CALLED, role, f"{name} {arguments}", call)
        case ToolCallOutputItem():
            text = clip(result_text(item.output), _MAX_OUTPUT)
            return RunEvent(RunEventKind.TOOL_ANSWERED, role, text, _answered_call(item))
        case _:
            return None


def _answered_call(item: ToolCallOutputItem) -> JsonObject:
    raw: Any = item.raw_item
    call = raw.get("call_id") if isinstance(raw, dict) else getattr(raw, "call_id", None)
    return {"call": str(call or "")}


class RoleTurnHooks(ToolCallHooks):
    """Publishes the turns of the roles of one conversation, and their tool calls.

    Attributes:
        role: the role that is at work, or was last; empty before the first.
    """

    def __init__(self, context: RunContext) -> None:
        self.role = ""
        self._context = context

    def begin_turn(self, role: str, prompt: str = "") -> None:
        """Begin a turn of a role, with a prompt unless it is resumed."""
        self.role = role
        self._context.publisher.begin_role_turn(role, prompt)
        self._context.on_event(RunEvent(RunEventKind.ROLE_STARTED, role, "is at work"))

    def end_turn(self, answer: str) -> None:
        """End the turn of the current role with an answer."""
        self._context.publisher.roles[self.role].end_turn(answer, ThreadState.IDLE)

    def abort_turn(self, reason: str, message: str = "") -> None:
        """Abort the turn of the current role: `interrupted` or `failed`."""
        self._context.publisher.roles[self.role].abort_turn(reason, message)

    async def wait_while_paused(self, role: str) -> None:
        """Wait until a role is not paused, and publish that."""
        if self._context.controls.is_paused(role):
            self._context.publisher.roles[role].pause()
            await self._context.controls.wait_while_paused(role)
            self._context.publisher.roles[role].resume()

    async def on_agent_start(self, context: Any, agent: Any) -> None:  # noqa: ARG002 - the SDK's signature
        """Begin a turn after a handoff; the SDK also calls this after tool calls and refusals."""
        if agent.name != self.role:
            source = self.role
            state = await self._state_after_handoff(source)
            publisher = self._context.publisher.roles[source]
            publisher.end_turn(f"Handed off to {agent.name}.", state)
            self.begin_turn(agent.name, f"{source} hands off to you.")

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """Publish that a tool call begins, unless it has no id."""
        if isinstance(context, ToolContext):
            await super().on_tool_start(context, agent, tool)

    async def publisher_of(self, context: Any, agent: Any) -> RolePublisher:  # noqa: ARG002 - see base
        """Return the publisher of a role."""
        return self._context.publisher.roles[agent.name]

    def failed_calls_of(self, agent: Any) -> Container[str]:
        """Return the keys of a role's Codex calls that failed."""
        server = self._context.codex_servers.get(agent.name)
        return server.failed_calls if server is not None else ()

    def server_of(self, agent: Any, tool: Any) -> str:
        """Return `codex`, or the name of another MCP server; empty for other tools."""
        if tool.name in CODEX_TOOLS and agent.name in self._context.codex_servers:
            return "codex"
        origin = getattr(tool, "_tool_origin", None)
        return str(getattr(origin, "mcp_server_name", None) or "")

    def call_key(self, context: Any) -> str:
        """Return the key of a call, which is unique in the run."""
        call_id = super().call_key(context)
        return CURRENT_CONVERSATION.get().call_key(call_id) if call_id else ""

    async def _state_after_handoff(self, role: str) -> ThreadState:
        made = self._context.team.roles[role].produces
        is_entry = role == self._context.team.entry
        if not made or is_entry or self._context.mode is Mode.PARALLEL:
            return ThreadState.WAITING
        unmet = await find_unmet(self._context.team, self._context.project, made)
        return ThreadState.WAITING if unmet else ThreadState.DONE
