"""The scripted model: an HTTP server on loopback that speaks OpenAI's Responses API.

It serves `POST /v1/responses`, streamed or not, and `GET /v1/models`. Connections are uvicorn's,
without its server: that would watch for its end ten times a second, and a test closes a model at
once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from codextui.demo.request import TURN, ModelRequest, parse_request
from codextui.demo.responses import DELTAS_PER_GROUP, Event, ResponseBuilder, encode_events
from codextui.demo.script import Fail, ModelScript, Say, Step
from codextui.errors import MessageInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from starlette.types import Message, Receive, Scope, Send

HEAD_LIMIT = 64 * 1024
"""Bytes a request line and its headers may have together."""

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes a request's body may have."""

FAULT_LIMIT = 100
"""Faults to remember."""

MODELS = {
    "object": "list",
    "data": [{"id": "gpt-5.5", "object": "model", "created": 0, "owned_by": "codextui"}],
}
"""The answer to `GET /v1/models`."""

_HANG_UP = -1
_CLOSE = {"Connection": "close"}
_EVENT_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", **_CLOSE}
_KEEP_ALIVE_S = 24 * 60 * 60


class ScriptedModel:
    """A model's HTTP server on 127.0.0.1 that answers as its script says.

    Any number of threads may send requests at once. No key is needed, and none is checked.

    Args:
        script: makes the answer to each request.
        port: the port to listen on; 0 takes a free one.
        request_limit: how many requests to remember.

    Example:
        >>> async with ScriptedModel(Script().on("", Say("Hello."))) as model:
        ...     write_codex_home(home, model.base_url)

    Attributes:
        base_url: the `base_url` of the model provider, e.g. `http://127.0.0.1:40123/v1`;
            "" until the server is started.
        faults: errors of the script and invalid requests, as sentences; the last 100. A test
            may assert that there are none.
    """

    def __init__(self, script: ModelScript, *, port: int = 0, request_limit: int = 1000) -> None:
        self.base_url = ""
        self.faults: deque[str] = deque(maxlen=FAULT_LIMIT)
        self._script = script
        self._port = port
        self._requests: deque[ModelRequest] = deque(maxlen=request_limit)
        self._auxiliary: deque[ModelRequest] = deque(maxlen=request_limit)
        self._count = 0
        self._counts_by_thread: dict[str, int] = {}
        self._arrived = asyncio.Condition()
        # Codex names items by call id, and a thread may outlive this server.
        self._token = secrets.token_hex(4)
        self._answers = 0
        self._listener: asyncio.Server | None = None
        self._server_state = ServerState()

    @property
    def requests(self) -> Sequence[ModelRequest]:
        """The requests so far, oldest first; only the last `request_limit` are remembered.

        Requests that Codex makes on its own are in `auxiliary` instead.
        """
        return tuple(self._requests)

    @property
    def auxiliary(self) -> Sequence[ModelRequest]:
        """The requests that Codex made on its own, such as compactions; no script answers them."""
        return tuple(self._auxiliary)

    @property
    def is_listening(self) -> bool:
        """True between `start` and `aclose`."""
        return self._listener is not None

    def requests_of(self, thread_id: str) -> Sequence[ModelRequest]:
        """Return the remembered requests of one thread, oldest first."""
        return tuple(request for request in self._requests if request.thread_id == thread_id)

    async def wait_for_request(self, number: int) -> ModelRequest:
        """Wait until `number` requests have arrived in all, and return the one of that number.

        Args:
            number: 1 is the first request.

        Raises:
            IndexError: the request is no longer remembered.
        """
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._count >= number)
            newer = self._count - number
            if newer >= len(self._requests):
                raise IndexError(f"Request {number} is no longer remembered.")
            return self._requests[-1 - newer]

    async def start(self) -> None:
        """Start to listen; `async with` does it too.

        Raises:
            OSError: the port is taken.
        """
        config = _uvicorn_config(self._serve)
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self, config, self._server_state),
            "127.0.0.1",
            self._port,
            start_serving=False,
        )
        port = self._listener.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        await self._listener.start_serving()

    async def aclose(self) -> None:
        """Stop listening and close every connection, also one with a held answer."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.close()
        for connection in tuple(self._server_state.connections):
            connection.transport.abort()
        await asyncio.gather(*self._server_state.tasks, return_exceptions=True)
        await listener.wait_closed()

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

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request: the ASGI application."""
        http = Request(scope, receive)
        try:
            _check_size(http)
            response = await self._route(http)
        except MessageInvalid as error:
            self.faults.append(str(error))
            response = _error_response(400, str(error), "invalid_request", _CLOSE)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _route(self, http: Request) -> Response | _Answer:
        match http.method, http.scope["path"]:
            case "POST", "/v1/responses":
                request = parse_request(http.headers, await http.body())
                return self._answer(await self._record(request))
            case "GET", "/v1/models":
                return _json_response(200, MODELS)
            case method, path:
                message = f"The scripted model has nothing at {method} {path}."
                return _error_response(404, message, "not_found")

    async def _record(self, request: ModelRequest) -> ModelRequest:
        """Number and remember a request."""
        if request.kind != TURN:
            self._auxiliary.append(request)
            return request
        number = self._counts_by_thread.get(request.thread_id, 0)
        numbered = dataclasses.replace(request, number=number)
        async with self._arrived:
            self._counts_by_thread[request.thread_id] = number + 1
            self._count += 1
            self._requests.append(numbered)
            self._arrived.notify_all()
        return numbered

    def _answer(self, request: ModelRequest) -> _Answer:
        self._answers += 1
        builder = ResponseBuilder(f"{self._token}_{self._answers}", request)
        script = self._script if request.kind == TURN else _answer_auxiliary
        steps = _play_script(script, request, self.faults.append)
        return _Answer(steps, builder, stream=request.body.get("stream") is True)


