"""Fans out legacy `codex/event` messages to the calls of `codex` and `codex-reply`.

`codextui.codex.legacy` explains this format and how it differs from the supervisors'.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codextui.codex.legacy.events import LegacyEvent, LegacyEventTranslator
from codextui.codex.threads import LoadedThread
from codextui.jsonrpc.fields import Json, JsonObject

_FOR_ALL_THREADS = "account/rateLimits/updated"
_THREAD_ENDS = frozenset({"thread/archived", "thread/closed", "thread/deleted"})


@dataclass(frozen=True, slots=True, eq=False)
class LegacySubscriber:
    """A call that gets legacy events.

    Attributes:
        client_key: identifies the client that made the call.
        on_event: takes an event. Called on the event loop, in wire order; must not block.
    """

    client_key: Hashable
    on_event: Callable[[LegacyEvent], None]


class LegacyEventHub:
    """Translates what Codex sends about threads that have, or had, a subscriber.

    Other threads cost nothing. Pass everything that Codex sends, in wire order.

    A client gets each event once, by the oldest of its open calls on the thread, as `codex
    mcp-server` sent each event to one call. What a client is sent does not grow with its calls.

    Args:
        is_known: returns whether a thread id is one of a thread that the server has.
    """

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        self._is_known = is_known
        self._translators: dict[str, LegacyEventTranslator] = {}
        # By thread and client, the open calls in order; the inner dict is an ordered set.
        self._subscribers: dict[str, dict[Hashable, dict[LegacySubscriber, None]]] = {}
        self._opening = 0

    @contextmanager
    def opening_thread(self, subscriber: LegacySubscriber | None) -> Iterator[None]:
        """Follow threads that are not known yet, one of which may be the subscriber's.

        Codex sends notifications about a thread before the result of `thread/start` is read.
        Does nothing without a subscriber.
        """
        if subscriber is None:
            yield
            return
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            if not self._opening:
                for thread_id in self._translators.keys() - self._subscribers.keys():
                    del self._translators[thread_id]

    def begin(self, started: LoadedThread, subscriber: LegacySubscriber) -> None:
        """Subscribe to a thread that was just started, and send its first events."""
        thread_id = started.thread_id
        self._subscribers[thread_id] = {subscriber.client_key: {subscriber: None}}
        translator = self._translators.setdefault(thread_id, LegacyEventTranslator(thread_id))
        self._send(thread_id, translator.translate_thread_start(started.result))

    def attach(self, thread_id: str, subscriber: LegacySubscriber) -> None:
        """Subscribe to the events of a thread."""
        if thread_id not in self._translators:
            self._translators[thread_id] = LegacyEventTranslator(thread_id, joined_late=True)
        clients = self._subscribers.setdefault(thread_id, {})
        clients.setdefault(subscriber.client_key, {})[subscriber] = None

    def detach(self, thread_id: str, subscriber: LegacySubscriber) -> None:
        """Unsubscribe. The thread is still followed, for the next call."""
        clients = self._subscribers.get(thread_id, {})
        calls = clients.get(subscriber.client_key, {})
        calls.pop(subscriber, None)
        if not calls:
            clients.pop(subscriber.client_key, None)

    def handle_notification(self, method: str, params: JsonObject) -> None:
        """Handle a notification of Codex."""
        if not self._translators and not self._opening:
            return
        if method == _FOR_ALL_THREADS:
            for followed_id, translator in self._translators.items():
                self._send(followed_id, translator.translate_notification(method, params))
            return
        thread_id = params.get("threadId")
        if not isinstance(thread_id, str):
            return
        if self._opening and thread_id not in self._translators and not self._is_known(thread_id):
            self._translators[thread_id] = LegacyEventTranslator(thread_id)
        followed = self._translators.get(thread_id)
        if followed is not None:
            self._send(thread_id, followed.translate_notification(method, params))
        if method in _THREAD_ENDS:
            self._translators.pop(thread_id, None)
            self._subscribers.pop(thread_id, None)

    def handle_request(self, method: str, params: JsonObject) -> None:
        """Handle a request of Codex that becomes an approval."""
        thread_id = params.get("threadId")
        if isinstance(thread_id, str) and thread_id in self._translators:
            events, _ = self._translators[thread_id].translate_request(method, params)
            self._send(thread_id, events)

    def handle_decision(self, thread_id: str, item_id: str, *, granted: bool) -> None:
        """Handle a decision that Codex has been sent."""
        translator = self._translators.get(thread_id)
        if translator is not None:
            self._send(thread_id, translator.translate_decision(item_id, granted=granted))

    def handle_exit(self) -> None:
        """Forget what the Codex process that ended had begun."""
        self._translators.clear()
        for thread_id, clients in tuple(self._subscribers.items()):
            if clients:
                self._translators[thread_id] = LegacyEventTranslator(thread_id, joined_late=True)
            else:
                del self._subscribers[thread_id]

    def _send(self, thread_id: str, events: tuple[LegacyEvent, ...]) -> None:
        clients = self._subscribers.get(thread_id) if events else None
        if not clients:
            return
        for calls in tuple(clients.values()):
            oldest = next(iter(calls))
            for event in events:
                oldest.on_event(event)


def merge_legacy_deltas(
    before: JsonObject, after: JsonObject, max_chars: int
) -> tuple[JsonObject, int] | None:
    """Return the parameters of two adjacent legacy deltas as those of one, and how it grew.

    The legacy format's counterpart of `codextui.protocol.events.merge_deltas`: here a delta is
    recognised by its member `delta`, and everything else must be equal, `_meta` too.

    Returns:
        The merged parameters and the characters that they have more than `before`; None where
        the two are not deltas of one item, or `before` has more than `max_chars` characters.
    """
    first, second = before.get("msg"), after.get("msg")
    if not isinstance(first, dict) or not isinstance(second, dict):
        return None
    text, more = first.get("delta"), second.get("delta")
    if not isinstance(text, str) or not isinstance(more, str) or len(text) > max_chars:
        return None
    if _without(before, "msg") != _without(after, "msg"):
        return None
    if _without(first, "delta") != _without(second, "delta"):
        return None
    return {**after, "msg": {**second, "delta": text + more}}, len(more)


def _without(values: JsonObject, member: str) -> dict[str, Json]:
    return {key: value for key, value in values.items() if key != member}
