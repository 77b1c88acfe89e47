"""A client's MCP session with the shared server, over one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import codextui
from codextui import errors
from codextui.client.spawn import open_socket
from codextui.errors import (
    CodextuiError,
    ConnectionClosed,
    ErrorResponse,
    MessageInvalid,
    ServerRefused,
    ServerUnreachable,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import (
    METHOD_NOT_FOUND,
    Endpoint,
    NotificationHandler,
    RequestId,
    StreamTransport,
)
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import LineReader, Streams
from codextui.protocol.extensions import INSPECT_METHOD, SUBSCRIBE_METHOD, SUPERVISOR

PROTOCOL_VERSION = "2025-11-25"
"""The last version in which a server can send requests to its client, which approvals need."""

CONNECTION_CLOSED = -32000
"""Error code by which the MCP SDKs themselves report a lost connection."""

HANDSHAKE_S = 10.0
"""Default of the seconds until a server that does not answer `initialize` is given up."""

Connect: TypeAlias = Callable[[], Awaitable[Streams]]
"""Opens a new connection to the server. Raises OSError or CodextuiError.

`functools.partial(codextui.client.spawn.open_socket, path)` is one.
"""

SessionRequestHandler: TypeAlias = Callable[[RequestId, str, JsonObject], bool]
"""Handles a request: id, method, params. Returns False for a method that it does not know."""


async def call_once(path: Path, name: str, tool: str, arguments: JsonObject) -> JsonObject:
    """Connect to the server, call one tool, and disconnect.

    Args:
        path: the server's socket.
        name: the client's name.
        tool: the tool's name.
        arguments: its arguments.

    Returns:
        Its structured content.

    Raises:
        ServerUnreachable: the server is not there, or was lost before it answered.
        CodextuiError: the error that the server names.
    """
    try:
        streams = await open_socket(path)
    except OSError as error:
        raise ServerUnreachable(f"the server cannot be reached: {error}") from error
    async with ClientSession(streams) as session:
        await session.initialize(name, supervise=False)
        return await session.call_tool(tool, arguments)


class ClientSession:
    """An MCP session for as long as the `async with` lasts; call `initialize` first.

    Handlers are called on the event loop in wire order and must not block. Every request raises
    ServerRefused where the server answers with an error, and ServerUnreachable where the
    connection is lost before it answers. A cancelled request is withdrawn
    (`notifications/cancelled`).

    Args:
        streams: the connection; closed at the end.
        on_notification: handles the server's notifications.
        on_request: handles its requests, except `ping`; answered with `respond` or `refuse`.
        on_invalid: handles what is no message, as a noun phrase. Without it the session ends.
    """

    def __init__(
        self,
        streams: Streams,
        *,
        on_notification: NotificationHandler = lambda *_: None,
        on_request: SessionRequestHandler = lambda *_: False,
        on_invalid: Callable[[str], None] | None = None,
    ) -> None:
        self._reader, writer = streams
        self._on_request = on_request
        self._on_invalid = on_invalid
        self._invalid = ""
        self._transport = StreamTransport(writer)
        self._endpoint = Endpoint(
            self._transport,
            on_notification=on_notification,
            on_request=self._handle_request,
            on_invalid=self._handle_invalid,
            on_abandoned=self._withdraw,
        )
        self._reading: asyncio.Task[None] | None = None

    @property
    def closed(self) -> asyncio.Future[str]:
        """Resolves to the reason once the connection is lost."""
        return self._endpoint.closed

    @property
    def frames_received(self) -> int:
        """Count of the messages received: it grows while the server is alive."""
        return self._endpoint.frames_received

    async def __aenter__(self) -> Self:
        """Start to read."""
        self._reading = asyncio.create_task(self._read(), name="codextui session")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._endpoint.close("the connection was closed")
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._transport.close()

    async def initialize(
        self, name: str, *, supervise: bool, decide: bool = True, timeout_s: float = HANDSHAKE_S
    ) -> str:
        """Introduce the client (`initialize`), and return the server's name and version.

        Args:
            name: the client's name.
            supervise: whether the client wants to subscribe to events.
            decide: whether a supervisor can be asked for decisions, for which the server waits.
            timeout_s: seconds that the server may take.
        """
        params = _initialize_params(name, supervise=supervise, decide=decide)
        try:
            result = await self._request("initialize", params, timeout_s)
        except TimeoutError:
            what = f"the server did not introduce itself within {timeout_s:g} seconds"
            raise ServerUnreachable(what) from None
        self._endpoint.notify("notifications/initialized")
        server = fields.as_object(result.get("serverInfo"), "serverInfo")
        return f"{fields.text(server, 'name')} {fields.text(server, 'version')}"

    async def subscribe(self, *, since: int, epoch: str) -> None:
        """Receive every event after `since`, until the server ends the subscription."""
        await self._request(SUBSCRIBE_METHOD, {"since": since, "epoch": epoch})

    async def inspect(self) -> None:
        """Receive the server's frames (`FRAMES_METHOD`), until the server ends that."""
        try:
            await self._endpoint.call(INSPECT_METHOD, {})
        except ErrorResponse as error:
            if error.code == METHOD_NOT_FOUND:
                raise ServerRefused(_NO_INSPECTOR) from error
            if error.code == CONNECTION_CLOSED:  # so the MCP SDK answers what is open at the end
                raise ServerUnreachable("the server has ended") from error
            raise ServerRefused(str(error) or "the server refused") from error
        except ConnectionClosed as error:
            raise ServerUnreachable("the connection to the server was lost") from error

    async def request(self, method: str, params: JsonObject) -> JsonObject:
        """Make a request, and return its result as it is."""
        return await self._request(method, params)

    async def ping(self, timeout_s: float) -> None:
        """Check that the server is alive. Raises TimeoutError."""
        await self._request("ping", {}, timeout_s)

    async def call_tool(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool, and return its structured content.

        Raises the error of `codextui.errors` that the result names.
        """
        params = {"name": tool, "arguments": dict(arguments)}
        return structured_content(tool, await self._request("tools/call", params))

    def respond(self, request_id: RequestId, result: JsonObject) -> None:
        """Answer a request of the server."""
        self._endpoint.respond(request_id, result)

    def refuse(self, request_id: RequestId, code: int, message: str) -> None:
        """Answer a request of the server with an error."""
        self._endpoint.refuse(request_id, code, message)

    async def _request(
        self, method: str, params: JsonObject, timeout_s: float | None = None
    ) -> JsonObject:
        try:
            result = await self._endpoint.call(method, params, timeout_s=timeout_s)
        except ErrorResponse as error:
            raise ServerRefused(str(error) or "the server refused") from error
        except ConnectionClosed as error:
            if self._invalid:
                raise MessageInvalid(f"the server sent {self._invalid}") from error
            lost = "the connection to the server was lost before it answered"
            raise ServerUnreachable(lost) from error
        return fields.as_object(result, f"the result of {method}")

    async def _read(self) -> None:
        lines = LineReader(self._reader)
        reason = "the server closed the connection"
        try:
            while (line := await lines.read_line()) is not None:
                self._endpoint.receive(line)
        except (MessageInvalid, OSError) as error:
            reason = f"the connection broke: {error}"
        self._endpoint.close(reason)

    def _handle_request(self, request_id: RequestId, method: str, params: JsonObject) -> None:
        if method == "ping":
            self.respond(request_id, {})
        elif not self._on_request(request_id, method, params):
            self.refuse(request_id, METHOD_NOT_FOUND, "Method not found")

    def _handle_invalid(self, what: str, line: bytes) -> None:  # noqa: ARG002 - an InvalidHandler
        if self._on_invalid is not None:
            self._on_invalid(what)
        else:
            self._invalid = what
            self._endpoint.close(f"the server sent {what}")

    def _withdraw(self, request_id: RequestId, method: str) -> None:
        if method != "initialize":  # which MCP does not allow to cancel
            params = {"requestId": request_id, "reason": "nobody waits for the answer"}
            self._endpoint.notify("notifications/cancelled", params)


def structured_content(tool: str, result: JsonObject) -> JsonObject:
    """Return the structured content of a result of `tools/call`, empty where there is none.

    Raises the error that a result with `isError` names, or MessageInvalid.
    """
    content = result.get("structuredContent")
    if result.get("isError"):
        raise _tool_error(content, result)
    return {} if content is None else fields.as_object(content, f"the result of {tool}")


def _tool_error(content: object, result: JsonObject) -> CodextuiError:
    match content:
        case {"error": {"kind": str(kind), "message": str(message)}}:
            return _ERRORS.get(kind, ServerRefused)(message)
        case _:
            return ServerRefused(_text(result) or "the server refused without saying why")


def _text(result: JsonObject) -> str:
    try:
        parts = fields.objects(result, "content")
    except MessageInvalid:
        return ""
    texts = [part.get("text") for part in parts]
    return " ".join(text for text in texts if isinstance(text, str))


def _initialize_params(name: str, *, supervise: bool, decide: bool) -> JsonObject:
    events: JsonObject = {"experimental": {SUPERVISOR: {}}} if supervise else {}
    asks: JsonObject = {"elicitation": {"form": {}, "url": {}}} if supervise and decide else {}
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {**events, **asks},
        "clientInfo": {"name": name, "version": codextui.__version__},
    }


_NO_INSPECTOR = (
    "this server cannot be inspected: it is of an earlier version. Stop it (Q in the console), and "
    "start it again"
)
_ERRORS: dict[str, type[CodextuiError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
}
