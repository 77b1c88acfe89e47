"""One conversation of the Agents SDK, kept after every step so that it can be gone on with.

Every call of Codex stops the run before it is made (`require_approval` of the MCP server): the
model's decision is kept first, and after a crash the same call is made with the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from agents import Agent, RunHooks, Runner, RunResultStreaming, RunState
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
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Mode
from codextui.teams.gates.conditions import find_unmet
from codextui.teams.publish.items import CODEX_TOOLS, arguments_of
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.conversation_key import CONVERSATION, ConversationKey
from codextui.teams.runner.ending import Ending, RunStopped
from codextui.teams.runner.model import start_part


class RoleTurnHooks(RunHooks[Any]):
    """Tells when a role begins and ends, and of the tools that it calls.

    Attributes:
        role: the role that is at work, or was last; empty before the first.
    """

    def __init__(self, crew: RunContext) -> None:
        self.role = ""
        self._crew = crew

    def begin(self, role: str, given: str = "") -> None:
        """A role begins to work, with what it is given to do; empty where it goes on."""
        self.role = role
        self._crew.telling.begin_stint(role, given)
        self._crew.tell(RunEvent(RunEventKind.ROLE_STARTED, role, "is at work"))

    def end(self, said: str) -> None:
        """The role that is at work has said its last word, for now."""
        self._crew.telling.roles[self.role].end(said, ThreadState.IDLE)

    def abort(self, reason: str, message: str = "") -> None:
        """The role that is at work was cut off: `interrupted` or `failed`."""
        self._crew.telling.roles[self.role].abort(reason, message)

    async def hold(self, role: str) -> None:
        """Wait for as long as a person holds a role."""
        if self._crew.direction.is_paused(role):
            self._crew.telling.roles[role].pause()
            await self._crew.direction.hold(role)
            self._crew.telling.roles[role].go_on()

    async def on_agent_start(self, context: Any, agent: Any) -> None:  # noqa: ARG002 - the SDK's signature
        """A role is at work. The SDK says so also after a tool's call or a refused handoff."""
        if agent.name != self.role:
            source = self.role
            state = await self._state_after(source)
            self._crew.telling.roles[source].end(f"Handed off to {agent.name}.", state)
            self.begin(agent.name, f"{source} hands off to you.")

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """A tool is called."""
        if isinstance(context, ToolContext):
            arguments = arguments_of(context.tool_arguments)
            telling = self._crew.telling.roles[agent.name]
            telling.call(_call_id(context), self._server(agent.name, tool), tool.name, arguments)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
        """A tool has answered."""
        if isinstance(context, ToolContext):
            call_id = _call_id(context)
            server = self._crew.servers.get(agent.name)
            failed = tool.name in CODEX_TOOLS and server is not None and call_id in server.failed
            error = str(result) if failed else ""
            self._crew.telling.roles[agent.name].returned(call_id, result, error=error)

    def _server(self, role: str, tool: Any) -> str:
        if tool.name in CODEX_TOOLS and role in self._crew.servers:
            return "codex"
        origin = getattr(tool, "_tool_origin", None)
        return str(getattr(origin, "mcp_server_name", None) or "")

    async def _state_after(self, role: str) -> ThreadState:
        """How a role stands that has handed off: done, or it waits for the others."""
        made = self._crew.team.roles[role].produces
        if not made or role == self._crew.team.entry or self._crew.mode is Mode.PARALLEL:
            return ThreadState.WAITING
        unmet = await find_unmet(self._crew.team, self._crew.project, made)
        return ThreadState.WAITING if unmet else ThreadState.DONE


def _call_id(context: ToolContext[Any]) -> str:
    return CONVERSATION.get().call(context.tool_call_id)


_SHOWN_OUTPUT = 2000

_PERSON = "whoever declined its call"

_REJECTED = "The user declined this call."


