from __future__ import annotations

import time

from console.model.events import FakeServer, agent, approval, command, find_item, info, user
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items
from codextui.console.model.items import MAX_TEXT_LENGTH
from codextui.console.model.transcript import Transcript
from codextui.protocol import events as ev
from codextui.protocol.approvals import CommandAsked, ElicitationAsked, FileChange
from codextui.protocol.threads import Usage


def test_a_message_grows_by_its_deltas_and_is_replaced_when_complete() -> None:
    server = FakeServer()
    server.send(ev.TextDelta("m2", "Hel"))
    server.send(ev.TextDelta("m2", "lo"))
    (item,) = server.items()
    assert isinstance(item.content, items.AgentMessage)
    assert item.content.text.text == "Hello"
    assert not item.done
    server.send(ev.ItemCompleted(agent("Hello, world")))
    assert isinstance(item.content, items.AgentMessage)
    assert item.content.text.text == "Hello, world"
    assert item.done
    assert server.items() == [item]


def test_deltas_of_every_kind_create_an_item() -> None:
    server = FakeServer()
    change = FileChange("a", "add", "x")
    server.send(ev.TextDelta("1", "text"))
    server.send(ev.ReasoningDelta("2", "thought"))
    server.send(ev.PlanDelta("3", "plan"))
    server.send(ev.OutputDelta("4", "output"))
    server.send(ev.PatchUpdated("5", (change,)))
    kinds = [type(content) for content in server.contents()]
    assert kinds == [
        items.AgentMessage,
        items.Reasoning,
        items.PlanText,
        items.CommandExecution,
        items.FileChanges,
    ]
    assert server.contents()[4] == items.FileChanges((change,))


def test_reasoning_has_separate_paragraphs() -> None:
    server = FakeServer()
    for part, delta in ((0, "a"), (0, "b"), (1, "c"), (10**9, "d"), (-5, "e")):
        server.send(ev.ReasoningDelta("r", delta, part))
    server.send(ev.ReasoningDelta("r", "raw", 0, raw=True))
    (content,) = server.contents()
    assert isinstance(content, items.Reasoning)
    assert [part.text for part in content.summary] == ["abe", "c", "d"]
    assert [part.text for part in content.raw] == ["raw"]


def test_a_late_delta_for_a_completed_item_is_ignored() -> None:
    server = FakeServer()
    server.send(ev.ItemCompleted(agent("whole")))
    assert not server.send(ev.TextDelta("m2", "late"))
    (content,) = server.contents()
    assert isinstance(content, items.AgentMessage)
    assert content.text.text == "whole"


def test_a_delta_of_another_kind_is_ignored() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command()))
    assert not server.send(ev.TextDelta("c1", "text"))


def test_a_command_completed_without_output_keeps_its_streamed_output() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command()))
    server.send(ev.OutputDelta("c1", "a.py\n"))
    server.send(ev.ItemCompleted(command(status="completed", exitCode=0)))
    (content,) = server.contents()
    assert isinstance(content, items.CommandExecution)
    assert (content.output.text, content.exit_code) == ("a.py\n", 0)


def test_equal_ids_in_different_turns_are_different_items() -> None:
    server = FakeServer()
    server.send(ev.ItemCompleted(agent("one")), turn="u1")
    server.send(ev.ItemCompleted(agent("two")), turn="u2")
    texts = [
        content.text.text
        for content in server.contents()
        if isinstance(content, items.AgentMessage)
    ]
    assert texts == ["one", "two"]


def test_items_open_at_the_end_of_their_turn_are_unfinished() -> None:
    server = FakeServer()
    server.send(ev.TurnStarted())
    server.send(ev.ItemStarted(command("c1")))
    server.send(ev.ItemCompleted(agent("done")))
    server.send(ev.TextDelta("other", "x"), turn="u2")
    server.send(ev.TurnAborted("interrupted", "by the console"))
    transcript = server.state.threads["t1"].transcript
    cut, message = find_item(transcript, "u1", "c1"), find_item(transcript, "u1", "m2")
    other = find_item(transcript, "u2", "other")
    assert cut is not None
    assert (cut.done, cut.unfinished) == (True, True)
    assert message is not None
    assert (message.done, message.unfinished) == (True, False)
    assert other is not None
    assert not other.done


