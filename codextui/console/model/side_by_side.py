"""Threads beside each other: what each was asked, answered and changed since they parted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import structs

from codextui.console.model.diff_scope import Parse, turn_diffs
from codextui.console.model.items import AgentMessage
from codextui.console.model.run import CostFormatter
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.protocol.diff import Diff
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState

MAX_COLUMNS: Final = 3
"""Threads that stand beside each other."""


MAX_TURNS: Final = 20
"""Turns of a thread that are compared."""


class ComparedTurn(msgspec.Struct, frozen=True):
    """A turn as it is compared.

    Attributes:
        number: as in the thread.
        state: as in `Turn`.
        prompt: what was asked.
        answer: the last message of the agent, as Markdown.
        diff: what was changed, None for nothing.
        seconds: how long it took so far, None if unknown.
        tokens: tokens it used, None if unknown.
    """

    number: int
    state: str
    prompt: str
    answer: str
    diff: Diff | None
    seconds: int | None
    tokens: int | None


class Column(msgspec.Struct, frozen=True):
    """A thread beside others.

    Attributes:
        thread_id: its id.
        handle: its handle.
        state: what it is doing, in words.
        model: its model.
        tokens: tokens of its whole life.
        cost: what they cost, empty if no price is known.
        seconds: how long its compared turns took so far.
        shared: the number of turns that it has in common with the others, which are left out.
        turns: the turns that are its own, the last `MAX_TURNS`.
        left_out: the number of its own turns before those.
        started_from: the handle of the thread it was forked from, otherwise empty.
    """

    thread_id: str
    handle: str
    state: str
    model: str
    tokens: int
    cost: str = ""
    seconds: int = 0
    shared: int = 0
    turns: tuple[ComparedTurn, ...] = ()
    left_out: int = 0
    started_from: str = ""


def compare_threads(
    state: ConsoleState,
    thread_ids: Sequence[str],
    now: float,
    parse: Parse,
    format_cost: CostFormatter | None = None,
) -> tuple[Column, ...]:
    """Return a column for each thread that is known.

    Args:
        state: the console's.
        thread_ids: the threads, at most `MAX_COLUMNS`.
        now: unix seconds.
        parse: parses diffs.
        format_cost: formats what tokens cost; None leaves costs out.
    """
    ids = [thread_id for thread_id in thread_ids if thread_id in state.threads]
    views = [state.threads[thread_id] for thread_id in ids[:MAX_COLUMNS]]
    ids_of_turns = [{turn.turn_id for turn in view.transcript.turns} for view in views]
    shared = set.intersection(*ids_of_turns) if len(views) > 1 else set()
    columns = [_column(state, view, _compare_turns(view, shared, now, parse)) for view in views]
    if format_cost is None:
        return tuple(columns)
    costs = [format_cost([(view.info.model, view.info.usage)]) for view in views]
    return tuple(
        structs.replace(column, cost=cost) for column, cost in zip(columns, costs, strict=True)
    )


def first_threads(
    state: ConsoleState, thread_id: str, marked: Sequence[str] = ()
) -> tuple[list[str], str]:
    """Return the threads that are compared first: those that are marked, else `default_threads`.

    One that is marked is compared with the selected one. Of more than fit, the selected one is
    shown if it is marked, and those that were marked first.

    Args:
        state: the console's.
        thread_id: the selected thread, role or run.
        marked: what is marked, in the order of marking.

    Returns:
        The threads, and what is left out of those that are marked; empty for nothing.
    """
    threads = [one for one in marked if _is_comparable(state, one)]
    others = len(marked) - len(threads)
    notes = [_describe_left_out(others)] if others else []
    if len(threads) == 1 and thread_id != threads[0] and _is_comparable(state, thread_id):
        threads.append(thread_id)
    if len(threads) > MAX_COLUMNS:
        first = [one for one in threads if one != thread_id][: MAX_COLUMNS - (thread_id in threads)]
        notes.append(f"{len(threads)} are marked, and {MAX_COLUMNS} fit: s changes which")
        threads = [one for one in threads if one in (*first, thread_id)]
    if len(threads) < 2:
        threads = default_threads(state, thread_id) or threads
    return threads, "; ".join(notes)


def _describe_left_out(count: int) -> str:
    what = "is no Codex thread" if count == 1 else "are no Codex threads"
    return f"{count} of those marked {what}"


def _is_comparable(state: ConsoleState, thread_id: str) -> bool:
    view = state.threads.get(thread_id)
    return view is not None and view.info.kind is ThreadKind.CODEX


def default_threads(state: ConsoleState, thread_id: str) -> list[str]:
    """Return the threads that are compared first: a fork with its source and its siblings.

    A thread that has been forked is compared with its newest forks.
    """
    if not _is_comparable(state, thread_id):
        return []
    source = state.threads[thread_id].info.forked_from
    root = source if source in state.threads else thread_id
    forks = [
        other.thread_id
        for other in state.threads.values()
        if other.info.forked_from == root and other.info.state is not ThreadState.KILLED
    ]
    others = [other for other in reversed(forks) if other != thread_id]
    chosen = dict.fromkeys([root, thread_id, *others])
    return list(chosen)[:MAX_COLUMNS] if len(chosen) > 1 else [thread_id]


def comparable_threads(state: ConsoleState) -> list[ThreadView]:
    """Return all threads that can be compared, the newest first."""
    codex = (view for view in state.threads.values() if view.info.kind is ThreadKind.CODEX)
    return sorted(codex, key=lambda view: -view.info.created_at)


def toggled(thread_ids: Sequence[str], thread_id: str) -> tuple[list[str], str]:
    """Add a thread to those that are compared, or take it out.

    Returns:
        The threads, and why nothing has changed; empty if something has.
    """
    if thread_id in thread_ids:
        left = [one for one in thread_ids if one != thread_id]
        return (left, "") if left else (list(thread_ids), "One thread has to stay.")
    if len(thread_ids) >= MAX_COLUMNS:
        return list(thread_ids), f"{MAX_COLUMNS} threads fit beside each other: take one out first."
    return [*thread_ids, thread_id], ""


def _column(state: ConsoleState, view: ThreadView, own: Sequence[ComparedTurn]) -> Column:
    info, turns = view.info, tuple(own[-MAX_TURNS:])
    source = state.threads.get(info.forked_from)
    return Column(
        info.thread_id,
        info.handle,
        state.state_of(info.thread_id).value,
        info.model,
        info.usage.total,
        seconds=sum(turn.seconds or 0 for turn in turns),
        shared=len(view.transcript.turns) - len(own),
        turns=turns,
        left_out=len(own) - len(turns),
        started_from="" if source is None else source.info.handle,
    )


def _compare_turns(
    view: ThreadView, shared: set[str], now: float, parse: Parse
) -> list[ComparedTurn]:
    answers, diffs = _answers(view), turn_diffs(view, parse)
    return [
        ComparedTurn(
            turn.number,
            turn.state,
            turn.prompt,
            answers.get(turn.turn_id, ""),
            diffs.get(turn.turn_id),
            _seconds(turn.started_at, turn.ended_at, now),
            turn.tokens,
        )
        for turn in view.transcript.turns
        if turn.turn_id not in shared
    ]


def _answers(view: ThreadView) -> dict[str, str]:
    """Return the last message of each turn."""
    return {
        item.turn_id: item.content.text.text
        for item in view.transcript.items
        if isinstance(item.content, AgentMessage) and item.content.text
    }


def _seconds(started_at: float | None, ended_at: float | None, now: float) -> int | None:
    if started_at is None:
        return None
    return max(0, round((now if ended_at is None else ended_at) - started_at))
