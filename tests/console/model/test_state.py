from __future__ import annotations

import pytest
from console.model.events import FakeServer, agent, approval, command, info, user
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items
from codextui.console.model.changes import NO_CHANGES
from codextui.console.model.state import MAX_NOTICES, ConnectionState, ConsoleState, ServerNotice
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState, Usage


def test_a_thread_has_the_info_published_last() -> None:
    server = FakeServer()
    changes = server.send(ev.ThreadChanged(info(model="gpt")))
    assert changes.tree
    assert changes.threads == {"t1"}
    assert server.state.threads["t1"].info == info(model="gpt")


def test_the_same_info_again_changes_nothing() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info()))
    assert not server.send(ev.ThreadChanged(info()))


def test_a_kill_changes_the_tree_but_no_other_state_does() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info()))
    assert not server.send(ev.ThreadChanged(info(state=ThreadState.IDLE))).tree
    assert server.send(ev.ThreadChanged(info(state=ThreadState.KILLED))).tree


def test_an_event_of_an_unknown_thread_adds_the_thread() -> None:
    server = FakeServer()
    changes = server.send(ev.ItemCompleted(agent("hello")), thread="0192-long-id")
    assert changes.tree
    assert server.state.threads["0192-long-id"].info.handle == "0192-lon"
    assert len(server.items("0192-long-id")) == 1


def test_tokens_update_the_usage_and_the_context_window() -> None:
    server = FakeServer()
    server.send(ev.TokensCounted(Usage(total=5000), Usage(total=700), 200_000, 800))
    view = server.state.threads["t1"]
    assert (view.info.usage.total, view.info.context_window, view.info.context_tokens) == (
        5000,
        200_000,
        800,
    )
    server.send(ev.TokensCounted(Usage(total=6000), Usage(total=900)))
    assert view.info.context_window == 200_000


@pytest.mark.parametrize(("usage", "tokens"), [(Usage(total=120), 120), (None, None)])
def test_a_turn_has_the_figure_that_its_end_brings_and_no_other(
    usage: Usage | None, tokens: int | None
) -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info(usage=Usage(total=50_000))))
    server.send(ev.TurnStarted())
    server.send(ev.TokensCounted(Usage(total=50_120), Usage(total=120)))
    server.send(ev.TurnCompleted("", usage), at=101)
    (end,) = server.contents()
    assert isinstance(end, items.TurnEnd)
    assert end.tokens == tokens


def test_a_new_turn_clears_plan_and_diff() -> None:
    server = FakeServer()
    plan = ev.PlanUpdated("", (ev.PlanStep("a", "pending"),))
    server.send(ev.TurnStarted())
    server.send(plan)
    server.send(ev.DiffUpdated("--- a"))
    view = server.state.threads["t1"]
    assert (view.plan, view.diff) == (plan, "--- a")
    server.send(ev.TurnCompleted())
    assert (view.plan, view.diff) == (plan, "--- a")
    server.send(ev.TurnStarted(), turn="u2")
    assert (view.plan, view.diff) == (None, "")


def test_errors_warnings_and_unknown_events_are_in_the_transcript() -> None:
    server = FakeServer()
    server.send(ev.ErrorRaised("no network", will_retry=True))
    server.send(ev.Warned("low on tokens"))
    server.send(ev.UnknownEvent("thread/sang", {"song": 1}))
    assert server.contents() == [
        items.ErrorMessage("no network", will_retry=True),
        items.WarningMessage("low on tokens"),
        items.UnknownItem("thread/sang", {"song": 1}),
    ]


def test_an_event_without_a_thread_is_a_notice() -> None:
    server = FakeServer()
    assert server.send(ev.Warned("disk is full"), thread="", turn="").server
    server.send(ev.ErrorRaised("no login"), thread="", turn="")
    server.send(ev.UnknownEvent("server/sang", {}), thread="", turn="")
    server.send(ev.TextDelta("m", "lost"), thread="", turn="")
    assert server.state.notices == [
        ServerNotice(100.0, "warning", "disk is full"),
        ServerNotice(100.0, "error", "no login"),
        ServerNotice(100.0, "warning", "unknown event server/sang"),
        ServerNotice(100.0, "warning", "TextDelta came without a thread"),
    ]
    assert server.state.threads == {}


def test_notices_are_bounded() -> None:
    server = FakeServer()
    for number in range(MAX_NOTICES + 20):
        server.send(ev.Warned(str(number)), thread="", turn="")
    assert len(server.state.notices) == MAX_NOTICES
    assert server.state.notices[-1].text == str(MAX_NOTICES + 19)


def test_a_lost_codex_process_is_a_problem_until_another_is_ready() -> None:
    server = FakeServer()
    server.send(ev.CodexLost("killed by signal 9"), thread="", turn="")
    assert server.state.codex_problem == "killed by signal 9"
    server.send(ev.CodexReady("0.163.0"), thread="", turn="")
    assert (server.state.codex_problem, server.state.codex_version) == ("", "0.163.0")


