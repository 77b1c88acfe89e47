"""The old server's events of every thread of one `codex app-server`. Pure."""

from __future__ import annotations

from codextui.codex.legacy.events import LegacyEvents, Told
from codextui.codex.legacy.requests import LegacyAsk
from codextui.jsonrpc.fields import JsonObject

_FOR_ALL = "account/rateLimits/updated"
_ENDS = frozenset({"thread/archived", "thread/closed", "thread/deleted"})


class LegacyThreads:
    """Brings what Codex says to the `LegacyEvents` of the thread that it is about.

    Give it everything that comes, in wire order: a thread is followed from its first mention
    on, which may be before `thread/start` is answered. A new process needs a new one. Nothing
    here raises.
    """

    def __init__(self) -> None:
        self._threads: dict[str, LegacyEvents] = {}

    def configured(self, thread_id: str, result: JsonObject) -> Told:
        """Return how a call of `codex` began; `result` is what `thread/start` answered."""
        return self._events_of(thread_id).configured(result)

    def hear(self, method: str, params: JsonObject) -> Told:
        """Return what a notification of Codex's was."""
        if method == _FOR_ALL:
            threads = self._threads.values()
            return tuple(event for one in threads for event in one.notification(method, params))
        thread_id = params.get("threadId")
        if not isinstance(thread_id, str):
            return ()
        told = self._events_of(thread_id).notification(method, params)
        if method in _ENDS:
            del self._threads[thread_id]
        return told

    def hear_request(self, method: str, params: JsonObject) -> tuple[Told, LegacyAsk | None]:
        """Return what a request of Codex's was: the events before the question, and the question.

        The question is None where the old server asked none of that kind.
        """
        thread_id = params.get("threadId")
        if not isinstance(thread_id, str):
            return (), None
        return self._events_of(thread_id).request(method, params)

    def answered(self, thread_id: str, item_id: str, *, granted: bool) -> Told:
        """Return what follows from a decision on an item, to be told once Codex is told it."""
        return self._events_of(thread_id).answered(item_id, granted=granted)

    def _events_of(self, thread_id: str) -> LegacyEvents:
        events = self._threads.get(thread_id)
        if events is None:
            events = self._threads[thread_id] = LegacyEvents(thread_id)
        return events
