"""Tells the shared server of a run: its rows, and what happens on them (`codex-publish`)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from codextui.errors import ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import RUN_PREFIX
from codextui.protocol.threads import ThreadInfo
from codextui.teams.publish.items import plain

MOST_WAITING = 5000
"""Messages that wait; beyond that texts that are still being written are left to their end."""

MOST_AT_ALL = 50_000
"""Messages that are kept at all for a server that stays away; the oldest go."""

MOST_IN_BATCH = 100
MOST_CHARS_IN_BATCH = 200_000

_DELTAS = (ev.TextDelta, ev.ReasoningDelta, ev.PlanDelta, ev.OutputDelta)


@dataclass(slots=True)
class Letter:
    """One message and where it belongs."""

    thread_id: str
    turn_id: str
    msg: ev.Msg

    def to_wire(self) -> dict[str, object]:
        """One of the `events` of `codex-publish`."""
        return {
            "threadId": self.thread_id,
            "turnId": self.turn_id,
            "msg": plain(self.msg.to_json()),
        }


class Outbox:
    """Messages that wait to be sent.

    More of an item's text is merged with what waits of it on the same thread, and a row replaces
    the one that waits just before it. Nothing else is ever merged. Only the growing of a text is
    left out where too much waits: its end brings all of it.
    """

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._last: dict[str, Letter] = {}

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> None:
        """Add a message behind the others."""
        before = self._last.get(letter.thread_id)
        merged = None if before is None else _merge(before, letter)
        if before is not None and merged is not None:
            before.msg = merged
            return
        if len(self._letters) >= MOST_WAITING:
            self._letters = _without_deltas(self._letters)
            self._index()
        if len(self._letters) >= MOST_AT_ALL:
            # Nobody has heard for very long. The rows are told anew to whoever comes.
            del self._letters[: MOST_AT_ALL // 2]
            self._index()
        self._letters.append(letter)
        self._last[letter.thread_id] = letter

    def take(self) -> list[Letter]:
        """Take the next messages for one call, at least one where there is any."""
        sizes = itertools.accumulate(
            len(json.dumps(letter.to_wire())) for letter in self._letters[:MOST_IN_BATCH]
        )
        count = sum(1 for size in sizes if size <= MOST_CHARS_IN_BATCH)
        taken = self._letters[: max(count, 1)]
        del self._letters[: len(taken)]
        self._index()
        return taken

    def put_back(self, letters: Iterable[Letter]) -> None:
        """Put messages before all others again.

        Without what only grows a text: nobody knows whether it was taken, and it must not be
        there twice.
        """
        self._letters[:0] = _without_deltas(letters)
        self._index()

    def _index(self) -> None:
        # What was taken must not be changed any more.
        self._last = {letter.thread_id: letter for letter in self._letters}


def _without_deltas(letters: Iterable[Letter]) -> list[Letter]:
    return [letter for letter in letters if not isinstance(letter.msg, _DELTAS)]


def _merge(before: Letter, letter: Letter) -> ev.Msg | None:
    """Both in one, None where that cannot be."""
    match before.msg, letter.msg:
        case ev.ThreadChanged(), ev.ThreadChanged():
            return letter.msg
        case _ if before.turn_id != letter.turn_id:
            return None
        case _:
            return ev.merge_deltas(before.msg, letter.msg)


GATHER_S = 0.05
"""Seconds for which deltas are gathered before they are sent."""

LAST_WORDS_S = 5.0
"""Seconds that the end of a run waits for the server to have heard all of it."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class Wire(Protocol):
    """The way to the server: `codextui.teams.codex.connection.TeamConnection` is one."""

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool; waits a while where the server is away."""

    def on_connected(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Have `tell` called whenever the connection is up (again), until that is ended."""


def run_thread(run_id: str) -> str:
    """The id of a run's row."""
    return f"{RUN_PREFIX}{run_id}"


def role_thread(run_id: str, role: str) -> str:
    """The id of the row of a run's role."""
    return f"{RUN_PREFIX}{run_id}/{role}"


