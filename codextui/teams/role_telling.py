"""What a role does, told on its row: its turns, what it says and calls, what its time goes into."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from codextui.teams import items
from codextui.teams.row import Row
from codextui.teams.spans import SpanLog
from codextui.wire import event as ev
from codextui.wire.fields import JsonObject
from codextui.wire.run import SpanKind
from codextui.wire.thread import ThreadState, Usage


@dataclass(slots=True)
class _Call:
    item: JsonObject
    span: str
    started: float


class RoleTelling:
    """Tells of one role, in the order in which it does things.

    Args:
        role: its name.
        row: its row.
        spans: what time goes into.
        known: the ids of the items that were told before the run was cut off: what is done over
            again after that is not told twice.
        now: seconds.
    """

    def __init__(
        self,
        role: str,
        row: Row,
        spans: SpanLog,
        *,
        known: frozenset[str] = frozenset(),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.role = role
        self.row = row
        self._spans = spans
        self._told = set(known)
        self._now = now
        self._answer = ""
        self._thinking = ""
        self._stint = ""
        self._paused = ""
        self._calls: dict[str, _Call] = {}

    # Stints.

    def begin(self, given: str = "") -> str:
        """Begin a stint with what the role is given, and return the turn's id."""
        turn_id = self.row.begin_turn(given)
        self._stint = self._spans.begin(self.role, SpanKind.ROLE, turn_id)
        return turn_id

    def end(self, said: str = "", state: ThreadState = ThreadState.DONE) -> None:
        """End the stint that goes on: it ended as it should."""
        self._close(failed=False)
        self.row.end_turn(said, state)

    def abort(self, reason: str, message: str = "") -> None:
        """End the stint that goes on early: `interrupted` or `failed`."""
        failed = reason == "failed"
        self._close(failed=True)
        state = ThreadState.FAILED if failed else ThreadState.INTERRUPTED
        self.row.abort_turn(reason, message, state)

    def pause(self) -> None:
        """A person holds the role."""
        if not self._paused:
            self._paused = self._spans.begin(self.role, SpanKind.PAUSED)
        if self.row.info.state is not ThreadState.PAUSED:
            self.row.change(state=ThreadState.PAUSED)

    def go_on(self) -> None:
        """Nobody holds it any more."""
        if self._paused:
            self._spans.end(self._paused)
            self._paused = ""
            state = ThreadState.RUNNING if self.row.at_work else ThreadState.WAITING
            self.row.change(state=state)

    # Model calls.

    def ask(self, answer: str, model: str = "") -> None:
        """A model call begins.

        Args:
            answer: a name for its answer that is the same whenever the same is asked again.
            model: the model's name.
        """
        self._answer = answer
        self._thinking = self._spans.begin(self.role, SpanKind.MODEL, model)

    def recall(self, answer: str) -> None:
        """An answer from before is given again; `answer` is its name, as `ask` had it."""
        self._answer = answer

    def hear(self, event: Any) -> None:
        """Take an event of the Responses API's stream."""
        match event.type:
            case "response.output_item.added":
                self._start(event.output_index, event.item)
            case "response.output_text.delta" | "response.refusal.delta":
                self._add(event, lambda item_id: ev.TextDelta(item_id, event.delta))
            case "response.reasoning_summary_text.delta":
                part = event.summary_index
                self._add(event, lambda item_id: ev.ReasoningDelta(item_id, event.delta, part))
            case "response.reasoning_text.delta":
                part = event.content_index
                self._add(
                    event, lambda item_id: ev.ReasoningDelta(item_id, event.delta, part, raw=True)
                )
            case "response.output_item.done":
                self._complete(event.output_index, event.item)
            case "response.completed":
                for index, output in enumerate(event.response.output or ()):
                    self._complete(index, output)
            case _:
                pass

    def answered(self, total: Usage, last: Usage) -> None:
        """A model call is over: what the role has used so far, and with this call."""
        self._spans.end(self._thinking, tokens=last.total)
        self._thinking = ""
        self.row.count(total, last)

    # Calls of tools.

    def call(self, call_id: str, server: str, tool: str, arguments: object) -> None:
        """A tool's call begins; `server` is `codex` for Codex, empty for a tool of the script's."""
        item = items.tool_call(call_id, server, tool, arguments)
        kind = SpanKind.CODEX if server == "codex" else SpanKind.TOOL
        span = self._spans.begin(self.role, kind, tool)
        self._calls[call_id] = _Call(item, span, self._now())
        self.row.tell(ev.ItemStarted(item))

    def returned(self, call_id: str, result: object, *, error: str = "") -> None:
        """A tool's call is over."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            seconds = self._now() - call.started
            self._spans.end(call.span, failed=bool(error))
            item = items.ended_call(call.item, result, seconds=seconds, error=error)
            self.row.tell(ev.ItemCompleted(item))

    def _start(self, index: int, output: Any) -> None:
        item_id = self._item_id(index)
        item = items.output_item(item_id, output)
        if item is not None and item_id not in self._told:
            self.row.tell(ev.ItemStarted(item))

    def _add(self, event: Any, more: Callable[[str], ev.Msg]) -> None:
        item_id = self._item_id(event.output_index)
        if item_id not in self._told and event.delta:
            self.row.tell(more(item_id))

    def _complete(self, index: int, output: Any) -> None:
        item_id = self._item_id(index)
        item = items.output_item(item_id, output)
        if item is not None and item_id not in self._told:
            self._told.add(item_id)
            self.row.tell(ev.ItemCompleted(item))

    def _item_id(self, index: int) -> str:
        return f"{self._answer}-{index}"

    def _close(self, *, failed: bool) -> None:
        self.go_on()
        for call_id in tuple(self._calls):
            self.returned(call_id, None, error="was cut off")
        for span in (self._thinking, self._stint):
            self._spans.end(span, failed=failed)
        self._thinking = self._stint = ""
