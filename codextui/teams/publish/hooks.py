"""Hooks of the Agents SDK that publish tool calls: the base of a team's and a script's hooks."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from agents import RunHooks
from agents.tool_context import ToolContext

from codextui.teams.publish.items import CODEX_TOOLS, parse_arguments, result_text
from codextui.teams.publish.threads import RolePublisher

if TYPE_CHECKING:
    from agents import Tool
    from agents.run_context import RunContextWrapper


class ToolCallHooks(RunHooks[Any]):
    """Publishes the tool calls of agents; subclasses say by which publishers."""

    async def publisher_of(self, context: Any, agent: Any) -> RolePublisher:
        """Return the publisher of an agent that is at work."""
        raise NotImplementedError

    def failed_calls_of(self, agent: Any) -> Container[str]:
        """Return the keys of an agent's Codex calls that failed."""
        raise NotImplementedError

    def server_of(self, agent: Any, tool: Any) -> str:
        """Return the name of a tool's server: `codex` for Codex, empty for none."""
        raise NotImplementedError

    def call_key(self, context: Any) -> str:
        """Return the key of a call; empty for computer and shell tools, whose calls have no id."""
        return context.tool_call_id if isinstance(context, ToolContext) else ""

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Tool) -> None:
        """Publish that a tool call begins."""
        arguments = context.tool_arguments if isinstance(context, ToolContext) else ""
        publisher = await self.publisher_of(context, agent)
        publisher.begin_tool_call(
            self.call_key(context),
            self.server_of(agent, tool),
            tool.name,
            parse_arguments(arguments),
        )

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Any, tool: Tool, result: object
    ) -> None:
        """Publish that a tool call ended."""
        key = self.call_key(context)
        failed = tool.name in CODEX_TOOLS and key in self.failed_calls_of(agent)
        publisher = await self.publisher_of(context, agent)
        publisher.end_tool_call(key, result, error=result_text(result) if failed else "")
