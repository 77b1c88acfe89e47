"""What a run tells of itself: rows, turns, items, spans and gates, and nothing of it twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agents.exceptions import ModelBehaviorError
from agents.testing import ScriptedModel, assistant_message, function_call
from teams.crews import FakeLink, crew, doing, hand, new_store, role, say, team

from codextui.protocol import events as ev
from codextui.protocol.events import parse_msg
from codextui.protocol.runs import Gate, Span, SpanKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.config.team import Artifact, Check, Command, Mode, Team
from codextui.teams.gates.board import GateBoard, read_gates
from codextui.teams.runner.ending import Ending, RunStopped
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.parallel import run_parallel

WAIT_S = 60


class Ear:
    """What a server would have heard."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, ev.Msg]] = []

    def __call__(self, thread_id: str, turn_id: str, msg: ev.Msg) -> None:
        assert parse_msg(msg.to_json()) == msg
        self.told.append((thread_id.partition("/")[2], turn_id, msg))

    def of(self, name: str, *kinds: type) -> list[tuple[str, ev.Msg]]:
        return [(turn, m) for who, turn, m in self.told if who == name and isinstance(m, kinds)]

    def rows(self, name: str) -> list[ThreadInfo]:
        return [
            m.thread for _, m in self.of(name, ev.ThreadChanged) if isinstance(m, ev.ThreadChanged)
        ]

    def states(self, name: str) -> list[ThreadState]:
        """The states of a row, one after the other."""
        states = [row.state for row in self.rows(name)]
        return [s for s, before in zip(states, [None, *states], strict=False) if s is not before]

    def spans(self) -> list[Span]:
        """Every span as it was told last."""
        spans = {m.span.span_id: m.span for _, _, m in self.told if isinstance(m, ev.SpanChanged)}
        return list(spans.values())

    def items(self, name: str) -> list[tuple[str, str, str]]:
        """The turn, the kind and the text of every item that was completed."""
        shown = []
        for turn, msg in self.of(name, ev.ItemCompleted):
            item: Any = msg.item  # type: ignore[union-attr]
            text = item.get("text") or item.get("tool") or item["content"][0]["text"]
            shown.append((turn, item["type"], text))
        return shown


async def play(made: Any) -> str:
    run = run_handoffs if made.mode is Mode.HANDOFFS else run_parallel
    made.telling.begin()
    async with asyncio.timeout(WAIT_S):
        try:
            answer = await run(made, "Build it.")
        except RunStopped as stopped:
            await made.telling.finish(stopped.ending, str(stopped))
            raise
        await made.telling.finish(Ending.DONE, answer)
    return answer


def pair() -> Team:
    return team(
        role("boss", makes=["plan.md"], to=["worker"], codex=True),
        role("worker", needs=["plan.md"], makes=["work.md"], to=["boss"]),
    )


async def handed_over(folder: Path) -> Ear:
    """A run by handoffs with one refusal and one call of Codex."""
    ear = Ear()
    codex = function_call("codex", {"prompt": "Plan."}, call_id="c")
    boss = ScriptedModel(
        [
            hand("worker", 1),
            [assistant_message("I plan."), codex],
            doing(hand("worker", 2), (folder / "plan.md").touch),
            say("All done."),
        ]
    )
    worker = ScriptedModel([doing(hand("boss"), (folder / "work.md").touch)])
    models = {"boss": boss, "worker": worker}
    made, _ = crew(pair(), folder, models, link=FakeLink(), heard=ear)
    await play(made)
    return ear


async def test_the_rows_come_first_and_end_as_the_run_ends(tmp_path: Path) -> None:
    ear = await handed_over(tmp_path)
    assert [who for who, _, _ in ear.told[:3]] == ["", "boss", "worker"]
    assert all(isinstance(msg, ev.ThreadChanged) for _, _, msg in ear.told[:3])
    assert ear.states("") == [ThreadState.RUNNING, ThreadState.DONE]
    assert ear.states("worker") == [ThreadState.WAITING, ThreadState.RUNNING, ThreadState.DONE]
    assert ear.states("boss") == [
        ThreadState.WAITING,
        ThreadState.RUNNING,
        ThreadState.WAITING,
        ThreadState.RUNNING,
        ThreadState.IDLE,
        ThreadState.DONE,
    ]
    row = ear.rows("boss")[0]
    assert row.parent == ear.rows("")[0].thread_id
    assert (row.handle, row.sandbox) == ("boss", "read-only")


async def test_every_stint_is_a_turn_with_what_was_given_said_and_called(tmp_path: Path) -> None:
    ear = await handed_over(tmp_path)
    assert ear.items("boss") == [
        ("t1", "userMessage", "Build it."),
        ("t1", "agentMessage", "I plan."),
        ("t1", "mcpToolCall", "codex"),
        ("t2", "userMessage", "worker hands off to you."),
        ("t2", "agentMessage", "All done."),
    ]
    assert [
        (turn, type(msg)) for turn, msg in ear.of("boss", ev.TurnStarted, ev.TurnCompleted)
    ] == [
        ("t1", ev.TurnStarted),
        ("t1", ev.TurnCompleted),
        ("t2", ev.TurnStarted),
        ("t2", ev.TurnCompleted),
    ]
    started = [m.item["id"] for _, m in ear.of("boss", ev.ItemStarted)]  # type: ignore[union-attr]
    completed = [m.item["id"] for _, m in ear.of("boss", ev.ItemCompleted)]  # type: ignore[union-attr]
    assert len(set(completed)) == len(completed)
    assert set(started) <= set(completed)


