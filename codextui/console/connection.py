"""The console's connection to the shared server, and the tool calls behind its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from codextui.client.updates import UpdateHandler
from codextui.console.model.image_marks import split_images
from codextui.console.screens import messages
from codextui.errors import CodextuiError, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.decisions import Decision
from codextui.protocol.events import Event
from codextui.protocol.threads import ThreadInfo, WholeQueuedMessage

if TYPE_CHECKING:
    from codextui.client.connection import Connection, FramesHandler
    from codextui.console.model.decisions import DecisionsPage, DecisionsRequest
    from codextui.console.model.history import HistoryPage, HistoryRequest
    from codextui.console.model.search import Found, FoundPage
    from codextui.console.model.working_tree import TreeRequest, WorkingTree
    from codextui.jsonrpc.lines import Streams
    from codextui.protocol.approvals import Approval

CODEX_CHECK_INTERVAL = 0.5
"""Seconds between checks whether Codex has started."""

PROBLEM_CHECK_INTERVAL = 2.0
"""Seconds between checks whether what keeps Codex from working has gone."""

MAX_CODEX_THREADS = 50
"""Threads of Codex's history that a search lists."""

_HOW_TO_START = "connect now starts it again"
"""Names the key by its label in the footer (`codextui.console.screens.main`)."""


class ServerCalls(Protocol):
    """The part of a connection that requests need (`codextui.client.connection`)."""

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool. Raises the errors of `codextui.errors`."""

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval. Raises ApprovalGone."""


class ServerConnection(ServerCalls, Protocol):
    """The part of `ConsoleConnection` that the app needs."""

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""

    def retry(self) -> None:
        """Connect now, and start the server if it is not running."""

    async def inspect(self, on_frames: FramesHandler) -> None:
        """Hand frames to a handler until cancelled or disconnected. Raises CodextuiError."""

    async def request(self, method: str, params: JsonObject) -> JsonObject:
        """Make a request of MCP, and return its result as it is. Raises CodextuiError."""


class ConsoleConnection:
    """A connection that starts the server at first, and later only at the user's request.

    A console that was left open does not restart a server that was stopped on purpose.
    """

    def __init__(self, name: str, config: Path | None, on_update: UpdateHandler) -> None:
        """Create a connection.

        Args:
            name: the server's name.
            config: the configuration file of a server that has to be started; None for the
                user's own.
            on_update: called with everything that happens on the connection, in order.
        """
        self._name = name
        self._config = config
        self._on_update = on_update
        self._may_start = True
        self._connection: Connection | None = None

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
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

    async def inspect(self, on_frames: FramesHandler) -> None:
        """Hand frames to a handler until cancelled or disconnected. Raises CodextuiError."""
        await self._connected().inspect(on_frames)

    async def request(self, method: str, params: JsonObject) -> JsonObject:
        """Make a request of MCP, and return its result as it is. Raises CodextuiError."""
        return await self._connected().request(method, params)

    def retry(self) -> None:
        """Connect now, and start the server if it is not running."""
        self._may_start = True
        if self._connection is not None:
            self._connection.retry_now()

    async def _open(self) -> Streams:
        from codextui.client import spawn  # noqa: PLC0415 - after the first frame

        if self._may_start:
            path = await spawn.ensure_server(self._name, config=self._config)
        else:
            path = await spawn.find_server(self._name, way_out=_HOW_TO_START)
        streams = await spawn.open_socket(path)
        self._may_start = False
        return streams

    def _connected(self) -> Connection:
        if self._connection is None:
            raise ServerUnreachable("the connection to the server is not up yet")
        return self._connection


async def perform_request(
    server: ServerCalls, request: messages.ServerRequest
) -> ThreadInfo | None:
    """Carry out a request of the screen.

    Returns:
        the thread that the request started, None if it started none.

    Raises:
        CodextuiError: the server cannot be reached, or refused.
    """
    match request:
        case messages.StartThread(new_thread=new_thread):
            return await _start_thread(server, new_thread)
        case messages.ForkThread(thread_id=thread_id, turn_id=turn_id, prompt=prompt):
            return await _fork_thread(server, thread_id, turn_id, prompt)
        case messages.SendPrompt() | messages.EditQueued():
            await _send_prompt(server, request)
        case messages.CallTool(tool=tool, arguments=arguments) as request:
            result = await server.call(tool, arguments)
            request.answer = str(result.get("text") or "")
            return _read_thread(result) if request.opens else None
        case messages.InterruptTurn(thread_id=thread_id):
            await server.call("codex-interrupt", {"thread": thread_id})
        case messages.KillThread(thread_id=thread_id):
            await server.call("codex-kill", {"thread": thread_id})
        case messages.DirectRole(thread_id=thread_id, action=action, text=text):
            asked = {"thread": thread_id, "action": action.value, "text": text}
            await server.call("codex-role", _without_empty(asked))
        case messages.StopServer():
            await server.call("codex-shutdown", {})
    return None


