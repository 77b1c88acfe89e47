"""A team's way to the shared server: its calls, and how the turns of its threads end."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from codextui.client.connection import Connect, Connection
from codextui.client.facts import CaughtUp, Connected, Disconnected, EventArrived, Fact
from codextui.errors import ServerUnreachable, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.threads import ThreadInfo

PATIENCE_S = 30.0
"""Seconds that a call waits for a server that is away."""

LOST_S = 120.0
"""Seconds without a server after which it counts as lost; one that restarts takes a few."""

KEPT_TURNS = 10_000
KEPT_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn ended.

    Attributes:
        content: the agent's last message.
        reason: empty where it ended as it should, otherwise as in `TurnAborted`.
        message: what went wrong, in a sentence.
    """

    content: str
    reason: str = ""
    message: str = ""


class TeamConnection:
    """A supervising connection that remembers how turns ended.

    It never answers an approval: that is for the people and programs that supervise the server.

    Attributes:
        threads: the rows of the server's threads, by id.
        approvals: what waits for a decision, by id.
        requests: what people asked of roles before this link was there, oldest first.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        name: str,
        on_event: Callable[[ev.Event], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
        lost_s: float = LOST_S,
    ) -> None:
        """Prepare a link; entering it connects.

        Args:
            connect: opens the way to the server.
            name: the client's name, for other people's screens.
            on_event: is told every event that happens from now on, in order; must not block.
            on_lost: is told why, where the server has been away for `lost_s` seconds.
            lost_s: see `on_lost`.
        """
        self.threads: dict[str, ThreadInfo] = {}
        self.approvals: dict[str, Approval] = {}
        self.requests: deque[ev.Event] = deque(maxlen=KEPT_REQUESTS)
        self._on_event = on_event
        self._on_connected: list[Callable[[], None]] = []
        self._on_lost = on_lost
        self._lost_s = lost_s
        self._giving_up: asyncio.TimerHandle | None = None
        self._ends: OrderedDict[tuple[str, str], asyncio.Future[TurnEnd]] = OrderedDict()
        self._caught_up = asyncio.Event()
        self._live = False
        self._asked: dict[str, Approval] = {}
        self._connection = Connection(
            connect, name=name, on_fact=self._take, decide=False, patience_s=PATIENCE_S
        )

    async def __aenter__(self) -> Self:
        """Connect, and return when the past is known. Raises ServerUnreachable."""
        await self._connection.__aenter__()
        try:
            async with asyncio.timeout(PATIENCE_S):
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
        """Close the connection; the threads go on."""
        self._stop_waiting()
        await self._connection.__aexit__(exc_type, exc, traceback)

    def on_connected(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Have `tell` called whenever the connection is up again; what is returned ends that."""
        self._on_connected.append(tell)
        return lambda: self._on_connected.remove(tell)

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool of the server's. Raises as `Connection.call`."""
        return await self._connection.call(tool, arguments)

    async def find(self, thread: str) -> ThreadInfo:
        """The row of a thread, killed or not, as it is now. Raises ThreadUnknown, as `call`."""
        answer = await self.call("codex-threads", {"all": True})
        rows = [ThreadInfo.from_json(row) for row in fields.objects(answer, "threads")]
        for row in rows:
            if thread in (row.thread_id, row.handle):
                return row
        raise ThreadUnknown(f"no thread is called {thread!r}")

    async def end_of(self, thread_id: str, turn_id: str) -> TurnEnd:
        """Wait for a turn's end, which may be long past."""
        return await asyncio.shield(self._end(thread_id, turn_id))

    def _end(self, thread_id: str, turn_id: str) -> asyncio.Future[TurnEnd]:
        key = (thread_id, turn_id)
        if key not in self._ends:
            self._ends[key] = asyncio.get_running_loop().create_future()
            while len(self._ends) > KEPT_TURNS and next(iter(self._ends.values())).done():
                self._ends.popitem(last=False)
        return self._ends[key]

    def _take(self, fact: Fact) -> None:
        match fact:
            case CaughtUp():
                self._caught_up.set()
                self._go_live()
            case Connected(fresh=fresh):
                self._stop_waiting()
                if fresh:
                    self._forget()
                for tell in tuple(self._on_connected):
                    tell()
            case Disconnected(reason):
                self._wait_for_server(reason)
            case EventArrived(event):
                self._see(event)
                # A new server tells its past again: only what people asked may have been missed.
                if self._live or isinstance(event.msg, ev.RoleRequested):
                    self._tell(event)
            case _:
                pass

    def _tell(self, event: ev.Event) -> None:
        if self._on_event is not None and self._caught_up.is_set():
            self._on_event(event)

    def _forget(self) -> None:
        """A server begins to tell its past from the first event on."""
        self._live = False
        self._asked = dict(self.approvals)
        self.approvals.clear()
        self.threads.clear()

    def _go_live(self) -> None:
        """The past is told: what was asked, or is asked no more, has not been heard of yet."""
        if self._live:
            return
        self._live = True
        asked, self._asked = self._asked, {}
        for approval in [one for key, one in asked.items() if one != self.approvals.get(key)]:
            resolved = ev.ApprovalResolved(approval.approval_id, "lost")
            self._tell(ev.Event(0, approval.thread_id, approval.turn_id, time.time(), resolved))
        for approval in [one for key, one in self.approvals.items() if one != asked.get(key)]:
            told = ev.ApprovalAsked(approval)
            self._tell(ev.Event(0, approval.thread_id, approval.turn_id, approval.asked_at, told))

    def _wait_for_server(self, reason: str) -> None:
        if self._on_lost is not None and self._giving_up is None:
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(self._lost_s, self._on_lost, reason)

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _see(self, event: ev.Event) -> None:
        match event.msg:
            case ev.ThreadChanged(info):
                self.threads[event.thread_id] = info
            case ev.ApprovalAsked(approval):
                self.approvals[approval.approval_id] = approval
            case ev.RoleRequested() if not self._caught_up.is_set():
                self.requests.append(event)
            case ev.ApprovalResolved(approval_id):
                self.approvals.pop(approval_id, None)
            case ev.TurnCompleted(content):
                self._note_end(event, TurnEnd(content))
            case ev.TurnAborted(reason, message):
                self._note_end(event, TurnEnd("", reason, message))
            case _:
                pass

    def _note_end(self, event: ev.Event, end: TurnEnd) -> None:
        future = self._end(event.thread_id, event.turn_id)
        if not future.done():
            future.set_result(end)
