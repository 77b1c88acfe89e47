"""The scripted model: OpenAI's Responses API on loopback, answered by a script."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

from codextui.demo.http import error_response, event_stream_head, json_response
from codextui.demo.responses import ResponseWriter, encode_event
from codextui.demo.steps import Fail, Step

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from codextui.demo.request import ModelRequest
    from codextui.demo.script import ModelScript
import dataclasses
import secrets
from collections import deque
from typing import TYPE_CHECKING, Self

from codextui.demo.http import HEAD_LIMIT, read_request
from codextui.demo.request import ORDINARY, parse_request
from codextui.demo.steps import Say
from codextui.errors import MessageInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from codextui.demo.http import HttpRequest
    from codextui.demo.request import ModelRequest
    from codextui.demo.script import ModelScript
    from codextui.demo.steps import Step

HANG_UP = -1
"""The status of a `Fail` that closes the connection without a word."""

EVENTS_A_BREATH = 64
"""After so many events everyone else on the loop gets a turn."""


async def play_script(
    script: ModelScript, request: ModelRequest, tell: Callable[[str], None]
) -> AsyncGenerator[Step, None]:
    """Yields the steps of a script's answer; where the script raises, the model fails.

    Args:
        script: what is played.
        request: what is answered.
        tell: is told what the script raised.
    """
    try:
        steps = script(request)
        if isinstance(steps, AsyncIterable):
            async for step in steps:
                yield step
        else:
            for step in steps:
                yield step
    except Exception as error:  # noqa: BLE001 - a script is a test's code and may raise anything
        tell(f"The script raised {error!r} at {request.last_user_text!r}.")
        yield Fail(0, f"The script raised {error!r}.", "server_error")


async def send_answer(
    steps: AsyncGenerator[Step, None],
    response: ResponseWriter,
    socket: asyncio.StreamWriter,
    *,
    stream: bool,
) -> None:
    """Writes one answer, and closes the stream that it is.

    Args:
        steps: the steps of the answer.
        response: makes events of them.
        socket: where to write.
        stream: whether events were asked for; else the whole response is sent at its end.
    """
    async with contextlib.aclosing(steps):
        first = await anext(steps, None)
        if isinstance(first, Fail) and first.status != 0:
            if first.status != HANG_UP:
                error = error_response(first.status, first.message, first.code, close=True)
                socket.write(error)
        else:
            async with contextlib.aclosing(_from_first(first, steps)) as played:
                if stream:
                    await _send_events(played, response, socket)
                else:
                    socket.write(await _whole_answer(played, response))
        await socket.drain()


async def _from_first(
    first: Step | None, rest: AsyncGenerator[Step, None]
) -> AsyncGenerator[Step, None]:
    if first is not None:
        yield first
    async for step in rest:
        yield step


async def _send_events(
    steps: AsyncGenerator[Step, None], response: ResponseWriter, socket: asyncio.StreamWriter
) -> None:
    socket.write(event_stream_head())
    sent = 0
    async for event in response.events(steps):
        socket.write(encode_event(event))
        sent += 1
        if sent % EVENTS_A_BREATH == 0:
            await socket.drain()
            await asyncio.sleep(0)


async def _whole_answer(steps: AsyncGenerator[Step, None], response: ResponseWriter) -> bytes:
    last = None
    async for event in response.events(steps):
        last = event
    return json_response(200, last["response"] if last else {}, close=True)


async def until_hang_up(
    answering: Coroutine[None, None, None], reader: asyncio.StreamReader
) -> None:
    """Awaits an answer, and gives it up as soon as the client hangs up.

    A turn that is interrupted hangs up, and a held answer would otherwise wait for ever. The
    client must not send its next request before it has the answer to this one.
    """
    answer = asyncio.create_task(answering)
    hang_up = asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({answer, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            answer.result()
    finally:
        answer.cancel()
        hang_up.cancel()
        await asyncio.gather(answer, hang_up, return_exceptions=True)


MODELS = {
    "object": "list",
    "data": [{"id": "gpt-5.5", "object": "model", "created": 0, "owned_by": "codextui"}],
}

KEPT_FAULTS = 100


class ScriptedModel:
    """A model's HTTP server on 127.0.0.1 that answers as its script says.

    Any number of threads may ask at once. It needs no key and looks at none.

    Example:
        >>> async with ScriptedModel(Script().on("", Say("Hello."))) as model:
        ...     write_codex_home(home, model.base_url)

    Attributes:
        base_url: the `base_url` of the model provider, e.g. `http://127.0.0.1:40123/v1`;
            "" until it is started.
        faults: what went wrong in the script or with a request, as sentences; the last 100. A
            test may assert that it is empty.
    """

    def __init__(self, script: ModelScript, *, port: int = 0, kept_requests: int = 1000) -> None:
        self.base_url = ""
        self.faults: deque[str] = deque(maxlen=KEPT_FAULTS)
        self._script = script
        self._port = port
        self._requests: deque[ModelRequest] = deque(maxlen=kept_requests)
        self._auxiliary: deque[ModelRequest] = deque(maxlen=kept_requests)
        self._count = 0
        self._count_of: dict[str, int] = {}
        self._arrived = asyncio.Condition()
        # Codex names items by call id, and a thread may outlive this server.
        self._token = secrets.token_hex(4)
        self._answers = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def requests(self) -> Sequence[ModelRequest]:
        """The requests so far, oldest first; only the last `kept_requests` are kept.

        Requests that Codex makes by itself are not among them: see `auxiliary`.
        """
        return tuple(self._requests)

    @property
    def auxiliary(self) -> Sequence[ModelRequest]:
        """What Codex asked for by itself (compaction and the like), without the script."""
        return tuple(self._auxiliary)

    def requests_of(self, thread: str) -> Sequence[ModelRequest]:
        """The kept requests of one thread, oldest first."""
        return tuple(request for request in self._requests if request.thread == thread)

    async def requested(self, count: int) -> ModelRequest:
        """Waits until `count` requests have come in all, and returns the one with that number.

        Args:
            count: 1 waits for the first request.

        Raises:
            IndexError: that request is not kept any more.
        """
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._count >= count)
            newer = self._count - count
            if newer >= len(self._requests):
                raise IndexError(f"Request {count} is not kept any more.")
            return self._requests[-1 - newer]

    async def start(self) -> None:
        """Starts to listen. `async with` does it for you.

        Raises:
            OSError: the port is taken.
        """
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port, limit=HEAD_LIMIT
        )
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"

    async def aclose(self) -> None:
        """Stops listening and hangs up on everyone, held streams too."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection. What ends it is nothing to raise: there is nobody to tell."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this callback as a task
        self._connections.add(task)
        try:
            while self._is_open() and await self._serve_request(reader, writer):
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    def _is_open(self) -> bool:
        """Whether it still listens: a connection may be taken just before it is closed."""
        return self._server is not None and self._server.is_serving()

    async def _serve_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answers one request; returns whether the connection can take another."""
        try:
            request = await read_request(reader)
            if request is None:
                return False
            return await self._route(request, reader, writer)
        except MessageInvalid as error:
            self.faults.append(str(error))
            writer.write(error_response(400, str(error), "invalid_request", close=True))
            return False

    async def _route(
        self, request: HttpRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match request.method, request.path:
            case "POST", "/v1/responses":
                asked = await self._record(parse_request(request.headers, request.body))
                await until_hang_up(self._answer(asked, writer), reader)
                return False
            case "GET", "/v1/models":
                writer.write(json_response(200, MODELS))
            case method, path:
                message = f"The scripted model has nothing at {method} {path}."
                writer.write(error_response(404, message, "not_found"))
        return True

    async def _record(self, request: ModelRequest) -> ModelRequest:
        """Numbers a request and keeps it."""
        if request.kind != ORDINARY:
            self._auxiliary.append(request)
            return request
        number = self._count_of.get(request.thread, 0)
        numbered = dataclasses.replace(request, number=number)
        async with self._arrived:
            self._count_of[request.thread] = number + 1
            self._count += 1
            self._requests.append(numbered)
            self._arrived.notify_all()
        return numbered

    async def _answer(self, request: ModelRequest, writer: asyncio.StreamWriter) -> None:
        self._answers += 1
        response = ResponseWriter(f"{self._token}_{self._answers}", request)
        script = self._script if request.kind == ORDINARY else _answer_by_itself
        steps = play_script(script, request, self.faults.append)
        await send_answer(steps, response, writer, stream=request.body.get("stream") is True)


def _answer_by_itself(request: ModelRequest) -> Iterable[Step]:
    """Answers what Codex asks for without the user, so that no answer of the script is used."""
    return [Say(f"The scripted model's answer to a request of the kind {request.kind}.")]