async def test_handoffs_are_told_on_both_rows(tmp_path: Path) -> None:
    ear = await handed_over(tmp_path)
    refusal = ev.HandoffRefused("boss", "worker", ("plan.md: is not there (the job of boss)",))
    for name in ("", "boss"):
        assert [msg for _, msg in ear.of(name, ev.HandoffRefused)] == [refusal]
    assert [msg for _, msg in ear.of("", ev.HandedOff)] == [
        ev.HandedOff("boss", "worker"),
        ev.HandedOff("worker", "boss"),
    ]


async def test_the_time_of_every_role_is_accounted_for(tmp_path: Path) -> None:
    ear = await handed_over(tmp_path)
    spans = ear.spans()
    assert all(span.ended_at is not None and not span.failed for span in spans)
    kinds = sorted((span.role, str(span.kind)) for span in spans)
    assert kinds == [
        ("boss", "codex"),
        *[("boss", "model")] * 4,
        *[("boss", "role")] * 2,
        ("worker", "gate"),
        ("worker", "model"),
        ("worker", "role"),
    ]
    (gate,) = (span for span in spans if span.kind is SpanKind.GATE)
    assert gate.waits_for == ("boss",)


async def test_the_board_shows_what_was_missing_and_then_was_there(tmp_path: Path) -> None:
    ear = await handed_over(tmp_path)
    boards = [m.gates for _, m in ear.of("", ev.GatesChecked)]  # type: ignore[union-attr]
    assert len(set(boards)) == len(boards)
    assert [gate.met for gate in boards[-1]] == [True, True]
    plan = boards[-1][0]
    assert (plan.condition, plan.makers, plan.needed_by) == ("plan.md", ("boss",), ("worker",))
    assert plan.since > 0


async def test_a_run_that_goes_on_has_new_turns_and_tells_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("one"))
    models = {"one": ScriptedModel([[function_call("fly", {}, call_id="f")], say("Done.")])}
    first = Ear()
    made, _ = crew(of, folder, models, heard=first, store=new_store(folder, 7))
    made.telling.begin()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - the process is killed somewhere
        await run_handoffs(made, "Build it.")
    second = Ear()
    made, _ = crew(of, folder, models, heard=second, store=new_store(folder))
    await play(made)
    assert first.of("one", ev.TurnStarted) == [("t1", ev.TurnStarted())]
    assert second.of("one", ev.TurnStarted) == [("t2", ev.TurnStarted())]
    assert second.of("", ev.TurnStarted) == [("t2", ev.TurnStarted())]
    assert second.items("one") == [("t2", "agentMessage", "Done.")]


async def test_a_model_that_fails_leaves_a_failed_row_that_says_why(tmp_path: Path) -> None:
    ear = Ear()
    models = {"one": ScriptedModel([ModelBehaviorError("nonsense")]), "two": ScriptedModel()}
    of = team(role("one", to=["two"]), role("two"))
    made, _ = crew(of, tmp_path, models, heard=ear)
    with pytest.raises(RunStopped):
        await play(made)
    assert ear.states("one")[-1] is ThreadState.FAILED
    assert "nonsense" in ear.rows("one")[-1].note
    assert ear.states("two")[-1] is ThreadState.INTERRUPTED
    assert ear.states("")[-1] is ThreadState.FAILED
    assert ear.of("one", ev.TurnAborted) == [("t1", ev.TurnAborted("failed", "nonsense"))]


async def test_in_parallel_a_role_waits_at_its_gate_for_those_who_make_what_is_missing(
    tmp_path: Path,
) -> None:
    ear = Ear()
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    models = {
        "one": ScriptedModel([doing(say("One."), (tmp_path / "a").touch)]),
        "two": ScriptedModel([say("Two.")]),
    }
    made, _ = crew(of, tmp_path, models, Mode.PARALLEL, heard=ear)
    await play(made)
    gates = [span for span in ear.spans() if span.kind is SpanKind.GATE]
    assert [(span.role, span.waits_for) for span in gates] == [("two", ("one",))]
    assert ear.states("two") == [
        ThreadState.WAITING,
        ThreadState.RUNNING,
        ThreadState.IDLE,
        ThreadState.DONE,
    ]


def board_team() -> Team:
    one = role("one")
    check = Command("make test")
    needs = (Artifact("a.json", Check.JSON), Artifact("src/*.py"), check)
    made = (Artifact("a.json"), Artifact("src/*.py"))
    return team(
        type(one)(name="one", instructions="x", produces=made),
        type(one)(name="two", instructions="x", requires=needs),
    )


def test_the_board_names_makers_and_who_needs_it_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1" * 1500, encoding="utf-8")
    (tmp_path / "src" / "b.py").write_text("1" * 600, encoding="utf-8")
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    gates = {gate.condition: gate for gate in read_gates(board_team(), tmp_path)}
    assert gates["src/*.py"].met
    assert gates["src/*.py"].detail == "2 files, 2.1 kB"
    assert gates["src/*.py"].makers == ("one",)
    assert gates["src/*.py"].needed_by == ("two",)
    assert "a.json" not in gates  # that it exists is the least of what is wanted of it
    assert not gates["a.json (valid JSON)"].met
    assert gates["a.json (valid JSON)"].detail.startswith("is no valid JSON")
    assert not gates["`make test` succeeds"].met
    assert gates["`make test` succeeds"].detail == "has not been run yet"


async def test_a_command_is_shown_as_it_ended_when_a_gate_asked_for_it(tmp_path: Path) -> None:
    boards: list[tuple[Gate, ...]] = []
    board = GateBoard(board_team(), tmp_path, boards.append, now=lambda: 7.0)
    board.look()
    await board.finish()
    board.note(Command("make test"), "")
    await board.finish()
    await board.finish()
    shown = [gate for gates in boards for gate in gates if gate.condition.startswith("`make")]
    assert [gate.met for gate in shown] == [False, True]
    assert shown[-1].since == 7.0