def test_a_command_open_at_the_completion_of_its_turn_was_left_running() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command()))
    server.send(ev.TurnCompleted())
    (run, _) = server.contents()
    assert isinstance(run, items.CommandExecution)
    assert run.status == items.LEFT_RUNNING
    server.send(ev.ItemCompleted(command(status="failed", exitCode=143)))
    (run, _) = server.contents()
    assert isinstance(run, items.CommandExecution)
    assert (run.status, run.exit_code) == ("failed", 143)


def test_an_item_completed_after_its_turn_is_finished() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command()))
    server.send(ev.TurnAborted("interrupted"))
    server.send(ev.ItemCompleted(command(status="failed", exitCode=130)))
    item = server.items()[0]
    assert (item.done, item.unfinished) == (True, False)


def test_the_end_of_a_turn_has_its_duration_and_tokens() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info(usage=Usage(total=1000))))
    server.send(ev.TurnStarted(100), at=100.4)
    server.send(ev.TurnCompleted("", Usage(total=500)), at=112.5)
    assert server.contents() == [items.TurnEnd(1, "completed", "", 12.5, 500)]
    (turn,) = server.state.threads["t1"].transcript.turns
    assert (turn.state, turn.started_at, turn.ended_at, turn.tokens) == (
        "completed",
        100,
        112.5,
        500,
    )


def test_a_past_turn_whose_events_come_at_once_has_no_duration() -> None:
    server = FakeServer()
    server.send(ev.TurnStarted(), at=100.0)
    server.send(ev.TurnCompleted(), at=100.001)
    assert server.contents() == [items.TurnEnd(1, "completed", "", None, None)]


def test_an_error_that_stands_right_above_the_end_is_told_once() -> None:
    server = FakeServer()
    server.send(ev.TurnStarted())
    server.send(ev.ErrorRaised("no quota"))
    server.send(ev.TurnAborted("failed", "no quota"))
    assert server.contents() == [
        items.ErrorMessage("no quota"),
        items.TurnEnd(1, "failed", "", None, None),
    ]


def test_a_turn_ends_once() -> None:
    server = FakeServer()
    server.send(ev.TurnStarted())
    server.send(ev.TurnAborted("interrupted"))
    assert not server.send(ev.TurnCompleted())
    assert len(server.items()) == 1


def test_every_turn_but_the_first_has_a_start() -> None:
    server = FakeServer()
    for turn in ("u1", "u2", "u3"):
        server.send(ev.TurnStarted(), turn=turn)
        server.send(ev.TurnCompleted(), turn=turn)
    starts = [content for content in server.contents() if isinstance(content, items.TurnStart)]
    assert starts == [items.TurnStart(2), items.TurnStart(3)]


def test_the_first_message_replaces_the_brief() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info(brief="Do it.")))
    (item,) = server.items()
    assert item.content == items.UserMessage("Do it.")
    server.send(ev.TurnStarted())
    server.send(ev.ItemStarted(user("Do it.")))
    server.send(ev.ItemCompleted(user("Do it.")))
    assert server.items() == [item]
    assert find_item(server.state.threads["t1"].transcript, "u1", "m1") is item


def test_a_first_message_that_differs_from_the_brief_follows_it() -> None:
    server = FakeServer()
    server.send(ev.ThreadChanged(info(brief="What the source was told.")))
    server.send(ev.ItemCompleted(user("Something else.")))
    assert server.contents() == [
        items.UserMessage("What the source was told."),
        items.UserMessage("Something else."),
    ]


def test_a_message_into_a_running_turn_is_a_steer() -> None:
    server = FakeServer()
    for item in (user("first", "m1"), user("also", "m3")):
        server.send(ev.ItemStarted(item))
        server.send(ev.ItemCompleted(item))
    server.send(ev.ItemCompleted(user("next turn", "m4")), turn="u2")
    messages = [content for content in server.contents() if isinstance(content, items.UserMessage)]
    assert [message.is_steer for message in messages] == [False, True, False]


def test_a_turn_has_the_prompt_that_started_it() -> None:
    server = FakeServer()
    server.send(ev.ItemCompleted(user("first", "m1")))
    server.send(ev.ItemCompleted(user("steer", "m3")))
    server.send(ev.TurnStarted(), turn="u2")
    turns = server.state.threads["t1"].transcript.turns
    assert [(turn.turn_id, turn.number, turn.prompt) for turn in turns] == [
        ("u1", 1, "first"),
        ("u2", 2, ""),
    ]


