"""One call of the shared server, without mcp's client, whose import takes longer than the call."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import codextui
from codextui import errors
from codextui.client.spawn import open_socket
from codextui.errors import CodextuiError, MessageInvalid, ServerRefused, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import LineReader, Streams
from codextui.protocol.tools import SUPERVISOR

_KINDS: dict[str, type[CodextuiError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
}


def structured_content(tool: str, result: JsonObject) -> JsonObject:
    """The structured content of a tool's result (`tools/call`), empty where there is none.

    Raises the error that a result with `isError` names, or WireInvalid.
    """
    content = result.get("structuredContent")
    if result.get("isError"):
        raise _failure(content, result)
    return {} if content is None else fields.as_object(content, f"the result of {tool}")


def _failure(content: object, result: JsonObject) -> CodextuiError:
    match content:
        case {"error": {"kind": str(kind), "message": str(message)}}:
            return _KINDS.get(kind, ServerRefused)(message)
        case _:
            return ServerRefused(_words(result) or "the server refused without saying why")


def _words(result: JsonObject) -> str:
    try:
        parts = fields.objects(result, "content")
    except MessageInvalid:
        return ""
    texts = [part.get("text") for part in parts]
    return " ".join(text for text in texts if isinstance(text, str))


PROTOCOL_VERSION = "2025-11-25"
"""The last version in which a server can ask its client, which approvals need."""


def introduction(name: str, *, supervise: bool, decide: bool = True) -> JsonObject:
    """The parameters of `initialize`.

    A supervisor is told events. One that decides is asked, too, and is then somebody for whose
    decision the server waits.
    """
    told: JsonObject = {"experimental": {SUPERVISOR: {}}} if supervise else {}
    asked: JsonObject = {"elicitation": {"form": {}, "url": {}}} if supervise and decide else {}
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {**told, **asked},
        "clientInfo": {"name": name, "version": codextui.__version__},
    }


_HANDSHAKE_S = 10.0


async def call_once(path: Path, name: str, tool: str, arguments: JsonObject) -> JsonObject:
    """Connect, call one tool, and leave.

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
        reader, writer = await open_socket(path)
    except OSError as error:
        raise ServerUnreachable(f"the server cannot be reached: {error}") from error
    try:
        exchange = _Exchange((reader, writer))
        async with asyncio.timeout(_HANDSHAKE_S):
            await exchange.ask("initialize", introduction(name, supervise=False))
        exchange.tell("notifications/initialized")
        params = {"name": tool, "arguments": arguments}
        return structured_content(tool, await exchange.ask("tools/call", params))
    except TimeoutError:
        raise ServerUnreachable("the server did not introduce itself in time") from None
    except OSError as error:
        raise ServerUnreachable(f"the server was lost before it answered: {error}") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class _Exchange:
    """Requests, one after the other; whatever else the server says is passed over."""

    def __init__(self, streams: Streams) -> None:
        reader, self._writer = streams
        self._lines = LineReader(reader)
        self._asked = 0

    def tell(self, method: str) -> None:
        self._write({"jsonrpc": "2.0", "method": method})

    async def ask(self, method: str, params: JsonObject) -> JsonObject:
        self._asked += 1
        self._write({"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params})
        while (line := await self._lines.read_line()) is not None:
            frame = _parse(line)
            if frame.get("id") == self._asked and "method" not in frame:
                return _result(frame)
        raise ServerUnreachable("the connection to the server was lost before it answered")

    def _write(self, frame: JsonObject) -> None:
        self._writer.write(json.dumps(frame).encode() + b"\n")


def _parse(line: bytes) -> JsonObject:
    try:
        return fields.as_object(json.loads(line), "a frame")
    except (ValueError, RecursionError) as error:
        raise MessageInvalid(f"the server sent a line that is no JSON: {error}") from error


def _result(frame: JsonObject) -> JsonObject:
    if "error" not in frame:
        return fields.as_object(frame.get("result"), "the result")
    error = fields.as_object(frame["error"], "error")
    raise ServerRefused(fields.text_or(error, "message") or "the server refused")
