"""A client's connection to the shared server, which is restored whenever it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeAlias

from codextui.client.session import HANDSHAKE_S, ClientSession, Connect
from codextui.client.updates import (
    ApprovalOffered,
    ApprovalWithdrawn,
    CaughtUp,
    Connected,
    ConnectionUpdate,
    Disconnected,
    EventReceived,
    UpdateHandler,
)
from codextui.errors import (
    ApprovalGone,
    MessageInvalid,
    ServerNotRunning,
    ServerRefused,
    ServerUnreachable,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import INVALID_PARAMS, RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events, extensions
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import (
    Answered,
    Decision,
    Declined,
    decision_word,
    to_elicit_result,
)
from codextui.protocol.events import (
    ApprovalResolved,
    Event,
    UnknownEvent,
    Warned,
)
from codextui.protocol.frames import Frame

FramesHandler: TypeAlias = Callable[[Sequence[Frame], int], None]
"""Handles frames of the server, and how many were lost before them. The first are none."""


class Connection:
    """A client of the shared server, for as long as the `async with` lasts.

    One task connects, initializes the session, subscribes, checks that the server is alive, and
    starts again when the server is lost.

    Args:
        connect: opens a connection.
        name: the client's name, for the journal and other people's screens.
        on_update: handles what the connection reports, in wire order.
        supervise: whether to subscribe to events and be asked for decisions.
        decide: whether a person is there to decide. The server waits for a supervisor that can.
        patience_s: seconds that a call waits for a connection that is not up.
        heartbeat_s: seconds between two pings, and seconds that the answer may take.
        handshake_s: seconds that the server may take to answer `initialize`.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        name: str,
        on_update: UpdateHandler,
        supervise: bool = True,
        decide: bool = True,
        patience_s: float = 5.0,
        heartbeat_s: float = 15.0,
        handshake_s: float = HANDSHAKE_S,
    ) -> None:
        self._connect = connect
        self._name = name
        self._supervise = supervise
        self._decide = decide
        self._patience_s = patience_s
        self._heartbeat_s = heartbeat_s
        self._handshake_s = handshake_s
        self._supervisor = Supervisor(on_update)
        self._session: ClientSession | None = None
        self._last_failure = "it has not answered yet"
        self._up = asyncio.Event()
        self._retry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start connecting, and return at once; `Connected` is reported when it is up."""
        self._task = asyncio.create_task(self._stay_connected(), name="codextui connection")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection without a report."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool of the server, and return its structured content.

        Raises the error of `codextui.errors` that the server names; ServerUnreachable where the
        connection is not up within `patience_s`, or is lost before the answer.
        """
        session = await self._wait_for_session()
        return await session.call_tool(tool, arguments)

    async def request(self, method: str, params: JsonObject) -> JsonObject:
        """Make a request of MCP, and return its result as it is. Raises as `call` does."""
        session = await self._wait_for_session()
        return await session.request(method, params)

    async def inspect(self, on_frames: FramesHandler) -> None:
        """Hand all frames of the server to a handler, until cancelled or disconnected.

        Raises:
            ServerUnreachable: the connection is not up within `patience_s`, or is lost.
            ServerRefused: the server lets nobody see its frames; the message says why.
        """
        session = await self._wait_for_session()
        self._supervisor.on_frames = on_frames
        try:
            await session.inspect()
        finally:
            self._supervisor.on_frames = None

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval by the result of its elicitation, and wait for the confirmation.

        Where no elicitation is open (it has not arrived yet, or this client does not supervise),
        the tool `codex-answer` is called instead.

        Raises:
            ApprovalGone: the approval was over before.
            ServerRefused: the server could not record the decision.
            ServerUnreachable: the server did not confirm the decision.
        """
        resolved = self._supervisor.answer(approval_id, decision)
        if resolved is None:
            await self.call("codex-answer", _answer_arguments(approval_id, decision))
            return
        try:
            end = await asyncio.wait_for(resolved, self._patience_s)
        except TimeoutError:
            what = f"the server did not confirm the answer to {approval_id}"
            raise ServerUnreachable(what) from None
        if end.outcome != decision_word(decision):
            by = f" by {end.by}" if end.by else ""
            raise ApprovalGone(f"{approval_id} is over already: {end.outcome}{by}")

    def retry_now(self) -> None:
        """Connect at once instead of after the pause."""
        self._retry.set()

    async def _wait_for_session(self) -> ClientSession:
        try:
            async with asyncio.timeout(self._patience_s):
                while self._session is None:
                    await self._up.wait()
        except TimeoutError:
            what = f"the server cannot be reached: {self._last_failure}"
            raise ServerUnreachable(what) from None
        return self._session

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            was_up, reason, ended = await self._connect_once()
            # A server that accepts us only to hang up must not be asked ten times a second.
            was_steady = was_up and time.monotonic() - started > pause
            pause = _FIRST_PAUSE_S if was_steady else min(pause * 2, _LONGEST_PAUSE_S)
            self._last_failure = reason
            self._supervisor.detach(reason)
            self._retry.clear()
            self._supervisor.report(Disconnected(reason, pause, ended))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._retry.wait(), pause)

    async def _connect_once(self) -> tuple[bool, str, bool]:
        """Hold one session until it ends.

        Returns:
            whether it was up, why it ended, and whether no server is running.
        """
        supervisor = self._supervisor
        try:
            session = ClientSession(
                await self._connect(),
                on_notification=supervisor.handle_notification,
                on_request=supervisor.handle_request,
                on_invalid=supervisor.handle_invalid,
            )
            supervisor.attach(session)
            async with session:
                supervisor.server_info = await session.initialize(
                    self._name,
                    supervise=self._supervise,
                    decide=self._decide,
                    timeout_s=self._handshake_s,
                )
                return True, await self._hold(session), False
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported as the reason
            ended = isinstance(error, ServerNotRunning)
            return False, str(error) or type(error).__name__, ended

    async def _hold(self, session: ClientSession) -> str:
        tasks = {asyncio.create_task(self._beat(session))}
        if self._supervise:
            tasks.add(asyncio.create_task(self._subscribe(session)))
        else:
            self._supervisor.report(Connected("", self._supervisor.server_info, fresh=True))
        self._session = session
        self._up.set()
        try:
            ends: set[asyncio.Future[str]] = {session.closed, *tasks}
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return _why_ended(session, done)
        finally:
            self._session = None
            self._up.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _subscribe(self, session: ClientSession) -> str:
        await session.subscribe(since=self._supervisor.seq, epoch=self._supervisor.epoch)
        return "the server ended the subscription"

    async def _beat(self, session: ClientSession) -> str:
        while True:
            received = session.frames_received
            await asyncio.sleep(self._heartbeat_s)
            if session.frames_received != received:
                continue
            try:
                await session.ping(self._heartbeat_s)
            except TimeoutError:
                return f"the server gave no sign of life for {2 * self._heartbeat_s:g} seconds"


class Supervisor:
    """The supervising side of a client: its place among the events, and its open elicitations.

    It outlives sessions, so that a reconnect goes on where the last session ended. Its handlers
    are those of a ClientSession.

    Args:
        on_update: handles updates. What it raises goes to the event loop's exception handler.

    Attributes:
        epoch: the id of the server's count of events, empty before the first session.
        seq: the number of the last event received.
        server_info: the server's name and version.
        on_frames: handles the server's frames while it is inspected; None otherwise.
    """

    def __init__(self, on_update: UpdateHandler) -> None:
        self._on_update = on_update
        self.epoch = ""
        self.seq = 0
        self.server_info = ""
        self.on_frames: FramesHandler | None = None
        self._session: ClientSession | None = None
        self._elicitations: dict[RequestId, str] = {}
        self._unconfirmed: dict[str, asyncio.Future[ApprovalResolved]] = {}

    def attach(self, session: ClientSession) -> None:
        """Continue with a new session; the elicitations of the last one are void."""
        self._session = session
        self._elicitations.clear()

    def detach(self, reason: str) -> None:
        """Fail the answers that the lost session cannot confirm any more."""
        unconfirmed, self._unconfirmed = self._unconfirmed, {}
        for resolved in unconfirmed.values():
            if not resolved.done():
                resolved.set_exception(ServerUnreachable(f"no word of what became of it: {reason}"))

    def answer(
        self, approval_id: str, decision: Decision
    ) -> asyncio.Future[ApprovalResolved] | None:
        """Answer the open elicitation for an approval; None where there is none.

        The future resolves to the end of the approval as the server reports it, which another
        client may have brought about. It raises ServerUnreachable where the session is lost, and
        ServerRefused where the server asks again.
        """
        open_ids = [key for key, asked in self._elicitations.items() if asked == approval_id]
        if not open_ids or self._session is None:
            return None
        resolved = self._unconfirmed.setdefault(
            approval_id, asyncio.get_running_loop().create_future()
        )
        for request_id in open_ids:
            del self._elicitations[request_id]
            self._session.respond(request_id, to_elicit_result(decision))
        return resolved

    def report(self, update: ConnectionUpdate) -> None:
        """Hand an update to `on_update`."""
        try:
            self._on_update(update)
        except Exception as error:  # noqa: BLE001 - a faulty handler must not end the connection
            context = {"message": f"{type(update).__name__} was not handled", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def handle_notification(self, method: str, params: JsonObject) -> None:
        """Handle a notification of the server."""
        match method:
            case events.EVENT_METHOD:
                self._handle_event(params)
            case extensions.SUBSCRIBED_METHOD:
                self._handle_subscribed(params)
            case extensions.CAUGHT_UP_METHOD:
                self.report(CaughtUp(_count(params, "seq")))
            case extensions.FRAMES_METHOD if self.on_frames is not None:
                self._handle_frames(params, self.on_frames)
            case "notifications/cancelled":
                self._withdraw(params.get("requestId"))

    def handle_request(self, request_id: RequestId, method: str, params: JsonObject) -> bool:
        """Open an elicitation, until it is answered or withdrawn."""
        if method != "elicitation/create":
            return False
        try:
            meta = fields.as_object(params.get("_meta"), "_meta")
            approval = Approval.from_json(
                fields.as_object(meta.get(extensions.APPROVAL_META), extensions.APPROVAL_META)
            )
        except MessageInvalid as error:
            if self._session is not None:
                self._session.refuse(request_id, INVALID_PARAMS, str(error))
            self._warn(f"an approval could not be read, and was refused: {error}")
        else:
            self._reject_answer(approval.approval_id)
            self._elicitations[request_id] = approval.approval_id
            self.report(ApprovalOffered(approval))
        return True

    def handle_invalid(self, what: str) -> None:
        """Show what is no message as a warning."""
        shown = what.partition("\n")[0][:200]
        self._warn(f"a frame was no JSON-RPC message, and was left out: {shown}")

    def _handle_frames(self, params: JsonObject, on_frames: FramesHandler) -> None:
        try:
            frames = [Frame.from_json(frame) for frame in fields.objects(params, "frames")]
        except MessageInvalid as error:
            self._warn(f"frames could not be read: {error}")
        else:
            on_frames(frames, _count(params, "lost"))

    def _warn(self, message: str) -> None:
        self.report(EventReceived(Event(0, "", "", time.time(), Warned(message))))

    def _handle_event(self, params: JsonObject) -> None:
        try:
            event = Event.from_json(params)
        except MessageInvalid as error:
            event = _unreadable_event(params, error)
        if event.seq > self.seq:
            self.seq = event.seq
        elif event.seq > 0:
            return  # received before: a replay may overlap
        if isinstance(event.msg, ApprovalResolved):
            self._confirm(event.msg)
        self.report(EventReceived(event))

    def _confirm(self, end: ApprovalResolved) -> None:
        resolved = self._unconfirmed.pop(end.approval_id, None)
        if resolved is not None and not resolved.done():
            resolved.set_result(end)

    def _reject_answer(self, approval_id: str) -> None:
        """Fail the answer to an approval that the server asks again."""
        resolved = self._unconfirmed.pop(approval_id, None)
        if resolved is not None and not resolved.done():
            reason = "the server could not record it (is its disk full?), and asks again"
            resolved.set_exception(ServerRefused(reason))

    def _handle_subscribed(self, params: JsonObject) -> None:
        epoch = params.get("epoch")
        epoch = epoch if isinstance(epoch, str) else ""
        since = _count(params, "since")
        fresh = since == 0 or epoch != self.epoch
        self.epoch = epoch
        if fresh:
            self.seq = since
        self.report(Connected(epoch, self.server_info, fresh))

    def _withdraw(self, request_id: object) -> None:
        if isinstance(request_id, int | str):
            approval_id = self._elicitations.pop(request_id, None)
            if approval_id is not None:
                self.report(ApprovalWithdrawn(approval_id))


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


def _why_ended(session: ClientSession, done: set[asyncio.Future[str]]) -> str:
    """Return what the server itself said, else what the connection saw."""
    errors = [future.exception() for future in done]
    for error in errors:
        if error is not None and not isinstance(error, ServerUnreachable):
            return str(error)
    if session.closed.done():
        return session.closed.result()
    return next(str(future.exception() or future.result()) for future in done)


def _count(params: JsonObject, key: str) -> int:
    value = params.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _unreadable_event(params: JsonObject, error: MessageInvalid) -> Event:
    """The event with all that was sent, placed as far as that can be read."""
    meta = params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    thread_id, turn_id = meta.get("threadId"), params.get("id")
    return Event(
        seq=_count(meta, "seq"),
        thread_id=thread_id if isinstance(thread_id, str) else "",
        turn_id=turn_id if isinstance(turn_id, str) else "",
        at=time.time(),
        msg=UnknownEvent(f"unreadable: {error}", params),
    )


_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