def test_huge_output_is_bounded_and_the_dropped_part_is_counted() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command()))
    for _ in range(40):
        server.send(ev.OutputDelta("c1", "x" * 99_999 + "\n"))
    (content,) = server.contents()
    assert isinstance(content, items.CommandExecution)
    assert len(content.output) <= MAX_TEXT_LENGTH * 5 // 4
    assert content.output.dropped + len(content.output) == 4_000_000


def test_old_items_are_dropped_and_ordinals_stay() -> None:
    transcript = Transcript(max_items=80)
    for number in range(200):
        transcript.put_item("", agent(f"{number}", f"m{number}"), done=True)
    assert len(transcript.items) <= 80
    assert transcript.dropped + len(transcript.items) == 200
    assert transcript.items[0].ordinal == transcript.dropped
    assert [item.ordinal for item in transcript.items] == list(range(transcript.dropped, 200))
    assert find_item(transcript, "", "m0") is None
    assert find_item(transcript, "", "m199") is transcript.items[-1]


def test_large_items_are_dropped_by_size() -> None:
    transcript = Transcript(max_size=1000)
    for number in range(50):
        transcript.put_item("", agent("x" * 100, f"m{number}"), done=True)
    assert sum(item.size for item in transcript.items) <= 1000
    assert transcript.items[-1].item_id == "m49"


def test_bounded_output_does_not_push_out_other_items() -> None:
    transcript = Transcript(max_size=4_000_000)
    transcript.put_item("", agent("first", "m"), done=True)
    for _ in range(100):
        transcript.add_delta("", ev.OutputDelta("c", "x" * 100_000))
    transcript.put_item("", agent("last", "n"), done=True)
    assert find_item(transcript, "", "m") is not None


def test_changed_since_returns_what_a_pane_has_not_drawn() -> None:
    server = FakeServer()
    server.send(ev.ItemCompleted(agent("one", "1")))
    server.send(ev.ItemStarted(command("2")))
    server.send(ev.ItemCompleted(agent("three", "3")))
    transcript = server.state.threads["t1"].transcript
    assert [item.item_id for item in transcript.changed_since(0)] == ["1", "2", "3"]
    drawn = transcript.version
    assert transcript.changed_since(drawn) == []
    server.send(ev.OutputDelta("2", "x"))
    server.send(ev.ItemCompleted(agent("four", "4")))
    assert [item.item_id for item in transcript.changed_since(drawn)] == ["2", "4"]


_DELTAS = st.lists(st.tuples(st.sampled_from(["m1", "m2", "m3"]), st.text(max_size=5)), max_size=40)


@given(_DELTAS, st.data())
def test_a_pane_that_uses_changed_since_misses_nothing(
    deltas: list[tuple[str, str]], data: st.DataObject
) -> None:
    transcript = Transcript()
    drawn: dict[int, int] = {}
    seen = 0
    for item_id, delta in deltas:
        transcript.add_delta("u", ev.TextDelta(item_id, delta))
        if data.draw(st.booleans()):
            drawn |= {item.ordinal: item.version for item in transcript.changed_since(seen)}
            seen = transcript.version
    drawn |= {item.ordinal: item.version for item in transcript.changed_since(seen)}
    assert drawn == {item.ordinal: item.version for item in transcript.items}


def test_the_cost_of_a_delta_does_not_grow_with_their_number() -> None:
    def cost(count: int) -> float:
        server = FakeServer()
        begin = time.process_time()
        for _ in range(count):
            server.send(ev.TextDelta("m", "hello "))
        return (time.process_time() - begin) / count

    cost(500)
    assert min(cost(20_000) for _ in range(2)) < 5 * max(cost(2_000) for _ in range(5))


def test_an_item_waits_while_an_approval_of_it_is_open() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command("i1")))
    (item,) = server.items()
    assert item.progress is items.Progress.RUNNING
    server.send(ev.ApprovalAsked(approval("a1", item_id="i1")))
    server.send(ev.ApprovalAsked(approval("a2", item_id="i1")))
    assert item.progress is items.Progress.WAITING
    server.send(ev.ApprovalResolved("a1", "approved"))
    assert item.progress is items.Progress.WAITING
    server.send(ev.ApprovalResolved("a2", "approved"))
    assert item.progress is items.Progress.RUNNING


