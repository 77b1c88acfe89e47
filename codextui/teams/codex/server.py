"""Codex for agents of the OpenAI Agents SDK, on the shared server."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import hashlib
import json
import logging
import sys
import uuid
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agents.mcp import MCPServer
from agents.tool_context import ToolContext
from mcp.types import CallToolResult, GetPromptResult, ListPromptsResult, Tool

from codextui.client.spawn import ensure_server, open_socket
from codextui.config import paths
from codextui.errors import CodextuiError, ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol import tools
from codextui.teams.codex.calls import CallLog, run_call
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.codex.terms import Terms
from codextui.teams.publish.publisher import Publisher
from codextui.teams.publish.script import PublishingHooks
from codextui.teams.runner.conversation_key import CONVERSATION

if TYPE_CHECKING:
    from agents import AgentBase, RunContextWrapper
    from agents.mcp.util import MCPToolMetaContext

logger = logging.getLogger(__name__)

CALL_META = "codextui/call"
"""The key of a call's `_meta` that holds the id by which the model knows its tool call."""

_PLAIN_NAME = "Codex"
_LONGEST_NAME = 60
_INTERRUPT_S = 20.0


class CodexServer(MCPServer):
    """The tools `codex` and `codex-reply`, as an MCP server of the Agents SDK.

    It stands where `MCPServerStdio(params={"command": "codex", "args": ["mcp-server"]})` stood.
    Its threads live on codextui's shared server: the console shows them, and answers their
    approvals. A call takes as long as its turn takes. A cancelled call interrupts its turn.

    Example:
        >>> async with CodexServer() as codex:
        ...     agent = Agent(name="Developer", mcp_servers=[codex])

    Attributes:
        interrupts: whether a cancelled call interrupts its turn, rather than leaving it running.
        failed: the ids of the calls that came to nothing good.
    """

    def __init__(
        self,
        name: str = _PLAIN_NAME,
        *,
        server: str = paths.DEFAULT_NAME,
        handle: str = "",
        cwd: Path | None = None,
        sandbox: str | None = None,
        approval_policy: str | None = None,
        use_structured_content: bool = True,
        **options: Any,
    ) -> None:
        """Prepare it; entering it (or `connect`) starts the shared server where none runs.

        Args:
            name: what the Agents SDK calls it, and people at the server; they read the script's
                name where it is left out.
            server: the shared server's name (`-L`).
            handle: what its threads are called in the console; the server's default where empty.
            cwd: where they work unless the model says otherwise; the current folder where None.
            sandbox: where given, what they may do, whatever the model asks for.
            approval_policy: where given, when they must ask, whatever the model asks for.
            use_structured_content: whether the model reads `{threadId, content}`, so that it can
                reply, or the content alone.
            options: further options of `agents.mcp.MCPServer`.
        """
        options.setdefault("tool_meta_resolver", resolve_call)
        super().__init__(use_structured_content=use_structured_content, **options)
        self.interrupts = True
        self.failed: set[str] = set()
        self._name = name
        self._server = server
        self._link: TeamConnection | None = None
        self._log = CallLog()
        self._calls: set[asyncio.Task[CallToolResult]] = set()
        self._owned = contextlib.AsyncExitStack()
        self._hooks: list[PublishingHooks] = []
        self._workplaces: dict[str, tuple[str, str]] = {}
        self._takes_up = False
        folder = (Path.cwd() if cwd is None else cwd).absolute()
        self._terms = Terms(handle, folder, sandbox, approval_policy)

    @classmethod
    def of_role(
        cls, link: TeamConnection, log: CallLog, terms: Terms, **options: Any
    ) -> CodexServer:
        """The server of one role of a team, over the team's own link."""
        server = cls(f"codex of {terms.handle}", **options)
        server._link, server._log, server._terms = link, log, terms
        server._takes_up = True
        return server

    @property
    def name(self) -> str:
        """What the Agents SDK calls it."""
        return self._name

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.cleanup()

    async def connect(self) -> None:
        """Connect to the shared server. Raises ServerUnreachable."""
        if self._link is None:
            socket = await ensure_server(self._server)
            connect = functools.partial(open_socket, socket)
            link = TeamConnection(connect, name=self._client_name(), on_event=self._see)
            self._link = await self._owned.enter_async_context(link)

    async def cleanup(self) -> None:
        """Hang up; the threads stay, and can be looked at and talked to."""
        await self.stop_calls()
        self._link = None
        await self._owned.aclose()
        self._owned = contextlib.AsyncExitStack()

    def hooks(self, name: str = "") -> PublishingHooks:
        """Hooks by which the console shows a run of the Agents SDK, and each of its agents.

        Their rows show what they say and call, who hands off to whom, and their tokens; the Codex
        threads that they start stand under them. Runs that go on at once take hooks each.

        Example:
            >>> await Runner.run(agent, task, hooks=codex.hooks("my team"))

        Args:
            name: what the run is called in the console; the server's own name where empty.
        """
        return PublishingHooks(name or self._name, self)

    async def open_publisher(self, run_id: str, hooks: PublishingHooks) -> Publisher:
        """Begin to tell of a run, until this server is left. Raises ServerRefused before that."""
        if self._link is None:
            raise ServerRefused("not connected: enter the CodexServer first")
        publisher = Publisher(self._link, run_id, on_trouble=logger.warning)
        await self._owned.enter_async_context(publisher)
        self._owned.callback(hooks.close)
        self._hooks.append(hooks)
        return publisher

    def assign(self, call_id: str, parent: str, handle: str) -> None:
        """Let the thread that a call starts stand under a row, and be called so."""
        self._workplaces[call_id] = (parent, handle)

    async def list_tools(
        self,
        run_context: RunContextWrapper[Any] | None = None,  # noqa: ARG002 - the SDK's signature
        agent: AgentBase | None = None,  # noqa: ARG002
    ) -> list[Tool]:
        """The two tools, without the arguments that are fixed."""
        shown = (self._terms.tool(), tools.CODEX_REPLY)
        return [Tool.model_validate(tool, by_name=False) for tool in shown]

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Run a turn and return what it comes to; what goes wrong is told to the model."""
        call_id = CONVERSATION.get().call(str((meta or {}).get(CALL_META) or uuid.uuid4()))
        calling = asyncio.create_task(self._call(tool_name, arguments or {}, call_id))
        self._calls.add(calling)
        calling.add_done_callback(self._calls.discard)
        try:
            result = await calling
        except CodextuiError as error:
            result = _result(str(error), None, failed=True)
        if result.is_error:
            self.failed.add(call_id)
        return result

    async def stop_calls(self) -> None:
        """Cancel every call, and return when what that brings about is done.

        The Agents SDK does not wait for the tools of a run that it cancels.
        """
        calls = tuple(self._calls)
        for calling in calls:
            calling.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _call(self, tool: str, arguments: JsonObject, call_id: str) -> CallToolResult:
        if self._link is None:
            raise ServerRefused("not connected: enter the CodexServer first")
        if tool not in ("codex", "codex-reply"):
            raise ServerRefused(f"Unknown tool '{tool}'")
        given = {**arguments} if tool == "codex-reply" else {**arguments, "threadId": None}
        terms = self._terms_of(call_id)
        key = self._log_key(call_id, given)
        try:
            thread_id, end = await run_call(self._link, self._log, terms, key, given)
        except asyncio.CancelledError:
            if self.interrupts:
                await self._interrupt(self._link, key)
            raise
        structured = {"threadId": thread_id, "content": end.content}
        if end.reason:
            told = f"The turn of thread {thread_id} was {end.reason}. {end.message}".rstrip()
            return _result(told, structured, failed=True)
        return _result(end.content, structured)

    def _client_name(self) -> str:
        """What people at the server read: its own name, or that of the script."""
        program = Path(sys.argv[0]).name[:_LONGEST_NAME]
        return program if program and self._name == _PLAIN_NAME else self._name

    def _terms_of(self, call_id: str) -> Terms:
        parent, handle = self._workplaces.pop(call_id, ("", ""))
        if not parent:
            return self._terms
        return dataclasses.replace(self._terms, parent=parent, handle=self._terms.handle or handle)

    def _see(self, event: ev.Event) -> None:
        if self._link is not None and isinstance(event.msg, ev.RoleRequested | ev.TokensCounted):
            row = self._link.threads.get(event.thread_id)
            for hooks in self._hooks:
                hooks.see(event, row.parent if row is not None else "")

    def _log_key(self, call_id: str, arguments: JsonObject) -> str:
        """What a call stands under in the log: models give an id again, for another call.

        Only a run that is taken up after a crash makes a call twice, with all that it had.
        """
        asked = json.dumps(arguments, sort_keys=True, default=str) if self._takes_up else None
        told = uuid.uuid4().hex if asked is None else hashlib.sha256(asked.encode()).hexdigest()
        return f"{call_id} {told}"

    async def _interrupt(self, link: TeamConnection, key: str) -> None:
        """Stop the turn of a call that nobody waits for any more."""
        call = self._log.get(key)
        if call is None or not call.turn_id:
            return
        with contextlib.suppress(CodextuiError, TimeoutError):
            async with asyncio.timeout(_INTERRUPT_S):
                await link.call("codex-interrupt", {"thread": call.thread_id})

    async def list_prompts(self) -> ListPromptsResult:
        """There are none."""
        return ListPromptsResult(prompts=[])

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,  # noqa: ARG002 - the SDK's signature
    ) -> GetPromptResult:
        """Refuse: there are none."""
        raise ServerRefused(f"there is no prompt {name!r}")


def resolve_call(context: MCPToolMetaContext) -> dict[str, Any] | None:
    """The `_meta` of a call: the id by which the model knows it."""
    run = context.run_context
    return {CALL_META: run.tool_call_id} if isinstance(run, ToolContext) else None


def _result(text: str, structured: JsonObject | None, *, failed: bool = False) -> CallToolResult:
    result: dict[str, object] = {"content": [{"type": "text", "text": text}], "isError": failed}
    if structured is not None:
        result["structuredContent"] = structured
    return CallToolResult.model_validate(result, by_name=False)
