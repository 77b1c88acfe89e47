"""Runs in parallel: when roles start and run again, and crashes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from agents.testing import ScriptedModel, function_call
from teams.scripted import (
    Crash,
    FakeConnection,
    create_run,
    doing,
    kinds,
    new_store,
    role,
    say,
    team,
)

from codextui.protocol.runs import RunEventKind
from codextui.teams.config.team import Mode, Team
from codextui.teams.records.events import RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.parallel import run_parallel

WAIT_S = 60

LATER = itertools.count(1_000_000_000_000_000_000, 1_000_000_000)


async def play(run: RunContext) -> str:
    async with asyncio.timeout(WAIT_S):
        return await run_parallel(run, "Build it.")


def web(**limits: int) -> Team:
    return team(
        role("boss", makes=["plan.md"]),
        role("front", needs=["plan.md"], makes=["page.html"]),
        role("back", needs=["plan.md"], makes=["server.js"]),
        role("tester", needs=["page.html", "server.js"], makes=["report.md"]),
        **limits,
    )


def writing(folder: Path, *names: str) -> dict[str, Any]:
    return doing(say("Done."), *(partial(write, folder / name) for name in names))


def write(file: Path) -> None:
    """Write a file that is newer than all before, whatever the resolution of the clock."""
    file.touch()
    at = next(LATER)
    os.utime(file, ns=(at, at))


async def test_independent_roles_work_concurrently(tmp_path: Path) -> None:
    both = asyncio.Barrier(2)

    def meeting(name: str) -> Any:
        async def respond(_: Any) -> Any:
            await both.wait()
            (tmp_path / name).touch()
            return say("Done.")

        return {"responder": respond}

    models = {
        "boss": ScriptedModel([writing(tmp_path, "plan.md")]),
        "front": ScriptedModel([meeting("page.html")]),
        "back": ScriptedModel([meeting("server.js")]),
        "tester": ScriptedModel([writing(tmp_path, "report.md")]),
    }
    run, events = create_run(web(), tmp_path, models, Mode.PARALLEL)
    await play(run)
    finished = [name for _, name in kinds(events)]
    assert (finished[0], set(finished[1:3]), finished[3]) == ("boss", {"front", "back"}, "tester")


async def test_files_of_an_earlier_run_start_no_role_before_their_makers_are_done(
    tmp_path: Path,
) -> None:
    for name in ("plan.md", "page.html", "server.js", "report.md"):
        (tmp_path / name).touch()
    models = {name: ScriptedModel([say("Done.")]) for name in ("boss", "front", "back", "tester")}
    run, events = create_run(web(), tmp_path, models, Mode.PARALLEL)
    await play(run)
    started = [one.role for one in events if one.kind is RunEventKind.ROLE_STARTED]
    assert (started[0], set(started[1:3]), started[3]) == ("boss", {"front", "back"}, "tester")


async def test_a_role_runs_again_when_a_file_that_it_requires_is_newer(tmp_path: Path) -> None:
    models = {
        "boss": ScriptedModel([writing(tmp_path, "plan.md")]),
        "front": ScriptedModel([writing(tmp_path, "page.html"), writing(tmp_path, "page.html")]),
        "back": ScriptedModel([writing(tmp_path, "server.js"), writing(tmp_path, "server.js")]),
        # It corrects the plan once, and every role that requires the plan runs again.
        "tester": ScriptedModel(
            [writing(tmp_path, "report.md", "plan.md"), writing(tmp_path, "report.md")]
        ),
    }
    run, events = create_run(web(), tmp_path, models, Mode.PARALLEL)
    await play(run)
    stale = [one for one in events if one.kind is RunEventKind.ROLE_STALE]
    assert sorted(one.role for one in stale) == ["back", "front", "tester"]
    assert "plan.md" in models["front"].calls[1].input[0]["content"]


async def test_roles_that_make_each_other_run_again_forever_are_stopped(tmp_path: Path) -> None:
    models = {
        "boss": ScriptedModel([writing(tmp_path, "plan.md")]),
        "front": ScriptedModel([writing(tmp_path, "page.html")] * 9),
        "back": ScriptedModel([writing(tmp_path, "server.js")] * 9),
        "tester": ScriptedModel([writing(tmp_path, "report.md", "plan.md")] * 9),
    }
    run, _ = create_run(web(rounds=2), tmp_path, models, Mode.PARALLEL)
    with pytest.raises(RunStopped) as caught:
        await play(run)
    assert caught.value.outcome is RunOutcome.GATE
    assert len(models["tester"].calls) == 3


async def test_a_role_is_sent_back_until_what_it_produces_is_there(tmp_path: Path) -> None:
    boss = ScriptedModel([say("Done!"), writing(tmp_path, "plan.md")])
    run, events = create_run(
        team(role("boss", makes=["plan.md"])), tmp_path, {"boss": boss}, Mode.PARALLEL
    )
    await play(run)
    assert kinds(events) == [("sent_back", "boss"), ("role_finished", "boss")]


async def test_a_role_whose_gate_is_never_met_is_reported_at_the_end(tmp_path: Path) -> None:
    of = team(role("boss"), role("front", needs=["plan.md"]))
    models = {"boss": ScriptedModel([say("Done.")]), "front": ScriptedModel()}
    run, _ = create_run(of, tmp_path, models, Mode.PARALLEL)
    with pytest.raises(RunStopped, match=r"front never began:\n- plan.md: is not there") as caught:
        await play(run)
    assert caught.value.outcome is RunOutcome.GATE


async def test_twenty_roles_work_concurrently(tmp_path: Path) -> None:
    names = [f"role{number}" for number in range(20)]
    all_at_once = asyncio.Barrier(20)

    async def respond(_: Any) -> Any:
        await all_at_once.wait()
        return say("Done.")

    models = {name: ScriptedModel([{"responder": respond}]) for name in names}
    run, events = create_run(team(*map(role, names)), tmp_path, models, Mode.PARALLEL)
    await play(run)
    assert len(kinds(events)) == 20


@pytest.mark.parametrize("after", range(1, 38))
async def test_every_role_is_asked_once_despite_a_crash_at_any_step(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    models = {
        "boss": ScriptedModel([writing(folder, "plan.md")]),
        "front": ScriptedModel([writing(folder, "page.html")]),
        "back": ScriptedModel([writing(folder, "server.js")]),
        "tester": ScriptedModel([writing(folder, "report.md")]),
    }
    store = new_store(folder, after)
    run, _ = create_run(web(), folder, models, Mode.PARALLEL, store=store)
    with contextlib.suppress(Crash):
        await play(run)
    run, _ = create_run(web(), folder, models, Mode.PARALLEL, store=new_store(folder))
    await play(run)
    assert [len(model.calls) for model in models.values()] == [1, 1, 1, 1]


@pytest.mark.parametrize("after", range(1, 48, 2))
async def test_no_codex_call_of_concurrent_roles_is_repeated_after_a_crash(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("left", codex=True, makes=["left.md"]), role("right", codex=True))
    models = {
        name: ScriptedModel(
            [
                [function_call("codex", {"prompt": name}, call_id=f"{name}-1")],
                [function_call("codex", {"prompt": f"more {name}"}, call_id=f"{name}-2")],
                writing(folder, "left.md"),
            ]
        )
        for name in ("left", "right")
    }
    connection = FakeConnection()
    run, _ = create_run(
        of, folder, models, Mode.PARALLEL, store=new_store(folder, after), connection=connection
    )
    with contextlib.suppress(Crash):
        await play(run)
    run, _ = create_run(
        of, folder, models, Mode.PARALLEL, store=new_store(folder), connection=connection
    )
    await play(run)
    assert sorted(said for _, said in connection.prompts) == [
        "left",
        "more left",
        "more right",
        "right",
    ]
    assert [len(model.calls) for model in models.values()] == [3, 3]
