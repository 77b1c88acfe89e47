"""What Codex says, brought to the threads it is about."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from codextui.codex.items import file_changes
from codextui.codex.notifications import SETUP_WARNINGS, TranslatedEvent, Translation, translate
from codextui.codex.thread_notifications import (
    RequestResolved,
    SettingsChanged,
    ThreadReverted,
    ThreadStarted,
    ThreadUnloaded,
)
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import RUN_PREFIX
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.approvals.broker import Broker
from codextui.server.events.hub import EventHub
from codextui.server.threads.registry import Registry, ThreadRecord, TurnOutcome

MAX_EARLY = 10_000
"""Events that are kept for threads that are just being made."""

MAX_NOTE = 300

_KEPT_WARNINGS = 200

_REVERTED = "Turns of this thread were taken back elsewhere: more is shown than it still has."

_STATE_AFTER = {
    "interrupted": ThreadState.INTERRUPTED,
    "lost": ThreadState.INTERRUPTED,
    "killed": ThreadState.KILLED,
}


class CodexNotifications:
    """Applies what Codex says to the threads' rows, and tells everybody.

    What comes for a thread that is just being made waits until it is known: Codex speaks of it
    before its answer to `thread/start` has been read.
    """

    def __init__(
        self,
        hub: EventHub,
        registry: Registry,
        broker: Broker,
        *,
        on_rest: Callable[[ThreadRecord], None] = lambda _: None,
    ) -> None:
        """Put it together; `on_rest` is called when a thread's turn is over."""
        self._on_rest = on_rest
        self._hub = hub
        self._registry = registry
        self._broker = broker
        self._warned: deque[ev.Msg] = deque(maxlen=_KEPT_WARNINGS)
        self._opening = 0
        self._early: deque[TranslatedEvent | ThreadStarted] = deque(maxlen=MAX_EARLY)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """While this lasts, threads that are not known yet may be about to become known."""
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            if not self._opening:
                early = tuple(self._early)
                self._early.clear()
                for notice in early:
                    self._take(notice)

    def hear(self, process: int, method: str, params: JsonObject) -> None:
        """Apply a notification of Codex's; `process` counts the Codex processes."""
        notice = translate(method, params)
        if method in SETUP_WARNINGS and self._is_known(notice):
            return
        match notice:
            case TranslatedEvent() | ThreadStarted():
                self._take(notice)
            case None:
                pass
            case SettingsChanged():
                self._change_settings(notice)
            case ThreadUnloaded(thread_id):
                self._unload(thread_id)
            case ThreadReverted(thread_id):
                self._hub.publish(thread_id, "", ev.Warned(_REVERTED))
            case RequestResolved(request_id):
                self._broker.withdraw(key=(process, request_id))

    def lose_all(self, reason: str) -> None:
        """Codex is gone, and with it every turn, every question, every process of its own."""
        for thread_id in {approval.thread_id for approval in self._broker.approvals}:
            if not thread_id.startswith(RUN_PREFIX):
                self._broker.withdraw(thread_id=thread_id, outcome="lost")
        for record in self._registry:
            record.loaded = False
            if record.running and record.in_codex:
                self.tell(record, record.running, ev.TurnAborted("lost", reason))

    def tell(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> None:
        """Apply something that happened on a thread, and tell everybody."""
        match msg:
            case ev.TextDelta() | ev.OutputDelta():  # most of what comes, and nothing to remember
                self._registry.publish(record, turn_id, msg)
            case ev.TurnStarted():
                record.begin_turn(turn_id)
                self._registry.publish(record, turn_id, msg)
                self._registry.begin_turn(record, turn_id)
            case ev.TurnCompleted(said):
                self._end_turn(record, turn_id, ev.TurnCompleted(said or record.last_message))
            case ev.TurnAborted("interrupted", why) if record.killing:
                self._end_turn(record, turn_id, ev.TurnAborted("killed", why))
            case ev.TurnAborted():
                self._end_turn(record, turn_id, msg)
            case _:
                self._remember(record, msg)
                self._registry.publish(record, turn_id, msg)

    def _is_known(self, notice: Translation) -> bool:
        """Whether an earlier process has warned of the same, so that everybody has read it."""
        if not isinstance(notice, TranslatedEvent) or notice.thread_id:
            return False
        if notice.msg in self._warned:
            return True
        self._warned.append(notice.msg)
        return False

    def _take(self, notice: TranslatedEvent | ThreadStarted) -> None:
        if not notice.thread_id:
            if isinstance(notice, TranslatedEvent):
                self._hub.publish("", notice.turn_id, notice.msg)
            return
        record = self._registry.get(notice.thread_id)
        if record is None and self._opening:
            self._early.append(notice)
            return
        if record is None:
            record = self._adopt(notice)
        if isinstance(notice, TranslatedEvent):
            self.tell(record, notice.turn_id, notice.msg)

    def _adopt(self, notice: TranslatedEvent | ThreadStarted) -> ThreadRecord:
        """Take in a thread that Codex started by itself, such as a sub-agent's."""
        announced = notice if isinstance(notice, ThreadStarted) else None
        info = ThreadInfo(
            thread_id=notice.thread_id,
            handle=self._registry.unique_handle(""),
            state=ThreadState.IDLE,
            client="codex",
            cwd=announced.cwd if announced else "",
            forked_from=(announced.forked_from or announced.parent) if announced else "",
            created_at=time.time(),
        )
        record = ThreadRecord(info, loaded=True)
        self._registry.add(record)
        return record

    def _remember(self, record: ThreadRecord, msg: ev.Msg) -> None:
        """Keep of an event what a later one, or an approval, does not say again."""
        match msg:
            case ev.ItemStarted({"type": "fileChange"} as item):
                record.patches[str(item.get("id"))] = file_changes(item)
            case ev.ItemCompleted({"type": "agentMessage", "text": str(text)}):
                record.last_message = text
            case ev.PatchUpdated(item_id, changes):
                record.patches[item_id] = changes
            case ev.TokensCounted(total, _, window):
                self._registry.note(record, usage=total, context_window=window)
            case ev.ErrorRaised(message) | ev.Warned(message):
                self._registry.update(record, note=_one_line(message))
            case _:
                pass

    def _end_turn(
        self, record: ThreadRecord, turn_id: str, msg: ev.TurnCompleted | ev.TurnAborted
    ) -> None:
        thread_id = record.info.thread_id
        self._broker.withdraw(thread_id=thread_id, turn_id=turn_id)
        outcome = TurnOutcome(turn_id, record.last_message)
        state, note = ThreadState.IDLE, record.info.note
        if isinstance(msg, ev.TurnAborted):
            outcome = replace(outcome, reason=msg.reason, message=msg.message)
            state = _STATE_AFTER.get(msg.reason, ThreadState.FAILED)
            note = _one_line(msg.message) or note
        self._registry.publish(record, turn_id, msg)
        if record.running in ("", turn_id):
            self._registry.update(
                record, state=state, turn_id=turn_id, turn_started_at=None, note=note
            )
        record.end_turn(outcome)
        self._on_rest(record)

    def _change_settings(self, settings: SettingsChanged) -> None:
        record = self._registry.get(settings.thread_id)
        if record is not None:
            self._registry.update(
                record,
                cwd=settings.cwd,
                model=settings.model,
                sandbox=settings.sandbox,
                approval_policy=settings.approval_policy,
            )

    def _unload(self, thread_id: str) -> None:
        record = self._registry.get(thread_id)
        if record is not None:
            record.loaded = False


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MAX_NOTE]
