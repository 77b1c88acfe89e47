"""The timeline of a plain thread: its turns, what they waited for, and those of its forks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from codextui.console.model.items import ApprovalItem
from codextui.console.model.run import RunView
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.transcript import Turn
from codextui.protocol.approval_text import describe_subject
from codextui.protocol.runs import Span, SpanKind
from codextui.text.sanitize import one_line

MAX_LANES = 30
"""Threads that are shown: the thread itself, its forks and its sub-agents."""

_RUNNING, _BAD = "running", frozenset({"failed", "lost"})


def thread_timeline(state: ConsoleState, thread_id: str, clock: Callable[[], float]) -> RunView:
    """Return the turns of a thread and of those that come from it as spans.

    Turns that wait for a person are covered by that; between turns the thread is idle.

    Args:
        state: the console's.
        thread_id: the thread.
        clock: returns unix seconds.
    """
    run, now = RunView(), clock()
    for view in family(state, thread_id):
        for span in _spans(view, now):
            run.put_span(span, now)
    return run


def lane_names(state: ConsoleState, thread_id: str) -> list[str]:
    """Return the names of the lanes, in order."""
    return [view.info.handle for view in family(state, thread_id)]


def family(state: ConsoleState, thread_id: str) -> list[ThreadView]:
    """Return a thread, its sub-agents and its forks, and theirs."""
    waiting, found = [thread_id], dict[str, ThreadView]()
    while waiting and len(found) < MAX_LANES:
        current = waiting.pop(0)
        view = state.threads.get(current)
        if view is None or current in found:
            continue
        found[current] = view
        waiting.extend(
            other.thread_id
            for other in state.threads.values()
            if current in (other.info.parent, other.info.forked_from)
        )
    return list(found.values())


def _spans(view: ThreadView, now: float) -> Iterator[Span]:
    handle = view.info.handle
    for turn in view.transcript.turns:
        if (times := _times_of(turn)) is not None:
            yield Span(
                f"{view.thread_id}/{turn.turn_id}",
                handle,
                SpanKind.CODEX,
                one_line(turn.prompt, 80),
                *times,
                tokens=turn.tokens or 0,
                failed=turn.state in _BAD,
            )
    for item in view.transcript.items:
        if isinstance(item.content, ApprovalItem):
            approval, outcome = item.content.approval, item.content.outcome
            ended = None if outcome is None else min(now, approval.asked_at + outcome.waited)
            span_id = f"{view.thread_id}/{approval.approval_id}"
            what = one_line(describe_subject(approval.asked), 80)
            yield Span(span_id, handle, SpanKind.PERSON, what, approval.asked_at, ended)


def _times_of(turn: Turn) -> tuple[float, float | None] | None:
    """Return when a turn started and ended; None if that is not known, as of a fork's old turns."""
    start = turn.started_at
    if start is None:
        return None
    return start, None if turn.state == _RUNNING else turn.ended_at or start
