from __future__ import annotations

from console.model.events import Server, agent, approval, command, info, user
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items as b
from codextui.console.model.state import MAX_NOTICES, ConsoleState, Link, Notice
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState, Usage


def test_a_thread_is_its_whole_row() -> None:
    server = Server()
    changes = server.say(ev.ThreadChanged(info(model="gpt")))
    assert changes.tree
    assert changes.rows == {"t1"}
    assert server.board.threads["t1"].info == info(model="gpt")


def test_the_same_row_again_changes_nothing() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info()))
    assert not server.say(ev.ThreadChanged(info()))


def test_a_new_state_is_no_new_tree_but_a_kill_is() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info()))
    assert not server.say(ev.ThreadChanged(info(state=ThreadState.IDLE))).tree
    assert server.say(ev.ThreadChanged(info(state=ThreadState.KILLED))).tree


def test_events_of_a_thread_never_heard_of_have_a_place() -> None:
    server = Server()
    changes = server.say(ev.ItemCompleted(agent("hello")), thread="0192-long-id")
    assert changes.tree
    assert server.board.threads["0192-long-id"].info.handle == "0192-lon"
    assert len(server.items("0192-long-id")) == 1


def test_tokens_count_for_the_thread_and_its_window() -> None:
    server = Server()
    server.say(ev.TokensCounted(Usage(total=5000), Usage(total=800), 200_000))
    view = server.board.threads["t1"]
    assert (view.info.usage.total, view.info.context_window, view.last_tokens) == (
        5000,
        200_000,
        800,
    )
    server.say(ev.TokensCounted(Usage(total=6000), Usage(total=900)))
    assert view.info.context_window == 200_000


def test_a_fork_that_has_not_counted_yet_does_not_claim_its_sources_tokens() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info(forked_from="t0")))
    server.say(ev.TurnStarted())
    server.say(ev.TokensCounted(Usage(total=50_000), Usage(total=100)))
    server.say(ev.TurnCompleted(), at=101)
    (end,) = server.bodies()
    assert isinstance(end, b.TurnEnd)
    assert end.tokens is None


def test_plan_and_diff_are_those_of_the_running_turn() -> None:
    server = Server()
    plan = ev.PlanUpdated("", (ev.PlanStep("a", "pending"),))
    server.say(ev.TurnStarted())
    server.say(plan)
    server.say(ev.DiffUpdated("--- a"))
    view = server.board.threads["t1"]
    assert (view.plan, view.diff) == (plan, "--- a")
    server.say(ev.TurnCompleted())
    assert (view.plan, view.diff) == (plan, "--- a")
    server.say(ev.TurnStarted(), turn="u2")
    assert (view.plan, view.diff) == (None, "")


def test_errors_warnings_and_unknown_events_stand_in_the_transcript() -> None:
    server = Server()
    server.say(ev.ErrorRaised("no network", will_retry=True))
    server.say(ev.Warned("low on tokens"))
    server.say(ev.UnknownEvent("thread/sang", {"song": 1}))
    assert server.bodies() == [
        b.Failure("no network", will_retry=True),
        b.Caution("low on tokens"),
        b.Unknown("thread/sang", {"song": 1}),
    ]


def test_what_concerns_no_thread_is_a_notice() -> None:
    server = Server()
    assert server.say(ev.Warned("disk is full"), thread="", turn="").server
    server.say(ev.ErrorRaised("no login"), thread="", turn="")
    server.say(ev.UnknownEvent("server/sang", {}), thread="", turn="")
    server.say(ev.TextDelta("m", "lost"), thread="", turn="")
    assert server.board.notices == [
        Notice(100.0, "warning", "disk is full"),
        Notice(100.0, "error", "no login"),
        Notice(100.0, "warning", "unknown event server/sang"),
        Notice(100.0, "warning", "TextDelta came without a thread"),
    ]
    assert server.board.threads == {}


def test_notices_are_bounded() -> None:
    server = Server()
    for number in range(MAX_NOTICES + 20):
        server.say(ev.Warned(str(number)), thread="", turn="")
    assert len(server.board.notices) == MAX_NOTICES
    assert server.board.notices[-1].text == str(MAX_NOTICES + 19)


def test_the_loss_of_codex_is_told_until_it_is_back() -> None:
    server = Server()
    server.say(ev.CodexLost("killed by signal 9"), thread="", turn="")
    assert server.board.codex_problem == "killed by signal 9"
    server.say(ev.CodexReady("0.163.0"), thread="", turn="")
    assert (server.board.codex_problem, server.board.codex_version) == ("", "0.163.0")


# Approvals.


def test_an_approval_is_open_until_its_outcome_and_both_stand_in_the_transcript() -> None:
    server = Server()
    changes = server.say(ev.ApprovalAsked(approval()))
    assert changes.approvals
    assert changes.asked == (approval(),)
    assert server.board.approvals_of("t1") == [approval()]
    assert server.bodies() == [b.ApprovalMark(approval())]
    outcome = ev.ApprovalResolved("a1", "denied", "console", "not now", 3.0)
    assert server.say(outcome).approvals
    assert server.board.approvals == {}
    assert server.board.resolved == {"a1": outcome}
    assert server.bodies() == [b.ApprovalMark(approval(), outcome)]


def test_an_offer_of_a_known_approval_changes_nothing() -> None:
    server = Server()
    server.say(ev.ApprovalAsked(approval()))
    assert not server.board.offer(approval())
    assert len(server.items()) == 1


