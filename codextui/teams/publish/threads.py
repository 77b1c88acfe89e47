"""Publishes the threads of a run: the run's own, and those of its roles with their turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import structs

from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import SpanKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.teams.publish import items
from codextui.teams.records.spans import SpanRecorder

Publish: TypeAlias = Callable[[str, str, ev.Msg], None]
"""Publishes a message of a thread and a turn, as `Publisher.publish` does."""

MAX_BRIEF = 300
"""Characters of a thread's brief or note."""


class ThreadPublisher:
    """Publishes one thread: its state, its turns, and the messages of its current turn.

    Args:
        publish: publishes a message.
        info: the thread's initial state.
        turn_count: the turns that the thread has had; the next one is `t{turn_count + 1}`.
        clock: returns unix seconds.

    Attributes:
        turn_count: the turns so far.
    """

    def __init__(
        self,
        publish: Publish,
        info: ThreadInfo,
        *,
        turn_count: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._publish = publish
        self._info = structs.replace(info, turn_id=f"t{turn_count}") if turn_count else info
        self._clock = clock
        self.turn_count = turn_count
        self.update()

    @property
    def thread_id(self) -> str:
        """The thread's id."""
        return self._info.thread_id

    @property
    def info(self) -> ThreadInfo:
        """The thread as published last."""
        return self._info

    @property
    def in_turn(self) -> bool:
        """Whether a turn is running."""
        return self._info.turn_started_at is not None

    def update(self, **changes: Any) -> None:
        """Change attributes of the thread's `ThreadInfo`, and publish it."""
        if "note" in changes:
            changes["note"] = items.clip(" ".join(changes["note"].split()), MAX_BRIEF)
        self._info = structs.replace(self._info, **changes)
        self._publish(self.thread_id, "", ev.ThreadChanged(self._info))

    def publish(self, msg: ev.Msg) -> None:
        """Publish a message of the current or last turn."""
        self._publish(self.thread_id, self._info.turn_id, msg)

    def begin_turn(self, prompt: str = "", state: ThreadState = ThreadState.RUNNING) -> str:
        """Begin a turn, with a prompt if there is one; return the turn's id."""
        self.turn_count += 1
        turn_id = f"t{self.turn_count}"
        self.update(turn_id=turn_id, turn_started_at=self._clock(), state=state, note="")
        self.publish(ev.TurnStarted())
        if prompt:
            self.publish_input(f"{turn_id}-given", prompt)
        return turn_id

    def publish_input(self, item_id: str, text: str) -> None:
        """Publish a user message."""
        self.publish(ev.ItemCompleted(items.user_message(item_id, text)))

    def end_turn(self, answer: str = "", state: ThreadState = ThreadState.IDLE) -> None:
        """Complete the running turn, if any, and set the state."""
        if self.in_turn:
            self.publish(ev.TurnCompleted(items.clip(answer)))
        self.update(state=state, turn_started_at=None)

    def abort_turn(
        self, reason: str, message: str = "", state: ThreadState = ThreadState.INTERRUPTED
    ) -> None:
        """Abort the running turn, if any, and set the state.

        Args:
            reason: `interrupted` or `failed`.
            message: why, in words.
            state: the state of the thread afterwards.
        """
        if self.in_turn:
            self.publish(ev.TurnAborted(reason, items.clip(message)))
        self.update(state=state, turn_started_at=None, note=message)

    def count_tokens(self, total: Usage, last: Usage) -> None:
        """Publish all tokens used so far, and those of the last step."""
        self._info = structs.replace(self._info, usage=total)
        self.publish(ev.TokensCounted(total, last))


class RolePublisher:
    """Publishes what a role does, in the order in which it happens.

    Args:
        role: the role's name.
        thread: the role's thread.
        spans: records the role's time.
        known_items: the ids of the items that were published before the run was resumed, which
            are not published again.
        clock: returns seconds.
    """

    def __init__(
        self,
        role: str,
        thread: ThreadPublisher,
        spans: SpanRecorder,
        *,
        known_items: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.role = role
        self.thread = thread
        self._spans = spans
        self._known_items = set(known_items)
        self._clock = clock
        self._response_key = ""
        self._model_span = ""
        self._turn_span = ""
        self._pause_span = ""
        self._calls: dict[str, _ToolCall] = {}

    # Turns.

    def begin_turn(self, prompt: str = "") -> str:
        """Begin a turn, with a prompt if there is one; return the turn's id."""
        turn_id = self.thread.begin_turn(prompt)
        self._turn_span = self._spans.begin(self.role, SpanKind.ROLE, turn_id)
        return turn_id

    def end_turn(self, answer: str = "", state: ThreadState = ThreadState.DONE) -> None:
        """Complete the running turn, and set the state."""
        self._close(failed=False)
        self.thread.end_turn(answer, state)

    def abort_turn(self, reason: str, message: str = "") -> None:
        """Abort the running turn: `interrupted` or `failed`."""
        failed = reason == "failed"
        self._close(failed=True)
        state = ThreadState.FAILED if failed else ThreadState.INTERRUPTED
        self.thread.abort_turn(reason, message, state)

    def pause(self) -> None:
        """Set the state to paused."""
        if not self._pause_span:
            self._pause_span = self._spans.begin(self.role, SpanKind.PAUSED)
        if self.thread.info.state is not ThreadState.PAUSED:
            self.thread.update(state=ThreadState.PAUSED)

    def resume(self) -> None:
        """Undo `pause`, if the role is paused."""
        if self._pause_span:
            self._spans.end(self._pause_span)
            self._pause_span = ""
            state = ThreadState.RUNNING if self.thread.in_turn else ThreadState.WAITING
            self.thread.update(state=state)

    # Model calls.

    def begin_model_call(self, response_key: str, model: str = "") -> None:
        """Begin a model call.

        Args:
            response_key: identifies the response; the same if the same is asked again.
            model: the model's name.
        """
        self._response_key = response_key
        self._model_span = self._spans.begin(self.role, SpanKind.MODEL, model)

    def replay_response(self, response_key: str) -> None:
        """Begin a recorded response, instead of a model call."""
        self._response_key = response_key

    def handle_response_event(self, event: Any) -> None:
        """Publish an event of a stream of the Responses API."""
        match event.type:
            case "response.output_item.added":
                self._start_item(event.output_index, event.item)
            case "response.output_text.delta" | "response.refusal.delta":
                self._publish_delta(event, lambda item_id: ev.TextDelta(item_id, event.delta))
            case "response.reasoning_summary_text.delta":
                part = event.summary_index
                self._publish_delta(
                    event, lambda item_id: ev.ReasoningDelta(item_id, event.delta, part)
                )
            case "response.reasoning_text.delta":
                part = event.content_index
                self._publish_delta(
                    event, lambda item_id: ev.ReasoningDelta(item_id, event.delta, part, raw=True)
                )
            case "response.output_item.done":
                self._complete_item(event.output_index, event.item)
            case "response.completed":
                for index, output in enumerate(event.response.output or ()):
                    self._complete_item(index, output)
            case _:
                pass

    def end_model_call(self, total: Usage, last: Usage) -> None:
        """End a model call, with all tokens of the role so far and those of this call."""
        self._spans.end(self._model_span, tokens=last.total)
        self._model_span = ""
        self.thread.count_tokens(total, last)

    # Tool calls.

    def begin_tool_call(self, call_id: str, server: str, tool: str, arguments: object) -> None:
        """Begin a tool call.

        Args:
            call_id: the call's id.
            server: `codex` for Codex, the name of another MCP server, or empty.
            tool: the tool's name.
            arguments: the arguments.
        """
        item = items.tool_call(call_id, server, tool, arguments)
        kind = SpanKind.CODEX if server == "codex" else SpanKind.TOOL
        span = self._spans.begin(self.role, kind, tool)
        self._calls[call_id] = _ToolCall(item, span, self._clock())
        self.thread.publish(ev.ItemStarted(item))

    def end_tool_call(self, call_id: str, result: object, *, error: str = "") -> None:
        """End a tool call, with an error message if it failed."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            seconds = self._clock() - call.started_at
            self._spans.end(call.span_id, failed=bool(error))
            item = items.completed_tool_call(call.item, result, seconds=seconds, error=error)
            self.thread.publish(ev.ItemCompleted(item))

    def _start_item(self, index: int, output: Any) -> None:
        item_id = self._item_id(index)
        item = items.output_item(item_id, output)
        if item is not None and item_id not in self._known_items:
            self.thread.publish(ev.ItemStarted(item))

    def _publish_delta(self, event: Any, delta: Callable[[str], ev.Msg]) -> None:
        item_id = self._item_id(event.output_index)
        if item_id not in self._known_items and event.delta:
            self.thread.publish(delta(item_id))

    def _complete_item(self, index: int, output: Any) -> None:
        item_id = self._item_id(index)
        item = items.output_item(item_id, output)
        if item is not None and item_id not in self._known_items:
            self._known_items.add(item_id)
            self.thread.publish(ev.ItemCompleted(item))

    def _item_id(self, index: int) -> str:
        return f"{self._response_key}-{index}"

    def _close(self, *, failed: bool) -> None:
        """End the pause, the tool calls and the spans of the running turn."""
        self.resume()
        for call_id in tuple(self._calls):
            self.end_tool_call(call_id, None, error="was cut off")
        for span in (self._model_span, self._turn_span):
            self._spans.end(span, failed=failed)
        self._model_span = self._turn_span = ""


@dataclass(slots=True)
class _ToolCall:
    item: JsonObject
    span_id: str
    started_at: float


def run_thread_info(
    thread_id: str, handle: str, *, cwd: str, task: str, client: str = "", created_at: float = 0.0
) -> ThreadInfo:
    """Return the thread of a run that begins."""
    return ThreadInfo(
        thread_id=thread_id,
        handle=handle,
        state=ThreadState.RUNNING,
        client=client,
        cwd=cwd,
        brief=items.clip(task, MAX_BRIEF),
        created_at=created_at,
        kind=ThreadKind.RUN,
    )


def role_thread_info(thread_id: str, handle: str, parent: str, **more: Any) -> ThreadInfo:
    """Return the thread of a role that has not begun."""
    return ThreadInfo(
        thread_id=thread_id,
        handle=handle,
        state=ThreadState.WAITING,
        kind=ThreadKind.ROLE,
        parent=parent,
        **more,
    )
