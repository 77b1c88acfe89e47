"""The shared server's Codex for scripts on the OpenAI Agents SDK.

from codextui.agents import CodexServer

async with CodexServer() as codex:
    agent = Agent(name="Developer", instructions="…", mcp_servers=[codex])
    await Runner.run(agent, "…", hooks=codex.hooks("my team"))
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from codextui.client.spawn import ensure_server, open_socket
from codextui.config import paths
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.codex.server import CodexToolServer
from codextui.teams.codex.settings import ThreadSettings
from codextui.teams.publish.publisher import Publisher
from codextui.teams.publish.script import PublishingHooks

__all__ = ["CodexServer", "PublishingHooks"]

logger = logging.getLogger(__name__)

_DEFAULT_NAME = "Codex"
_MAX_CLIENT_NAME = 60


class CodexServer(CodexToolServer):
    """The tools `codex` and `codex-reply`, as an MCP server of the Agents SDK.

    A replacement for `MCPServerStdio(params={"command": "codex", "args": ["mcp-server"]})`.
    Its threads live on codextui's shared server: the console shows them, and answers their
    approvals. A call takes as long as its turn. A cancelled call interrupts its turn.

    Example:
        >>> async with CodexServer() as codex:
        ...     agent = Agent(name="Developer", mcp_servers=[codex])
    """

    def __init__(
        self,
        name: str = _DEFAULT_NAME,
        *,
        server: str = paths.DEFAULT_SERVER,
        handle: str = "",
        cwd: Path | None = None,
        sandbox: str | None = None,
        approval_policy: str | None = None,
        use_structured_content: bool = True,
        **options: Any,
    ) -> None:
        """Create a server; entering it (or `connect`) starts the shared server if needed.

        Args:
            name: the name in the Agents SDK, and of the client at the shared server, which by
                default is the script's file name.
            server: the shared server's name (`-L`).
            handle: the threads' handle in the console; empty for the server's default.
            cwd: where threads work unless the model says otherwise; by default the current folder.
            sandbox: if given, the sandbox mode of all threads, whatever the model requests.
            approval_policy: if given, the approval policy of all threads, likewise.
            use_structured_content: whether the model reads `{threadId, content}`, so that it can
                reply, or the content alone.
            options: further options of `agents.mcp.MCPServer`.
        """
        folder = (Path.cwd() if cwd is None else cwd).absolute()
        settings = ThreadSettings(handle, folder, sandbox, approval_policy)
        super().__init__(name, settings, use_structured_content=use_structured_content, **options)
        self._server = server
        self._resources = contextlib.AsyncExitStack()
        self._hooks: list[PublishingHooks] = []
        self._places: dict[str, tuple[str, str]] = {}

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
        if self._connection is None:
            socket = await ensure_server(self._server)
            connection = TeamConnection(
                functools.partial(open_socket, socket),
                name=self._client_name(),
                on_event=self._handle_event,
            )
            self._connection = await self._resources.enter_async_context(connection)

    async def cleanup(self) -> None:
        """Cancel all calls and disconnect; the threads stay on the server."""
        await self.cancel_calls()
        self._connection = None
        await self._resources.aclose()
        self._resources = contextlib.AsyncExitStack()

    def hooks(self, name: str = "") -> PublishingHooks:
        """Return hooks by which the console shows a run of the Agents SDK and its agents.

        Each agent is shown with its messages, tool calls, handoffs and tokens, and the Codex
        threads that it starts under it. Concurrent runs need hooks of their own.

        Example:
            >>> await Runner.run(agent, task, hooks=codex.hooks("my team"))

        Args:
            name: the run's name in the console; by default the server's name.
        """
        return PublishingHooks(name or self._name, self)

    async def open_publisher(self, run_id: str, hooks: PublishingHooks) -> Publisher:
        """Open a publisher for a run, which `cleanup` closes.

        Args:
            run_id: the run's id, without its prefix.
            hooks: the hooks that publish the run.

        Raises:
            ServerRefused: this server is not connected.
        """
        if self._connection is None:
            raise ServerRefused("not connected: enter the CodexServer first")
        publisher = Publisher(self._connection, run_id, on_error=logger.warning)
        await self._resources.enter_async_context(publisher)
        self._resources.callback(hooks.close)
        self._hooks.append(hooks)
        return publisher

    def place_thread(self, call_id: str, parent: str, handle: str) -> None:
        """Set the parent and the default handle of the thread that a call starts."""
        self._places[call_id] = (parent, handle)

    def _settings_for(self, key: str) -> ThreadSettings:
        parent, handle = self._places.pop(key, ("", ""))
        if not parent:
            return self._settings
        handle = self._settings.handle or handle
        return dataclasses.replace(self._settings, parent=parent, handle=handle)

    def _client_name(self) -> str:
        program = Path(sys.argv[0]).name[:_MAX_CLIENT_NAME]
        return program if program and self._name == _DEFAULT_NAME else self._name

    def _handle_event(self, event: ev.Event) -> None:
        if self._connection is not None and isinstance(
            event.msg, ev.RoleRequested | ev.TokensCounted
        ):
            owner = self._connection.owner_of(event.thread_id)
            for hooks in self._hooks:
                hooks.handle_event(event, owner)
