from __future__ import annotations

from codextui.protocol import events as ev
from codextui.protocol.runs import Gate, Span, SpanKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventLog


def logged(*messages: ev.Msg, keep: int = 100) -> tuple[EventLog, list[ev.Msg]]:
    log = EventLog(keep)
    for seq, msg in enumerate(messages, 1):
        log.add(ev.Event(seq, "t", "u", 0.0, msg))
    return log, [event.msg for event in log.after(0)]


def row(note: str) -> ev.ThreadChanged:
    return ev.ThreadChanged(ThreadInfo("t", "codex-1", ThreadState.IDLE, note=note))


STARTED = ev.ItemStarted({"id": "i", "type": "agentMessage"})
COMPLETED = ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": "ab"})


def test_the_deltas_of_an_item_that_completed_are_gone():
    _, left = logged(STARTED, ev.TextDelta("i", "a"), ev.TextDelta("i", "b"), COMPLETED)
    assert left == [COMPLETED]


def test_the_start_of_an_item_keeps_its_place_among_others():
    other = ev.ItemStarted({"id": "j", "type": "reasoning"})
    _, left = logged(STARTED, other, COMPLETED)
    assert left == [STARTED, other, COMPLETED]


def test_the_deltas_of_an_item_that_runs_are_kept():
    deltas = (ev.TextDelta("i", "a"), ev.ReasoningDelta("r", "b"), ev.TextDelta("i", "c"))
    _, left = logged(STARTED, *deltas)
    assert left == [STARTED, *deltas]


def test_of_what_replaces_itself_the_latest_is_kept():
    _, left = logged(
        ev.DiffUpdated("one"),
        ev.PlanUpdated("", ()),
        ev.DiffUpdated("two"),
        ev.PatchUpdated("p", ()),
        ev.PlanUpdated("new", ()),
        ev.PatchUpdated("p", ()),
    )
    assert left == [ev.DiffUpdated("two"), ev.PlanUpdated("new", ()), ev.PatchUpdated("p", ())]


def test_of_gate_boards_the_latest_is_kept_and_of_a_span_how_it_ended():
    def span(span_id: str, ended_at: float | None = None) -> ev.SpanChanged:
        return ev.SpanChanged(Span(span_id, "backend", SpanKind.MODEL, ended_at=ended_at))

    board = ev.GatesChecked((Gate("spec.md", met=True),))
    _, left = logged(ev.GatesChecked(()), span("1"), span("2"), board, span("1", 5.0))
    assert left == [span("2"), board, span("1", 5.0)]


def test_of_a_threads_rows_the_first_and_the_latest_are_kept():
    _, left = logged(row("1"), ev.TurnStarted(), row("2"), row("3"))
    assert left == [row("1"), ev.TurnStarted(), row("3")]


def test_a_completed_item_of_another_turn_takes_nothing_away():
    log = EventLog()
    log.add(ev.Event(1, "t", "u", 0.0, ev.TextDelta("i", "a")))
    log.add(ev.Event(2, "t", "v", 0.0, COMPLETED))
    log.add(ev.Event(3, "other", "u", 0.0, COMPLETED))
    assert [event.seq for event in log.after(0)] == [1, 2, 3]


def test_the_oldest_are_forgotten_above_the_bound():
    log, left = logged(*(ev.Warned(str(n)) for n in range(10)), keep=4)
    assert [msg.message for msg in left if isinstance(msg, ev.Warned)] == ["6", "7", "8", "9"]
    assert len(log) == 4
