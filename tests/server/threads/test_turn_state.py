from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.protocol import events as ev
from codextui.protocol.approvals import FileChange
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.server.threads.turn_state import (
    MAX_NOTE,
    TurnOutcome,
    TurnState,
    advance,
    disconnected,
)

NOW = 100.0
RUNNING = TurnState("t1", "So far.", {"p": (FileChange("a.py", "add"),)})
IDLE = TurnState("", "So far.")


def info(kind: ThreadKind = ThreadKind.CODEX, **changes: object) -> ThreadInfo:
    running = ThreadInfo(
        "id", "backend", ThreadState.RUNNING, kind=kind, turn_id="t1", turn_started_at=5.0
    )
    return structs.replace(running, **changes)


CODEX = info()
ROLE = info(ThreadKind.ROLE)


@pytest.mark.parametrize(
    ("msg", "before", "turn", "published", "changes"),
    [
        (
            ev.TurnStarted(),
            structs.replace(CODEX, state=ThreadState.IDLE, turn_id="t0", turn_started_at=None),
            TurnState("t1"),
            ev.TurnStarted(NOW),
            {
                "state": ThreadState.RUNNING,
                "turn_id": "t1",
                "turn_started_at": NOW,
                "turn_usage": Usage(),
                "note": "",
            },
        ),
        (
            ev.TurnStarted(),
            CODEX,
            TurnState("t1"),
            ev.TurnStarted(5.0),
            {"state": ThreadState.RUNNING, "note": ""},
        ),
        (
            ev.TurnStarted(),
            structs.replace(ROLE, turn_id="t0"),
            TurnState("t1"),
            ev.TurnStarted(NOW),
            {"turn_id": "t1", "turn_started_at": NOW, "turn_usage": Usage()},
        ),
        (ev.TurnStarted(), ROLE, TurnState("t1"), ev.TurnStarted(5.0), {}),
        (
            ev.TurnStarted(),
            structs.replace(ROLE, turn_id="t0", state=ThreadState.KILLED),
            TurnState("t1"),
            ev.TurnStarted(NOW),
            {},
        ),
        (
            ev.TurnCompleted(),
            structs.replace(CODEX, note="a warning"),
            IDLE,
            ev.TurnCompleted("So far."),
            {
                "state": ThreadState.IDLE,
                "turn_id": "t1",
                "turn_started_at": None,
                "note": "a warning",
            },
        ),
        (
            ev.TurnCompleted("Done."),
            ROLE,
            IDLE,
            ev.TurnCompleted("Done."),
            {"turn_started_at": None},
        ),
        (
            ev.TurnAborted("failed", "no\nnetwork"),
            CODEX,
            IDLE,
            ev.TurnAborted("failed", "no\nnetwork"),
            {
                "state": ThreadState.FAILED,
                "turn_id": "t1",
                "turn_started_at": None,
                "note": "no network",
            },
        ),
        (
            ev.TurnAborted("failed", "no network"),
            ROLE,
            IDLE,
            ev.TurnAborted("failed", "no network"),
            {"turn_started_at": None},
        ),
        (
            ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": "New."}),
            CODEX,
            TurnState("t1", "New.", RUNNING.patches),
            ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": "New."}),
            {},
        ),
        (
            ev.ItemStarted(
                {
                    "id": "q",
                    "type": "fileChange",
                    "changes": [{"path": "b.py", "kind": {"type": "delete"}, "diff": ""}],
                }
            ),
            CODEX,
            TurnState("t1", "So far.", {**RUNNING.patches, "q": (FileChange("b.py", "delete"),)}),
            None,
            {},
        ),
        (
            ev.PatchUpdated("p", (FileChange("c.py", "add"),)),
            CODEX,
            TurnState("t1", "So far.", {"p": (FileChange("c.py", "add"),)}),
            None,
            {},
        ),
        (
            ev.TokensCounted(Usage(total=7), Usage(), 9),
            ROLE,
            RUNNING,
            None,
            {"usage": Usage(total=7), "context_window": 9, "turn_usage": Usage(total=7)},
        ),
        (ev.Warned("x\n" * 9_999), CODEX, RUNNING, None, {"note": ("x " * MAX_NOTE)[:MAX_NOTE]}),
        (ev.ErrorRaised("no"), CODEX, RUNNING, None, {"note": "no"}),
        (ev.ErrorRaised("no"), ROLE, RUNNING, None, {}),
        (ev.ReasoningDelta("i", "a"), CODEX, RUNNING, None, {}),
    ],
)
def test_each_event_changes_the_turn_and_the_thread(
    msg: ev.Msg,
    before: ThreadInfo,
    turn: TurnState,
    published: ev.Msg | None,
    changes: Mapping[str, object],
):
    transition = advance(RUNNING, before, "t1", msg, now=NOW)
    assert transition.turn == turn
    assert transition.msg == (msg if published is None else published)
    assert transition.changes == changes


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("interrupted", ThreadState.INTERRUPTED),
        ("lost", ThreadState.INTERRUPTED),
        ("killed", ThreadState.KILLED),
        ("failed", ThreadState.FAILED),
        ("new reason", ThreadState.FAILED),
    ],
)
def test_an_aborted_turn_leaves_a_state_by_its_reason(reason: str, state: ThreadState):
    transition = advance(RUNNING, CODEX, "t1", ev.TurnAborted(reason, "why"), now=NOW)
    assert transition.changes["state"] is state
    assert transition.outcome == TurnOutcome("t1", "So far.", reason, "why")


