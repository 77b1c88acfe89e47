"""The tools `codex` and `codex-reply` as an MCP server of the Agents SDK."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from agents.mcp import MCPServer
from agents.tool_context import ToolContext
from mcp.types import CallToolResult, GetPromptResult, ListPromptsResult, Tool

from codextui.errors import CodextuiError, ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import codex_tools
from codextui.teams.codex.calls import CURRENT_CONVERSATION, CallLog, run_call
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.codex.settings import ThreadSettings

if TYPE_CHECKING:
    from agents import AgentBase, RunContextWrapper
    from agents.mcp.util import MCPToolMetaContext

CALL_ID_META = "codextui/call"
"""The key in a call's `_meta` for the id that the model gave the call."""

_INTERRUPT_TIMEOUT_S = 20.0


class CodexToolServer(MCPServer):
    """Codex for one agent, over a connection to the shared server.

    A call takes as long as its turn. A cancelled call interrupts its turn.

    Args:
        name: the name in the Agents SDK.
        settings: the settings of the threads.
        connection: the connection to the shared server; None if there is none yet.
        log: records the calls; one that is made again with the same id and arguments continues
            the recorded one. Without a log every call is a new one.
        options: further options of `agents.mcp.MCPServer`.

    Attributes:
        interrupts_turns: whether a cancelled call interrupts its turn or leaves it running.
        failed_calls: the keys of the calls that ended with an error.
    """

    def __init__(
        self,
        name: str,
        settings: ThreadSettings,
        *,
        connection: TeamConnection | None = None,
        log: CallLog | None = None,
        **options: Any,
    ) -> None:
        # `{threadId, content}` for the model, so that it can reply.
        options.setdefault("use_structured_content", True)
        options.setdefault("tool_meta_resolver", call_meta)
        super().__init__(**options)
        self.interrupts_turns = True
        self.failed_calls: set[str] = set()
        self._name = name
        self._settings = settings
        self._connection = connection
        self._continues_calls = log is not None
        self._log = CallLog() if log is None else log
        self._calls: set[asyncio.Task[CallToolResult]] = set()

    @property
    def name(self) -> str:
        """The name in the Agents SDK."""
        return self._name

    async def connect(self) -> None:
        """Do nothing: the connection is given."""

    async def cleanup(self) -> None:
        """Cancel all calls."""
        await self.cancel_calls()

    async def list_tools(
        self,
        run_context: RunContextWrapper[Any] | None = None,  # noqa: ARG002 - the SDK's signature
        agent: AgentBase | None = None,  # noqa: ARG002
    ) -> list[Tool]:
        """Return the two tools, without the arguments that are fixed."""
        listed = (self._settings.codex_tool(), codex_tools.CODEX_REPLY)
        return [Tool.model_validate(tool, by_name=False) for tool in listed]

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Run a turn and return its result; errors become results for the model to read."""
        call_id = str((meta or {}).get(CALL_ID_META) or uuid.uuid4())
        key = CURRENT_CONVERSATION.get().call_key(call_id)
        call = asyncio.create_task(self._call(tool_name, arguments or {}, key))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            result = await call
        except CodextuiError as error:
            result = _result(str(error), None, is_error=True)
        if result.is_error:
            self.failed_calls.add(key)
        return result

    async def cancel_calls(self) -> None:
        """Cancel all calls, and wait until their turns are interrupted.

        The Agents SDK does not wait for the tools of a run that it cancels.
        """
        calls = tuple(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def list_prompts(self) -> ListPromptsResult:
        """Return no prompts."""
        return ListPromptsResult(prompts=[])

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,  # noqa: ARG002 - the SDK's signature
    ) -> GetPromptResult:
        """Raise ServerRefused: there are no prompts."""
        raise ServerRefused(f"there is no prompt {name!r}")

    async def _call(self, tool: str, arguments: JsonObject, key: str) -> CallToolResult:
        if self._connection is None:
            raise ServerRefused("not connected: enter the CodexServer first")
        if tool not in ("codex", "codex-reply"):
            raise ServerRefused(f"Unknown tool '{tool}'")
        arguments = {**arguments} if tool == "codex-reply" else {**arguments, "threadId": None}
        settings = self._settings_for(key)
        log_key = self._log_key(key, arguments)
        try:
            thread_id, end = await run_call(
                self._connection, self._log, settings, log_key, arguments
            )
        except asyncio.CancelledError:
            if self.interrupts_turns:
                await self._interrupt(self._connection, log_key)
            raise
        structured = {"threadId": thread_id, "content": end.content}
        if end.reason:
            text = f"The turn of thread {thread_id} was {end.reason}. {end.message}".rstrip()
            return _result(text, structured, is_error=True)
        return _result(end.content, structured)

    def _settings_for(self, key: str) -> ThreadSettings:  # noqa: ARG002 - for subclasses
        return self._settings

    def _log_key(self, key: str, arguments: JsonObject) -> str:
        """Return the call's key in the log; models reuse ids, so it contains the arguments."""
        if self._continues_calls:
            text = json.dumps(arguments, sort_keys=True, default=str)
            return f"{key} {hashlib.sha256(text.encode()).hexdigest()}"
        return f"{key} {uuid.uuid4().hex}"

    async def _interrupt(self, connection: TeamConnection, log_key: str) -> None:
        call = self._log.get(log_key)
        if call is None or not call.turn_id:
            return
        with contextlib.suppress(CodextuiError, TimeoutError):
            async with asyncio.timeout(_INTERRUPT_TIMEOUT_S):
                await connection.call("codex-interrupt", {"thread": call.thread_id})


def call_meta(context: MCPToolMetaContext) -> dict[str, Any] | None:
    """Return the `_meta` of a call, with the id that the model gave it."""
    run = context.run_context
    return {CALL_ID_META: run.tool_call_id} if isinstance(run, ToolContext) else None


def _result(text: str, structured: JsonObject | None, *, is_error: bool = False) -> CallToolResult:
    result: dict[str, object] = {"content": [{"type": "text", "text": text}], "isError": is_error}
    if structured is not None:
        result["structuredContent"] = structured
    return CallToolResult.model_validate(result, by_name=False)