class ServerHistory:
    """Codex's history, as the picker asks for it (`codextui.console.screens.history`)."""

    def __init__(self, server: ServerCalls) -> None:
        """Ask this server."""
        self._server = server

    async def fetch(self, request: HistoryRequest) -> HistoryPage:
        """Return a page of threads."""
        from codextui.console.model.history import HistoryPage  # noqa: PLC0415 - with the picker

        return HistoryPage.read(await self._server.call("codex-history", request.arguments))

    async def resume(self, thread_id: str) -> str:
        """Bring a thread back; return its id."""
        result = await self._server.call("codex-resume", {"thread": thread_id})
        return _read_thread(result).thread_id

    async def archive(self, thread_id: str, *, archived: bool) -> None:
        """Archive a thread, or take it out of the archive."""
        await self._server.call("codex-archive", {"thread": thread_id, "archived": archived})

    async def rename(self, thread_id: str, name: str) -> str:
        """Name a thread; return the name that it got."""
        arguments: JsonObject = {"thread": thread_id, "handle": name}
        result = await self._server.call("codex-rename", arguments)
        return fields.text(result, "name") if "name" in result else _read_thread(result).handle


class ServerQueue:
    """What is queued, as its dialog asks for it (`codextui.console.screens.queue`)."""

    def __init__(self, server: ServerCalls) -> None:
        """Ask this server."""
        self._server = server

    async def read(self, thread_id: str, queued_id: str) -> WholeQueuedMessage:
        """Return a message in full. Raises CodextuiError."""
        arguments: JsonObject = {"thread": thread_id, "action": "show", "message": queued_id}
        result = await self._server.call("codex-queue", arguments)
        return WholeQueuedMessage.from_json(fields.as_object(result.get("message"), "message"))


class ServerDecisions:
    """What was decided, as the history of decisions asks for it (`console.screens.decisions`)."""

    def __init__(self, server: ServerCalls) -> None:
        """Ask this server."""
        self._server = server

    async def fetch(self, request: DecisionsRequest) -> DecisionsPage:
        """Return a page of decisions."""
        from codextui.console.model.decisions import DecisionsPage  # noqa: PLC0415 - on request

        return DecisionsPage.read(await self._server.call("codex-decisions", request.arguments))

    async def read(self, approval_id: str) -> Approval | None:
        """Return what was asked, in full; None if the audit log does not have it."""
        from codextui.console.model.decisions import read_whole_approval  # noqa: PLC0415

        return read_whole_approval(
            await self._server.call("codex-decisions", {"approval": approval_id})
        )


class ServerSearch:
    """The server's part of a search (`codextui.console.screens.search`)."""

    def __init__(self, server: ServerCalls) -> None:
        """Ask this server."""
        self._server = server

    async def search(self, text: str, cursor: str) -> FoundPage:
        """Return a page of what the journal has."""
        from codextui.console.model import search  # noqa: PLC0415 - with the search

        arguments = search.search_arguments(text, cursor)
        return search.FoundPage.read(await self._server.call("codex-search", arguments))

    async def search_codex(self, text: str) -> Sequence[Found]:
        """Return the threads of Codex's history that have a text, and are not open here."""
        from codextui.console.model.history import HistoryPage  # noqa: PLC0415 - with the search
        from codextui.console.model.search import found_in_codex  # noqa: PLC0415

        arguments: JsonObject = {"search": text, "limit": MAX_CODEX_THREADS}
        page = HistoryPage.read(await self._server.call("codex-history", arguments))
        return [found_in_codex(thread) for thread in page.threads if not thread.handle]

    async def read(self, thread_id: str) -> Sequence[Event]:
        """Return all that happened on a thread."""
        result = await self._server.call("codex-read", {"thread": thread_id})
        return [Event.from_json(event) for event in fields.objects(result, "events")]


