from __future__ import annotations

import math

import pytest
from console.model.events import FakeServer, info

from codextui.console.model import items
from codextui.console.model.run import RunSummary, RunView
from codextui.protocol import events as ev
from codextui.protocol.runs import Gate, RoleAction, Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadState, Usage

RUN = "run:r1"


@pytest.fixture
def team() -> FakeServer:
    """Send a run with two roles; one has a Codex thread, and that a fork."""
    server = FakeServer()
    rows = [
        info(RUN, handle="bug-busters", kind=ThreadKind.RUN),
        info(f"{RUN}/backend", handle="backend", kind=ThreadKind.ROLE, parent=RUN),
        info(f"{RUN}/tester", kind=ThreadKind.ROLE, parent=RUN, state=ThreadState.DONE),
        info("c1", parent=f"{RUN}/backend"),
        info("c2", forked_from="c1"),
        info("other"),
    ]
    for row in rows:
        server.send(ev.ThreadChanged(row), thread=row.thread_id)
    return server


def test_roles_and_threads_belong_to_their_run(team: FakeServer) -> None:
    state = team.state
    for thread_id in (RUN, f"{RUN}/backend", "c1", "c2"):
        assert state.run_id_of(thread_id) == RUN
    assert state.run_id_of("other") == ""
    assert state.run_id_of("unheard of") == ""
    assert [row.thread_id for row in state.run_members(RUN)] == [
        f"{RUN}/backend",
        f"{RUN}/tester",
        "c1",
        "c2",
    ]


def test_roles_are_named_in_the_order_of_the_tree(team: FakeServer) -> None:
    first = info(f"{RUN}/first", kind=ThreadKind.ROLE, parent=RUN, created_at=-1.0)
    team.send(ev.ThreadChanged(first), thread=first.thread_id)
    assert team.state.role_names(RUN) == ["first", "backend", "tester"]


def test_threads_on_a_cycle_belong_to_no_run() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info("a", parent="b")), thread="a")
    server.send(ev.ThreadChanged(info("b", parent="a")), thread="b")
    assert server.state.run_id_of("a") == ""


def test_gates_replace_those_before_whether_sent_for_the_run_or_a_role(team: FakeServer) -> None:
    met = Gate("spec.md", ("designer",), (), True)
    changes = team.send(ev.GatesChecked((Gate("spec.md"),)), thread=RUN)
    assert changes.runs == {RUN}
    team.send(ev.GatesChecked((met,)), thread=f"{RUN}/backend")
    assert team.state.runs[RUN].gates == (met,)
    assert not team.send(ev.GatesChecked((met,)), thread=RUN)


def test_a_span_that_ended_replaces_the_open_one(team: FakeServer) -> None:
    open_ = Span("s1", "backend", SpanKind.MODEL, started_at=10.0)
    over = Span("s1", "backend", SpanKind.MODEL, started_at=10.0, ended_at=12.0)
    team.send(ev.SpanChanged(open_), thread=RUN)
    assert team.send(ev.SpanChanged(over), thread=RUN).runs == {RUN}
    assert list(team.state.runs[RUN].spans.values()) == [over]
    assert not team.send(ev.SpanChanged(over), thread=RUN)


@pytest.mark.parametrize("when", [math.nan, math.inf, -1.0, 0.0, 1e300])
def test_invalid_times_of_a_span_become_those_of_its_event(when: float) -> None:
    run = RunView()
    run.put_span(Span("s", "a", SpanKind.TOOL, started_at=when, ended_at=when), at=50.0)
    assert (run.spans["s"].started_at, run.spans["s"].ended_at) == (50.0, 50.0)


def test_the_oldest_ended_spans_are_dropped() -> None:
    run = RunView(max_spans=3)
    run.put_span(Span("open", "a", SpanKind.ROLE, started_at=1.0), 1.0)
    for number in range(4):
        run.put_span(Span(f"s{number}", "a", SpanKind.TOOL, started_at=2.0, ended_at=3.0), 3.0)
    assert list(run.spans) == ["open", "s2", "s3"]


def test_events_of_a_run_are_in_the_transcripts(team: FakeServer) -> None:
    backend = f"{RUN}/backend"
    team.send(ev.HandedOff("backend", "tester"), thread=backend)
    team.send(ev.HandoffRefused("backend", "tester", ("a is missing",)), thread=backend)
    team.send(ev.RunNoted("role_started", "tester", "is at work"), thread=RUN)
    team.send(ev.RoleRequested(RoleAction.MESSAGE, "faster", "ada"), thread=backend, turn="")
    assert team.contents(backend) == [
        items.Handoff("backend", "tester"),
        items.HandoffRefusal("backend", "tester", ("a is missing",)),
        items.RoleRequest(RoleAction.MESSAGE, "faster", "ada"),
    ]
    assert team.contents(RUN) == [items.RunNote("role_started", "tester", "is at work")]


def test_a_role_that_is_done_changes_the_entry_of_its_run(team: FakeServer) -> None:
    done = info(f"{RUN}/backend", kind=ThreadKind.ROLE, parent=RUN, state=ThreadState.DONE)
    changes = team.send(ev.ThreadChanged(done), thread=done.thread_id)
    assert changes.threads == {done.thread_id, RUN}
    assert not changes.tree


def test_a_thread_with_a_new_parent_moves_in_the_tree(team: FakeServer) -> None:
    assert team.send(ev.ThreadChanged(info("other", parent=RUN)), thread="other").tree


def test_the_summary_of_a_run_counts_its_roles_and_gates(team: FakeServer) -> None:
    team.send(ev.GatesChecked((Gate("a", met=True), Gate("b"))), thread=RUN)
    assert team.state.summarize_run(RUN) == RunSummary(
        role_count=2, done_count=1, gate_count=2, met_count=1
    )
    assert team.state.summarize_run("c1") == RunSummary(
        run_handle="bug-busters", parent_handle="backend"
    )
    assert team.state.summarize_run(f"{RUN}/tester") == RunSummary(run_handle="bug-busters")
    team.send(ev.ThreadChanged(info("child", parent="c1")), thread="child")
    assert team.state.summarize_run("child") == RunSummary(
        run_handle="bug-busters", parent_handle=team.state.threads["c1"].info.handle
    )
    assert team.state.summarize_run("other") == RunSummary()
    assert team.state.summarize_run("unheard of") == RunSummary()


def test_the_cost_of_a_run_is_that_of_its_members(team: FakeServer) -> None:
    for thread_id in (f"{RUN}/backend", "c1"):
        counted = ev.TokensCounted(Usage(total=10, input=10), Usage())
        team.send(counted, thread=thread_id)
    asked: list[int] = []

    def cost_of(used: object) -> str:
        asked.append(sum(usage.total for _, usage in used))  # type: ignore[attr-defined]
        return "1 USD"

    assert team.state.summarize_run(RUN, cost_of).cost == "1 USD"
    assert team.state.summarize_run("c1", cost_of).cost == "1 USD"
    assert asked == [20, 10]


def test_runs_of_another_server_are_discarded(team: FakeServer) -> None:
    team.send(ev.GatesChecked((Gate("a"),)), thread=RUN)
    team.state.set_connected(fresh=True)
    assert team.state.runs == {}


def test_the_brief_of_a_role_or_run_is_no_message() -> None:
    server = FakeServer()
    for kind in (ThreadKind.ROLE, ThreadKind.RUN):
        server.send(ev.ThreadChanged(info("r", kind=kind, brief="builds the server")), thread="r")
        assert server.contents("r") == []
