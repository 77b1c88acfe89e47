"""One run of the Agents SDK, kept after every step so that it can be gone on with.

Every call of Codex stops the run before it is made (`require_approval` of the MCP server): the
model's decision is kept first, and after a crash the same call is made with the same id.
"""

from __future__ import annotations

from typing import Any

from agents import Agent, RunHooks, Runner, RunResultStreaming, RunState
from agents.exceptions import AgentsException
from agents.items import (
    ItemHelpers,
    MessageOutputItem,
    ToolCallItem,
    ToolCallOutputItem,
    TResponseInputItem,
)
from agents.stream_events import RunItemStreamEvent, StreamEvent
from openai import OpenAIError

from codextui.teams.crew import Crew
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.happening import Happening, Kind
from codextui.teams.kept_model import STRAND
from codextui.wire import fields

_SHOWN_OUTPUT = 2000


class Strand:
    """A run of the Agents SDK that begins with one role.

    Args:
        crew: whom it runs with.
        name: the part of the store that it is kept in.
    """

    def __init__(self, crew: Crew, name: str) -> None:
        self._crew = crew
        self._name = name
        self._part = f"strand-{name}"
        self._hooks = _Hooks(crew)
        self._input: list[TResponseInputItem] = []

    async def play(self, role: str, task: str) -> str:
        """Run from a task, or from where this strand was when it was kept; return the answer.

        Raises RunStopped where it cannot go on.
        """
        kept = self._crew.store.read(self._part)
        if kept is None:
            return await self._run(self._crew.agents[role], _asked(task))
        agent = self._crew.agents[fields.text(kept, "agent")]
        if "output" in kept:
            self._input = list(kept["input"])  # type: ignore[call-overload]  # as it was written
            return fields.text(kept, "output")
        if "state" in kept:
            root = self._crew.agents[role]
            state = await RunState.from_string(root, fields.text(kept, "state"))
            return await self._run(root, state)
        return await self._run(agent, list(kept["input"]))  # type: ignore[call-overload]  # as above

    async def say(self, role: str, message: str) -> str:
        """Say more after an answer, and return the next one. Raises as `play`."""
        given = [*self._input, *_asked(message)]
        self._crew.store.write(self._part, {"agent": role, "input": given})
        return await self._run(self._crew.agents[role], given)

    async def _run(
        self, agent: Agent[Any], given: list[TResponseInputItem] | RunState[Any, Any]
    ) -> str:
        try:
            while True:
                result = await self._attend(agent, given)
                if not result.interruptions:
                    return self._finish(result)
                given = result.to_state()
                self._keep(given)
                for call in result.interruptions:
                    given.approve(call)
        except (AgentsException, OpenAIError, OSError) as error:
            told = str(error) or type(error).__name__
            raise RunStopped(Ending.FAILED, told) from error

    async def _attend(
        self, agent: Agent[Any], given: list[TResponseInputItem] | RunState[Any, Any]
    ) -> RunResultStreaming:
        STRAND.set(self._name)
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

    def _finish(self, result: RunResultStreaming) -> str:
        self._input = result.to_input_list()
        output = str(result.final_output)
        kept = {"agent": result.last_agent.name, "input": self._input, "output": output}
        self._crew.store.write(self._part, kept)
        return output

    def _keep(self, state: RunState[Any, Any]) -> None:
        agent = state._current_agent  # noqa: SLF001 - the SDK has no public name for it
        name = agent.name if agent is not None else ""
        self._crew.store.write(self._part, {"agent": name, "state": state.to_string()})

    def _see(self, event: StreamEvent) -> None:
        if isinstance(event, RunItemStreamEvent):
            happening = _tell(event)
            if happening is not None:
                self._crew.tell(happening)


class _Hooks(RunHooks[Any]):
    """Tells which role is at work."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._at_work = ""

    async def on_agent_start(self, context: Any, agent: Any) -> None:  # noqa: ARG002 - the SDK's signature
        # The SDK also starts an agent that goes on after a tool call or a refused handoff.
        if agent.name != self._at_work:
            self._at_work = agent.name
            self._crew.tell(Happening(Kind.ROLE_STARTED, agent.name, "is at work"))


def _is_whole(state: RunState[Any, Any]) -> bool:
    """Whether a run can go on from a state.

    It cannot while the SDK is going on from an interruption itself; the state that it goes on
    from has been kept then.
    """
    interrupted = bool(state.get_interruptions())
    return not interrupted or state._last_processed_response is not None  # noqa: SLF001 - only there


def _asked(text: str) -> list[TResponseInputItem]:
    return [{"role": "user", "content": text}]


def _tell(event: RunItemStreamEvent) -> Happening | None:
    item = event.item
    role = item.agent.name
    match item:
        case MessageOutputItem():
            text = ItemHelpers.text_message_output(item)
            return Happening(Kind.ROLE_SAID, role, text)
        case ToolCallItem():
            name = str(getattr(item.raw_item, "name", "") or getattr(item.raw_item, "type", ""))
            arguments = str(getattr(item.raw_item, "arguments", ""))
            call = {"tool": name, "call": str(getattr(item.raw_item, "call_id", ""))}
            return Happening(Kind.TOOL_CALLED, role, f"{name} {arguments}", call)
        case ToolCallOutputItem():
            return Happening(Kind.TOOL_ANSWERED, role, str(item.output)[:_SHOWN_OUTPUT])
        case _:
            return None