class _Answer:
    """The answer to one request, as an ASGI application.

    Args:
        steps: the steps of the answer; closed when it ends.
        builder: turns the steps into events.
        stream: whether to send events; otherwise the whole response is sent at its end.
    """

    def __init__(
        self, steps: AsyncGenerator[Step, None], builder: ResponseBuilder, *, stream: bool
    ) -> None:
        self._steps = steps
        self._builder = builder
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and give it up as soon as the client disconnects.

        Codex disconnects when a turn is interrupted; a held answer would wait forever.
        """
        sending = asyncio.create_task(self._send(scope, receive, send))
        disconnected = asyncio.create_task(_wait_for_disconnect(receive))
        try:
            await asyncio.wait({sending, disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            disconnected.cancel()
            await asyncio.gather(sending, disconnected, return_exceptions=True)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._steps) as steps:
            first = await anext(steps, None)
            if isinstance(first, Fail) and first.status != 0:
                await _send_failure(first, scope, receive, send)
                return
            events = self._builder.events(_with_first(first, steps))
            if self._stream:
                response = StreamingResponse(_encode(events), headers=_EVENT_STREAM)
                # Not the whole response: it would wait for a disconnect too.
                await response.stream_response(send)
                return
            async for group in events:
                last = group[-1]
            await _json_response(200, last["response"], _CLOSE)(scope, receive, send)


async def _send_failure(failure: Fail, scope: Scope, receive: Receive, send: Send) -> None:
    if failure.status == _HANG_UP:
        scope["state"]["connection"].transport.close()
        await _wait_for_disconnect(receive)
    else:
        response = _error_response(failure.status, failure.message, failure.code, _CLOSE)
        await response(scope, receive, send)


async def _play_script(
    script: ModelScript, request: ModelRequest, report_fault: Callable[[str], object]
) -> AsyncGenerator[Step, None]:
    """Yield the steps of a script's answer, and a `Fail` where the script raises."""
    try:
        steps = script(request)
        if isinstance(steps, AsyncIterable):
            async for step in steps:
                yield step
        else:
            for step in steps:
                yield step
    except Exception as error:  # noqa: BLE001 - a script is a test's code and may raise anything
        report_fault(f"The script raised {error!r} at {request.last_user_text!r}.")
        yield Fail(0, f"The script raised {error!r}.", "server_error")


def _answer_auxiliary(request: ModelRequest) -> Iterable[Step]:
    return [Say(f"The scripted model's answer to a request of the kind {request.kind}.")]


async def _with_first(
    first: Step | None, rest: AsyncGenerator[Step, None]
) -> AsyncGenerator[Step, None]:
    if first is not None:
        yield first
    async for step in rest:
        yield step


async def _encode(groups: AsyncIterator[Sequence[Event]]) -> AsyncIterator[bytes]:
    sent = 0
    async for group in groups:
        yield encode_events(group)
        sent += len(group)
        if sent >= DELTAS_PER_GROUP:
            # Sending waits only for a slow client, and a long text must not block the loop.
            await asyncio.sleep(0)
            sent = 0


def _check_size(http: Request) -> None:
    head = [http.scope["raw_path"], http.scope["query_string"], *chain(*http.headers.raw)]
    if sum(map(len, head)) > HEAD_LIMIT:
        raise MessageInvalid(f"The request's head is longer than {HEAD_LIMIT} bytes.")
    if "transfer-encoding" in http.headers:
        raise MessageInvalid("A request's body must come with its length, not chunked.")
    if int(http.headers.get("content-length", "0")) > BODY_LIMIT:
        raise MessageInvalid(f"The request's body is larger than {BODY_LIMIT} bytes.")


async def _wait_for_disconnect(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def _json_response(
    status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(json.dumps(content), status, headers, "application/json")


def _error_response(
    status: int, message: str, code: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error in the shape of OpenAI's API: `{"error": {message, type, code}}`."""
    error = {"message": message, "type": code, "code": code, "param": None}
    return _json_response(status, {"error": error}, headers)


class _Connection(H11Protocol):
    """A client's connection, which the application can close by `scope["state"]`."""

    def __init__(self, model: ScriptedModel, config: uvicorn.Config, state: ServerState) -> None:
        super().__init__(config, state, {"connection": self})
        self._model = model

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless the model was closed since it was accepted."""
        super().connection_made(transport)
        if not self._model.is_listening:
            transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP/1.1 in the shape of OpenAI's API, and note the fault."""
        self._model.faults.append(msg)
        response = _error_response(400, msg, "invalid_request", _CLOSE)
        headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (headers, response.body))
        self.transport.close()


def _uvicorn_config(app: Callable[[Scope, Receive, Send], Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=HEAD_LIMIT,
        # Codex must not send a request on a connection that is about to be closed as idle.
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