def test_an_event_of_an_offered_approval_does_not_ring_again() -> None:
    server = Server()
    assert server.board.offer(approval()).asked
    assert not server.say(ev.ApprovalAsked(approval()))
    assert len(server.items()) == 1


def test_a_late_offer_or_event_never_reopens_a_resolved_approval() -> None:
    server = Server()
    server.say(ev.ApprovalAsked(approval()))
    server.say(ev.ApprovalResolved("a1", "approved"))
    assert not server.board.offer(approval())
    assert not server.say(ev.ApprovalAsked(approval()))
    assert server.board.approvals == {}


def test_an_outcome_that_comes_before_its_question_keeps_it_shut() -> None:
    server = Server()
    server.say(ev.ApprovalResolved("a1", "withdrawn"))
    server.say(ev.ApprovalAsked(approval()))
    assert server.board.approvals == {}


def test_the_first_outcome_stands() -> None:
    server = Server()
    server.say(ev.ApprovalAsked(approval()))
    server.say(ev.ApprovalResolved("a1", "approved"))
    server.say(ev.ApprovalResolved("a1", "denied"))
    assert server.board.resolved["a1"].outcome == "approved"


def test_a_withdrawn_approval_gets_its_outcome_when_the_event_comes() -> None:
    server = Server()
    server.say(ev.ApprovalAsked(approval()))
    assert server.board.withdraw("a1").approvals
    assert not server.board.withdraw("a1")
    assert server.board.approvals == {}
    outcome = ev.ApprovalResolved("a1", "approved", "other")
    server.say(outcome)
    assert server.bodies() == [b.ApprovalMark(approval(), outcome)]


def test_an_approval_that_is_offered_again_after_a_reconnect_does_not_ring_again() -> None:
    server = Server()
    server.board.offer(approval())
    server.board.withdraw("a1")
    changes = server.board.offer(approval())
    assert changes.approvals
    assert changes.asked == ()
    assert list(server.board.approvals) == ["a1"]


def test_open_approvals_stand_oldest_first() -> None:
    server = Server()
    server.board.offer(approval("a2", asked_at=20.0))
    server.board.offer(approval("a1", asked_at=10.0))
    assert list(server.board.approvals) == ["a1", "a2"]


def test_an_open_approval_outlives_the_end_of_its_turn_until_it_is_resolved() -> None:
    server = Server()
    server.say(ev.ApprovalAsked(approval()))
    server.say(ev.TurnAborted("interrupted"))
    assert list(server.board.approvals) == ["a1"]
    assert not server.items()[0].done


# The connection.


def test_threads_are_disconnected_while_the_server_is_away() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info()))
    server.say(ev.ThreadChanged(info("dead", state=ThreadState.KILLED)), thread="dead")
    assert server.board.disconnect("the server hung up", 2.0).rows == {"t1", "dead"}
    assert server.board.link == Link(reason="the server hung up", retry_in=2.0)
    assert server.board.state_of("t1") is ThreadState.DISCONNECTED
    assert server.board.state_of("dead") is ThreadState.KILLED
    server.board.connect(fresh=False)
    assert server.board.state_of("t1") is ThreadState.RUNNING
    assert not server.board.link.caught_up
    server.board.catch_up()
    assert server.board.link == Link(online=True, caught_up=True)


def test_a_server_with_another_past_is_begun_anew() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info()))
    server.say(ev.ApprovalAsked(approval()))
    server.board.connect(fresh=True)
    assert server.board.threads == {}
    assert server.board.approvals == {}
    assert server.board.head == 0


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


def _look(board: ConsoleState) -> object:
    return (
        list(board.approvals),
        board.resolved,
        [
            (view.info, [(_plain(i.body), i.done, i.unfinished) for i in view.transcript.items])
            for view in board.threads.values()
        ],
        board.notices,
        board.head,
    )


def _plain(body: b.Body) -> object:
    match body:
        case b.AgentMessage(text=text):
            return text.text
        case b.CommandRun():
            return (body.command, body.output.text, body.exit_code)
        case b.Reasoning(summary, raw):
            return [part.text for part in (*summary, *raw)]
        case _:
            return repr(body)


@given(_EVENTS)
def test_events_applied_twice_change_nothing_the_second_time(
    messages: list[tuple[ev.Msg, str, str]],
) -> None:
    server = Server()
    for msg, thread, turn in messages:
        server.say(msg, thread=thread, turn=turn)
    once = _look(server.board)
    assert not any(server.board.apply(event) for event in server.sent)
    assert _look(server.board) == once


@given(_EVENTS)
def test_what_changed_is_told(messages: list[tuple[ev.Msg, str, str]]) -> None:
    server = Server()
    for msg, thread, turn in messages:
        before = {t: v.transcript.version for t, v in server.board.threads.items()}
        rows = {t: v.info for t, v in server.board.threads.items()}
        open_before = list(server.board.approvals)
        changes = server.say(msg, thread=thread, turn=turn)
        for thread_id, view in server.board.threads.items():
            if view.transcript.version != before.get(thread_id, 0):
                assert thread_id in changes.transcripts
            if view.info != rows.get(thread_id):
                assert thread_id in changes.rows
        assert changes.approvals == (open_before != list(server.board.approvals))
        assert changes.tree == (list(rows) != list(server.board.threads))
