from __future__ import annotations

import time

from console.model.events import Server, agent, command, info, user
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items as b
from codextui.console.model.items import LIMIT
from codextui.console.model.transcript import Transcript
from codextui.protocol import events as ev
from codextui.protocol.approvals import FileChange
from codextui.protocol.threads import Usage


def test_a_message_grows_by_its_deltas_and_is_replaced_when_it_is_complete() -> None:
    server = Server()
    server.say(ev.TextDelta("m2", "Hel"))
    server.say(ev.TextDelta("m2", "lo"))
    (item,) = server.items()
    assert isinstance(item.body, b.AgentMessage)
    assert item.body.text.text == "Hello"
    assert not item.done
    server.say(ev.ItemCompleted(agent("Hello, world")))
    assert isinstance(item.body, b.AgentMessage)
    assert item.body.text.text == "Hello, world"
    assert item.done
    assert server.items() == [item]


def test_deltas_of_every_kind_create_their_item() -> None:
    server = Server()
    change = FileChange("a", "add", "x")
    server.say(ev.TextDelta("1", "text"))
    server.say(ev.ReasoningDelta("2", "thought"))
    server.say(ev.PlanDelta("3", "plan"))
    server.say(ev.OutputDelta("4", "output"))
    server.say(ev.PatchUpdated("5", (change,)))
    kinds = [type(body) for body in server.bodies()]
    assert kinds == [b.AgentMessage, b.Reasoning, b.PlanText, b.CommandRun, b.FileChanges]
    assert server.bodies()[4] == b.FileChanges((change,))


def test_reasoning_keeps_its_paragraphs_apart() -> None:
    server = Server()
    for part, delta in ((0, "a"), (0, "b"), (1, "c"), (10**9, "d"), (-5, "e")):
        server.say(ev.ReasoningDelta("r", delta, part))
    server.say(ev.ReasoningDelta("r", "raw", 0, raw=True))
    (body,) = server.bodies()
    assert isinstance(body, b.Reasoning)
    assert [part.text for part in body.summary] == ["abe", "c", "d"]
    assert [part.text for part in body.raw] == ["raw"]


def test_a_late_delta_for_a_complete_item_changes_nothing() -> None:
    server = Server()
    server.say(ev.ItemCompleted(agent("whole")))
    assert not server.say(ev.TextDelta("m2", "late"))
    (body,) = server.bodies()
    assert isinstance(body, b.AgentMessage)
    assert body.text.text == "whole"


def test_a_delta_that_does_not_fit_its_item_changes_nothing() -> None:
    server = Server()
    server.say(ev.ItemStarted(command()))
    assert not server.say(ev.TextDelta("c1", "text"))


def test_a_command_without_output_in_its_item_keeps_what_was_streamed() -> None:
    server = Server()
    server.say(ev.ItemStarted(command()))
    server.say(ev.OutputDelta("c1", "a.py\n"))
    server.say(ev.ItemCompleted(command(status="completed", exitCode=0)))
    (body,) = server.bodies()
    assert isinstance(body, b.CommandRun)
    assert (body.output.text, body.exit_code) == ("a.py\n", 0)


def test_the_same_ids_in_another_turn_are_other_items() -> None:
    server = Server()
    server.say(ev.ItemCompleted(agent("one")), turn="u1")
    server.say(ev.ItemCompleted(agent("two")), turn="u2")
    texts = [body.text.text for body in server.bodies() if isinstance(body, b.AgentMessage)]
    assert texts == ["one", "two"]


def test_what_is_open_when_the_turn_ends_is_closed_as_unfinished() -> None:
    server = Server()
    server.say(ev.TurnStarted())
    server.say(ev.ItemStarted(command("c1")))
    server.say(ev.ItemCompleted(agent("done")))
    server.say(ev.TextDelta("other", "x"), turn="u2")
    server.say(ev.TurnAborted("interrupted", "by the console"))
    transcript = server.board.threads["t1"].transcript
    cut, kept = transcript.find("u1", "c1"), transcript.find("u1", "m2")
    other = transcript.find("u2", "other")
    assert cut is not None
    assert (cut.done, cut.unfinished) == (True, True)
    assert kept is not None
    assert (kept.done, kept.unfinished) == (True, False)
    assert other is not None
    assert not other.done