class Conversation:
    """A conversation that begins with one role, and may be handed on to others.

    Args:
        crew: whom it is held with.
        name: the part of the store that it is kept in.
    """

    def __init__(self, crew: RunContext, name: str) -> None:
        self._crew = crew
        self._name = name
        self._part = f"strand-{name}"
        self._hooks = RoleTurnHooks(crew)
        self._input: list[TResponseInputItem] = []
        kept = crew.store.read(self._part) or {}
        reruns = fields.as_object(kept.get("reruns", {}), "reruns")
        self._reruns = {role: fields.integer_or(reruns, role) for role in reruns}

    @property
    def role(self) -> str:
        """The role that is at work, or was last."""
        return self._hooks.role

    async def play(self, role: str, task: str) -> str:
        """Run from a task, or from where this strand was when it was kept; return the answer.

        Raises RunStopped where it cannot go on.
        """
        kept = self._crew.store.read(self._part)
        if kept is None:
            return await self._run(role, _asked(task), given=task)
        at_work = fields.text(kept, "agent")
        if "output" in kept:
            self._input = list(kept["input"])  # type: ignore[call-overload]  # as it was written
            self._hooks.role = at_work
            return fields.text(kept, "output")
        if "state" in kept:
            root = self._crew.agents[role]
            state = await RunState.from_string(root, fields.text(kept, "state"))
            return await self._run(at_work or role, state, root=root)
        return await self._run(at_work, list(kept["input"]))  # type: ignore[call-overload]  # as above

    async def say(self, role: str, message: str) -> str:
        """Say more after an answer, and return the next one. Raises as `play`."""
        given = [*self._input, *_asked(message)]
        self._write(role, {"input": given})
        return await self._run(role, given, given=message)

    async def go_on(self, role: str) -> str:
        """Let a role read what people have said to it after an answer. Raises as `play`."""
        self._write(role, {"input": self._input})
        return await self._run(role, self._input)

    def reruns(self, role: str) -> int:
        """How often a role has begun again here because that was asked."""
        return self._reruns.get(role, 0)

    def rewind(self, role: str, task: str = "") -> bool:
        """Take the conversation back to where a role began last; `play` goes on from there.

        Args:
            role: which role.
            task: where given, back to the very beginning, with this task.

        Returns:
            Whether that can be: the role has been at work here.
        """
        kept = self._crew.store.read(start_part(self._name, role))
        if kept is None and not task:
            return False
        given = _asked(task) if task or kept is None else list(kept["input"])  # type: ignore[call-overload]  # as it was written
        self._crew.direction.rewind(self._name, len(given))
        self._write(role, {"input": given})
        return True

    def count_rerun(self, role: str) -> None:
        """A rerun that was asked is begun; it is kept with what is kept next."""
        self._reruns[role] = self._crew.direction.reruns(role)

    async def _run(
        self,
        role: str,
        start: list[TResponseInputItem] | RunState[Any, Any],
        *,
        root: Agent[Any] | None = None,
        given: str = "",
    ) -> str:
        self._hooks.begin(role, given)
        agent = root or self._crew.agents[role]
        try:
            while True:
                result = await self._attend(agent, start)
                if not result.interruptions:
                    return self._finish(result)
                start = result.to_state()
                self._keep(start)
                await self._decide(start, result.interruptions)
        except asyncio.CancelledError:
            by = self._crew.direction.stopped_by(self.role)
            self._hooks.abort("interrupted", f"stopped by {by}" if by else "")
            raise
        except RunStopped as stopped:
            bad = stopped.ending in (Ending.FAILED, Ending.GATE)
            self._hooks.abort("failed" if bad else "interrupted", str(stopped))
            raise
        except (AgentsException, OpenAIError, OSError, ValueError, RecursionError) as error:
            told = str(error) or type(error).__name__
            self._hooks.abort("failed", told)
            raise RunStopped(Ending.FAILED, told) from error

    async def _attend(
        self, agent: Agent[Any], given: list[TResponseInputItem] | RunState[Any, Any]
    ) -> RunResultStreaming:
        CONVERSATION.set(ConversationKey(self._name, sum(self._reruns.values())))
        result = Runner.run_streamed(
            agent, given, max_turns=None, hooks=self._hooks, run_config=self._crew.run_config
        )
        try:
            async for event in result.stream_events():
                if event.type != "raw_response_event":
                    self._see(event)
                    state = result.to_state()
                    if _is_whole(state):
                        self._keep(state)
        finally:
            result.cancel("immediate")
        return result

    async def _decide(self, state: RunState[Any, Any], calls: list[ToolApprovalItem]) -> None:
        """Approve the calls of Codex, which asks by itself, and ask people about all others."""
        await asyncio.gather(*(self._decide_call(state, call) for call in calls))

    async def _decide_call(self, state: RunState[Any, Any], call: ToolApprovalItem) -> None:
        role = call.agent.name
        if role in self._crew.servers and call.name in CODEX_TOOLS:
            await self._hooks.hold(role)
            state.approve(call)
            return
        origin = call.tool_origin
        asked = ToolAsked(
            tool=call.name or "",
            arguments=_as_object(arguments_of(call.arguments)),
            server=(origin.mcp_server_name or "") if origin is not None else "",
        )
        raw_id = getattr(call.raw_item, "id", "")
        key = CONVERSATION.get().call(str(call.call_id or raw_id))
        verdict = await self._crew.people.may_call(role, key, asked)
        if verdict.stops:
            self._crew.direction.stop(role, _PERSON)
        if verdict.approved:
            await self._hooks.hold(role)
            state.approve(call)
        else:
            state.reject(call, rejection_message=verdict.message or _REJECTED)

    def _finish(self, result: RunResultStreaming) -> str:
        self._input = result.to_input_list()
        output = str(result.final_output)
        self._write(result.last_agent.name, {"input": self._input, "output": output})
        self._hooks.end(output)
        return output

    def _keep(self, state: RunState[Any, Any]) -> None:
        agent = state._current_agent  # noqa: SLF001 - the SDK has no public name for it
        self._write(agent.name if agent is not None else "", {"state": state.to_string()})

    def _write(self, role: str, content: Mapping[str, object]) -> None:
        self._crew.store.write(self._part, {"agent": role, "reruns": self._reruns, **content})

    def _see(self, event: StreamEvent) -> None:
        if isinstance(event, RunItemStreamEvent):
            happening = _tell(event)
            if happening is not None:
                self._crew.tell(happening)


def _is_whole(state: RunState[Any, Any]) -> bool:
    """Whether a run can go on from a state.

    It cannot while the SDK is going on from an interruption itself; the state that it goes on
    from has been kept then.
    """
    interrupted = bool(state.get_interruptions())
    return not interrupted or state._last_processed_response is not None  # noqa: SLF001 - only there


def _asked(text: str) -> list[TResponseInputItem]:
    return [{"role": "user", "content": text}]


def _as_object(arguments: object) -> JsonObject:
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def _tell(event: RunItemStreamEvent) -> RunEvent | None:
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
            return RunEvent(RunEventKind.TOOL_ANSWERED, role, str(item.output)[:_SHOWN_OUTPUT])
        case _:
            return None
