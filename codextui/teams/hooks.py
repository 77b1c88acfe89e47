"""Publishes the runs of somebody's own script, by the hooks of the Agents SDK."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents import RunHooks
from agents.tool_context import ToolContext

from codextui.teams.items import CODEX_TOOLS
from codextui.teams.script_run import ScriptRun

if TYPE_CHECKING:
    from agents import Agent, ModelResponse, Tool
    from agents.items import TResponseInputItem
    from agents.run_context import AgentHookContext, RunContextWrapper

    from codextui.teams.codex_server import CodexServer
    from codextui.wire.event import Event

logger = logging.getLogger(__name__)

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
