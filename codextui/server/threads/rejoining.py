"""Joins this server's threads again on an app-server that went on without it.

Codex's daemon, or an app-server at an address, outlives the server and the connection to it. What
was lost with them may still run there, ask, or have ended meanwhile.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from codextui.codex.app_server import AppServer
from codextui.codex.calls import is_at_rest, join_thread, list_loaded, read_turns
from codextui.codex.notifications import TranslatedEvent, translate_history
from codextui.codex.threads import LoadedThread
from codextui.errors import CodexDied, CodextuiError
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.frames import encode_json
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.threads import ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.worker import CodexWorker

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ThreadRejoiner:
    """Joins threads again.

    Attributes:
        hub: has the events that were published of them.
        registry: the threads.
        worker: the app-server.
    """

    hub: EventHub
    registry: ThreadRegistry
    worker: CodexWorker

    async def rejoin(self) -> None:
        """Subscribe to this server's threads that a joined app-server has loaded.

        A turn that still runs counts as running again, and its requests are sent again. One that
        has ended meanwhile is published to its end.
        """
        if not self.worker.is_joined:
            return
        app = await self.worker.app()
        loaded = await list_loaded(app)
        for record in self.registry:
            is_ours = record.is_codex_thread and record.info.ours
            if is_ours and record.info.state is not ThreadState.KILLED and not record.loaded:
                try:
                    await self._rejoin(app, record, is_loaded=record.thread_id in loaded)
                except CodexDied:
                    return  # the next one is joined by itself
                except CodextuiError as error:
                    logger.warning("%s was not joined again: %s", record.info.handle, error)

    async def rejoin_thread(self, record: ThreadRecord) -> None:
        """Subscribe to a thread of this server that another client of its app-server has loaded."""
        try:
            await self._rejoin(await self.worker.app(), record, is_loaded=True)
        except CodextuiError as error:
            logger.info("%s was not joined: %s", record.info.handle, error)

    async def _rejoin(self, app: AppServer, record: ThreadRecord, *, is_loaded: bool) -> None:
        lost = self._lost_turn(record)
        async with record.lock:
            if record.loaded:
                return
            if is_loaded:
                with _deferring_requests(record):
                    with _watching_ends(record) as ends:
                        joined = await join_thread(app, record.thread_id, last_turns=1)
                        is_done = await is_at_rest(app, record.thread_id)
                    record.loaded = True
                    record.model_provider = joined.model_provider
                    self._take_up(record, joined, lost, has_ended=ends.seen or is_done)
            elif lost:
                self._conclude(record, await read_turns(app, record.thread_id, limit=1), lost)

    def _take_up(
        self, record: ThreadRecord, joined: LoadedThread, lost: str, *, has_ended: bool
    ) -> None:
        """Go on with the turn that runs, or conclude the one that was lost."""
        history = translate_history(record.thread_id, joined.turns)
        runs = bool(history) and not isinstance(history[-1].msg, _ENDS)
        if not runs or has_ended:
            self._conclude(record, joined.turns, lost)
            return
        turn_id = history[-1].turn_id
        if record.turn.running_id != turn_id:
            self.registry.apply(record, turn_id, ev.TurnStarted())
        self._publish_missed(record, history)

    def _conclude(self, record: ThreadRecord, turns: Iterable[JsonObject], lost: str) -> None:
        """Publish the rest of a turn that was lost here, and has ended there."""
        history = translate_history(record.thread_id, turns)
        if not lost or not history or history[-1].turn_id != lost:
            return
        if record.turn.running_id or not isinstance(history[-1].msg, ev.TurnCompleted):
            return
        self.registry.apply(record, lost, ev.TurnStarted())
        self._publish_missed(record, history)
        self.registry.apply(record, lost, history[-1].msg)

    def _publish_missed(self, record: ThreadRecord, history: list[TranslatedEvent]) -> None:
        """Publish the items of a turn that were not published."""
        known = Counter(
            _identify(event.msg.item)
            for event in self.hub.events_of(record.thread_id)
            if isinstance(event.msg, ev.ItemCompleted) and event.turn_id == history[-1].turn_id
        )
        for past in history:
            if not isinstance(past.msg, _ITEMS):
                continue
            identity = _identify(past.msg.item)
            if known[identity]:
                known[identity] -= 1
            else:
                self.registry.apply(record, past.turn_id, past.msg)

    def _lost_turn(self, record: ThreadRecord) -> str:
        """Return the last turn's id where its end is unknown here; empty where it is known."""
        for event in reversed(self.hub.events_of(record.thread_id)):
            if isinstance(event.msg, _ENDS) and event.turn_id == record.info.turn_id:
                is_lost = isinstance(event.msg, ev.TurnAborted) and event.msg.reason == "lost"
                return event.turn_id if is_lost else ""
        return ""


@dataclass(slots=True)
class _Ends:
    """Notes whether a turn ends meanwhile. A `registry.TurnWatcher`."""

    seen: bool = field(default=False)

    def on_event(self, msg: ev.Msg) -> None:
        self.seen = self.seen or isinstance(msg, _ENDS)

    def on_unattended(self, approval: Approval) -> None:
        """Leave an approval to the call that waits for it."""


@contextmanager
def _watching_ends(record: ThreadRecord) -> Iterator[_Ends]:
    ends = _Ends()
    record.watchers.append(ends)
    try:
        yield ends
    finally:
        record.watchers.remove(ends)


@contextmanager
def _deferring_requests(record: ThreadRecord) -> Iterator[None]:
    """Let what the thread asks wait: a patch is only shown with the item that has its changes."""
    deferred: list[Callable[[], None]] = []
    record.deferred = deferred
    try:
        yield
    finally:
        record.deferred = None
        for handle in deferred:
            handle()


def _identify(item: JsonObject) -> Hashable:
    """Return what an item has in common with itself in Codex's history.

    There messages have other ids, such as `item-1`, than they had when they were said.
    """
    match item:
        case {"type": "userMessage", "clientId": str(client_id)}:
            return client_id
        case {"type": "userMessage", "content": content}:
            return encode_json(content)
        case {"type": "agentMessage" | "plan" as kind, "text": str(text)}:
            return (kind, text)
        case {"type": "reasoning", "summary": summary, "content": content}:
            return encode_json([summary, content])
        case _:
            return str(item.get("id"))


_ENDS = (ev.TurnCompleted, ev.TurnAborted)
_ITEMS = (ev.ItemStarted, ev.ItemCompleted)
