"""What the calls of `codex` and `codex-reply` hear: `codex/event` as the old server sent it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from codextui.codex.legacy.events import LegacyEvent, LegacyEventTranslator
from codextui.codex.threads import LoadedThread
from codextui.jsonrpc.fields import Json, JsonObject


@dataclass(frozen=True, slots=True, eq=False)
class LegacyListener:
    """A call that hears events.

    Attributes:
        client: whose call it is.
        hear: takes an event. Called on the event loop, in wire order; must not block.
    """

    client: Hashable
    hear: Callable[[LegacyEvent], None]


_FOR_ALL = "account/rateLimits/updated"
_ENDS = frozenset({"thread/archived", "thread/closed", "thread/deleted"})


class LegacyStreams:
    """Follows those threads on which somebody who hears such events has called.

    Nothing is done about any other thread, so that nobody else pays for it. Give it all that
    Codex says, in wire order.

    A client hears an event once, by the oldest of its calls that are open on the thread: as
    `codex mcp-server` told each event to one of them, whichever came first. However many calls a
    client has open, what it is sent does not grow.
    """

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        """Follow nothing yet; `is_known` says whether a thread is one that was there before."""
        self._is_known = is_known
        self._threads: dict[str, LegacyEventTranslator] = {}
        # The calls in their order; of a dict only the keys are used.
        self._listeners: dict[str, dict[Hashable, dict[LegacyListener, None]]] = {}
        self._opening = 0

    @contextmanager
    def opening(self, listener: LegacyListener | None) -> Iterator[None]:
        """While this lasts, a thread that is not known yet may be the one to follow.

        Codex speaks of it before its answer to `thread/start` has been read. Nothing is done
        where nobody listens.
        """
        if listener is None:
            yield
            return
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            if not self._opening:
                for thread_id in self._threads.keys() - self._listeners.keys():
                    del self._threads[thread_id]

    def begin(self, started: LoadedThread, listener: LegacyListener) -> None:
        """Follow a thread that was just started, and tell how it began."""
        self._listeners[started.thread_id] = {listener.client: {listener: None}}
        events = self._threads.setdefault(
            started.thread_id, LegacyEventTranslator(started.thread_id)
        )
        self._tell(started.thread_id, events.translate_thread_start(started.result))

    def attach(self, thread_id: str, listener: LegacyListener) -> None:
        """Tell somebody what comes of a thread."""
        if thread_id not in self._threads:
            self._threads[thread_id] = LegacyEventTranslator(thread_id, joined_late=True)
        clients = self._listeners.setdefault(thread_id, {})
        clients.setdefault(listener.client, {})[listener] = None

    def detach(self, thread_id: str, listener: LegacyListener) -> None:
        """Tell somebody nothing more. The thread is followed on, for the next call."""
        clients = self._listeners.get(thread_id, {})
        calls = clients.get(listener.client, {})
        calls.pop(listener, None)
        if not calls:
            clients.pop(listener.client, None)

    def hear(self, method: str, params: JsonObject) -> None:
        """A notification of Codex's came."""
        if not self._threads and not self._opening:
            return
        if method == _FOR_ALL:
            for followed_id, events in self._threads.items():
                self._tell(followed_id, events.translate_notification(method, params))
            return
        thread_id = params.get("threadId")
        if not isinstance(thread_id, str):
            return
        if self._opening and thread_id not in self._threads and not self._is_known(thread_id):
            self._threads[thread_id] = LegacyEventTranslator(thread_id)
        followed = self._threads.get(thread_id)
        if followed is not None:
            self._tell(thread_id, followed.translate_notification(method, params))
        if method in _ENDS:
            self._threads.pop(thread_id, None)
            self._listeners.pop(thread_id, None)

    def hear_request(self, method: str, params: JsonObject) -> None:
        """A request of Codex's came, which somebody will be asked about."""
        thread_id = params.get("threadId")
        if isinstance(thread_id, str) and thread_id in self._threads:
            told, _ = self._threads[thread_id].translate_request(method, params)
            self._tell(thread_id, told)

    def answered(self, thread_id: str, item_id: str, *, granted: bool) -> None:
        """Codex was told a decision."""
        followed = self._threads.get(thread_id)
        if followed is not None:
            self._tell(thread_id, followed.translate_decision(item_id, granted=granted))

    def forget_all(self) -> None:
        """The Codex process is gone, and what it had begun."""
        self._threads.clear()
        for thread_id, clients in tuple(self._listeners.items()):
            if clients:
                self._threads[thread_id] = LegacyEventTranslator(thread_id, joined_late=True)
            else:
                del self._listeners[thread_id]

    def _tell(self, thread_id: str, told: tuple[LegacyEvent, ...]) -> None:
        clients = self._listeners.get(thread_id) if told else None
        if not clients:
            return
        for calls in tuple(clients.values()):
            oldest = next(iter(calls))
            for event in told:
                oldest.hear(event)


MERGED_CHARS: Final = 16 * 1024
"""Characters that a merged delta may have, so that merging costs the same for every delta."""


def merged(before: JsonObject, after: JsonObject) -> tuple[JsonObject, int] | None:
    """The parameters of one event that says what two say; None where they are no such two.

    With them comes how many characters they have more than the first.
    """
    one, two = before.get("msg"), after.get("msg")
    if not isinstance(one, dict) or not isinstance(two, dict):
        return None
    said, more = one.get("delta"), two.get("delta")
    if not isinstance(said, str) or not isinstance(more, str) or len(said) > MERGED_CHARS:
        return None
    if _without(before, "msg") != _without(after, "msg"):
        return None
    if _without(one, "delta") != _without(two, "delta"):
        return None
    return {**after, "msg": {**two, "delta": said + more}}, len(more)


def _without(values: JsonObject, member: str) -> dict[str, Json]:
    return {key: value for key, value in values.items() if key != member}