async def read_tree(server: ServerCalls, request: TreeRequest) -> WorkingTree:
    """Ask the server what differs on the disk. Raises CodextuiError."""
    from codextui.console.model.working_tree import WorkingTree  # noqa: PLC0415 - on request

    return WorkingTree.read(await server.call("codex-changes", request.arguments))


class CodexReport(msgspec.Struct, frozen=True):
    """What the server says of its Codex (`codex-server`).

    Attributes:
        problem: why it cannot be used, empty if it can.
        version: empty if unknown.
        attached: what the server has joined: `daemon` or an address; empty for a Codex of its own.
        is_starting: whether it is not there yet.
    """

    problem: str = ""
    version: str = ""
    attached: str = ""
    is_starting: bool = False

    @classmethod
    def read(cls, report: JsonObject) -> CodexReport:
        """Read the result of `codex-server`; what is missing is unknown."""
        codex = report.get("codex")
        codex = codex if isinstance(codex, dict) else {"pid": 1}
        attach = fields.text_or(codex, "attach")
        attached = "" if attach == "own" else attach
        if attach == "address":
            attached = fields.text_or(codex, "address")
        return cls(
            problem=str(report.get("problem") or ""),
            version=fields.text_or(codex, "version"),
            attached=attached,
            is_starting=not codex.get("pid") and not attached,
        )


async def check_codex(
    server: ServerCalls,
    on_report: Callable[[CodexReport], None],
    *,
    problem_interval_s: float = PROBLEM_CHECK_INTERVAL,
) -> None:
    """Poll `codex-server` until Codex has started and can be used.

    Args:
        server: where to call the tool.
        on_report: called after each poll.
        problem_interval_s: seconds between the polls while something is wrong.
    """
    while True:
        try:
            codex = CodexReport.read(await server.call("codex-server", {}))
        except CodextuiError:
            return  # The connection was lost, which is reported on its own.
        on_report(codex)
        if not codex.problem and not codex.is_starting:
            return
        await asyncio.sleep(problem_interval_s if codex.problem else CODEX_CHECK_INTERVAL)


async def _start_thread(server: ServerCalls, new_thread: messages.NewThread) -> ThreadInfo:
    arguments = {
        **_prompt_arguments(new_thread.prompt),
        "handle": new_thread.handle,
        "model": new_thread.model,
        "cwd": new_thread.cwd,
        "sandbox": new_thread.sandbox,
        "approval-policy": new_thread.approval_policy,
    }
    return _read_thread(await server.call("codex-start", _without_empty(arguments)))


async def _send_prompt(
    server: ServerCalls, request: messages.SendPrompt | messages.EditQueued
) -> None:
    before = request.images if isinstance(request, messages.EditQueued) else 0
    prompt = _prompt_arguments(request.prompt, before=before)
    arguments = {"thread": request.thread_id, **prompt}
    match request:
        case messages.EditQueued(queued_id=message, version=version):
            edited: JsonObject = {"action": "edit", "message": message, "version": version}
            await server.call("codex-queue", {**arguments, **edited})
        case messages.SendPrompt(queued=True):
            await server.call("codex-queue", {**arguments, "action": "add"})
        case _:
            await server.call("codex-send", arguments)


async def _fork_thread(
    server: ServerCalls, thread_id: str, turn_id: str, prompt: str
) -> ThreadInfo:
    sent = _prompt_arguments(prompt)
    has_images = "images" in sent
    arguments = {"thread": thread_id, "turn": turn_id, "prompt": "" if has_images else prompt}
    fork = _read_thread(await server.call("codex-fork", _without_empty(arguments)))
    if has_images:  # which only codex-send takes
        await server.call("codex-send", {"thread": fork.thread_id, **sent})
    return fork


def _read_thread(result: JsonObject) -> ThreadInfo:
    return ThreadInfo.from_json(fields.as_object(result.get("thread"), "thread"))


def _prompt_arguments(text: str, *, before: int = 0) -> dict[str, Json]:
    """Return the arguments for a prompt with the marks of its images; `before` it has already."""
    prompt, paths = split_images(text, before=before)
    if not paths:
        return {"prompt": prompt}
    return {"prompt": prompt, "images": [str(Path(path).expanduser()) for path in paths]}


def _without_empty(arguments: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in arguments.items() if value}
