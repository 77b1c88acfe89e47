"""Runs by handoffs: gates that hold, teams that are sent back, limits, crashes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from agents.exceptions import ModelBehaviorError
from agents.testing import ScriptedModel, function_call
from openai import OpenAIError
from teams.crews import Crash, FakeLink, crew, doing, hand, kinds, new_store, role, say, team

from codextui.teams.config.team import Team
from codextui.teams.records.events import RunEventKind
from codextui.teams.runner.ending import Ending, RunStopped
from codextui.teams.runner.handoffs import run_handoffs

WAIT_S = 60


async def play(made: Any) -> str:
    async with asyncio.timeout(WAIT_S):
        return await run_handoffs(made, "Build it.")


async def stopped(made: Any) -> RunStopped:
    with pytest.raises(RunStopped) as caught:
        await play(made)
    return caught.value


def pair(**limits: int) -> Team:
    return team(
        role("boss", makes=["plan.md"], to=["worker"]),
        role("worker", needs=["plan.md"], makes=["work.md"], to=["boss"]),
        **limits,
    )


async def test_a_handoff_is_refused_until_its_gate_is_met_and_the_model_is_told_why(
    tmp_path: Path,
) -> None:
    boss = ScriptedModel(
        [
            hand("worker", 1),
            doing(hand("worker", 2), (tmp_path / "plan.md").touch),
            say("All done."),
        ]
    )
    worker = ScriptedModel([doing(hand("boss"), (tmp_path / "work.md").touch)])
    made, told = crew(pair(), tmp_path, {"boss": boss, "worker": worker})
    assert await play(made) == "All done."
    assert kinds(told) == [
        ("handoff_refused", "boss"),
        ("handed_off", "boss"),
        ("handed_off", "worker"),
    ]
    answer = boss.calls[1].input[-1]["output"]
    assert "plan.md: is not there (the job of boss)" in answer
    assert "You are still boss" in answer


async def test_the_same_handoff_refused_again_and_again_ends_the_run(tmp_path: Path) -> None:
    boss = ScriptedModel([hand("worker", number) for number in range(9)])
    made, told = crew(pair(rounds=2), tmp_path, {"boss": boss, "worker": ScriptedModel()})
    error = await stopped(made)
    assert error.ending is Ending.GATE
    assert "plan.md" in str(error)
    assert [one.kind for one in told].count(RunEventKind.HANDOFF_REFUSED) == 3


async def test_a_team_that_ends_without_its_files_is_sent_back(tmp_path: Path) -> None:
    boss = ScriptedModel(
        [
            say("Done!"),
            doing(say("Now."), (tmp_path / "plan.md").touch, (tmp_path / "work.md").touch),
        ]
    )
    made, told = crew(pair(), tmp_path, {"boss": boss, "worker": ScriptedModel()})
    assert await play(made) == "Now."
    assert kinds(told) == [("sent_back", "boss")]
    assert "plan.md: is not there" in boss.calls[1].input[-1]["content"]


async def test_a_team_that_never_makes_its_files_has_never_met_its_gate(tmp_path: Path) -> None:
    boss = ScriptedModel([say("Done!")] * 3)
    made, _ = crew(pair(rounds=2), tmp_path, {"boss": boss, "worker": ScriptedModel()})
    assert (await stopped(made)).ending is Ending.GATE


async def test_two_roles_that_hand_off_to_each_other_for_ever_use_up_their_turns(
    tmp_path: Path,
) -> None:
    one = ScriptedModel([hand("two", number) for number in range(20)])
    two = ScriptedModel([hand("one", number) for number in range(20)])
    of = team(role("one", to=["two"]), role("two", to=["one"]), turns=9)
    made, _ = crew(of, tmp_path, {"one": one, "two": two})
    error = await stopped(made)
    assert error.ending is Ending.BUDGET
    assert len(one.calls) + len(two.calls) == 9


async def test_a_model_that_calls_an_unknown_tool_is_told_so(tmp_path: Path) -> None:
    one = ScriptedModel([[function_call("fly", {}, call_id="c")], say("I cannot fly.")])
    made, _ = crew(team(role("one")), tmp_path, {"one": one})
    assert await play(made) == "I cannot fly."
    assert "fly" in one.calls[1].input[-1]["output"]


async def test_of_two_handoffs_at_once_the_first_counts(tmp_path: Path) -> None:
    boss = ScriptedModel([[*hand("left"), *hand("right")]])
    of = team(role("boss", to=["left", "right"]), role("left"), role("right"))
    models = {"boss": boss, "left": ScriptedModel([say("Left.")]), "right": ScriptedModel()}
    made, _ = crew(of, tmp_path, models)
    assert await play(made) == "Left."


@pytest.mark.parametrize(
    "error", [ModelBehaviorError("nonsense"), OpenAIError("no such model"), TimeoutError()]
)
async def test_a_model_that_fails_ends_the_run_as_failed(tmp_path: Path, error: Exception) -> None:
    one = ScriptedModel([error])
    made, _ = crew(team(role("one")), tmp_path, {"one": one})
    assert (await stopped(made)).ending is Ending.FAILED


@pytest.mark.parametrize("after", range(1, 40))
async def test_after_a_crash_at_any_step_the_model_is_asked_nothing_twice(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "work.md").touch()
    boss = ScriptedModel(
        [
            hand("worker", 1),
            doing(hand("worker", 2), (folder / "plan.md").touch),
            doing(say("Early."), (folder / "work.md").unlink),
            doing(say("All done."), (folder / "work.md").touch),
        ]
    )
    worker = ScriptedModel([[function_call("fly", {}, call_id="c")], hand("boss")])
    models = {"boss": boss, "worker": worker}
    made, _ = crew(pair(), folder, models, store=new_store(folder, after))
    answer = ""
    with contextlib.suppress(Crash):
        answer = await play(made)
    if not answer:
        made, _ = crew(pair(), folder, models, store=new_store(folder))
        answer = await play(made)
    assert answer == "All done."
    assert len(boss.calls) + len(worker.calls) == 6
    assert made.budget.turns in (5, 6)  # the one that was answered last may not be counted


@pytest.mark.parametrize("after", range(1, 53))
async def test_after_a_crash_at_any_step_no_codex_task_is_started_twice(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(
        role("boss", codex=True, makes=["plan.md"], to=["worker"]),
        role("worker", codex=True, needs=["plan.md"], to=["boss"]),
    )
    both = [
        function_call("codex", {"prompt": "left"}, call_id="left"),
        function_call("codex", {"prompt": "right"}, call_id="right"),
    ]
    boss = ScriptedModel(
        [
            [function_call("codex", {"prompt": "plan"}, call_id="plan")],
            hand("worker", 1),
            [
                function_call(
                    "codex-reply", {"prompt": "more", "threadId": "thread-1"}, call_id="more"
                )
            ],
            doing(hand("worker", 2), (folder / "plan.md").touch),
            say("All done."),
        ]
    )
    worker = ScriptedModel([both, hand("boss")])
    models = {"boss": boss, "worker": worker}
    link = FakeLink()
    made, _ = crew(of, folder, models, store=new_store(folder, after), link=link)
    answer = ""
    with contextlib.suppress(Crash):
        answer = await play(made)
    if not answer:
        made, _ = crew(of, folder, models, store=new_store(folder), link=link)
        answer = await play(made)
    assert answer == "All done."
    assert sorted(prompt for _, prompt in link.said) == ["left", "more", "plan", "right"]
    assert len(boss.calls) + len(worker.calls) == 7
