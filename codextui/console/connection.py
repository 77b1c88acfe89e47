"""The console's connection to the shared server, and the calls that screens ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codextui.client.updates import UpdateHandler
from codextui.console.screens import messages as requests
from codextui.errors import CodextuiError, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.decisions import Decision
from codextui.protocol.threads import ThreadInfo

if TYPE_CHECKING:
    from codextui.client.connection import Connection
    from codextui.console.screens.new_thread import NewThread
    from codextui.jsonrpc.lines import Streams


class ServerCalls(Protocol):
    """The part of a connection that operations need (`codextui.client.connection`)."""

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool. Raises the errors of `codextui.errors`."""

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval. Raises ApprovalGone."""


async def perform(server: ServerCalls, request: requests.ServerRequest) -> ThreadInfo | None:
    """Do what the screen asks for; return the thread that it began, None where it began none.

    Raises the errors of `codextui.errors`.
    """
    match request:
        case requests.StartThread(new=new):
            return await start_thread(server, new)
        case requests.ForkThread(thread_id=thread_id, turn_id=turn_id, prompt=prompt):
            return await fork_thread(server, thread_id, turn_id, prompt)
        case requests.SendPrompt(thread_id=thread_id, prompt=prompt):
            await server.call("codex-send", {"thread": thread_id, "prompt": prompt})
        case requests.InterruptTurn(thread_id=thread_id):
            await server.call("codex-interrupt", {"thread": thread_id})
        case requests.KillThread(thread_id=thread_id):
            await server.call("codex-kill", {"thread": thread_id})
        case requests.DirectRole(thread_id=thread_id, action=action, text=text):
            wanted = {"thread": thread_id, "action": action.value, "text": text}
            await server.call("codex-role", _without_empty(wanted))
        case requests.StopServer():
            await server.call("codex-shutdown", {})
    return None


async def start_thread(server: ServerCalls, new: NewThread) -> ThreadInfo:
    """Start a thread (`codex-start`); what `new` leaves empty is Codex's choice."""
    wanted = {
        "prompt": new.prompt,
        "handle": new.handle,
        "model": new.model,
        "cwd": new.cwd,
        "sandbox": new.sandbox,
        "approval-policy": new.approval_policy,
    }
    return _thread(await server.call("codex-start", _without_empty(wanted)))


async def fork_thread(server: ServerCalls, thread_id: str, turn_id: str, prompt: str) -> ThreadInfo:
    """Fork a thread (`codex-fork`): through a turn, and with a prompt, unless they are empty."""
    wanted = {"thread": thread_id, "turn": turn_id, "prompt": prompt}
    return _thread(await server.call("codex-fork", _without_empty(wanted)))


async def server_report(server: ServerCalls) -> JsonObject:
    """What the server says of itself (`codex-server`)."""
    return await server.call("codex-server", {})


def _thread(answer: JsonObject) -> ThreadInfo:
    return ThreadInfo.from_json(fields.as_object(answer.get("thread"), "thread"))


def _without_empty(arguments: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in arguments.items() if value}


_START_AGAIN = "connect now starts it again"
"""As the footer names the key (`codextui.console.screens.main`)."""


class Link(ServerCalls, Protocol):
    """What the console needs of an attachment."""

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""

    def retry(self) -> None:
        """A person wants it to connect now, and to start the server where none runs."""


class ConsoleConnection:
    """A connection that starts the server at first, and later only when a person asks for it.

    A server that somebody has ended on purpose is not started again by a console that was left
    open.
    """

    def __init__(self, name: str, config: Path | None, on_update: UpdateHandler) -> None:
        """Take the server's name, its configuration, and who hears what happens."""
        self._name = name
        self._config = config
        self._on_update = on_update
        self._may_start = True
        self._connection: Connection | None = None

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""
        from codextui.client.connection import Connection  # noqa: PLC0415 - after the first frame

        async with Connection(self._open, name="codextui", on_update=self._on_update) as connection:
            self._connection = connection
            try:
                await asyncio.Event().wait()
            finally:
                self._connection = None

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool. Raises the errors of `codextui.errors`."""
        return await self._connected().call(tool, arguments)

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval. Raises ApprovalGone."""
        await self._connected().answer(approval_id, decision)

    def retry(self) -> None:
        """Connect now, and start the server where none runs."""
        self._may_start = True
        if self._connection is not None:
            self._connection.retry_now()

    async def _open(self) -> Streams:
        from codextui.client import spawn  # noqa: PLC0415 - after the first frame

        if self._may_start:
            path = await spawn.ensure_server(self._name, config=self._config)
        else:
            path = await spawn.find_server(self._name, way_out=_START_AGAIN)
        streams = await spawn.open_socket(path)
        self._may_start = False
        return streams

    def _connected(self) -> Connection:
        if self._connection is None:
            raise ServerUnreachable("the connection to the server is not up yet")
        return self._connection


STARTING_PAUSE = 0.5
"""Seconds between two looks at whether Codex is up."""


async def check_codex(server: ServerCalls, say_problem: Callable[[str], None]) -> None:
    """Ask until Codex is up or cannot be; `say_problem` hears what is wrong, empty for nothing."""
    is_starting = True
    while is_starting:
        try:
            report = await server_report(server)
        except CodextuiError:
            return  # The connection is gone again, and says so itself.
        problem = str(report.get("problem") or "")
        say_problem(problem)
        if problem:
            return
        codex = report.get("codex")
        is_starting = isinstance(codex, dict) and not codex.get("pid")
        await asyncio.sleep(STARTING_PAUSE if is_starting else 0)
