"""`--wait`: prints a turn while it runs, until it ends."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from codextui.client.updates import (
    CaughtUp,
    Connected,
    ConnectionUpdate,
    Disconnected,
    EventReceived,
)
from codextui.commands.approvals import summarize_approval
from codextui.commands.output import event_to_json, print_json, print_note
from codextui.errors import ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, takes_answers
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.sanitize import one_line, sanitize

EXIT_FAILED = 4
"""The turn failed, was lost with its Codex process, or will never start."""

EXIT_STOPPED = 5
"""The turn was interrupted, or its thread was killed."""

OUTCOME_UNREAD = "unread"
"""The outcome of a turn of a role if the run ended before the turn started."""

_CONNECTION_TIMEOUT_S = 15.0
"""Seconds to wait for past events, and for a lost connection to come back."""

_FINAL_STATES = (
    ThreadState.DONE,
    ThreadState.INTERRUPTED,
    ThreadState.FAILED,
    ThreadState.KILLED,
    ThreadState.DISCONNECTED,
)
"""The states of a run in which its roles start no more turns."""


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a followed turn ended.

    Attributes:
        turn_id: the turn; empty for one that never began.
        outcome: `completed`, `unread`, or why it ended early.
        content: the agent's last message, or what went wrong.
        exit_code: the exit code of the command.
    """

    turn_id: str
    outcome: str
    content: str
    exit_code: int = 0

    def to_json(self, thread: ThreadInfo) -> dict[str, object]:
        """Return the last line of `--json`, with the thread as it is after the turn."""
        return {
            "thread": thread.to_json(),
            "turn_id": self.turn_id,
            "outcome": self.outcome,
            "content": self.content,
        }