# Approvals.


def test_an_approval_is_open_until_its_outcome_and_both_are_in_the_transcript() -> None:
    server = FakeServer()
    changes = server.send(ev.ApprovalAsked(approval()))
    assert changes.approvals
    assert server.state.approvals == {"a1": approval()}
    assert server.contents() == [items.ApprovalItem(approval())]
    outcome = ev.ApprovalResolved("a1", "denied", "console", "not now", 3.0)
    assert server.send(outcome).approvals
    assert server.state.approvals == {}
    assert server.state.outcomes == {"a1": outcome}
    assert server.contents() == [items.ApprovalItem(approval(), outcome)]


def test_adding_a_known_approval_changes_nothing() -> None:
    server = FakeServer()
    server.send(ev.ApprovalAsked(approval()))
    assert not server.state.add_approval(approval())
    assert len(server.items()) == 1


def test_the_event_of_an_added_approval_changes_nothing() -> None:
    server = FakeServer()
    assert server.state.add_approval(approval()).approvals
    assert not server.send(ev.ApprovalAsked(approval()))
    assert len(server.items()) == 1


def test_a_resolved_approval_cannot_be_added_again() -> None:
    server = FakeServer()
    server.send(ev.ApprovalAsked(approval()))
    server.send(ev.ApprovalResolved("a1", "approved"))
    assert not server.state.add_approval(approval())
    assert not server.send(ev.ApprovalAsked(approval()))
    assert server.state.approvals == {}


def test_an_approval_whose_outcome_came_first_is_not_opened() -> None:
    server = FakeServer()
    server.send(ev.ApprovalResolved("a1", "withdrawn"))
    server.send(ev.ApprovalAsked(approval()))
    assert server.state.approvals == {}


def test_the_first_outcome_is_final() -> None:
    server = FakeServer()
    server.send(ev.ApprovalAsked(approval()))
    server.send(ev.ApprovalResolved("a1", "approved"))
    server.send(ev.ApprovalResolved("a1", "denied"))
    assert server.state.outcomes["a1"].outcome == "approved"


def test_a_removed_approval_gets_its_outcome_by_event() -> None:
    server = FakeServer()
    server.send(ev.ApprovalAsked(approval()))
    assert server.state.remove_approval("a1").approvals
    assert not server.state.remove_approval("a1")
    assert server.state.approvals == {}
    outcome = ev.ApprovalResolved("a1", "approved", "other")
    server.send(outcome)
    assert server.contents() == [items.ApprovalItem(approval(), outcome)]


def test_a_removed_approval_can_be_added_again_and_has_one_item() -> None:
    server = FakeServer()
    server.state.add_approval(approval())
    server.state.remove_approval("a1")
    assert server.state.add_approval(approval()).approvals
    assert len(server.items()) == 1
    assert list(server.state.approvals) == ["a1"]


def test_open_approvals_are_ordered_oldest_first() -> None:
    server = FakeServer()
    server.state.add_approval(approval("a2", asked_at=20.0))
    server.state.add_approval(approval("a1", asked_at=10.0))
    assert list(server.state.approvals) == ["a1", "a2"]


def test_an_open_approval_outlives_its_turn() -> None:
    server = FakeServer()
    server.send(ev.ApprovalAsked(approval()))
    server.send(ev.TurnAborted("interrupted"))
    assert list(server.state.approvals) == ["a1"]
    assert not server.items()[0].done


# The connection.


def test_threads_are_disconnected_while_the_connection_is_lost() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info()))
    server.send(ev.ThreadChanged(info("dead", state=ThreadState.KILLED)), thread="dead")
    assert server.state.set_disconnected("the server hung up", 2.0).threads == {"t1", "dead"}
    assert server.state.connection == ConnectionState(reason="the server hung up", retry_in=2.0)
    assert server.state.state_of("t1") is ThreadState.DISCONNECTED
    assert server.state.state_of("dead") is ThreadState.KILLED
    server.state.set_connected(fresh=False)
    assert server.state.state_of("t1") is ThreadState.RUNNING
    assert not server.state.connection.caught_up
    server.state.set_caught_up()
    assert server.state.connection == ConnectionState(connected=True, caught_up=True)


def test_a_fresh_connection_clears_the_state() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info()))
    server.send(ev.ApprovalAsked(approval()))
    server.state.set_connected(fresh=True)
    assert server.state.threads == {}
    assert server.state.approvals == {}
    assert server.state.last_seq == 0


# Replays.

