"""What the calls of `codex` and `codex-reply` hear: `codex/event` as the old server sent it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from codextui.codex.legacy import LegacyEvent, LegacyEvents, Told
from codextui.codex.thread import StartedThread
from codextui.wire.fields import JsonObject

LegacyListener: TypeAlias = Callable[[LegacyEvent], None]
"""Hears an event. Called on the event loop, in wire order; must not block."""

_FOR_ALL = "account/rateLimits/updated"
_ENDS = frozenset({"thread/archived", "thread/closed", "thread/deleted"})


class LegacyStreams:
    """Follows those threads on which somebody who hears such events has called.

    Nothing is done about any other thread, so that nobody else pays for it. Give it all that
    Codex says, in wire order.
    """

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        """Follow nothing yet; `is_known` says whether a thread is one that was there before."""
        self._is_known = is_known
        self._threads: dict[str, LegacyEvents] = {}
        self._listeners: dict[str, list[LegacyListener]] = {}
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

    def begin(self, started: StartedThread, listener: LegacyListener) -> None:
        """Follow a thread that was just started, and tell how it began."""
        self._listeners[started.thread_id] = [listener]
        events = self._threads.setdefault(started.thread_id, LegacyEvents(started.thread_id))
        self._tell(started.thread_id, events.configured(started.result))

    def attach(self, thread_id: str, listener: LegacyListener) -> None:
        """Tell somebody what comes of a thread."""
        if thread_id not in self._threads:
            self._threads[thread_id] = LegacyEvents(thread_id, under_way=True)
        listeners = self._listeners.setdefault(thread_id, [])
        if listener not in listeners:
            listeners.append(listener)

    def detach(self, thread_id: str, listener: LegacyListener) -> None:
        """Tell somebody nothing more. The thread is followed on, for the next call."""
        listeners = self._listeners.get(thread_id, [])
        if listener in listeners:
            listeners.remove(listener)

    def hear(self, method: str, params: JsonObject) -> None:
        """A notification of Codex's came."""
        if not self._threads and not self._opening:
            return
        if method == _FOR_ALL:
            for followed_id, events in self._threads.items():
                self._tell(followed_id, events.notification(method, params))
            return
        thread_id = params.get("threadId")
        if not isinstance(thread_id, str):
            return
        if self._opening and thread_id not in self._threads and not self._is_known(thread_id):
            self._threads[thread_id] = LegacyEvents(thread_id)
        followed = self._threads.get(thread_id)
        if followed is not None:
            self._tell(thread_id, followed.notification(method, params))
        if method in _ENDS:
            self._threads.pop(thread_id, None)
            self._listeners.pop(thread_id, None)

    def hear_request(self, method: str, params: JsonObject) -> None:
        """A request of Codex's came, which somebody will be asked about."""
        thread_id = params.get("threadId")
        if isinstance(thread_id, str) and thread_id in self._threads:
            told, _ = self._threads[thread_id].request(method, params)
            self._tell(thread_id, told)

    def answered(self, thread_id: str, item_id: str, *, granted: bool) -> None:
        """Codex was told a decision."""
        followed = self._threads.get(thread_id)
        if followed is not None:
            self._tell(thread_id, followed.answered(item_id, granted=granted))

    def forget_all(self) -> None:
        """The Codex process is gone, and what it had begun."""
        self._threads.clear()
        for thread_id, listeners in tuple(self._listeners.items()):
            if listeners:
                self._threads[thread_id] = LegacyEvents(thread_id, under_way=True)
            else:
                del self._listeners[thread_id]

    def _tell(self, thread_id: str, told: Told) -> None:
        for listener in tuple(self._listeners.get(thread_id, ())) if told else ():
            for event in told:
                listener(event)
