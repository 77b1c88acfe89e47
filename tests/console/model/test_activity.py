from __future__ import annotations

import pytest
from console.model.events import FakeServer, agent, approval, command, info
from console.render.looks import TEXTS, is_harmless
from hypothesis import given

from codextui.console.model.activity import (
    Activity,
    ActivityKind,
    asks_below,
    asks_by_thread,
    describe_activity,
    describe_asks,
)
from codextui.protocol import events as ev
from codextui.protocol.approvals import CommandAsked
from codextui.protocol.runs import Gate, Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadState


def activity(server: FakeServer, thread_id: str = "t1") -> Activity | None:
    return describe_activity(server.state, server.state.threads[thread_id])


def working(*items: dict[str, object]) -> FakeServer:
    server = FakeServer()
    server.send(ev.ThreadChanged(info(turn_id="u1")))
    server.send(ev.TurnStarted())
    for item in items:
        server.send(ev.ItemStarted(item))
    return server


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (command(command="/bin/bash -lc 'pytest -q'"), "runs pytest -q"),
        (
            {
                "type": "fileChange",
                "id": "f",
                "status": "inProgress",
                "changes": [
                    {"path": "/w/src/cost.py", "kind": {"type": "update"}, "diff": ""},
                    {"path": "/w/b.py", "kind": {"type": "add"}, "diff": ""},
                ],
            },
            "editing cost.py and 1 more",
        ),
        (
            {
                "type": "mcpToolCall",
                "id": "m",
                "server": "docs",
                "tool": "find",
                "arguments": {},
                "status": "inProgress",
            },
            "calls docs.find",
        ),
        (agent("## Plan\nThe `table` needs a migration"), "writes: The table needs a migration"),
        (agent(""), "writes"),
        ({"type": "reasoning", "id": "r", "summary": ["**Reading it**"]}, "thinks: Reading it"),
    ],
)
def test_the_newest_item_that_is_not_done_says_what_a_thread_does(
    item: dict[str, object], text: str
) -> None:
    assert activity(working(item)) == Activity(ActivityKind.DOES, text)


def test_between_two_items_a_thread_thinks_or_is_at_a_step_of_its_plan() -> None:
    server = working()
    assert activity(server) == Activity(ActivityKind.DOES, "thinks")
    server.send(ev.PlanUpdated("", (ev.PlanStep("Write the endpoint", "inProgress"),)))
    assert activity(server) == Activity(ActivityKind.DOES, "plan: Write the endpoint")


def test_a_thread_at_rest_says_what_it_said_last() -> None:
    server = working()
    server.send(ev.ItemCompleted(agent("All **42** tests pass.\n\nDetails follow.")))
    server.send(ev.TurnCompleted())
    server.send(ev.ThreadChanged(info(state=ThreadState.IDLE)))
    assert activity(server) == Activity(ActivityKind.SAID, "All 42 tests pass.")


def test_a_failed_thread_says_why() -> None:
    server = working()
    server.send(ev.TurnAborted("failed", "the limit is reached"))
    server.send(ev.ThreadChanged(info(state=ThreadState.FAILED)))
    assert activity(server) == Activity(ActivityKind.FAILED, "the limit is reached")
    server.send(ev.ThreadChanged(info(state=ThreadState.FAILED, note="no login")))
    assert activity(server) == Activity(ActivityKind.FAILED, "no login")
    server.send(ev.TurnStarted(), turn="u9")
    server.send(ev.TurnAborted("lost", ""), turn="u9")
    server.send(ev.ThreadChanged(info(state=ThreadState.INTERRUPTED)))
    assert activity(server) == Activity(ActivityKind.FAILED, "it was cut off")
    server.send(ev.ThreadChanged(info(state=ThreadState.INTERRUPTED, note="The server ended.")))
    assert activity(server) == Activity(ActivityKind.FAILED, "The server ended.")


def test_of_an_error_in_json_the_message_is_told() -> None:
    server = working()
    note = 'status 400: {"error": {"message": "no quota", "code": 7}}'
    server.send(ev.ThreadChanged(info(state=ThreadState.FAILED, note=note)))
    assert activity(server) == Activity(ActivityKind.FAILED, "status 400: no quota")


