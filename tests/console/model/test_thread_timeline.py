"""The timeline of a plain thread."""

from __future__ import annotations

import itertools

from codextui.console.model.run import RunView
from codextui.console.model.state import ConsoleState
from codextui.console.model.thread_timeline import lane_names, thread_timeline
from codextui.console.model.timeline import build_lanes, lane_totals
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.runs import SpanKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

NOW = 1_780_000_000.0


class World:
    def __init__(self) -> None:
        self.state = ConsoleState()
        self._seq = itertools.count(1)

    def say(self, thread_id: str, msg: ev.Msg, at: float, turn_id: str = "u1") -> None:
        self.state.apply(ev.Event(next(self._seq), thread_id, turn_id, NOW + at, msg))

    def thread(self, thread_id: str, **more: str) -> None:
        info = ThreadInfo(thread_id, thread_id, ThreadState.IDLE, **more)  # type: ignore[arg-type]
        self.say(thread_id, ev.ThreadChanged(info), 0)

    def ask(self, thread_id: str, at: float) -> Approval:
        asked = CommandAsked("npm test")
        approval = Approval("a1", thread_id, "u1", "i1", thread_id, NOW + at, asked)
        self.say(thread_id, ev.ApprovalAsked(approval), at)
        return approval

    def timeline(self, thread_id: str, at: float = 100) -> RunView:
        return thread_timeline(self.state, thread_id, lambda: NOW + at)


def test_turns_and_what_they_waited_for_are_spans() -> None:
    world = World()
    world.thread("a")
    world.say("a", ev.TurnStarted(), 10)
    world.say(
        "a",
        ev.ItemCompleted(
            {"type": "userMessage", "id": "m", "content": [{"type": "text", "text": "Fix it"}]}
        ),
        10,
    )
    world.ask("a", 12)
    world.say("a", ev.ApprovalResolved("a1", "approved", waited=5), 17)
    world.say("a", ev.TurnCompleted(usage=Usage(total=7)), 20)
    turn, asked = world.timeline("a").spans.values()
    assert (turn.kind, turn.name, turn.tokens) == (SpanKind.CODEX, "Fix it", 7)
    assert (turn.started_at - NOW, (turn.ended_at or 0) - NOW) == (10, 20)
    assert (asked.kind, asked.name) == (SpanKind.PERSON, "npm test")
    assert (asked.started_at - NOW, (asked.ended_at or 0) - NOW) == (12, 17)
    (lane,) = build_lanes([turn, asked])
    assert lane_totals(lane, NOW + 100).working == 5


def test_a_turn_that_runs_and_a_question_that_waits_are_open() -> None:
    world = World()
    world.thread("a")
    world.say("a", ev.TurnStarted(), 10)
    world.ask("a", 12)
    assert [span.ended_at for span in world.timeline("a").spans.values()] == [None, None]


def test_a_turn_that_failed_is_told() -> None:
    world = World()
    world.thread("a")
    world.say("a", ev.TurnStarted(), 10)
    world.say("a", ev.TurnAborted("failed", "no"), 11)
    assert [span.failed for span in world.timeline("a").spans.values()] == [True]


def test_forks_and_sub_agents_have_lanes_of_their_own() -> None:
    world = World()
    world.thread("a")
    world.thread("fork", forked_from="a")
    world.thread("sub", parent="fork")
    world.thread("other")
    for thread_id in ("a", "fork", "sub", "other"):
        world.say(thread_id, ev.TurnStarted(), 10, f"u-{thread_id}")
    assert lane_names(world.state, "a") == ["a", "fork", "sub"]
    assert [span.role for span in world.timeline("a").spans.values()] == ["a", "fork", "sub"]


def test_turns_of_which_no_start_was_seen_are_left_out() -> None:
    world = World()
    world.thread("fork", forked_from="a")
    world.say("fork", ev.TurnCompleted(), 10)
    assert world.timeline("fork").spans == {}


def test_a_thread_that_has_gone_has_no_timeline() -> None:
    assert World().timeline("a").spans == {}
