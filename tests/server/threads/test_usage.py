"""What threads have used, for every sequence of counts that Codex sends.

`Codex` sends counts as the real one does (recorded from 0.163.0): a fork begins with the total of
its source; an overflow sets the total to the window, without input and output; a compaction makes a
call and then estimates the context; counts come again at any time. What each model call used is
recorded beside them, and is what must come out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage, add_usage, sum_usage
from codextui.server.threads.turn_state import TurnState, advance
from codextui.server.threads.usage import count_tokens

WINDOW = 258_400
CALL = Usage(120, 100, 10, 20, 5)
SECOND = add_usage(CALL, CALL)
OVERFLOW = Usage(WINDOW)


def info(**changes: object) -> ThreadInfo:
    thread = ThreadInfo("a", "a", ThreadState.RUNNING, turn_id="u1", codex_usage=Usage())
    return structs.replace(thread, **changes)


@pytest.mark.parametrize(
    ("before", "total", "last", "used"),
    [
        (info(), CALL, CALL, CALL),
        (info(usage=CALL, codex_usage=CALL), SECOND, CALL, CALL),
        # The same counts again: at the start of a turn, or with the account's limits.
        (info(usage=CALL, codex_usage=CALL), CALL, CALL, Usage()),
        # A fork begins with its source's total.
        (info(forked_from="s", codex_usage=CALL), CALL, CALL, Usage()),
        (info(forked_from="s", codex_usage=CALL), SECOND, CALL, CALL),
        # An overflow has neither input nor output, whatever its total.
        (info(), OVERFLOW, OVERFLOW, Usage()),
        (info(usage=CALL, codex_usage=CALL), OVERFLOW, Usage(WINDOW - 120), Usage()),
        (info(usage=CALL, codex_usage=OVERFLOW), add_usage(OVERFLOW, CALL), CALL, CALL),
        # The estimate after a compaction is no call, but a call that was missed before it is.
        (info(usage=CALL, codex_usage=CALL), CALL, Usage(6_800), Usage()),
        (info(usage=CALL, codex_usage=CALL), SECOND, Usage(6_800), CALL),
        # What was used before a thread was known is another's, or unknown.
        (info(codex_usage=None), CALL, CALL, CALL),
        (info(codex_usage=None), SECOND, CALL, Usage()),
        (info(codex_usage=None), SECOND, Usage(), Usage()),
        # A Codex that crashed may have forgotten its last counts.
        (info(usage=SECOND, codex_usage=SECOND), CALL, CALL, CALL),
        (info(usage=SECOND, codex_usage=SECOND, turn_id=""), CALL, CALL, Usage()),
    ],
)
def test_only_what_a_model_call_used_is_counted(
    before: ThreadInfo, total: Usage, last: Usage, used: Usage
):
    counted = ev.TokensCounted(total, last, WINDOW)
    published, changes = count_tokens(before, counted, in_turn=bool(before.turn_id))
    assert changes["usage"] == published.total == add_usage(before.usage, used)
    assert changes["codex_usage"] == total


@pytest.mark.parametrize(
    ("total", "last", "context"),
    [
        (CALL, CALL, 120),
        (OVERFLOW, Usage(WINDOW - 120), WINDOW),
        (SECOND, Usage(6_800), 6_800),
        (CALL, Usage(), 77),
    ],
)
def test_the_context_is_shown_as_full_as_codex_says(total: Usage, last: Usage, context: int):
    before = info(context_tokens=77, context_window=WINDOW)
    published, changes = count_tokens(before, ev.TokensCounted(total, last), in_turn=True)
    assert published.context_tokens == changes["context_tokens"] == context
    assert changes["context_window"] == WINDOW
    assert published.last.is_call is bool(last.input or last.output)


@pytest.mark.parametrize("kind", [ThreadKind.ROLE, ThreadKind.RUN])
def test_what_a_program_counts_of_its_roles_is_taken_as_it_is(kind: ThreadKind):
    before = info(kind=kind, usage=Usage(5), turn_usage=Usage(1))
    published, changes = count_tokens(before, ev.TokensCounted(Usage(9), Usage(4)), in_turn=True)
    assert published == ev.TokensCounted(Usage(9), Usage(4))
    assert (changes["usage"], changes["turn_usage"]) == (Usage(9), Usage(5))


@dataclass
class Thread:
    """A thread as Codex has it, as we show it, and what its calls really used."""

    total: Usage
    last: Usage
    info: ThreadInfo
    turn: TurnState = field(default_factory=TurnState)
    turns: int = 0
    totals: dict[str, Usage] = field(default_factory=dict)
    used: defaultdict[str, list[Usage]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[str, Usage] = field(default_factory=dict)

    def receive(self, turn_id: str, msg: ev.Msg) -> None:
        step = advance(self.turn, self.info, turn_id, msg, now=1.0)
        self.turn, self.info = step.turn, structs.replace(self.info, **step.changes)
        match step.msg:
            case ev.TurnCompleted(usage=usage, codex_usage=codex_usage):
                self.shown[turn_id] = usage or Usage()
                assert codex_usage is not None
                self.totals[turn_id] = codex_usage
            case _:
                pass

    @property
    def turn_id(self) -> str:
        return f"u{self.turns}"

    def count(self, *, heard: bool = True) -> None:
        if heard:
            self.receive(self.turn_id, ev.TokensCounted(self.total, self.last, WINDOW))

    def call(self, usage: Usage, *, heard: bool = True) -> None:
        self.total, self.last = add_usage(self.total, usage), usage
        self.used[self.turn_id].append(usage)
        self.count(heard=heard)

    def overflow(self) -> None:
        self.last = Usage(max(0, WINDOW - self.total.total))
        self.total = OVERFLOW
        self.count()

    def compact(self, usage: Usage) -> None:
        self.call(usage)
        self.last = Usage(6_800)
        self.count()

    def play(self, steps: list[tuple[str, Usage]]) -> None:
        self.turns += 1
        self.receive(self.turn_id, ev.TurnStarted())
        for step, usage in steps:
            match step:
                case "call":
                    self.call(usage)
                case "again":
                    self.count()
                case "overflow":
                    self.overflow()
                case "compact":
                    self.compact(usage)
        self.receive(self.turn_id, ev.TurnCompleted())

    def restart(self, *, replayed: bool) -> None:
        """End our server; the next one reads the thread's row, and Codex may count again."""
        self.info = ThreadInfo.from_json(self.info.to_json())
        self.turn = TurnState()
        self.count(heard=replayed)

    def fork(self, turn_id: str) -> Thread:
        """Fork through a turn, or whole; our row begins with the count at that point."""
        total = self.totals[turn_id] if turn_id else self.total
        row = info(forked_from=self.info.thread_id, turn_id="", codex_usage=total)
        return Thread(total, self.last, row, turns=self.turns)

    @property
    def spent(self) -> Usage:
        return sum_usage(usage for calls in self.used.values() for usage in calls)


