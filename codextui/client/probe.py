"""Asks an MCP server for its tools, as the client that has it in its configuration would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Final, cast

import codextui
from codextui.client.session import PROTOCOL_VERSION, ClientSession
from codextui.errors import CodextuiError, MessageInvalid, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import READ_AHEAD, Streams

CLIENT_NAME: Final = "codextui setup"
"""The name of the probe as an MCP client."""

TIMEOUT_S: Final = 60.0
"""Default of the seconds that a server may take: its start can include the shared server's."""

MAX_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of an answer by HTTP that are read."""


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A server on standard input and output.

    Attributes:
        command: the command line.
        env: its whole environment.
        cwd: its folder.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


def ask_program(program: ServerProgram, timeout_s: float = TIMEOUT_S) -> tuple[str, ...]:
    """Start a server, return the names of its tools, and end it with all that it has started.

    Raises:
        ServerUnreachable: it cannot be started, or did not answer in time; the message has the
            last of what it said on standard error.
    """
    if not program.cwd.is_dir():
        raise ServerUnreachable(f"its folder {program.cwd} does not exist")
    with tempfile.TemporaryFile() as log:
        try:
            return asyncio.run(_ask_program(program, log, timeout_s))
        except TimeoutError:
            what = f"it did not answer within {timeout_s:g} seconds"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ServerUnreachable(f"{program.command[0]}: {reason}") from error
        except CodextuiError as error:
            what = str(error)
        said = _last_words(log)
        raise ServerUnreachable(what + (f"; it said: {said}" if said and what not in said else ""))


async def _ask_program(program: ServerProgram, log: IO[bytes], timeout_s: float) -> tuple[str, ...]:
    process = await asyncio.create_subprocess_exec(
        *program.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        env=dict(program.env),
        cwd=program.cwd,
        start_new_session=True,
        limit=READ_AHEAD,
    )
    streams = cast("Streams", (process.stdout, process.stdin))
    try:
        async with asyncio.timeout(timeout_s), ClientSession(streams) as session:
            await session.initialize(CLIENT_NAME, supervise=False, timeout_s=timeout_s)
            return _tool_names(await session.request("tools/list", {}))
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait until a process has ended whose input is closed; end its group where it does not."""
    for way in (None, signal.SIGTERM, signal.SIGKILL):
        if way is not None:
            _signal_group(process.pid, way)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await process.wait()
            break
    _signal_group(process.pid, signal.SIGKILL)  # what it has left behind


def _signal_group(group: int, way: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, way)


def _last_words(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - _LAST_WORDS))
    return log.read().decode(errors="replace").strip()


def ask_url(url: str, headers: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> tuple[str, ...]:
    """Return the names of the tools of a server at a URL (Streamable HTTP).

    Raises:
        ServerUnreachable: it is not there, refused, or did not answer in time.
    """
    connection = _HttpConnection(url, dict(headers), timeout_s)
    params: JsonObject = {
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {},
        "clientInfo": {"name": CLIENT_NAME, "version": codextui.__version__},
    }
    try:
        connection.post({"id": 1, "method": "initialize", "params": params})
        connection.post({"method": "notifications/initialized"})
        return _tool_names(connection.post({"id": 2, "method": "tools/list", "params": {}}))
    except urllib.error.HTTPError as error:
        raise ServerUnreachable(f"{url} answers with {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError, MessageInvalid) as error:
        cause = getattr(error, "reason", None) or error
        reason = getattr(cause, "strerror", None) or cause
        raise ServerUnreachable(f"{url} cannot be reached: {reason}") from error
    finally:
        connection.close()


class _HttpConnection:
    def __init__(self, url: str, headers: dict[str, str], timeout_s: float) -> None:
        self._url, self._headers, self._timeout_s = url, headers, timeout_s
        # A proxy of the environment has no way to this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(self, message: JsonObject) -> JsonObject:
        """Send a message and return the result that answers it; empty for a notification."""
        accept = {"Accept": "application/json, text/event-stream"}
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        with self._open("POST", body, {**accept, "Content-Type": "application/json"}) as response:
            session = response.headers.get("Mcp-Session-Id")
            if session:
                self._headers["Mcp-Session-Id"] = session
            text = response.read(MAX_ANSWER).decode()
        for frame in _frames(text):
            if frame.get("id") == message.get("id") and "result" in frame:
                return fields.as_object(frame["result"], "result")
        if "id" in message:
            raise ValueError("it gave no answer that MCP knows")
        return {}

    def close(self) -> None:
        if "Mcp-Session-Id" in self._headers:
            with contextlib.suppress(OSError, HTTPException), self._open("DELETE", None, {}):
                pass

    def _open(self, method: str, body: bytes | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the URL of the client's configuration
            self._url, body, {**self._headers, **headers}, method=method
        )
        return self._opener.open(request, timeout=self._timeout_s)


def _frames(text: str) -> Iterator[JsonObject]:
    """Yield the messages of a response: one JSON object, or server-sent events."""
    lines = text.splitlines()
    data = [line.removeprefix("data:") for line in lines if line.startswith("data:")]
    for one in data or [text]:
        if one.strip():
            frame = json.loads(one)
            if isinstance(frame, dict):
                yield frame


def _tool_names(result: JsonObject) -> tuple[str, ...]:
    tools = result.get("tools")
    return tuple(
        str(tool.get("name"))
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict)
    )


_END_S: Final = 5.0
_LAST_WORDS: Final = 2000
