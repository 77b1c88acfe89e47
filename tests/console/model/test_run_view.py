"""What a board keeps of a team's run."""

from __future__ import annotations

import math

import pytest
from console.model.events import Server, info

from codextui.console.model import items as b
from codextui.console.model import run as run_view
from codextui.console.model.run import RunView
from codextui.console.model.standing import Standing, standing_of
from codextui.protocol import events as ev
from codextui.protocol.runs import Gate, RoleAction, Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadState, Usage

RUN = "run:r1"


@pytest.fixture
def team() -> Server:
    """A run with two roles, one of them with a Codex thread and a fork of that."""
    server = Server()
    rows = [
        info(RUN, handle="bug-busters", kind=ThreadKind.RUN),
        info(f"{RUN}/backend", handle="backend", kind=ThreadKind.ROLE, parent=RUN),
        info(f"{RUN}/tester", kind=ThreadKind.ROLE, parent=RUN, state=ThreadState.DONE),
        info("c1", parent=f"{RUN}/backend"),
        info("c2", forked_from="c1"),
        info("other"),
    ]
    for row in rows:
        server.say(ev.ThreadChanged(row), thread=row.thread_id)
    return server


def test_rows_know_the_run_that_they_stand_below(team: Server) -> None:
    board = team.board
    for thread_id in (RUN, f"{RUN}/backend", "c1", "c2"):
        assert board.run_of(thread_id) == RUN
    assert board.run_of("other") == ""
    assert board.run_of("unheard of") == ""
    assert [row.thread_id for row in board.below(RUN)] == [
        f"{RUN}/backend",
        f"{RUN}/tester",
        "c1",
        "c2",
    ]


def test_roles_are_told_in_the_order_of_the_tree(team: Server) -> None:
    first = info(f"{RUN}/first", kind=ThreadKind.ROLE, parent=RUN, created_at=-1.0)
    team.say(ev.ThreadChanged(first), thread=first.thread_id)
    assert team.board.roles_of(RUN) == ["first", "backend", "tester"]


def test_a_circle_of_parents_belongs_to_no_run() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info("a", parent="b")), thread="a")
    server.say(ev.ThreadChanged(info("b", parent="a")), thread="b")
    assert server.board.run_of("a") == ""


def test_the_last_gate_board_stands_for_the_run_wherever_it_was_told(team: Server) -> None:
    met = Gate("spec.md", ("designer",), (), True)
    changes = team.say(ev.GatesChecked((Gate("spec.md"),)), thread=RUN)
    assert changes.runs == {RUN}
    team.say(ev.GatesChecked((met,)), thread=f"{RUN}/backend")
    assert team.board.runs[RUN].gates == (met,)
    assert not team.say(ev.GatesChecked((met,)), thread=RUN)


def test_a_span_is_told_when_it_begins_and_replaced_when_it_ends(team: Server) -> None:
    open_ = Span("s1", "backend", SpanKind.MODEL, started_at=10.0)
    over = Span("s1", "backend", SpanKind.MODEL, started_at=10.0, ended_at=12.0)
    team.say(ev.SpanChanged(open_), thread=RUN)
    assert team.say(ev.SpanChanged(over), thread=RUN).runs == {RUN}
    assert list(team.board.runs[RUN].spans.values()) == [over]
    assert not team.say(ev.SpanChanged(over), thread=RUN)


@pytest.mark.parametrize("when", [math.nan, math.inf, -1.0, 0.0, 1e300])
def test_times_that_cannot_be_are_those_of_the_telling(when: float) -> None:
    run = RunView()
    run.put_span(Span("s", "a", SpanKind.TOOL, started_at=when, ended_at=when), at=50.0)
    assert (run.spans["s"].started_at, run.spans["s"].ended_at) == (50.0, 50.0)


def test_of_too_many_spans_the_oldest_that_are_over_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_view, "MAX_SPANS", 3)
    run = RunView()
    run.put_span(Span("open", "a", SpanKind.ROLE, started_at=1.0), 1.0)
    for number in range(4):
        run.put_span(Span(f"s{number}", "a", SpanKind.TOOL, started_at=2.0, ended_at=3.0), 3.0)
    assert list(run.spans) == ["open", "s2", "s3"]
    assert run.dropped == 2


def test_what_happens_in_a_run_is_in_the_transcripts(team: Server) -> None:
    backend = f"{RUN}/backend"
    team.say(ev.HandedOff("backend", "tester"), thread=backend)
    team.say(ev.HandoffRefused("backend", "tester", ("a is missing",)), thread=backend)
    team.say(ev.RunNoted("role_started", "tester", "is at work"), thread=RUN)
    team.say(ev.RoleRequested(RoleAction.MESSAGE, "faster", "ada"), thread=backend, turn="")
    assert team.bodies(backend) == [
        b.Handoff("backend", "tester"),
        b.HandoffRefusal("backend", "tester", ("a is missing",)),
        b.RoleRequest(RoleAction.MESSAGE, "faster", "ada"),
    ]
    assert team.bodies(RUN) == [b.RunNote("role_started", "tester", "is at work")]


def test_a_role_that_is_done_changes_the_row_of_its_run_too(team: Server) -> None:
    done = info(f"{RUN}/backend", kind=ThreadKind.ROLE, parent=RUN, state=ThreadState.DONE)
    changes = team.say(ev.ThreadChanged(done), thread=done.thread_id)
    assert changes.rows == {done.thread_id, RUN}
    assert not changes.tree


def test_a_row_that_gets_another_parent_moves_in_the_tree(team: Server) -> None:
    assert team.say(ev.ThreadChanged(info("other", parent=RUN)), thread="other").tree


def test_a_run_says_how_its_roles_and_gates_stand(team: Server) -> None:
    team.say(ev.GatesChecked((Gate("a", met=True), Gate("b"))), thread=RUN)
    assert standing_of(team.board, RUN) == Standing(roles=2, done=1, gates=2, met=1)
    assert standing_of(team.board, "c1") == Standing(run="bug-busters", role="backend")
    assert standing_of(team.board, f"{RUN}/tester") == Standing(run="bug-busters")
    assert standing_of(team.board, "other") == Standing()
    assert standing_of(team.board, "unheard of") == Standing()


def test_a_run_costs_what_all_below_it_cost(team: Server) -> None:
    for thread_id in (f"{RUN}/backend", "c1"):
        counted = ev.TokensCounted(Usage(total=10, input=10), Usage())
        team.say(counted, thread=thread_id)
    asked: list[int] = []

    def cost_of(used: object) -> str:
        asked.append(sum(usage.total for _, usage in used))  # type: ignore[attr-defined]
        return "1 USD"

    assert standing_of(team.board, RUN, cost_of).cost == "1 USD"
    assert standing_of(team.board, "c1", cost_of).cost == "1 USD"
    assert asked == [20, 10]


def test_a_server_with_another_past_has_other_runs(team: Server) -> None:
    team.say(ev.GatesChecked((Gate("a"),)), thread=RUN)
    team.board.connect(fresh=True)
    assert team.board.runs == {}


def test_what_a_role_is_for_is_no_message_to_it() -> None:
    server = Server()
    for kind in (ThreadKind.ROLE, ThreadKind.RUN):
        server.say(ev.ThreadChanged(info("r", kind=kind, brief="builds the server")), thread="r")
        assert server.bodies("r") == []