def test_an_item_that_starts_after_its_approval_waits() -> None:
    server = FakeServer()
    server.send(ev.ApprovalAsked(approval("a1", item_id="i1")))
    server.send(ev.ItemStarted(command("i1")))
    assert server.items()[-1].progress is items.Progress.WAITING


def test_a_command_that_is_asked_for_input_still_runs() -> None:
    server = FakeServer()
    server.send(ev.ItemStarted(command("i1")))
    asked = CommandAsked("yes", stdin=True)
    server.send(ev.ApprovalAsked(approval("a1", item_id="i1", asked=asked)))
    assert server.items()[0].progress is items.Progress.RUNNING


def test_a_call_waits_for_the_question_of_its_server() -> None:
    server = FakeServer()
    call = {"type": "mcpToolCall", "id": "i1", "server": "notes", "tool": "add"}
    server.send(ev.ItemStarted(call | {"status": "inProgress"}))
    asked = ElicitationAsked("notes", message="Allow it?")
    server.send(ev.ApprovalAsked(approval("a1", item_id="", asked=asked)))
    assert server.items()[0].progress is items.Progress.WAITING


def test_items_of_a_lost_server_are_open_again_if_it_was_not_lost() -> None:
    server = FakeServer()
    server.send(ev.TextDelta("m1", "Hel"))
    server.state.set_disconnected("gone", ended=True)
    (item,) = server.items()
    assert item.progress is items.Progress.LOST
    server.state.set_connected(fresh=False)
    server.send(ev.TextDelta("m1", "lo"))
    assert item.progress is items.Progress.RUNNING
    assert isinstance(item.content, items.AgentMessage)
    assert item.content.text.text == "Hello"


def test_a_turn_that_was_not_lost_after_all_has_its_end_too() -> None:
    server = FakeServer()
    server.send(ev.TurnStarted())
    server.send(ev.ItemStarted({"type": "agentMessage", "id": "m0", "text": ""}))
    server.send(ev.TextDelta("m0", "I am "))
    server.send(ev.TurnAborted("lost", "The server ended during the turn."))
    assert server.items()[0].unfinished
    server.send(ev.TurnStarted())
    server.send(ev.TextDelta("m0", "back."))
    message = server.contents()[0]
    assert isinstance(message, items.AgentMessage)
    assert message.text.text == "I am back."
    assert not server.items()[0].unfinished
    assert not server.items()[0].done
    server.send(ev.ItemCompleted({"type": "agentMessage", "id": "m1", "text": "Done."}))
    server.send(ev.TurnCompleted("Done."))
    server.send(ev.TurnStarted())  # of one that has ended: nothing
    kinds = [type(content) for content in server.contents()]
    assert kinds == [items.AgentMessage, items.TurnEnd, items.AgentMessage, items.TurnEnd]
    ends = [one.reason for one in server.contents() if isinstance(one, items.TurnEnd)]
    assert ends == ["rejoined", "completed"]


@given(st.lists(st.sampled_from(["m1", "m2", "c1"]), max_size=8), st.integers(0, 8))
def test_no_streamed_text_is_lost_with_the_server(ids: list[str], known: int) -> None:
    """Whatever part of a turn the restarted server knows, all text stays."""
    server = FakeServer()
    deltas: list[ev.Msg] = [
        ev.OutputDelta(one, f"<{n}>") if one == "c1" else ev.TextDelta(one, f"<{n}>")
        for n, one in enumerate(ids)
    ]
    server.send(ev.TurnStarted())
    for delta in deltas:
        server.send(delta)
    server.state.set_disconnected("gone", ended=True)
    restarted = FakeServer()
    restarted.state = server.state
    restarted.state.set_connected(fresh=True)
    for msg in ([ev.TurnStarted(), *deltas] if known else [])[:known]:
        restarted.send(msg)
    if known:
        restarted.send(ev.TurnAborted("lost", ""))
    restarted.state.set_caught_up(200.0)
    shown = repr([_text(content) for content in restarted.contents()]) if ids or known else ""
    assert all(f"<{n}>" in shown for n in range(len(ids)))


def _text(content: items.ItemContent) -> str:
    match content:
        case items.AgentMessage(text):
            return text.text
        case items.CommandExecution():
            return content.output.text
        case _:
            return ""
