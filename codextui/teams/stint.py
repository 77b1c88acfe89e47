"""Which role of a conversation is at work, as the Agents SDK tells of it."""

from __future__ import annotations

from typing import Any

from agents import RunHooks
from agents.tool_context import ToolContext

from codextui.teams.crew import Crew
from codextui.teams.gate import find_unmet
from codextui.teams.happening import Happening, Kind
from codextui.teams.items import CODEX_TOOLS, arguments_of
from codextui.teams.strand_key import STRAND
from codextui.teams.team import Mode
from codextui.wire.thread import ThreadState


class StintHooks(RunHooks[Any]):
    """Tells when a role begins and ends, and of the tools that it calls.

    Attributes:
        role: the role that is at work, or was last; empty before the first.
    """

    def __init__(self, crew: Crew) -> None:
        self.role = ""
        self._crew = crew

    def begin(self, role: str, given: str = "") -> None:
        """A role begins to work, with what it is given to do; empty where it goes on."""
        self.role = role
        self._crew.telling.begin_stint(role, given)
        self._crew.tell(Happening(Kind.ROLE_STARTED, role, "is at work"))

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
    return STRAND.get().call(context.tool_call_id)