class TurnWatch:
    """Follows a turn in the events of a supervisor's connection and prints it.

    The agent's messages go to standard output, notes for the user to standard error. Events of
    other turns of the thread, such as those that a fork inherits, are not printed.

    Args:
        as_json: print every event of the thread to standard output instead, one in a line.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._end: asyncio.Future[TurnEnd] = loop.create_future()
        self._reconnect_timer: asyncio.TimerHandle | None = None
        self._thread: ThreadInfo | None = None
        self._last_thread: ThreadInfo | None = None
        self._turn_id = ""
        self._early_events: list[ev.Event] = []
        self._open_approvals: dict[str, Approval] = {}
        self._last_error = ""
        self._message_id = ""
        self._at_line_start = True

    async def wait_until_ready(self) -> None:
        """Wait until past events have been received. Raises ServerUnreachable."""
        try:
            async with asyncio.timeout(_CONNECTION_TIMEOUT_S):
                await self._ready
        except TimeoutError:
            raise ServerUnreachable("the server did not tell its past in time") from None

    @property
    def last_thread(self) -> ThreadInfo | None:
        """The thread as the events told it last; None if they did not."""
        return self._last_thread

    async def follow(self, thread: ThreadInfo, turn_id: str) -> TurnEnd:
        """Print a turn until it ends and return its end.

        Args:
            thread: the thread of the turn; its state before the turn if `turn_id` is empty.
            turn_id: the turn; empty for the next one that starts.

        Raises:
            ServerUnreachable: the server was lost.
        """
        self._thread, self._turn_id = thread, turn_id
        self._note_delay(thread)
        for approval in self._open_approvals.values():
            self._note_approval(approval)
        early_events, self._early_events = self._early_events, []
        for event in early_events:
            self._handle_event(event)
        try:
            return await self._end
        except asyncio.CancelledError:
            print_note(f"\n{self._describe_rest(thread)}")
            raise

    def handle(self, update: ConnectionUpdate) -> None:
        """Handle an update of the connection."""
        try:
            self._handle(update)
        except OSError as error:  # the reader of our output has closed it
            self._fail(error)

    def _handle(self, update: ConnectionUpdate) -> None:
        match update:
            case CaughtUp():
                if not self._ready.done():
                    self._ready.set_result(None)
            case Connected(fresh=fresh):
                self._on_connected(fresh=fresh)
            case Disconnected(reason):
                self._on_disconnected(reason)
            case EventReceived(event) if not self._ready.done():
                self._collect_approval(event.msg)
            case EventReceived(event) if self._thread is None:
                self._early_events.append(event)
            case EventReceived(event):
                self._handle_event(event)

    def _collect_approval(self, msg: ev.Msg) -> None:
        """Collect the open approvals from past events."""
        match msg:
            case ev.ApprovalAsked(approval):
                self._open_approvals[approval.approval_id] = approval
            case ev.ApprovalResolved(approval_id):
                self._open_approvals.pop(approval_id, None)
            case _:
                pass

    def _on_connected(self, *, fresh: bool) -> None:
        if self._reconnect_timer is not None:
            self._reconnect_timer.cancel()
            self._reconnect_timer = None
        if fresh and self._ready.done():
            restarted = "the server was started anew; `codextui ps` shows what is left"
            self._fail(ServerUnreachable(restarted))

    def _on_disconnected(self, reason: str) -> None:
        if self._reconnect_timer is None:
            error = ServerUnreachable(f"the server was lost: {reason}")
            self._reconnect_timer = asyncio.get_running_loop().call_later(
                _CONNECTION_TIMEOUT_S, self._fail, error
            )

    def _fail(self, error: Exception) -> None:
        for future in (self._ready, self._end):
            if not future.done():
                future.set_exception(error)
                future.exception()  # marks it as retrieved: only one of them may be awaited

    def _note_delay(self, thread: ThreadInfo) -> None:
        """Print when an idle or paused role will read the prompt."""
        handle = one_line(thread.handle)
        if thread.kind is ThreadKind.CODEX:
            return
        if thread.state is ThreadState.PAUSED:
            self._note(f"{handle} is paused: it reads this after `codextui resume {handle}`")
        elif not self._turn_id:
            self._note(f"{handle} is not at work: it reads this when its next turn begins")

    def _describe_rest(self, thread: ThreadInfo) -> str:
        handle = one_line(thread.handle)
        if not self._turn_id:
            return f"{handle} still reads it; `codextui read {handle}` shows what comes of it"
        return f"the turn goes on; `codextui interrupt {handle}` stops it"

    def _handle_event(self, event: ev.Event) -> None:
        thread = self._thread
        if thread is None:
            return
        if isinstance(event.msg, ev.ThreadChanged) and event.thread_id == thread.thread_id:
            self._last_thread = event.msg.thread
        if self._end.done():
            return
        if event.thread_id == thread.parent and thread.kind is ThreadKind.ROLE:
            self._handle_run_event(event.msg, thread)
        if event.thread_id == thread.thread_id and not self._is_of_other_turn(event, thread):
            self._handle_thread_event(event)

    def _is_of_other_turn(self, event: ev.Event, thread: ThreadInfo) -> bool:
        """Return whether an event belongs to another turn than the one to follow."""
        if self._turn_id:
            return event.turn_id not in ("", self._turn_id)
        return event.turn_id == thread.turn_id != ""

    def _handle_run_event(self, msg: ev.Msg, thread: ThreadInfo) -> None:
        """Stop waiting for a turn to start if its run has ended."""
        if self._turn_id or not isinstance(msg, ev.ThreadChanged):
            return
        state = msg.thread.state
        if state in _FINAL_STATES:
            if not self._as_json:
                self._note(f"the run ended ({state}) before {one_line(thread.handle)} read this")
            self._end.set_result(TurnEnd("", OUTCOME_UNREAD, "", EXIT_FAILED))

    def _handle_thread_event(self, event: ev.Event) -> None:
        if self._as_json:
            print_json(event_to_json(event.to_json()))
        match event.msg:
            case ev.TurnStarted() if not self._turn_id:
                self._turn_id = event.turn_id
            case ev.TextDelta(item_id, delta):
                self._print_message(item_id, delta)
            case ev.ItemCompleted({"type": "agentMessage", "id": str(item_id), "text": str(text)}):
                self._print_message(item_id, "" if item_id == self._message_id else text)
                self._end_line()
            case ev.ApprovalAsked(approval):
                self._note_approval(approval)
            case ev.ErrorRaised(message):
                self._last_error = message
                self._note(sanitize(message))
            case ev.Warned(message):
                self._note(sanitize(message))
            case ev.TurnCompleted(content):
                self._finish(event, "completed", content, 0)
            case ev.TurnAborted(reason, message):
                stopped = reason in ("interrupted", "killed")
                self._finish(event, reason, message, EXIT_STOPPED if stopped else EXIT_FAILED)
            case _:
                pass

    def _finish(self, event: ev.Event, outcome: str, content: str, code: int) -> None:
        if self._turn_id and event.turn_id != self._turn_id:
            return
        self._end_line()
        if code and not self._as_json:
            why = "" if content == self._last_error else sanitize(content)  # it was printed before
            self._note(f"the turn ended early: {one_line(outcome)} {why}".rstrip())
        self._end.set_result(TurnEnd(event.turn_id, outcome, content, code))

    def _note_approval(self, approval: Approval) -> None:
        """Print how to decide on an approval of the thread."""
        if self._thread is None or approval.thread_id != self._thread.thread_id:
            return
        has_questions = takes_answers(approval.asked)
        command = (
            f"codextui {'answer' if has_questions else 'approve'} {one_line(approval.approval_id)}"
        )
        self._note(f"needs input: {command} ({summarize_approval(approval)})")

    def _print_message(self, item_id: str, text: str) -> None:
        if self._as_json:
            return
        if item_id != self._message_id:
            self._end_line()
            self._message_id = item_id
        self._write(sanitize(text))

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._at_line_start = text.endswith("\n")

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write("\n")

    def _note(self, text: str) -> None:
        self._end_line()
        print_note(text)