_MESSAGES: st.SearchStrategy[ev.Msg] = st.one_of(
    st.just(ev.TurnStarted()),
    st.builds(ev.TextDelta, st.sampled_from(["m2", "m3"]), st.text(max_size=3)),
    st.builds(ev.OutputDelta, st.just("c1"), st.text(max_size=3)),
    st.builds(ev.ReasoningDelta, st.just("r1"), st.text(max_size=3), st.integers(-1, 3)),
    st.just(ev.ItemStarted(command())),
    st.just(ev.ItemCompleted(command(status="completed", exitCode=0))),
    st.builds(lambda text: ev.ItemCompleted(agent(text)), st.text(max_size=5)),
    st.just(ev.ItemCompleted(user("go"))),
    st.just(ev.TurnCompleted()),
    st.just(ev.TurnAborted("failed", "why")),
    st.builds(ev.ApprovalAsked, st.builds(approval, st.sampled_from(["a1", "a2"]))),
    st.builds(
        ev.ApprovalResolved, st.sampled_from(["a1", "a2"]), st.sampled_from(["approved", "denied"])
    ),
    st.builds(ev.ThreadChanged, st.builds(info, st.sampled_from(["t1", "t2"]))),
    st.builds(ev.UnknownEvent, st.text(max_size=3), st.just({"a": 1})),
    st.just(ev.CodexLost("gone")),
)
_EVENTS = st.lists(
    st.tuples(_MESSAGES, st.sampled_from(["t1", "t2", ""]), st.sampled_from(["u1", "u2", ""])),
    max_size=30,
)


def _snapshot(state: ConsoleState) -> object:
    return (
        list(state.approvals),
        state.outcomes,
        [
            (view.info, [(_plain(i.content), i.done, i.unfinished) for i in view.transcript.items])
            for view in state.threads.values()
        ],
        state.notices,
        state.last_seq,
    )


def _plain(content: items.ItemContent) -> object:
    match content:
        case items.AgentMessage(text=text):
            return text.text
        case items.CommandExecution():
            return (content.command, content.output.text, content.exit_code)
        case items.Reasoning(summary, raw):
            return [part.text for part in (*summary, *raw)]
        case _:
            return repr(content)


@given(_EVENTS)
def test_events_applied_again_change_nothing(
    messages: list[tuple[ev.Msg, str, str]],
) -> None:
    server = FakeServer()
    for msg, thread, turn in messages:
        server.send(msg, thread=thread, turn=turn)
    once = _snapshot(server.state)
    assert not any(server.state.apply(event) for event in server.sent)
    assert _snapshot(server.state) == once


@given(_EVENTS)
def test_changes_name_everything_that_changed(messages: list[tuple[ev.Msg, str, str]]) -> None:
    server = FakeServer()
    for msg, thread, turn in messages:
        before = {t: v.transcript.version for t, v in server.state.threads.items()}
        rows = {t: v.info for t, v in server.state.threads.items()}
        open_before = list(server.state.approvals)
        changes = server.send(msg, thread=thread, turn=turn)
        for thread_id, view in server.state.threads.items():
            if view.transcript.version != before.get(thread_id, 0):
                assert thread_id in changes.transcripts
            if view.info != rows.get(thread_id):
                assert thread_id in changes.threads
        assert changes.approvals == (open_before != list(server.state.approvals))
        assert changes.tree == (list(rows) != list(server.state.threads))


def test_a_thread_and_those_above_it_wait_since_the_oldest_open_approval() -> None:
    server = FakeServer()
    role = info("run:1/backend", kind=ThreadKind.ROLE, parent="run:1")
    server.send(ev.ThreadChanged(info("run:1", kind=ThreadKind.RUN)), thread="run:1")
    server.send(ev.ThreadChanged(role), thread="run:1/backend")
    server.send(ev.ApprovalAsked(approval("a1", asked_at=30.0)))
    server.send(ev.ApprovalAsked(approval("a2", asked_at=20.0)))
    server.send(ev.ThreadChanged(info("t1", parent="run:1/backend")))
    ids = ("t1", "run:1/backend", "run:1")
    assert [server.state.threads[one].waits_since for one in ids] == [20.0] * 3
    server.send(ev.ApprovalResolved("a2", "approved"))
    assert [server.state.threads[one].waits_since for one in ids] == [30.0] * 3
    server.send(ev.ApprovalResolved("a1", "approved"))
    assert [server.state.threads[one].waits_since for one in ids] == [None] * 3


def test_a_thread_that_left_is_gone_with_what_it_asked() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info("t1", ours=False)))
    server.send(ev.ThreadChanged(info("t2")), thread="t2")
    server.send(ev.ApprovalAsked(approval("a1")))
    changes = server.send(ev.ThreadLeft())
    assert changes.tree
    assert changes.approvals
    assert list(server.state.threads) == ["t2"]
    assert server.state.approvals == {}
    assert server.state.askers() == {}
    assert server.send(ev.ThreadLeft()) == NO_CHANGES
    server.send(ev.ThreadChanged(info("t1", ours=False)))
    assert [entry.thread_id for entry in server.state.tree()] == ["t2", "t1"]
