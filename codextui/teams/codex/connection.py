"""A team's connection to the shared server, which records how turns end."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from codextui.client.connection import Connection
from codextui.client.session import Connect
from codextui.client.updates import (
    CaughtUp,
    Connected,
    ConnectionUpdate,
    Disconnected,
    EventReceived,
)
from codextui.errors import ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo

CALL_TIMEOUT_S = 30.0
"""Seconds that a call waits for a server that is not connected."""

LOST_AFTER_S = 120.0
"""Seconds without a server after which it counts as lost; a restart takes a few."""

_MAX_TURN_ENDS = 10_000
_MAX_PAST_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class TurnResult:
    """The end of a turn.

    Attributes:
        content: the agent's last message.
        reason: empty if the turn completed, otherwise as in `TurnAborted`.
        message: an error message, if there is one.
    """

    content: str
    reason: str = ""
    message: str = ""


class TeamConnection:
    """A supervising connection that reconnects, and records threads, approvals and turn ends.

    It never answers an approval: that is up to the other clients that supervise the server.

    Attributes:
        threads: the server's threads, by id.
        approvals: the open approvals, by id.
        past_requests: what was requested of roles before this connection, oldest first.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        name: str,
        on_event: Callable[[ev.Event], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
        lost_after_s: float = LOST_AFTER_S,
    ) -> None:
        """Create a connection; entering it connects.

        Args:
            connect: opens a connection to the server.
            name: the client's name, which other clients show.
            on_event: called with every event from now on, in order; must not block.
            on_lost: called with the reason once the server was away for `lost_after_s`.
            lost_after_s: seconds.
        """
        self.threads: dict[str, ThreadInfo] = {}
        self.approvals: dict[str, Approval] = {}
        self.past_requests: deque[ev.Event] = deque(maxlen=_MAX_PAST_REQUESTS)
        self._on_event = on_event
        self._on_connected: list[Callable[[], None]] = []
        self._on_lost = on_lost
        self._lost_after_s = lost_after_s
        self._lost_timer: asyncio.TimerHandle | None = None
        self._ends: OrderedDict[tuple[str, str], asyncio.Future[TurnResult]] = OrderedDict()
        self._caught_up = asyncio.Event()
        self._live = False
        self._approvals_before: dict[str, Approval] = {}
        self._connection = Connection(
            connect, name=name, on_update=self._handle, decide=False, patience_s=CALL_TIMEOUT_S
        )

    async def __aenter__(self) -> Self:
        """Connect, and wait for the past events. Raises ServerUnreachable."""
        await self._connection.__aenter__()
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._caught_up.wait()
        except TimeoutError:
            await self._connection.__aexit__(None, None, None)
            raise ServerUnreachable("the server did not tell its past in time") from None
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; the threads keep running."""
        self._cancel_lost_timer()
        await self._connection.__aexit__(exc_type, exc, traceback)

    def on_connected(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after every (re)connection; returns a function that ends that."""
        self._on_connected.append(callback)
        return lambda: self._on_connected.remove(callback)

    def owner_of(self, thread_id: str) -> str:
        """Return the role or run that a Codex thread works for, also as another's sub-agent.

        That is the thread itself where it is a role or a run, and empty where there is none.
        """
        seen: set[str] = set()
        thread = self.threads.get(thread_id)
        while thread is not None and thread.kind is ThreadKind.CODEX and thread_id not in seen:
            seen.add(thread_id)
            thread_id = thread.parent
            thread = self.threads.get(thread_id)
        return "" if thread_id in seen else thread_id

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool of the server. Raises as `Connection.call`."""
        return await self._connection.call(tool, arguments)

    async def find_thread(self, name: str) -> ThreadInfo:
        """Return the thread, killed or not, that the server means by a name.

        Raises ThreadUnknown, and ServerRefused where several have the name.
        """
        answer = await self.call("codex-threads", {"thread": name})
        return ThreadInfo.from_json(next(iter(fields.objects(answer, "threads"))))

    async def wait_for_turn(self, thread_id: str, turn_id: str) -> TurnResult:
        """Wait for the end of a turn; returns at once if it has ended."""
        return await asyncio.shield(self._end_of(thread_id, turn_id))

    def _end_of(self, thread_id: str, turn_id: str) -> asyncio.Future[TurnResult]:
        key = (thread_id, turn_id)
        if key not in self._ends:
            self._ends[key] = asyncio.get_running_loop().create_future()
            while len(self._ends) > _MAX_TURN_ENDS and next(iter(self._ends.values())).done():
                self._ends.popitem(last=False)
        return self._ends[key]

    def _handle(self, update: ConnectionUpdate) -> None:
        match update:
            case CaughtUp():
                self._caught_up.set()
                self._go_live()
            case Connected(fresh=fresh):
                self._cancel_lost_timer()
                if fresh:
                    self._forget()
                for callback in tuple(self._on_connected):
                    callback()
            case Disconnected(reason):
                self._start_lost_timer(reason)
            case EventReceived(event):
                self._record(event)
                # A new server replays its past: only requests of roles may have been missed.
                if self._live or isinstance(event.msg, ev.RoleRequested):
                    self._publish(event)
            case _:
                pass

    def _publish(self, event: ev.Event) -> None:
        if self._on_event is not None and self._caught_up.is_set():
            self._on_event(event)

    def _forget(self) -> None:
        """Forget the state of the last server: a new one replays its events from the first on."""
        self._live = False
        self._approvals_before = dict(self.approvals)
        self.approvals.clear()
        self.threads.clear()

    def _go_live(self) -> None:
        """Publish what the replayed past has changed: approvals that are lost, or new."""
        if self._live:
            return
        self._live = True
        before, self._approvals_before = self._approvals_before, {}
        for approval in [one for key, one in before.items() if one != self.approvals.get(key)]:
            resolved = ev.ApprovalResolved(approval.approval_id, "lost")
            self._publish(ev.Event(0, approval.thread_id, approval.turn_id, time.time(), resolved))
        for approval in [one for key, one in self.approvals.items() if one != before.get(key)]:
            asked, at = ev.ApprovalAsked(approval), approval.asked_at
            self._publish(ev.Event(0, approval.thread_id, approval.turn_id, at, asked))

    def _start_lost_timer(self, reason: str) -> None:
        if self._on_lost is not None and self._lost_timer is None:
            loop = asyncio.get_running_loop()
            self._lost_timer = loop.call_later(self._lost_after_s, self._on_lost, reason)

    def _cancel_lost_timer(self) -> None:
        if self._lost_timer is not None:
            self._lost_timer.cancel()
            self._lost_timer = None

    def _record(self, event: ev.Event) -> None:
        match event.msg:
            case ev.ThreadChanged(info):
                self.threads[event.thread_id] = info
            case ev.ApprovalAsked(approval):
                self.approvals[approval.approval_id] = approval
            case ev.RoleRequested() if not self._caught_up.is_set():
                self.past_requests.append(event)
            case ev.ApprovalResolved(approval_id):
                self.approvals.pop(approval_id, None)
            case ev.TurnCompleted(content):
                self._record_end(event, TurnResult(content))
            case ev.TurnAborted(reason, message):
                self._record_end(event, TurnResult("", reason, message))
            case _:
                pass

    def _record_end(self, event: ev.Event, end: TurnResult) -> None:
        future = self._end_of(event.thread_id, event.turn_id)
        if not future.done():
            future.set_result(end)
