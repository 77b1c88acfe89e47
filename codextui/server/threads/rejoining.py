"""Joins this server's threads again on an app-server that went on without it.

Codex's daemon, or an app-server at an address, outlives the server and the connection to it. What
was lost with them may still run there, ask, or have ended meanwhile.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from codextui.codex.app_server import AppServer
from codextui.codex.calls import is_at_rest, join_thread, list_loaded, read_turns
from codextui.codex.notifications import TranslatedEvent, translate_history
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
        """Subscribe to this server's threads that the app-server has loaded, on a new connection.

        A turn that still runs goes on, or counts as running again, and its requests are sent
        again. One that has ended meanwhile is published to its end.
        """
        records = [record for record in self.registry if self._is_concerned(record)]
        if not records:
            return
        try:
            app = await self.worker.app()
            loaded = await list_loaded(app)
            for record in records:
                await self._try_to_rejoin(app, record, is_loaded=record.thread_id in loaded)
        except CodexDied:
            return  # the next one is joined by itself
        except CodextuiError as error:
            logger.warning("the threads were not joined again: %s", error)
            for record in records:
                self._give_up(record)

    async def _try_to_rejoin(
        self, app: AppServer, record: ThreadRecord, *, is_loaded: bool
    ) -> None:
        try:
            await self._rejoin(app, record, is_loaded=is_loaded)
        except CodexDied:
            raise
        except CodextuiError as error:
            logger.warning("%s was not joined again: %s", record.info.handle, error)
        self._give_up(record)

    def _is_concerned(self, record: ThreadRecord) -> bool:
        if not record.is_codex_thread or not record.info.ours:
            return False
        may_go_on = self.worker.is_joined or self.worker.is_reconnected
        is_left = may_go_on and not record.loaded and record.info.state is not ThreadState.KILLED
        return is_left or bool(record.suspended)

    async def rejoin_thread(self, record: ThreadRecord) -> None:
        """Subscribe to a thread of this server that another client of its app-server has loaded."""
        try:
            await self._rejoin(await self.worker.app(), record, is_loaded=True)
        except CodextuiError as error:
            logger.info("%s was not joined: %s", record.info.handle, error)

    async def _rejoin(self, app: AppServer, record: ThreadRecord, *, is_loaded: bool) -> None:
        async with record.lock:
            lost = record.suspended or self._lost_turn(record)
            if record.loaded and not record.suspended:
                return
            if not is_loaded:
                await self._catch_up(app, record, lost, is_done=True)
                return
            with (
                _deferring_requests(record),
                _watching(record) as live,
                self._deferring_ends(record),
            ):
                joined = await join_thread(app, record.thread_id, last_turns=1)
                record.loaded = True
                record.model_provider = joined.model_provider
                history = translate_history(record.thread_id, joined.turns)
                last = history[-1].turn_id if history else ""
                if last == record.turn.running_id:
                    self._publish_missed(record, history)  # before its end may come
                is_done = await is_at_rest(app, record.thread_id)
                known = lost or self._known_turn(record)
                if last != known or (lost and is_done):
                    await self._catch_up(app, record, known, is_done=is_done)
                if not is_done:
                    self._take_up(record, history)
                    await self._publish_late(app, record, live)

    async def _publish_late(self, app: AppServer, record: ThreadRecord, live: _LiveEvents) -> None:
        """Publish what ended before the subscription, and was written after it had its history.

        An item that has begun since ends by itself.
        """
        turns = await read_turns(app, record.thread_id, limit=1)
        past = translate_history(record.thread_id, turns)
        late = [event for event in past if not live.is_open(event.msg)]
        if past and past[-1].turn_id == record.turn.running_id:
            self._publish_missed(record, late)

    @contextmanager
    def _deferring_ends(self, record: ThreadRecord) -> Iterator[None]:
        """Let the ends of turns wait until what they follow is published."""
        deferred: list[tuple[str, Callable[[], None]]] = []
        record.deferred_ends = deferred
        try:
            yield
        finally:
            record.deferred_ends = None
            for turn_id, apply in deferred:
                if not self._is_over(record, turn_id):
                    apply()

    def _take_up(self, record: ThreadRecord, history: list[TranslatedEvent]) -> None:
        """Go on with the turn that runs."""
        if not history or isinstance(history[-1].msg, _ENDS):
            return
        turn_id = history[-1].turn_id
        suspended, record.suspended = record.suspended, ""
        if suspended and suspended in (turn_id, record.review_turn):
            return  # the turns of a review have two ids
        if suspended and record.turn.running_id == suspended:
            self.registry.apply(record, suspended, _LOST)
        if record.turn.running_id != turn_id:
            self.registry.apply(record, turn_id, ev.TurnStarted())
        self._publish_missed(record, history)

    async def _catch_up(
        self, app: AppServer, record: ThreadRecord, lost: str, *, is_done: bool
    ) -> None:
        """Publish the rest of a turn that was lost here, and the turns that followed it there."""
        if not lost:
            return
        turns = await read_turns(app, record.thread_id, limit=_MAX_MISSED_TURNS)
        ids = [turn.get("id") for turn in turns]
        missed = turns[ids.index(lost) :] if lost in ids else []
        if is_done and record.suspended and missed[-1:] and not _has_ended(missed[-1]):
            missed[-1] = {**missed[-1], "status": "completed"}  # a review has such turns
        for turn in missed:
            self._conclude(record, translate_history(record.thread_id, [turn]), lost)

    def _conclude(self, record: ThreadRecord, history: list[TranslatedEvent], lost: str) -> None:
        """Publish the rest of a turn that has ended."""
        end = history[-1]
        if not isinstance(end.msg, _ENDS) or self._is_over(record, end.turn_id):
            return
        if end.turn_id == lost != record.suspended and not isinstance(end.msg, ev.TurnCompleted):
            return  # its end as a lost turn says as much
        if record.turn.running_id not in ("", end.turn_id):
            return
        if not record.turn.running_id:
            self.registry.apply(record, end.turn_id, ev.TurnStarted())
        self._publish_missed(record, history)
        self.registry.apply(record, end.turn_id, end.msg)

    def _is_over(self, record: ThreadRecord, turn_id: str) -> bool:
        """Return whether the end of a turn was published."""
        return any(
            isinstance(event.msg, _ENDS) and not _is_lost(event.msg)
            for event in self.hub.events_of(record.thread_id)
            if event.turn_id == turn_id
        )

    def _give_up(self, record: ThreadRecord) -> None:
        """End a turn that ran when the connection broke, and of which Codex knows nothing now."""
        suspended, record.suspended = record.suspended, ""
        if suspended and record.turn.running_id == suspended:
            self.registry.apply(record, suspended, _LOST)

    def _publish_missed(self, record: ThreadRecord, history: list[TranslatedEvent]) -> None:
        """Publish the items of a turn that were not published."""
        published = [
            event.msg
            for event in self.hub.events_of(record.thread_id)
            if history and event.turn_id == history[-1].turn_id
        ]
        known = Counter(_identify(m.item) for m in published if isinstance(m, ev.ItemCompleted))
        begun = {m.item.get("id") for m in published if isinstance(m, ev.ItemStarted)}
        for past in history:
            if not isinstance(past.msg, _ITEMS):
                continue
            identity = _identify(past.msg.item)
            if isinstance(past.msg, ev.ItemStarted) and record.suspended:
                if past.msg.item.get("id") in begun:
                    continue  # its changes are known
                self.registry.apply(record, past.turn_id, past.msg)
            elif known[identity]:
                known[identity] -= 1
            else:
                self.registry.apply(record, past.turn_id, past.msg)

    def _known_turn(self, record: ThreadRecord) -> str:
        """Return the last turn's id where its end was published; empty where none was."""
        turn_id = record.info.turn_id
        return turn_id if turn_id and self._is_over(record, turn_id) else ""

    def _lost_turn(self, record: ThreadRecord) -> str:
        """Return the last turn's id where its end is unknown here; empty where it is known."""
        for event in reversed(self.hub.events_of(record.thread_id)):
            if isinstance(event.msg, _ENDS) and event.turn_id == record.info.turn_id:
                return event.turn_id if _is_lost(event.msg) else ""
        return ""


