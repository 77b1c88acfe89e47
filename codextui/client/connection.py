"""The connection of a client to the shared server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, TypeVar

import anyio
import mcp_types as types
from mcp import ClientSession, MCPError
from pydantic import BaseModel, RootModel, ValidationError

from codextui.client.call import introduction, structured_content
from codextui.client.facts import Connected, Disconnected, Fact
from codextui.client.supervision import Intake
from codextui.client.transport import InterceptTransport, Tap
from codextui.errors import (
    ApprovalGone,
    CodextuiError,
    MessageInvalid,
    ServerRefused,
    ServerUnreachable,
)
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import Streams
from codextui.protocol.decisions import Answered, Decision, Declined, decision_word

_Result = TypeVar("_Result", bound=BaseModel)


class _RawResult(RootModel[dict[str, Any]]):
    """A result as it was on the wire."""


class _SubscribeParams(types.RequestParams):
    since: int
    epoch: str


class _Subscribe(types.Request[_SubscribeParams, Literal["codex/subscribe"]]):
    method: Literal["codex/subscribe"] = "codex/subscribe"


async def handshake(session: ClientSession, name: str, *, supervise: bool, decide: bool) -> str:
    """Introduce the client (`initialize`) and return the server's name and version.

    Sent by hand because mcp's session cannot declare an experimental capability.
    Raises the errors of `call_tool`.
    """
    about = introduction(name, supervise=supervise, decide=decide)
    params = types.InitializeRequestParams.model_validate(about)
    answer = await _send(session, types.InitializeRequest(params=params), types.InitializeResult)
    session.adopt(answer)
    await session.send_notification(types.InitializedNotification())
    return f"{answer.server_info.name} {answer.server_info.version}"


async def subscribe(session: ClientSession, *, since: int, epoch: str) -> str:
    """Ask for every event after `since`; return why the server ended it, in a sentence.

    Raises the errors of `call_tool`.
    """
    request = _Subscribe(params=_SubscribeParams(since=since, epoch=epoch))
    await _send(session, request, types.EmptyResult)
    return "the server ended the subscription"


async def ping(session: ClientSession, timeout_s: float) -> None:
    """Ask for a sign of life. Raises ServerUnreachable where none comes in time."""
    await _send(session, types.PingRequest(), types.EmptyResult, timeout_s)


async def call_tool(session: ClientSession, tool: str, arguments: JsonObject) -> JsonObject:
    """Call a tool and return its structured content.

    Raises the error of `codextui.errors` that the result names, ServerRefused for a JSON-RPC
    error, ServerUnreachable where the connection is lost before the answer.
    """
    params = types.CallToolRequestParams(name=tool, arguments=dict(arguments))
    result = await _send(session, types.CallToolRequest(params=params), _RawResult)
    return structured_content(tool, result.root)


async def _send(
    session: ClientSession,
    request: types.Request[Any, Any],
    result_type: type[_Result],
    timeout_s: float | None = None,
) -> _Result:
    try:
        return await session.send_request(request, result_type, timeout_s)
    except MCPError as error:
        raise _failure(error) from error
    except anyio.BrokenResourceError as error:
        raise ServerUnreachable("the connection to the server is closed") from error
    except ValidationError as error:
        raise MessageInvalid(
            f"the server's answer to {request.method} has the wrong shape"
        ) from error


def _failure(error: MCPError) -> CodextuiError:
    match error.error.code:
        case types.CONNECTION_CLOSED:
            return ServerUnreachable("the connection to the server was lost before it answered")
        case types.REQUEST_TIMEOUT:
            return ServerUnreachable("the server did not answer in time")
        case _:
            return ServerRefused(error.error.message)


Connect: TypeAlias = Callable[[], Awaitable[Streams]]
"""Opens the way to the server, for every attempt anew; raises OSError or ServerUnreachable.