def test_a_command_that_its_turn_did_not_wait_for_was_left_running() -> None:
    server = Server()
    server.say(ev.ItemStarted(command()))
    server.say(ev.TurnCompleted())
    (run, _) = server.bodies()
    assert isinstance(run, b.CommandRun)
    assert run.status == b.LEFT_RUNNING
    server.say(ev.ItemCompleted(command(status="failed", exitCode=143)))
    (run, _) = server.bodies()
    assert isinstance(run, b.CommandRun)
    assert (run.status, run.exit_code) == ("failed", 143)


def test_an_item_that_is_completed_after_its_turn_ended_is_whole_again() -> None:
    server = Server()
    server.say(ev.ItemStarted(command()))
    server.say(ev.TurnAborted("interrupted"))
    server.say(ev.ItemCompleted(command(status="failed", exitCode=130)))
    item = server.items()[0]
    assert (item.done, item.unfinished) == (True, False)


def test_the_end_of_a_turn_says_how_long_it_took_and_what_it_used() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info(usage=Usage(total=1000))))
    server.say(ev.TurnStarted(), at=100)
    server.say(ev.TokensCounted(Usage(total=1500), Usage(total=500)))
    server.say(ev.TurnCompleted(), at=112.5)
    assert server.bodies() == [b.TurnEnd(1, "completed", "", 12.5, 500)]
    (turn,) = server.board.threads["t1"].transcript.turns
    assert (turn.state, turn.started_at, turn.ended_at, turn.tokens) == (
        "completed",
        100,
        112.5,
        500,
    )


def test_a_turn_ends_once() -> None:
    server = Server()
    server.say(ev.TurnStarted())
    server.say(ev.TurnAborted("interrupted"))
    assert not server.say(ev.TurnCompleted())
    assert len(server.items()) == 1


def test_every_turn_but_the_first_is_set_off() -> None:
    server = Server()
    for turn in ("u1", "u2", "u3"):
        server.say(ev.TurnStarted(), turn=turn)
        server.say(ev.TurnCompleted(), turn=turn)
    starts = [body for body in server.bodies() if isinstance(body, b.TurnStart)]
    assert starts == [b.TurnStart(2), b.TurnStart(3)]


def test_the_brief_stands_first_until_its_message_takes_its_place() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info(brief="Do it.")))
    (item,) = server.items()
    assert item.body == b.UserMessage("Do it.")
    server.say(ev.TurnStarted())
    server.say(ev.ItemStarted(user("Do it.")))
    server.say(ev.ItemCompleted(user("Do it.")))
    assert server.items() == [item]
    assert server.board.threads["t1"].transcript.find("u1", "m1") is item


def test_a_first_message_that_is_not_the_brief_stands_beside_it() -> None:
    server = Server()
    server.say(ev.ThreadChanged(info(brief="What the source was told.")))
    server.say(ev.ItemCompleted(user("Something else.")))
    assert server.bodies() == [
        b.UserMessage("What the source was told."),
        b.UserMessage("Something else."),
    ]


def test_a_message_into_a_running_turn_is_a_steer() -> None:
    server = Server()
    for item in (user("first", "m1"), user("also", "m3")):
        server.say(ev.ItemStarted(item))
        server.say(ev.ItemCompleted(item))
    server.say(ev.ItemCompleted(user("next turn", "m4")), turn="u2")
    messages = [body for body in server.bodies() if isinstance(body, b.UserMessage)]
    assert [message.steer for message in messages] == [False, True, False]


def test_turns_carry_the_prompt_that_began_them() -> None:
    server = Server()
    server.say(ev.ItemCompleted(user("first", "m1")))
    server.say(ev.ItemCompleted(user("steer", "m3")))
    server.say(ev.TurnStarted(), turn="u2")
    turns = server.board.threads["t1"].transcript.turns
    assert [(turn.turn_id, turn.number, turn.prompt) for turn in turns] == [
        ("u1", 1, "first"),
        ("u2", 2, ""),
    ]