USAGES = st.builds(
    lambda read, cached, written, thought: Usage(
        read + written, read, min(read, cached), written, min(written, thought)
    ),
    st.integers(0, 300_000),
    st.integers(0, 300_000),
    st.integers(1, 9_000),
    st.integers(0, 9_000),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["call", "call", "again", "overflow", "compact"]), USAGES), max_size=6
)
ACTIONS = st.one_of(
    st.tuples(st.just("turn"), STEPS),
    st.tuples(st.sampled_from(["restart", "resume", "fork", "fork through"]), st.just([])),
)


@given(st.lists(st.tuples(st.integers(0, 5), ACTIONS), max_size=12))
def test_threads_and_turns_show_what_their_model_calls_used(
    actions: list[tuple[int, tuple[str, list[tuple[str, Usage]]]]],
):
    threads = [Thread(Usage(), Usage(), info(turn_id=""))]
    for which, (action, steps) in actions:
        thread = threads[which % len(threads)]
        match action:
            case "turn":
                thread.play(steps)
            case "restart" | "resume":
                thread.restart(replayed=action == "resume")
            case "fork" if thread.turns:
                threads.append(thread.fork(""))
            case "fork through" if thread.totals:
                threads.append(thread.fork(sorted(thread.totals)[which % len(thread.totals)]))
            case _:
                pass
    for thread in threads:
        assert thread.info.usage == thread.spent
        for turn_id, shown in thread.shown.items():
            assert shown == sum_usage(thread.used[turn_id])
    assert sum(t.info.usage.total for t in threads) == sum(t.spent.total for t in threads)


@given(st.lists(USAGES, min_size=1, max_size=5), st.lists(USAGES, max_size=3))
def test_calls_that_a_dead_server_missed_are_counted_when_the_thread_is_loaded(
    heard: list[Usage], missed: list[Usage]
):
    thread = Thread(Usage(), Usage(), info(turn_id=""))
    thread.turns = 1
    thread.receive("u1", ev.TurnStarted())
    for usage in heard:
        thread.call(usage)
    for usage in missed:
        thread.call(usage, heard=False)
    thread.restart(replayed=True)
    assert thread.info.usage == thread.spent
