"""Applies the notifications of Codex to the threads that they concern."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec import structs

from codextui.codex.notifications import SETUP_WARNINGS, TranslatedEvent, Translation, translate
from codextui.codex.thread_notifications import (
    NameChanged,
    QueueChanged,
    RequestResolved,
    SettingsChanged,
    StatusChanged,
    ThreadChange,
    ThreadReverted,
    ThreadStarted,
    ThreadUnloaded,
)
from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import RUN_PREFIX
from codextui.protocol.sub_agents import parse_agent_call
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.registry import (
    SUB_AGENT_CLIENT,
    ThreadApprovals,
    ThreadRecord,
    ThreadRegistry,
)

MAX_EARLY = 10_000
"""Notifications that are buffered while threads are being opened."""

MAX_WARNINGS = 200
"""Warnings about the setup that are remembered, so as not to repeat them."""

_TURN_ENDS = (ev.TurnCompleted, ev.TurnAborted)
_CUT = "The connection to Codex broke."
_ASKS_AGAIN = "the connection to Codex broke; what still waits is asked again"
_REVERTED = "Turns of this thread were taken back elsewhere: more is shown than it still has."


class CodexNotifications:
    """Applies notifications to the threads' records and publishes them.

    Codex sends notifications about a thread before the result of `thread/start` is read. They are
    buffered until the thread is known (`opening_thread`).

    Args:
        hub: publishes what concerns no thread.
        registry: the threads.
        approvals: withdrawn where their turn ends or Codex no longer waits for them.
        others: the threads of other programs.
        on_event: called with a thread's id and what Codex told of it, after it was applied.
        on_turn_ended: called after a turn of a Codex thread has ended.
        on_adopted: called for a thread that Codex has started by itself, of which little is known.
        on_tokens_counted: called after a thread has used tokens.
        on_queue_changed: called with the id of a thread whose queue has changed.
    """

    def __init__(
        self,
        hub: EventHub,
        registry: ThreadRegistry,
        approvals: ThreadApprovals,
        others: OtherThreads,
        *,
        on_event: Callable[[str, ev.Msg], object] = lambda *_: None,
        on_turn_ended: Callable[[ThreadRecord], object] = lambda _: None,
        on_adopted: Callable[[ThreadRecord], object] = lambda _: None,
        on_tokens_counted: Callable[[ThreadRecord], object] = lambda _: None,
        on_queue_changed: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._hub = hub
        self._registry = registry
        self._approvals = approvals
        self._others = others
        self._on_event = on_event
        self._on_turn_ended = on_turn_ended
        self._on_adopted = on_adopted
        self._on_tokens_counted = on_tokens_counted
        self._on_queue_changed = on_queue_changed
        self._warnings: deque[ev.Msg] = deque(maxlen=MAX_WARNINGS)
        self._opening = 0
        others.is_opening = lambda: bool(self._opening)
        self._early: deque[TranslatedEvent | ThreadStarted] = deque(maxlen=MAX_EARLY)

    @contextmanager
    def opening_thread(self) -> Iterator[None]:
        """Buffer the notifications of unknown threads, until none is being opened any more."""
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            if not self._opening:
                early = tuple(self._early)
                self._early.clear()
                for notification in early:
                    self._apply(notification)
                self._others.handle_opened()

    def handle(self, process: int, method: str, params: JsonObject) -> None:
        """Apply a notification; `process` numbers the Codex process that sent it."""
        translation = translate(method, params)
        if method in SETUP_WARNINGS and self._is_repeated(translation):
            return
        match translation:
            case None:
                pass
            case TranslatedEvent() | ThreadStarted():
                self._apply(translation)
            case RequestResolved(request_id, thread_id):
                resolve = partial(self._resolve, (process, request_id))
                if not self._others.defer(thread_id, resolve):
                    resolve()
            case _:
                self._change_thread(translation)

    def _change_thread(self, notification: ThreadChange) -> None:
        """Apply what concerns a thread as a whole."""
        match notification:
            case SettingsChanged():
                self._change_settings(notification)
            case StatusChanged():
                self._others.handle_status(notification)
            case NameChanged():
                self._others.handle_name(notification)
            case ThreadUnloaded(thread_id):
                self._mark_unloaded(thread_id)
            case ThreadReverted(thread_id):
                if thread_id in self._registry:
                    self._hub.publish(thread_id, "", ev.Warned(_REVERTED))
            case QueueChanged(thread_id):
                self._on_queue_changed(thread_id)

    def handle_exit(self, reason: str) -> None:
        """End the turns and approvals of the Codex process that ended."""
        for thread_id in self._asking():
            self._approvals.withdraw(thread_id=thread_id, outcome="lost", why=reason)
        self._end_turns(reason)

    def handle_cut(self) -> None:
        """Leave the turns of a Codex process that goes on, until its threads are joined again.

        What it asks is asked again then.
        """
        for thread_id in self._asking():
            self._approvals.withdraw(thread_id=thread_id, outcome="lost", why=_ASKS_AGAIN)
        for record in self._registry:
            record.loaded = False
            if record.info.ours and record.is_codex_thread:
                record.suspended = record.turn.running_id
            elif record.turn.running_id and record.is_codex_thread:
                aborted = ev.TurnAborted("lost", _CUT)
                self._apply_event(record, record.turn.running_id, aborted)
        self._others.handle_exit()

    def handle_stop(self, reason: str) -> None:
        """End the turns and approvals because this server ends.

        What threads of other programs ask stays open for those.
        """
        for thread_id in self._asking():
            outcome = "left" if self._others.is_foreign(thread_id) else "lost"
            why = reason if outcome == "lost" else ""
            self._approvals.withdraw(thread_id=thread_id, outcome=outcome, why=why)
        self._end_turns(reason)

    def _asking(self) -> set[str]:
        """Return the ids of the threads of Codex with open approvals."""
        asking = {approval.thread_id for approval in self._approvals.approvals}
        return {thread_id for thread_id in asking if not thread_id.startswith(RUN_PREFIX)}

    def _end_turns(self, reason: str) -> None:
        for record in self._registry:
            record.loaded, record.suspended = False, ""
            if record.turn.running_id and record.is_codex_thread:
                self._apply_event(record, record.turn.running_id, ev.TurnAborted("lost", reason))
        self._others.handle_exit()

    def _resolve(self, key: Hashable) -> None:
        """Withdraw the approval of a request that was answered, by another program if not here.

        The end of a turn comes before the end of its requests, and has withdrawn them.
        """
        outcome = "answered_elsewhere" if self._others.is_shared else "withdrawn"
        self._approvals.withdraw(key=key, outcome=outcome)

    def _is_repeated(self, translation: Translation) -> bool:
        """Return whether an earlier process has sent the same warning."""
        if not isinstance(translation, TranslatedEvent) or translation.thread_id:
            return False
        if translation.msg in self._warnings:
            return True
        self._warnings.append(translation.msg)
        return False

    def _apply(self, notification: TranslatedEvent | ThreadStarted) -> None:
        if not notification.thread_id:
            if isinstance(notification, TranslatedEvent):
                self._hub.publish("", notification.turn_id, notification.msg)
            return
        record = self._registry.get(notification.thread_id)
        if record is None and self._opening:
            self._early.append(notification)
            return
        if record is None and not self._is_ours(notification):
            if isinstance(notification, ThreadStarted):
                self._others.handle_started(notification)
            return
        if record is None:
            record = self._adopt(notification)
        elif isinstance(notification, ThreadStarted) and not record.info.ours:
            self._others.handle_started(notification)
        if isinstance(notification, TranslatedEvent):
            apply = partial(self._apply_event, record, notification.turn_id, notification.msg)
            if not self._defer(record, notification, apply):
                apply()

    def _defer(
        self, record: ThreadRecord, event: TranslatedEvent, apply: Callable[[], None]
    ) -> bool:
        """Return whether an event waits until its thread is joined, or concerns nobody."""
        if record.deferred_ends is not None and isinstance(event.msg, _TURN_ENDS):
            record.deferred_ends.append((event.turn_id, apply))
            return True
        return self._others.defer_event(event, apply)

    def _is_ours(self, notification: TranslatedEvent | ThreadStarted) -> bool:
        """Return whether an unknown thread is one that Codex started for us."""
        if not self._others.is_shared:
            return True
        match notification:
            case ThreadStarted():
                return self._others.is_sub_agent_of_ours(notification)
            case TranslatedEvent():
                return False

    def _apply_event(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> None:
        if isinstance(msg, ev.ItemStarted | ev.ItemCompleted):
            self._place_sub_agents(record, msg.item)
        if self._follow_review(record, turn_id, msg):
            return
        if not isinstance(msg, _TURN_ENDS):
            self._registry.apply(record, turn_id, msg)
            self._on_event(record.thread_id, msg)
            if isinstance(msg, ev.TokensCounted):
                self._on_tokens_counted(record)
            return
        self._approvals.withdraw(thread_id=record.thread_id, turn_id=turn_id)
        self._registry.apply(record, turn_id, msg)
        self._on_event(record.thread_id, msg)
        self._others.handle_turn_end(record)
        self._on_turn_ended(record)

    def _follow_review(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> bool:
        """Follow a review; return whether the event only reports its second id.

        Codex does not send the start of a review's turn. It sends the start of another turn, which
        never ends.
        """
        match msg:
            case ev.ItemStarted({"type": "enteredReviewMode"}):
                record.review_turn, record.reviewer_turn = turn_id, ""
                self._registry.apply(record, turn_id, ev.TurnStarted())
            case ev.TurnStarted() if record.turn.running_id == record.review_turn != "":
                if turn_id != record.review_turn:
                    record.reviewer_turn = turn_id
                    return True
            case ev.TurnCompleted() | ev.TurnAborted() if turn_id == record.review_turn:
                record.review_turn = record.reviewer_turn = ""
            case _:
                pass
        return False

    def _adopt(self, notification: TranslatedEvent | ThreadStarted) -> ThreadRecord:
        """Add a thread that Codex started by itself, such as a sub-agent's."""
        info = ThreadInfo(
            thread_id=notification.thread_id,
            handle=self._registry.handles.unique(""),
            state=ThreadState.IDLE,
            client=SUB_AGENT_CLIENT,
            created_at=time.time(),
        )
        if isinstance(notification, ThreadStarted):
            # The thread of a sub-agent can be a fork of its parent's too.
            forked_from = "" if notification.parent else notification.forked_from
            info = structs.replace(
                info, cwd=notification.cwd, forked_from=forked_from, parent=notification.parent
            )
        record = ThreadRecord(info, loaded=True, has_own_handle=False)
        self._registry.add(record)
        self._on_adopted(record)
        return record

    def _place_sub_agents(self, parent: ThreadRecord, item: JsonObject) -> None:
        """Place the threads of the sub-agents that an item starts under their parent's."""
        try:
            call = parse_agent_call(item)
        except MessageInvalid:
            return
        if call is None or not call.is_spawn:
            return
        for agent in call.agents:
            child = self._registry.get(agent.thread_id)
            if not parent.info.ours and (child is None or child.info.ours):
                continue  # Codex tells of it by itself
            if parent.info.ours and child is not None and not child.info.ours:
                self._registry.take_over(child, client=SUB_AGENT_CLIENT)
                self._on_adopted(child)
            if child is None:
                child = self._adopt(ThreadStarted(agent.thread_id, "", "", parent.thread_id))
            self._registry.place_sub_agent(child, parent, call, agent)

    def _change_settings(self, settings: SettingsChanged) -> None:
        record = self._registry.get(settings.thread_id)
        if record is not None:
            self._registry.update(
                record,
                cwd=settings.cwd,
                model=settings.model,
                sandbox=settings.sandbox,
                approval_policy=settings.approval_policy,
                effort=settings.effort,
            )

    def _mark_unloaded(self, thread_id: str) -> None:
        record = self._registry.get(thread_id)
        if record is not None:
            record.loaded = False
            self._registry.update(record, adopted=False)
        self._others.handle_unloaded(thread_id)