`functools.partial(codextui.client.spawn.open_socket, path)` is one.
"""

_HANDSHAKE_S = 10.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Connection:
    """A client of the shared server, for as long as the `async with` lasts.

    One task owns mcp's session: it connects, introduces the client, subscribes, watches for
    signs of life, and starts again when the server is lost.

    Attributes:
        patience_s: how long a call waits for a connection that is not up.
        heartbeat_s: the pause between two pings, and how long an answer may take.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        name: str,
        on_fact: Callable[[Fact], None],
        supervise: bool = True,
        decide: bool = True,
        tap: Tap | None = None,
        patience_s: float = 5.0,
        heartbeat_s: float = 15.0,
    ) -> None:
        """Prepare a connection; entering it starts it.

        Args:
            connect: opens the streams.
            name: the client's name, for the journal and other people's screens.
            on_fact: called on the event loop, in the order of the wire; must not block.
            supervise: whether to subscribe to events and be asked for decisions.
            decide: whether anybody is there who can: where nobody is, the server must not wait
                for this client's answers, which never come.
            tap: sees every frame.
            patience_s: see the attribute.
            heartbeat_s: see the attribute.
        """
        self.patience_s = patience_s
        self.heartbeat_s = heartbeat_s
        self._connect = connect
        self._name = name
        self._supervise = supervise
        self._decide = decide
        self._tap = tap
        self._intake = Intake(on_fact)
        self._session: ClientSession | None = None
        self._trouble = "it has not answered yet"
        self._up = asyncio.Event()
        self._hurry = asyncio.Event()
        self._actor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start connecting, and return at once: a `Connected` fact says when it is up."""
        self._actor = asyncio.create_task(self._stay_connected(), name="codextui connection")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection, without a fact."""
        if self._actor is not None:
            self._actor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._actor

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool of the server's and return its structured content.

        Raises the error of `codextui.errors` that the server names; ServerUnreachable where
        the connection is not up within `patience_s`, or is lost before the answer came.
        """
        session = await self._wait_for_session()
        return await call_tool(session, tool, arguments)

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval: the result of its elicitation, which is how the server asked.

        Returns when the server has said that this decision stands. Where no elicitation is open
        (it has not arrived yet, or this client does not supervise) the tool `codex-answer` says
        the same. Raises ApprovalGone where somebody or something was faster, and
        ServerUnreachable where the server did not confirm it.
        """
        resolved = self._intake.answer(approval_id, decision)
        if resolved is None:
            await self.call("codex-answer", _answer_arguments(approval_id, decision))
            return
        try:
            end = await asyncio.wait_for(resolved, self.patience_s)
        except TimeoutError:
            raise ServerUnreachable(
                f"the server did not confirm the answer to {approval_id}"
            ) from None
        if end.outcome != decision_word(decision):
            by = f" by {end.by}" if end.by else ""
            raise ApprovalGone(f"{approval_id} is over already: {end.outcome}{by}")

    def retry_now(self) -> None:
        """Try to connect at once instead of after the pause."""
        self._hurry.set()

    async def _wait_for_session(self) -> ClientSession:
        try:
            async with asyncio.timeout(self.patience_s):
                while self._session is None:
                    await self._up.wait()
        except TimeoutError:
            raise ServerUnreachable(f"the server cannot be reached: {self._trouble}") from None
        return self._session

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            was_up, reason = await self._attend_once()
            # A server that lets us in only to throw us out must not be asked ten times a second.
            held = was_up and time.monotonic() - started > pause
            pause = _FIRST_PAUSE_S if held else min(pause * 2, _LONGEST_PAUSE_S)
            self._trouble = reason
            self._intake.detach(reason)
            self._hurry.clear()
            self._intake.tell(Disconnected(reason, pause))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), pause)

    async def _attend_once(self) -> tuple[bool, str]:
        """Hold one connection until it ends; whether it ever was up, and why it ended."""
        try:
            transport = InterceptTransport(await self._connect(), self._intake, self._tap)
            self._intake.attach(transport)
            async with transport as (reader, writer), ClientSession(reader, writer) as session:
                async with asyncio.timeout(_HANDSHAKE_S):
                    self._intake.server_info = await handshake(
                        session, self._name, supervise=self._supervise, decide=self._decide
                    )
                return True, await self._hold(session, transport)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told as the reason
            return False, _describe(error)

    async def _hold(self, session: ClientSession, transport: InterceptTransport) -> str:
        beat = asyncio.create_task(self._beat(session, transport))
        watched: set[asyncio.Future[str]] = {transport.ended, beat}
        if self._supervise:
            ask = subscribe(session, since=self._intake.seq, epoch=self._intake.epoch)
            watched.add(asyncio.create_task(ask))
        else:
            self._intake.tell(Connected("", self._intake.server_info, fresh=True))
        self._session = session
        self._up.set()
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            return _why(transport, done)
        finally:
            self._session = None
            self._up.clear()
            await _cancel(watched - {transport.ended})

    async def _beat(self, session: ClientSession, transport: InterceptTransport) -> str:
        while True:
            heard = transport.frames_in
            await asyncio.sleep(self.heartbeat_s)
            if transport.frames_in != heard:
                continue
            try:
                await ping(session, self.heartbeat_s)
            except ServerUnreachable:
                return f"the server gave no sign of life for {2 * self.heartbeat_s:g} seconds"


def _answer_arguments(approval_id: str, decision: Decision) -> JsonObject:
    arguments: dict[str, object] = {
        "approval": approval_id,
        "decision": decision_word(decision),
    }
    match decision:
        case Declined(message) if message:
            arguments["message"] = message
        case Answered(content):
            arguments["answers"] = dict(content)
    return arguments


def _why(transport: InterceptTransport, done: set[asyncio.Future[str]]) -> str:
    """The reason of an end: what the server itself said, else what the transport saw."""
    own_words = [str(e) for e in map(_error, done) if e and not isinstance(e, ServerUnreachable)]
    if own_words:
        return own_words[0]
    if transport.ended.done():
        return transport.ended.result()
    return next(str(_error(future) or future.result()) for future in done)


def _error(future: asyncio.Future[str]) -> BaseException | None:
    return future.exception()


async def _cancel(tasks: set[asyncio.Future[str]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _describe(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError) and not str(error):
        return f"the server did not introduce itself within {_HANDSHAKE_S:g} seconds"
    return str(error) or type(error).__name__
