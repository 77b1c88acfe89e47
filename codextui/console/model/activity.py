"""What a thread asks, does, is blocked by or said last, in one line. Sanitized.

The second line of a thread's row in the tree shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice

import msgspec

from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    ContextCompaction,
    ErrorMessage,
    FileChanges,
    ItemContent,
    PlanText,
    Reasoning,
    SubAgentCall,
    ToolCall,
    TranscriptItem,
    TurnEnd,
    WebSearch,
)
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.timeline import INNERMOST_FIRST
from codextui.console.model.transcript import LOST
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadState
from codextui.text.failures import error_in_words
from codextui.text.sanitize import one_line

MAX_LENGTH = 200
"""Characters of an activity."""

MAX_SPANS = 200
"""Spans of a run that are searched, from its end."""

MAX_ITEMS = 40
"""Items of a transcript that are searched, from its end."""

_MAX_READ = 2_000
"""Characters at the end of a message that is being written that are read."""


class ActivityKind(StrEnum):
    """The kinds of activity."""

    ASKS = "asks"
    BLOCKED = "blocked"
    DOES = "does"
    FAILED = "failed"
    SAID = "said"
    TASK = "task"


class Activity(msgspec.Struct, frozen=True):
    """What a thread asks, does, is blocked by or said last.

    Attributes:
        kind: which of these.
        text: in one line. Sanitized.
        since: unix seconds at which it asked, None for other kinds.
        more: further approvals that wait.
    """

    kind: ActivityKind
    text: str
    since: float | None = None
    more: int = 0


def asks_by_thread(state: ConsoleState) -> dict[str, list[Approval]]:
    """Return the open approvals of each thread that has some, oldest first."""
    asks: dict[str, list[Approval]] = {}
    for approval in state.approvals.values():
        asks.setdefault(approval.thread_id, []).append(approval)
    return asks


def asks_below(
    state: ConsoleState, asks: Mapping[str, list[Approval]]
) -> dict[str, list[Approval]]:
    """Return the open approvals of the threads below each role and run, oldest first."""
    below: dict[str, list[Approval]] = {}
    for approval in (one for approvals in asks.values() for one in approvals):
        seen, view = {approval.thread_id}, state.threads.get(approval.thread_id)
        while view is not None and view.info.parent and view.info.parent not in seen:
            seen.add(view.info.parent)
            below.setdefault(view.info.parent, []).append(approval)
            view = state.threads.get(view.info.parent)
    return {key: sorted(found, key=lambda one: one.asked_at) for key, found in below.items()}


def describe_asks(approvals: list[Approval]) -> Activity:
    """Return what the oldest of several approvals asks, and how many more wait."""
    # The first frame has no approvals and need not wait for this import.
    from codextui.protocol.approval_text import describe_subject, describe_title  # noqa: PLC0415

    oldest = approvals[0]
    text = describe_subject(oldest.asked, MAX_LENGTH) or describe_title(oldest.asked)
    return Activity(ActivityKind.ASKS, text, oldest.asked_at, len(approvals) - 1)


def describe_activity(state: ConsoleState, view: ThreadView) -> Activity | None:
    """Return what a thread does, is blocked by or said last; None if nothing is known.

    `describe_asks` returns what it asks.
    """
    info = view.info
    if info.kind is ThreadKind.RUN:
        return _describe_run(state, view)
    match info.state:
        case ThreadState.RUNNING | ThreadState.STARTING | ThreadState.NEEDS_INPUT:
            work = _describe_work(view) or _describe_span(state, view)
            return _activity(ActivityKind.DOES, work)
        case ThreadState.WAITING:
            return _activity(ActivityKind.BLOCKED, _describe_block(state, view.thread_id))
        case ThreadState.PAUSED:
            return _activity(ActivityKind.BLOCKED, "paused: p goes on")
        case ThreadState.FAILED | ThreadState.DISCONNECTED:
            error = error_in_words(info.note or _last_error(view))
            return _activity(ActivityKind.FAILED, error)
        case ThreadState.KILLED:
            return None
        case ThreadState.INTERRUPTED if _was_cut_off(view):
            return _activity(ActivityKind.FAILED, error_in_words(info.note or "it was cut off"))
        case ThreadState.IDLE | ThreadState.DONE | ThreadState.INTERRUPTED:
            return _activity(ActivityKind.SAID, last_said(view))


def _was_cut_off(view: ThreadView) -> bool:
    """Return whether the last turn was lost with its Codex or its server."""
    turns = view.transcript.turns
    return bool(turns) and turns[-1].state == LOST


def _describe_run(state: ConsoleState, view: ThreadView) -> Activity | None:
    """Return why a run failed, or the last words of one that is done, or else its task."""
    info = view.info
    if info.state is ThreadState.FAILED and info.note:
        return _activity(ActivityKind.FAILED, error_in_words(info.note))
    if info.state is ThreadState.DONE and (said := _last_said_in_run(state, info.thread_id)):
        return _activity(ActivityKind.SAID, said)
    return _activity(ActivityKind.TASK, info.brief)


def _last_said_in_run(state: ConsoleState, run_id: str) -> str:
    """Return the last words of the role that worked last; empty if nothing is known."""
    ended = [
        (view.transcript.turns[-1].ended_at or 0.0, view)
        for info in state.run_members(run_id)
        if info.kind is ThreadKind.ROLE and (view := state.threads[info.thread_id]).transcript.turns
    ]
    return last_said(max(ended, key=lambda one: one[0])[1]) if ended else ""


def last_said(view: ThreadView) -> str:
    """Return the first line of the last message of a thread; empty if it said nothing lately."""
    for item in _newest(view):
        if isinstance(item.content, AgentMessage) and item.content.text:
            text = item.content.text.text[:_MAX_READ]
            lines = (_without_markup(line) for line in text.splitlines())
            return next((line for line in lines if line), "")
    return ""


def _activity(kind: ActivityKind, text: str) -> Activity | None:
    line = one_line(text, MAX_LENGTH)
    return Activity(kind, line) if line else None


def _newest(view: ThreadView) -> Iterable[TranscriptItem]:
    items = view.transcript.items
    return (items[-n] for n in range(1, min(len(items), MAX_ITEMS) + 1))


def _describe_work(view: ThreadView) -> str:
    for item in _newest(view):
        if isinstance(item.content, TurnEnd):
            break
        if not (item.done or item.unfinished or item.lost) and (text := _work_of(item.content)):
            return text
    if view.plan is not None:
        steps = (step.step for step in view.plan.plan if step.status == "inProgress")
        if step := next(steps, ""):
            return f"plan: {step}"
    is_known = view.info.kind is ThreadKind.CODEX and bool(view.transcript.turns)
    return "thinks" if is_known else ""


def _work_of(content: ItemContent) -> str:
    match content:
        case CommandExecution(command=command):
            return f"runs {_without_shell(command)}" if command else "runs a command"
        case FileChanges(changes=changes):
            names = [change.path.rstrip("/").rpartition("/")[2] for change in changes]
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return f"editing {names[0]}{more}" if names else "editing files"
        case ToolCall(server=server, tool=tool):
            return f"calls {server}.{tool}" if server else f"calls {tool}"
        case WebSearch(query=query, url=url):
            return f"opens {url}" if url else f"searches {query}"
        case SubAgentCall():
            return "directs sub-agents"
        case AgentMessage(text=text):
            return f"writes: {_last_line(text.text[-_MAX_READ:])}".removesuffix(": ")
        case Reasoning(summary=summary):
            said = _last_line(summary[-1].text[-_MAX_READ:]) if summary else ""
            return f"thinks: {said}".removesuffix(": ")
        case PlanText():
            return "plans"
        case ContextCompaction():
            return "compacts its context"
        case _:
            return ""


def _without_shell(command: str) -> str:
    from codextui.text.shell import strip_shell  # noqa: PLC0415 - as above

    return strip_shell(command)


def _describe_block(state: ConsoleState, role_id: str) -> str:
    """Return which gate or which roles a role waits for."""
    run = state.runs.get(state.run_id_of(role_id))
    if run is None:
        return ""
    role = role_name(role_id)
    unmet = [gate for gate in run.gates if role in gate.needed_by and not gate.met]
    if unmet:
        makers = f" ({', '.join(unmet[0].makers)})" if unmet[0].makers else ""
        more = f" and {len(unmet) - 1} more" if len(unmet) > 1 else ""
        return f"blocked by {unmet[0].condition}{makers}{more}"
    return f"waits for {awaited}" if (awaited := ", ".join(_awaited(state, role_id, role))) else ""


def _awaited(state: ConsoleState, role_id: str, role: str) -> Iterator[str]:
    for span in recent_spans(state, role_id, role):
        if span.kind is SpanKind.GATE and span.ended_at is None:
            yield from span.waits_for


def recent_spans(state: ConsoleState, role_id: str, role: str) -> Iterator[Span]:
    """Yield the last spans of a role, the latest first."""
    run = state.runs.get(state.run_id_of(role_id))
    spans = () if run is None else islice(reversed(run.spans.values()), MAX_SPANS)
    return (span for span in spans if span.role == role)


def _describe_span(state: ConsoleState, view: ThreadView) -> str:
    """Return what a role spends its time on."""
    if view.info.kind is not ThreadKind.ROLE:
        return ""
    spans = recent_spans(state, view.thread_id, role_name(view.thread_id))
    span = min(
        (span for span in spans if span.ended_at is None),
        key=lambda span: INNERMOST_FIRST.index(span.kind),
        default=None,
    )
    if span is None or span.kind not in _SPAN_WORDS:
        return ""
    return f"{_SPAN_WORDS[span.kind]} {span.name}" if span.name else _NAMELESS[span.kind]


def role_name(role_id: str) -> str:
    """Return the name of a role in its run."""
    return role_id.rpartition("/")[2]


_SPAN_WORDS = {
    SpanKind.MODEL: "thinks with",
    SpanKind.CODEX: "works with",
    SpanKind.TOOL: "calls",
    SpanKind.GATE: "waits for other roles",
    SpanKind.PERSON: "waits for a person",
    SpanKind.PAUSED: "paused",
}
_NAMELESS = _SPAN_WORDS | {
    SpanKind.MODEL: "thinks",
    SpanKind.CODEX: "works with Codex",
    SpanKind.TOOL: "calls a tool",
}


def _last_error(view: ThreadView) -> str:
    for item in _newest(view):
        match item.content:
            case TurnEnd(message=message) | ErrorMessage(message=message) if message:
                return message
            case _:
                pass
    return ""


def _last_line(text: str) -> str:
    lines = (_without_markup(line) for line in reversed(text.splitlines()))
    return next((line for line in lines if line), "")


def _without_markup(line: str) -> str:
    """Return a line of Markdown without the marks that only decorate it."""
    return line.strip().lstrip("#>-*` ").replace("**", "").replace("`", "").strip()