class Publisher:
    """Tells in order, without ever keeping anybody waiting.

    The first that is told of a thread must be its row (`ThreadChanged`), and the run's own row
    before its roles'. After a reconnect all rows are told again, since the server may be a new
    one, and then what waited. What was on its way when the connection broke is told again, but
    for what only grows a text: rows, turns and items stay single, notes may stand twice.
    Whatever goes wrong never reaches the run: it is told once.

    Attributes:
        run_id: the run's id, without its prefix.
        handles: the handles that the rows got, by thread id.
    """

    def __init__(
        self, wire: Wire, run_id: str, *, on_trouble: Callable[[str], None] | None = None
    ) -> None:
        """Prepare it; entering it begins to send, leaving it sends what is left.

        Args:
            wire: the way to the server, for as long as this lives.
            run_id: the run's id, without its prefix.
            on_trouble: is told once, in a sentence, where the server does not take it.
        """
        self.run_id = run_id
        self.handles: dict[str, str] = {}
        self._wire = wire
        self._on_trouble = on_trouble
        self._outbox = Outbox()
        self._rows: dict[str, ThreadInfo] = {}
        self._again = False
        self._waiting = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._sending: asyncio.Task[None] | None = None
        self._leave: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        self._leave = self._wire.on_connected(self._reconnected)
        self._sending = asyncio.create_task(self._send_all(), name=f"publisher of {self.run_id}")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()
        await self.flush()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    @property
    def rows(self) -> dict[str, ThreadInfo]:
        """The rows as they were told last, by thread id."""
        return dict(self._rows)

    def tell(self, thread_id: str, turn_id: str, msg: ev.Msg) -> None:
        """Tell something; returns at once.

        Args:
            thread_id: whose it is (`run_thread`, `role_thread`).
            turn_id: the turn that it belongs to, empty for none.
            msg: one of the kinds that `codex-publish` takes.
        """
        if isinstance(msg, ev.ThreadChanged):
            self._rows[thread_id] = msg.thread
        self._outbox.put(Letter(thread_id, turn_id, msg))
        self._empty.clear()
        self._waiting.set()

    async def flush(self, timeout_s: float = LAST_WORDS_S) -> bool:
        """Wait until the server has heard all of it; whether it has."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        return self._empty.is_set()

    def _reconnected(self) -> None:
        if self._rows:
            self._again = True
            self._empty.clear()
            self._waiting.set()

    async def _send_all(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            await asyncio.sleep(GATHER_S)
            try:
                await self._send_waiting()
                pause = _FIRST_PAUSE_S
            except Exception as error:  # noqa: BLE001 - the run goes on, whatever this is
                self._complain(f"the server does not hear of the run: {error}")
                self._again = True
                self._waiting.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _send_waiting(self) -> None:
        while self._again or self._outbox:
            if self._again:
                self._again = False
                await self._publish(self._standing())
            await self._deliver(self._outbox.take())
        self._empty.set()

    async def _deliver(self, letters: list[Letter]) -> None:
        """Send some letters; one that the server refuses for itself is left out."""
        parts = [letters] if letters else []
        try:
            while parts:
                try:
                    await self._publish(parts[0])
                except ServerUnreachable:
                    raise
                except Exception as error:  # noqa: BLE001 - `_split` tells it of the one it is about
                    # Where the server does not take our rows either, it is not about these.
                    await self._publish(self._standing())
                    parts[:1] = self._split(parts[0], error)
                else:
                    del parts[0]
        finally:
            # What was delivered is in none of the parts any more.
            self._outbox.put_back(letter for part in parts for letter in part)

    def _split(self, letters: list[Letter], error: Exception) -> list[list[Letter]]:
        if len(letters) > 1:
            middle = len(letters) // 2
            return [letters[:middle], letters[middle:]]
        kind = type(letters[0].msg).__name__
        self._complain(f"the server does not take a {kind} of {self.run_id}: {error}")
        return []

    def _standing(self) -> list[Letter]:
        """How everything stands: every row, and the turns that run."""
        letters = []
        for thread_id, row in self._rows.items():
            letters.append(Letter(thread_id, "", ev.ThreadChanged(row)))
            if row.turn_id and row.turn_started_at is not None:
                letters.append(Letter(thread_id, row.turn_id, ev.TurnStarted()))
        return letters

    async def _publish(self, letters: list[Letter]) -> None:
        if not letters:
            return
        events = [letter.to_wire() for letter in letters]
        answer = await self._wire.call(
            "codex-publish", {"run": run_thread(self.run_id), "events": events}
        )
        handles = fields.as_object(answer.get("handles", {}), "handles")
        self.handles.update((key, str(handle)) for key, handle in handles.items())

    def _complain(self, trouble: str) -> None:
        if self._on_trouble is not None:
            tell, self._on_trouble = self._on_trouble, None
            tell(trouble)