@dataclass(slots=True)
class _LiveEvents:
    """Notes what comes while a thread is joined. A `registry.TurnWatcher`."""

    _open: dict[str, object] = field(default_factory=dict)

    def on_event(self, msg: ev.Msg) -> None:
        match msg:
            case ev.ItemStarted({"id": str(item_id), "type": kind}):
                self._open[item_id] = kind
            case ev.ItemCompleted({"id": str(item_id)}):
                self._open.pop(item_id, None)
            case _:
                pass

    def is_open(self, msg: ev.Msg) -> bool:
        """Return whether an item of that kind has begun and not ended; ids differ in the past."""
        return isinstance(msg, _ITEMS) and msg.item.get("type") in self._open.values()

    def on_unattended(self, approval: Approval) -> None:
        """Leave an approval to the call that waits for it."""


@contextmanager
def _watching(record: ThreadRecord) -> Iterator[_LiveEvents]:
    live = _LiveEvents()
    record.watchers.append(live)
    try:
        yield live
    finally:
        record.watchers.remove(live)


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


def _is_lost(msg: ev.Msg) -> bool:
    return isinstance(msg, ev.TurnAborted) and msg.reason == "lost"


def _has_ended(turn: JsonObject) -> bool:
    return turn.get("status") != "inProgress"


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


_LOST = ev.TurnAborted("lost", "The connection to Codex broke during the turn.")
_MAX_MISSED_TURNS = 20
_ENDS = (ev.TurnCompleted, ev.TurnAborted)
_ITEMS = (ev.ItemStarted, ev.ItemCompleted)
