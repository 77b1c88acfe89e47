"""Prints a turn as it comes, until it ends: `--wait`."""

from __future__ import annotations

import asyncio
import sys

from codextui.client.updates import (
    CaughtUp,
    Connected,
    ConnectionUpdate,
    Disconnected,
    EventReceived,
)
from codextui.commands.approvals import approval_summary
from codextui.commands.output import emit, event_line, note
from codextui.errors import ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, ElicitationAsked, QuestionsAsked
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.sanitize import one_line, sanitize

EXIT_FAILED = 4
"""The turn failed, or was lost with its Codex process; or it will never begin."""

EXIT_STOPPED = 5
"""The turn was interrupted, or its thread killed."""

UNREAD = "unread"
"""The outcome where a run ended before a role of it began the turn that was waited for."""

_PATIENCE_S = 15.0

_NO_MORE = (
    ThreadState.DONE,
    ThreadState.INTERRUPTED,
    ThreadState.FAILED,
    ThreadState.KILLED,
    ThreadState.DISCONNECTED,
)
"""The states of a run in which no role of it begins a turn any more."""


class TurnWatch:
    """Follows one turn through the events of a supervising connection.

    The agent's messages go to standard output, all else that a person must know to standard
    error. With `as_json` every event of the thread goes to standard output, a line each.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._exit: asyncio.Future[int] = loop.create_future()
        self._giving_up: asyncio.TimerHandle | None = None
        self._thread: ThreadInfo | None = None
        self._turn_id = ""
        self._early: list[ev.Event] = []
        self._open: dict[str, Approval] = {}
        self._error = ""
        self._open_message = ""
        self._at_line_start = True

    async def ready(self) -> None:
        """Wait until what comes is new. Raises ServerUnreachable."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._ready
        except TimeoutError:
            raise ServerUnreachable("the server did not tell its past in time") from None

    async def follow(self, thread: ThreadInfo, turn_id: str) -> int:
        """Print the turn until it ends and return the exit code. Raises ServerUnreachable.

        Args:
            thread: whose turn it is, as it was before that turn where `turn_id` is empty.
            turn_id: which turn; empty is the next one that begins.
        """
        self._thread, self._turn_id = thread, turn_id
        self._say_when(thread)
        for approval in self._open.values():
            self._hint(approval)
        early, self._early = self._early, []
        for event in early:
            self._see(event)
        try:
            return await self._exit
        except asyncio.CancelledError:
            note(f"\n{self._what_goes_on(thread)}")
            raise

    def take(self, update: ConnectionUpdate) -> None:
        """Take an update of the connection."""
        try:
            self._take(update)
        except OSError as error:  # whoever read our output stopped reading
            self._fail(error)

    def _take(self, update: ConnectionUpdate) -> None:
        match update:
            case CaughtUp():
                if not self._ready.done():
                    self._ready.set_result(None)
            case Connected(fresh=fresh):
                self._come_back(fresh=fresh)
            case Disconnected(reason):
                self._lose(reason)
            case EventReceived(event) if not self._ready.done():
                self._note_open(event.msg)
            case EventReceived(event) if self._thread is None:
                self._early.append(event)
            case EventReceived(event):
                self._see(event)

    def _note_open(self, msg: ev.Msg) -> None:
        """Take from the past what still waits for a person."""
        match msg:
            case ev.ApprovalAsked(approval):
                self._open[approval.approval_id] = approval
            case ev.ApprovalResolved(approval_id):
                self._open.pop(approval_id, None)
            case _:
                pass

    def _come_back(self, *, fresh: bool) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        if fresh and self._ready.done():
            restarted = "the server was started anew; `codextui ps` shows what is left"
            self._fail(ServerUnreachable(restarted))

    def _lose(self, reason: str) -> None:
        if self._giving_up is None:
            error = ServerUnreachable(f"the server was lost: {reason}")
            self._giving_up = asyncio.get_running_loop().call_later(_PATIENCE_S, self._fail, error)

    def _fail(self, error: Exception) -> None:
        for future in (self._ready, self._exit):
            if not future.done():
                future.set_exception(error)
                future.exception()  # only one of them may be waited for

    def _say_when(self, thread: ThreadInfo) -> None:
        """Say what a role waits for before it reads what it was told."""
        handle = one_line(thread.handle)
        if thread.kind is ThreadKind.CODEX:
            return
        if thread.state is ThreadState.PAUSED:
            self._note(f"{handle} is paused: it reads this after `codextui resume {handle}`")
        elif not self._turn_id:
            self._note(f"{handle} is not at work: it reads this when its next turn begins")

    def _what_goes_on(self, thread: ThreadInfo) -> str:
        handle = one_line(thread.handle)
        if not self._turn_id:
            return f"{handle} still reads it; `codextui read {handle}` shows what comes of it"
        return f"the turn goes on; `codextui interrupt {handle}` stops it"

    def _see(self, event: ev.Event) -> None:
        thread = self._thread
        if thread is None or self._exit.done():
            return
        if event.thread_id == thread.parent and thread.kind is ThreadKind.ROLE:
            self._see_run(event.msg, thread)
        if event.thread_id == thread.thread_id and not self._is_before(event, thread):
            self._see_own(event)

    def _is_before(self, event: ev.Event, thread: ThreadInfo) -> bool:
        """Whether an event is of the turn before the one that is waited for."""
        return not self._turn_id and event.turn_id == thread.turn_id != ""

    def _see_run(self, msg: ev.Msg, thread: ThreadInfo) -> None:
        """A run that is over has no next turn; a turn that has begun is ended by its own event."""
        if self._turn_id or not isinstance(msg, ev.ThreadChanged):
            return
        state = msg.thread.state
        if state in _NO_MORE:
            if self._as_json:
                emit(self._summary("", UNREAD, ""))
            else:
                self._note(f"the run ended ({state}) before {one_line(thread.handle)} read this")
            self._exit.set_result(EXIT_FAILED)

    def _see_own(self, event: ev.Event) -> None:
        if self._as_json:
            emit(event_line(event.to_json()))
        match event.msg:
            case ev.TurnStarted() if not self._turn_id:
                self._turn_id = event.turn_id
            case ev.TextDelta(item_id, delta):
                self._print_message(item_id, delta)
            case ev.ItemCompleted({"type": "agentMessage", "id": str(item_id), "text": str(text)}):
                self._print_message(item_id, "" if item_id == self._open_message else text)
                self._end_line()
            case ev.ApprovalAsked(approval):
                self._hint(approval)
            case ev.ErrorRaised(message):
                self._error = message
                self._note(sanitize(message))
            case ev.Warned(message):
                self._note(sanitize(message))
            case ev.TurnCompleted(content):
                self._end(event, "completed", content, 0)
            case ev.TurnAborted(reason, message):
                stopped = reason in ("interrupted", "killed")
                self._end(event, reason, message, EXIT_STOPPED if stopped else EXIT_FAILED)
            case _:
                pass

    def _end(self, event: ev.Event, outcome: str, content: str, code: int) -> None:
        if self._turn_id and event.turn_id != self._turn_id:
            return
        self._end_line()
        if self._as_json:
            emit(self._summary(event.turn_id, outcome, content))
        elif code:
            why = "" if content == self._error else sanitize(content)  # it was said just before
            self._note(f"the turn ended early: {one_line(outcome)} {why}".rstrip())
        self._exit.set_result(code)

    def _summary(self, turn_id: str, outcome: str, content: str) -> JsonObject:
        thread = {} if self._thread is None else self._thread.to_json()
        return {"thread": thread, "turn_id": turn_id, "outcome": outcome, "content": content}

    def _hint(self, approval: Approval) -> None:
        """Say what a person must type, where it concerns the thread that is followed."""
        if self._thread is None or approval.thread_id != self._thread.thread_id:
            return
        asks = isinstance(approval.asked, QuestionsAsked | ElicitationAsked)
        command = f"codextui {'answer' if asks else 'approve'} {one_line(approval.approval_id)}"
        self._note(f"needs input: {command} ({approval_summary(approval)})")

    def _print_message(self, item_id: str, text: str) -> None:
        if self._as_json:
            return
        if item_id != self._open_message:
            self._end_line()
            self._open_message = item_id
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
        note(text)
