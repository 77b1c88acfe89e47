"""Prints a turn as it comes, until it ends: `--wait`."""

from __future__ import annotations

import asyncio
import sys

from codextui.client.facts import (
    ApprovalOffered,
    CaughtUp,
    Connected,
    Disconnected,
    EventArrived,
    Fact,
)
from codextui.commands.approval_text import approval_summary
from codextui.commands.output import emit, note
from codextui.errors import ServerUnreachable
from codextui.render.sanitize import one_line, sanitize
from codextui.wire import event as ev
from codextui.wire.approval import Approval, ElicitationAsked, QuestionsAsked
from codextui.wire.event_json import event_to_wire
from codextui.wire.fields import JsonObject
from codextui.wire.thread import ThreadInfo

EXIT_FAILED = 4
"""The turn failed, or was lost with its Codex process."""

EXIT_STOPPED = 5
"""The turn was interrupted, or its thread killed."""

_PATIENCE_S = 15.0


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
        self._offered: dict[str, Approval] = {}
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
            thread: whose turn it is.
            turn_id: which turn; empty is the next one that ends.
        """
        self._thread, self._turn_id = thread, turn_id
        for approval in tuple(self._offered.values()):
            self._hint(approval)
        early, self._early = self._early, []
        for event in early:
            self._see(event)
        try:
            return await self._exit
        except asyncio.CancelledError:
            note(f"\nthe turn goes on; `codextui interrupt {one_line(thread.handle)}` stops it")
            raise

    def take(self, fact: Fact) -> None:
        """Take a fact of the connection."""
        try:
            self._take(fact)
        except OSError as error:  # whoever read our output stopped reading
            self._fail(error)

    def _take(self, fact: Fact) -> None:
        match fact:
            case CaughtUp():
                if not self._ready.done():
                    self._ready.set_result(None)
            case Connected(fresh=fresh):
                self._come_back(fresh=fresh)
            case Disconnected(reason):
                self._lose(reason)
            case ApprovalOffered(approval):
                self._hint(approval)
            case EventArrived(event) if self._ready.done():
                if self._thread is None:
                    self._early.append(event)
                else:
                    self._see(event)

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

    def _see(self, event: ev.Event) -> None:
        if self._thread is None or event.thread_id != self._thread.thread_id or self._exit.done():
            return
        if self._as_json:
            emit(event_to_wire(event))
        match event.msg:
            case ev.TextDelta(item_id, delta):
                self._print_message(item_id, delta)
            case ev.ItemCompleted({"type": "agentMessage", "id": str(item_id), "text": str(text)}):
                self._print_message(item_id, "" if item_id == self._open_message else text)
                self._end_line()
            case ev.ApprovalAsked(approval):
                self._hint(approval)
            case ev.ErrorRaised(message) | ev.Warned(message):
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
            self._note(f"the turn ended early: {one_line(outcome)} {sanitize(content)}".rstrip())
        self._exit.set_result(code)

    def _summary(self, turn_id: str, outcome: str, content: str) -> JsonObject:
        thread = {} if self._thread is None else self._thread.to_wire()
        return {"thread": thread, "turnId": turn_id, "outcome": outcome, "content": content}

    def _hint(self, approval: Approval) -> None:
        """Say once what a person must type, where it concerns the thread that is followed."""
        known = self._offered.setdefault(approval.approval_id, approval)
        if self._thread is None or approval.thread_id != self._thread.thread_id:
            return
        if known is not approval:
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