def test_huge_output_is_bounded_and_the_rest_is_counted() -> None:
    server = Server()
    server.say(ev.ItemStarted(command()))
    for _ in range(40):
        server.say(ev.OutputDelta("c1", "x" * 99_999 + "\n"))
    (body,) = server.bodies()
    assert isinstance(body, b.CommandRun)
    assert len(body.output) <= LIMIT * 5 // 4
    assert body.output.dropped + len(body.output) == 4_000_000


def test_old_items_are_forgotten_and_ordinals_stay() -> None:
    transcript = Transcript(max_items=80)
    for number in range(200):
        transcript.put_item("", agent(f"{number}", f"m{number}"), 0.0, done=True)
    assert len(transcript.items) <= 80
    assert transcript.dropped + len(transcript.items) == 200
    assert transcript.items[0].ordinal == transcript.dropped
    assert [item.ordinal for item in transcript.items] == list(range(transcript.dropped, 200))
    assert transcript.find("", "m0") is None
    assert transcript.find("", "m199") is transcript.items[-1]


def test_heavy_items_are_forgotten_by_weight() -> None:
    transcript = Transcript(max_weight=1000)
    for number in range(50):
        transcript.put_item("", agent("x" * 100, f"m{number}"), 0.0, done=True)
    assert sum(item.weight for item in transcript.items) <= 1000
    assert transcript.items[-1].item_id == "m49"


def test_output_that_is_bounded_does_not_push_out_other_items() -> None:
    transcript = Transcript(max_weight=4_000_000)
    transcript.put_item("", agent("first", "m"), 0.0, done=True)
    for _ in range(100):
        transcript.add_delta("", ev.OutputDelta("c", "x" * 100_000), 0.0)
    transcript.put_item("", agent("last", "n"), 0.0, done=True)
    assert transcript.find("", "m") is not None


def test_changed_since_tells_what_a_pane_has_not_drawn() -> None:
    server = Server()
    server.say(ev.ItemCompleted(agent("one", "1")))
    server.say(ev.ItemStarted(command("2")))
    server.say(ev.ItemCompleted(agent("three", "3")))
    transcript = server.board.threads["t1"].transcript
    assert [item.item_id for item in transcript.changed_since(0)] == ["1", "2", "3"]
    drawn = transcript.version
    assert transcript.changed_since(drawn) == []
    server.say(ev.OutputDelta("2", "x"))
    server.say(ev.ItemCompleted(agent("four", "4")))
    assert [item.item_id for item in transcript.changed_since(drawn)] == ["2", "4"]


_DELTAS = st.lists(st.tuples(st.sampled_from(["m1", "m2", "m3"]), st.text(max_size=5)), max_size=40)


@given(_DELTAS, st.data())
def test_a_pane_that_follows_changed_since_misses_nothing(
    deltas: list[tuple[str, str]], data: st.DataObject
) -> None:
    transcript = Transcript()
    drawn: dict[int, int] = {}
    seen = 0
    for item_id, delta in deltas:
        transcript.add_delta("u", ev.TextDelta(item_id, delta), 0.0)
        if data.draw(st.booleans()):
            drawn |= {item.ordinal: item.version for item in transcript.changed_since(seen)}
            seen = transcript.version
    drawn |= {item.ordinal: item.version for item in transcript.changed_since(seen)}
    assert drawn == {item.ordinal: item.version for item in transcript.items}


def test_twenty_thousand_deltas_cost_no_more_each_than_two_thousand() -> None:
    def cost(count: int) -> float:
        server = Server()
        begin = time.process_time()
        for _ in range(count):
            server.say(ev.TextDelta("m", "hello "))
        return (time.process_time() - begin) / count

    cost(500)
    assert min(cost(20_000) for _ in range(2)) < 5 * max(cost(2_000) for _ in range(5))
