"""Runs by handoffs: gates, roles that are sent back, limits and crashes."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from agents.exceptions import ModelBehaviorError
from agents.testing import ScriptedModel, function_call
from openai import OpenAIError
from teams.scripted import (
    Crash,
    FakeConnection,
    create_run,
    doing,
    hand_off,
    kinds,
    new_store,
    role,
    say,
    team,
)

from codextui.protocol.runs import RunEventKind
from codextui.teams.config.team import Team
from codextui.teams.records.events import RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.handoffs import run_handoffs

WAIT_S = 60


async def play(run: RunContext) -> str:
    async with asyncio.timeout(WAIT_S):
        return await run_handoffs(run, "Build it.")


async def stopped(run: RunContext) -> RunStopped:
    with pytest.raises(RunStopped) as caught:
        await play(run)
    return caught.value


def pair(**limits: int) -> Team:
    return team(
        role("boss", makes=["plan.md"], to=["worker"]),
        role("worker", needs=["plan.md"], makes=["work.md"], to=["boss"]),
        **limits,
    )


async def test_a_handoff_is_refused_with_the_reason_until_its_gate_is_met(
    tmp_path: Path,
) -> None:
    boss = ScriptedModel(
        [
            hand_off("worker", 1),
            doing(hand_off("worker", 2), (tmp_path / "plan.md").touch),
            say("All done."),
        ]
    )
    worker = ScriptedModel([doing(hand_off("boss"), (tmp_path / "work.md").touch)])
    run, events = create_run(pair(), tmp_path, {"boss": boss, "worker": worker})
    assert await play(run) == "All done."
    assert kinds(events) == [
        ("handoff_refused", "boss"),
        ("handed_off", "boss"),
        ("handed_off", "worker"),
    ]
    answer = boss.calls[1].input[-1]["output"]
    assert "plan.md: is not there (the job of boss)" in answer
    assert "You are still boss" in answer


async def test_a_handoff_that_is_refused_repeatedly_ends_the_run(tmp_path: Path) -> None:
    boss = ScriptedModel([hand_off("worker", number) for number in range(9)])
    run, events = create_run(pair(rounds=2), tmp_path, {"boss": boss, "worker": ScriptedModel()})
    error = await stopped(run)
    assert error.outcome is RunOutcome.GATE
    assert "plan.md" in str(error)
    assert [one.kind for one in events].count(RunEventKind.HANDOFF_REFUSED) == 3


async def test_a_team_that_ends_without_its_files_is_sent_back(tmp_path: Path) -> None:
    boss = ScriptedModel(
        [
            say("Done!"),
            doing(say("Now."), (tmp_path / "plan.md").touch, (tmp_path / "work.md").touch),
        ]
    )
    run, events = create_run(pair(), tmp_path, {"boss": boss, "worker": ScriptedModel()})
    assert await play(run) == "Now."
    assert kinds(events) == [("sent_back", "boss")]
    assert "plan.md: is not there" in boss.calls[1].input[-1]["content"]


async def test_a_team_that_never_makes_its_files_ends_at_the_gate(tmp_path: Path) -> None:
    boss = ScriptedModel([say("Done!")] * 3)
    run, _ = create_run(pair(rounds=2), tmp_path, {"boss": boss, "worker": ScriptedModel()})
    assert (await stopped(run)).outcome is RunOutcome.GATE


async def test_roles_that_hand_off_to_each_other_forever_use_up_the_turns(
    tmp_path: Path,
) -> None:
    one = ScriptedModel([hand_off("two", number) for number in range(20)])
    two = ScriptedModel([hand_off("one", number) for number in range(20)])
    of = team(role("one", to=["two"]), role("two", to=["one"]), turns=9)
    run, _ = create_run(of, tmp_path, {"one": one, "two": two})
    error = await stopped(run)
    assert error.outcome is RunOutcome.BUDGET
    assert len(one.calls) + len(two.calls) == 9


async def test_a_call_of_an_unknown_tool_returns_an_error_to_the_model(tmp_path: Path) -> None:
    one = ScriptedModel([[function_call("fly", {}, call_id="c")], say("I cannot fly.")])
    run, _ = create_run(team(role("one")), tmp_path, {"one": one})
    assert await play(run) == "I cannot fly."
    assert "fly" in one.calls[1].input[-1]["output"]


async def test_only_the_first_of_two_handoffs_in_one_response_is_taken(tmp_path: Path) -> None:
    boss = ScriptedModel([[*hand_off("left"), *hand_off("right")]])
    of = team(role("boss", to=["left", "right"]), role("left"), role("right"))
    models = {"boss": boss, "left": ScriptedModel([say("Left.")]), "right": ScriptedModel()}
    run, _ = create_run(of, tmp_path, models)
    assert await play(run) == "Left."


@pytest.mark.parametrize(
    "error", [ModelBehaviorError("nonsense"), OpenAIError("no such model"), TimeoutError()]
)
async def test_a_model_that_fails_ends_the_run_as_failed(tmp_path: Path, error: Exception) -> None:
    one = ScriptedModel([error])
    run, _ = create_run(team(role("one")), tmp_path, {"one": one})
    assert (await stopped(run)).outcome is RunOutcome.FAILED


@pytest.mark.parametrize("after", range(1, 40))
async def test_no_model_call_is_repeated_after_a_crash_at_any_step(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "work.md").touch()
    boss = ScriptedModel(
        [
            hand_off("worker", 1),
            doing(hand_off("worker", 2), (folder / "plan.md").touch),
            doing(say("Early."), (folder / "work.md").unlink),
            doing(say("All done."), (folder / "work.md").touch),
        ]
    )
    worker = ScriptedModel([[function_call("fly", {}, call_id="c")], hand_off("boss")])
    models = {"boss": boss, "worker": worker}
    run, _ = create_run(pair(), folder, models, store=new_store(folder, after))
    answer = ""
    with contextlib.suppress(Crash):
        answer = await play(run)
    if not answer:
        run, _ = create_run(pair(), folder, models, store=new_store(folder))
        answer = await play(run)
    assert answer == "All done."
    assert len(boss.calls) + len(worker.calls) == 6
    assert run.budget.turns in (5, 6)  # the last call may not be counted


@pytest.mark.parametrize("after", range(1, 53))
async def test_no_codex_call_is_repeated_after_a_crash_at_any_step(
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
            hand_off("worker", 1),
            [
                function_call(
                    "codex-reply", {"prompt": "more", "threadId": "thread-1"}, call_id="more"
                )
            ],
            doing(hand_off("worker", 2), (folder / "plan.md").touch),
            say("All done."),
        ]
    )
    worker = ScriptedModel([both, hand_off("boss")])
    models = {"boss": boss, "worker": worker}
    connection = FakeConnection()
    run, _ = create_run(of, folder, models, store=new_store(folder, after), connection=connection)
    answer = ""
    with contextlib.suppress(Crash):
        answer = await play(run)
    if not answer:
        run, _ = create_run(of, folder, models, store=new_store(folder), connection=connection)
        answer = await play(run)
    assert answer == "All done."
    assert sorted(prompt for _, prompt in connection.prompts) == ["left", "more", "plan", "right"]
    assert len(boss.calls) + len(worker.calls) == 7