@pytest.mark.parametrize(
    ("message", "note"),
    [
        ('{"error": {"message": "No such\\nmodel.", "code": "x"}}', "No such model."),
        ('{"error": {"message": " "}}', '{"error": {"message": " "}}'),
        ('{"error": "odd"}', "odd"),
        ("{not JSON", "{not JSON"),
        ("[" * 5 + "{", "[[[[[{"),
    ],
)
def test_the_note_has_the_words_of_an_error_that_the_provider_sent_as_json(message: str, note: str):
    for msg in (ev.TurnAborted("failed", message), ev.ErrorRaised(message)):
        step = advance(RUNNING, CODEX, "t1", msg, now=NOW)
        assert step.changes["note"] == note


@pytest.mark.parametrize(("reason", "ends_as"), [("interrupted", "killed"), ("failed", "failed")])
def test_an_interrupt_of_a_thread_being_killed_counts_as_the_kill(reason: str, ends_as: str):
    transition = advance(RUNNING, CODEX, "t1", ev.TurnAborted(reason), now=NOW, killing=True)
    assert transition.msg == ev.TurnAborted(ends_as)
    assert transition.outcome == TurnOutcome("t1", "So far.", ends_as)


def test_a_turn_that_starts_with_an_open_approval_needs_input():
    transition = advance(IDLE, CODEX, "t2", ev.TurnStarted(), now=NOW, needs_input=True)
    assert transition.changes["state"] is ThreadState.NEEDS_INPUT


@pytest.mark.parametrize("before", [CODEX, ROLE])
def test_the_late_end_of_an_earlier_turn_does_not_end_the_running_one(before: ThreadInfo):
    transition = advance(RUNNING, before, "t0", ev.TurnCompleted("Late."), now=NOW)
    assert transition.turn == RUNNING
    assert transition.changes == {}
    assert transition.outcome == TurnOutcome("t0", "So far.")


@pytest.mark.parametrize("state", list(ThreadState))
def test_ended_roles_keep_their_state_when_their_program_is_gone(state: ThreadState):
    role = info(ThreadKind.ROLE, state=state, client="team bugs", parent="run:bugs-1", note="n")
    left = disconnected(role)
    assert (left.turn_started_at, left.waits_for) == (None, "")
    ended = state.value in ("done", "failed", "interrupted", "killed")
    assert left.state is (state if ended else ThreadState.DISCONNECTED)
    assert ("--resume bugs-1" in left.note) is not ended


EVENTS = st.one_of(
    st.just(ev.TurnStarted()),
    st.builds(ev.TurnCompleted, st.sampled_from(["", "Done."])),
    st.builds(ev.TurnAborted, st.sampled_from(["interrupted", "failed", "lost"])),
    st.builds(
        lambda text: ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": text}),
        st.sampled_from(["a", "b"]),
    ),
    st.builds(lambda item: ev.PatchUpdated(item, ()), st.sampled_from("pq")),
    st.builds(ev.Warned, st.sampled_from(["w", "x"])),
    st.builds(lambda total: ev.TokensCounted(Usage(total=total), Usage()), st.integers(0, 9)),
)
HISTORY = st.lists(st.tuples(st.sampled_from(["t1", "t2"]), EVENTS), max_size=30)


@given(HISTORY, st.sampled_from([ThreadKind.CODEX, ThreadKind.ROLE, ThreadKind.RUN]))
def test_turn_info_and_outcome_agree_after_any_events(
    history: list[tuple[str, ev.Msg]], kind: ThreadKind
):
    turn = TurnState()
    now = ThreadInfo("id", "backend", ThreadState.IDLE, kind=kind)
    running = ""
    for at, (turn_id, msg) in enumerate(history):
        step = advance(turn, now, turn_id, msg, now=float(at))
        turn, now = step.turn, structs.replace(now, **step.changes)
        match msg:
            case ev.TurnStarted():
                running = turn_id
                assert turn == TurnState(turn_id)
                assert (now.turn_id, now.turn_started_at is not None) == (turn_id, True)
            case ev.TurnCompleted() | ev.TurnAborted():
                running = "" if running == turn_id else running
                assert step.outcome is not None
                assert (step.outcome.turn_id, step.outcome.content) == (turn_id, turn.last_message)
            case _:
                assert type(step.msg) is type(msg)
        assert turn.running_id == running
        assert (step.outcome is None) is not isinstance(msg, ev.TurnCompleted | ev.TurnAborted)
        if kind is ThreadKind.CODEX:
            assert now.state.has_turn is bool(running)
            assert (now.turn_started_at is not None) is bool(running)
        else:
            assert (now.state, now.note) == (ThreadState.IDLE, "")