def test_a_run_that_is_done_says_what_its_last_role_said_last() -> None:
    server = FakeServer()
    run = info("run:r", kind=ThreadKind.RUN, brief="Build it", state=ThreadState.DONE)
    server.send(ev.ThreadChanged(run), thread="run:r")
    assert activity(server, "run:r") == Activity(ActivityKind.TASK, "Build it")
    for at, name in enumerate(("tester", "manager")):
        role_id = f"run:r/{name}"
        role = info(role_id, kind=ThreadKind.ROLE, parent="run:r", state=ThreadState.DONE)
        server.send(ev.ThreadChanged(role), thread=role_id)
        server.send(ev.TurnStarted(), thread=role_id, at=100.0 + at)
        server.send(ev.ItemCompleted(agent(f"The {name} is done.")), thread=role_id)
        server.send(ev.TurnCompleted(), thread=role_id, at=110.0 + at)
    said = Activity(ActivityKind.SAID, "The manager is done.")
    assert activity(server, "run:r") == said


def run_with_waiting_role() -> FakeServer:
    server = FakeServer()
    server.send(ev.ThreadChanged(info("run:r", kind=ThreadKind.RUN)), thread="run:r")
    role = info("run:r/tester", kind=ThreadKind.ROLE, parent="run:r", state=ThreadState.WAITING)
    server.send(ev.ThreadChanged(role), thread="run:r/tester")
    return server


def test_a_waiting_role_says_which_gate_it_waits_for() -> None:
    server = run_with_waiting_role()
    assert activity(server, "run:r/tester") is None
    span = Span("s", "tester", SpanKind.GATE, started_at=1, waits_for=("backend", "docs"))
    server.send(ev.SpanChanged(span), thread="run:r")
    waits = activity(server, "run:r/tester")
    assert waits == Activity(ActivityKind.BLOCKED, "waits for backend, docs")
    gates = (
        Gate("design/spec.md", ("designer",), ("tester",)),
        Gate("server.js", ("backend",), ("tester",)),
        Gate("README", ("docs",), ("docs",)),
    )
    server.send(ev.GatesChecked(gates), thread="run:r")
    blocked = activity(server, "run:r/tester")
    text = "blocked by design/spec.md (designer) and 1 more"
    assert blocked == Activity(ActivityKind.BLOCKED, text)


@pytest.mark.parametrize(
    ("spans", "text"),
    [
        ((Span("a", "tester", SpanKind.ROLE), Span("b", "tester", SpanKind.CODEX, "c-1")), "c-1"),
        ((Span("a", "tester", SpanKind.TOOL, "search"),), "calls search"),
        ((Span("a", "tester", SpanKind.MODEL, "gpt-5.5"),), "thinks with gpt-5.5"),
        ((Span("a", "tester", SpanKind.MODEL),), "thinks"),
        ((Span("a", "tester", SpanKind.PERSON),), "waits for a person"),
        ((Span("a", "docs", SpanKind.TOOL, "search"), Span("b", "tester", SpanKind.ROLE)), None),
    ],
)
def test_a_role_says_what_it_spends_its_time_on(spans: tuple[Span, ...], text: str | None) -> None:
    server = run_with_waiting_role()
    role = info("run:r/tester", kind=ThreadKind.ROLE, parent="run:r")
    server.send(ev.ThreadChanged(role), thread="run:r/tester")
    for span in spans:
        server.send(ev.SpanChanged(span), thread="run:r")
    done = activity(server, "run:r/tester")
    assert (done is None) == (text is None)
    assert done is None or done.text in (text, f"works with {text}")


def test_the_oldest_request_is_told_without_the_shells_wrapper() -> None:
    asked = CommandAsked("bash -lc 'npm test'")
    approvals = [approval("a1", asked=asked), approval("a2", asked_at=160.0)]
    assert describe_asks(approvals) == Activity(ActivityKind.ASKS, "npm test", 100.0, 1)


def test_what_a_thread_asks_is_known_of_all_that_it_works_for() -> None:
    server = run_with_waiting_role()
    worker = info("c", parent="run:r/tester")
    server.send(ev.ThreadChanged(worker), thread="c")
    asked = approval("a1", thread_id="c")
    server.send(ev.ApprovalAsked(asked), thread="c")
    asks = asks_by_thread(server.state)
    assert asks == {"c": [asked]}
    assert asks_below(server.state, asks) == {"run:r/tester": [asked], "run:r": [asked]}


@given(TEXTS)
def test_activities_are_one_harmless_line(text: str) -> None:
    for server in (working(agent(text)), working(command(command=text))):
        done = activity(server)
        assert done is not None
        assert is_harmless(done.text)
        assert "\n" not in done.text
        assert len(done.text) <= 210
