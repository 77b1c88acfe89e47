"""The five roles of the demo on the command line: the real Agents SDK, the real Codex."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from contract.team_stage import Stage, deciding, kinds, staged

from codextui.demo.request import ModelRequest
from codextui.demo.script import INSTANT, Speed, Step
from codextui.demo.team_script import FOLDER, TeamScript
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved, Declined
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState
from codextui.teams.records.events import RunOutcome

pytestmark = pytest.mark.contract

WAIT_S = 400

ROLES = ("project-manager", "designer", "frontend-developer", "backend-developer", "tester")


class Asked:
    """Models that repeat an answer if the run was killed before it arrived.

    Attributes:
        asked: how many different requests the roles have made.
        again: how often one was repeated.
    """

    def __init__(self) -> None:
        self.again = 0
        self._script = TeamScript(INSTANT)
        self._answers: dict[str, list[Step]] = {}

    @property
    def asked(self) -> int:
        return len(self._answers)

    def __call__(self, request: ModelRequest) -> Any:
        if request.thread_id:
            return self._script(request)
        question = json.dumps([request.instructions, request.input])
        if question in self._answers:
            self.again += 1
        else:
            self._answers[question] = list(self._script(request))  # type: ignore[arg-type]
        return self._answers[question]


async def completed_items(stage: Stage, handle: str) -> list[str]:
    """Return the ids of a thread's completed items on the server."""
    async with stage.served.console("reader") as console:
        events = (await console.call("codex-read", thread=handle))["events"]
    messages = [event["msg"] for event in events]
    return [msg["item"]["id"] for msg in messages if msg["type"] == "item_completed"]


async def test_five_roles_hand_off_and_one_gate_is_refused_and_then_met(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()) as asked,
    ):
        code, lines = await stage.run(*stage.new("handoffs"))
        rows = {row["handle"]: row for row in await stage.rows()}
        threads = await stage.threads()
    assert code == RunOutcome.DONE
    stage.assert_all_written()
    (refused,) = kinds(lines, "handoff_refused")
    assert refused["missing"] == ["AGENT_TASKS.md: is not there (the job of project-manager)"]
    assert [line["to"] for line in kinds(lines, "handed_off")][::2] == [
        "designer",
        "frontend-developer",
        "backend-developer",
        "tester",
    ]
    assert len(asked) == 1
    assert {thread["handle"] for thread in threads} == {f"{role}-codex" for role in ROLES}
    ended = lines[-1]
    assert ended["kind"] == "run_ended"
    assert set(ended["tokens"]) == set(ROLES)
    assert len(ended["codex_tokens"]) == 5
    run = rows["bug-busters"]
    assert (run["kind"], run["state"]) == (ThreadKind.RUN, ThreadState.DONE)
    assert run["usage"]["total"] > sum(ended["tokens"].values())
    for role in ROLES:
        row = rows[role]
        assert (row["kind"], row["state"]) == (ThreadKind.ROLE, ThreadState.DONE)
        assert row["parent"] == run["thread_id"]
        assert row["usage"]["total"] == ended["tokens"][role]
        assert rows[f"{role}-codex"]["parent"] == row["thread_id"]


@pytest.mark.slow
async def test_the_two_developers_work_concurrently_in_parallel_mode(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()),
    ):
        code, lines = await stage.run(*stage.new("parallel"))
    assert code == RunOutcome.DONE
    stage.assert_all_written()
    seen = [(line["kind"], line["role"]) for line in lines]
    first_done = min(
        seen.index(("role_finished", name)) for name in ("frontend-developer", "backend-developer")
    )
    for name in ("frontend-developer", "backend-developer"):
        assert seen.index(("tool_called", name)) < first_done
    assert len(kinds(lines, "sent_back")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "every", "turns"), [("handoffs", 9, 16), ("parallel", 6, 12)])
async def test_a_run_that_is_killed_repeatedly_does_everything_once(
    codex_binary: Path, scratch: Path, mode: str, every: int, turns: int
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=Asked()) as stage,
        deciding(stage.served, Approved()) as asked,
    ):
        arguments: tuple[str, ...] = stage.new(mode)
        kills = 0
        while True:
            process = await stage.start(*arguments)
            assert process.stdout is not None
            lines = [json.loads(line) for line in [await process.stdout.readline()] if line]
            arguments = ("--resume", lines[0]["run"])
            # Later each time, so that a restart does not only repeat what was done before.
            while len(lines) < every + 2 * kills:
                line = await process.stdout.readline()
                if not line:
                    break
                lines.append(json.loads(line))
            if lines[-1]["kind"] == "run_ended":
                break
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            kills += 1
        await process.communicate()
        threads = await stage.threads()
        items = {role: await completed_items(stage, role) for role in ROLES}
    assert process.returncode == RunOutcome.DONE, lines[-1]["text"]
    assert kills > 2
    stage.assert_all_written()
    assert len(threads) == 5
    assert stage.script.asked == turns
    # Two roles at most were waiting for an answer when the run was killed.
    assert stage.script.again <= 2 * kills
    assert len(asked) == 1
    # Prompts are repeated in each turn of a role, and Codex calls continue in a new turn.
    said = {role: [one for one in ids if "/" not in one] for role, ids in items.items()}
    assert all(len(set(ids)) == len(ids) > 0 for ids in said.values())


@pytest.mark.slow
async def test_a_run_without_decisions_ends_and_resumes_when_a_person_decides(
    codex_binary: Path, scratch: Path
) -> None:
    config = scratch / "team.toml"
    text = (FOLDER / "team.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("minutes = 30", "person_minutes = 0.001"), encoding="utf-8")
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch) as stage:
        code, lines = await stage.run(*stage.new("parallel", config))
        assert code == RunOutcome.PERSON
        config.write_text(text, encoding="utf-8")
        async with deciding(stage.served, Approved()) as asked:
            code, _ = await stage.run("--resume", lines[0]["run"])
        threads = await stage.threads()
    assert code == RunOutcome.DONE
    assert len(asked) == 1
    assert len(threads) == 5
    stage.assert_all_written()


async def test_a_team_continues_after_a_declined_command(codex_binary: Path, scratch: Path) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Declined("Not here.")),
    ):
        code, lines = await stage.run(*stage.new("parallel"))
    assert code == RunOutcome.DONE
    assert [line["outcome"] for line in kinds(lines, "person_decided")] == ["denied"]


@pytest.mark.parametrize(
    ("limit", "outcome"), [("turns = 3", RunOutcome.BUDGET), ("tokens = 100", RunOutcome.BUDGET)]
)
async def test_a_run_ends_when_its_limit_is_reached(
    codex_binary: Path, scratch: Path, limit: str, outcome: RunOutcome
) -> None:
    config = scratch / "team.toml"
    text = (FOLDER / "team.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("turns = 60", limit), encoding="utf-8")
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch) as stage:
        code, lines = await stage.run(*stage.new("handoffs", config))
    assert code == outcome
    assert limit.split(maxsplit=1)[0] in lines[-1]["text"]


@pytest.mark.slow
async def test_an_interrupted_run_leaves_no_turn_running_and_can_be_resumed(
    codex_binary: Path, scratch: Path
) -> None:
    slow = Speed(chunk=1, delay_s=0.1)
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch, slow) as stage:
        process = await stage.start(*stage.new("handoffs"))
        assert process.stdout is not None
        async with stage.served.console() as console:
            run = f"run:{json.loads(await process.stdout.readline())['run']}"
            while json.loads(await process.stdout.readline())["kind"] != "tool_called":
                pass
            started = await console.event(
                ev.TurnStarted, lambda event: not event.thread_id.startswith("run:")
            )
            process.send_signal(signal.SIGINT)
            await console.state(started.thread_id, ThreadState.INTERRUPTED)
            await console.state(run, ThreadState.INTERRUPTED)
            await console.state(f"{run}/project-manager", ThreadState.INTERRUPTED)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert "--resume bug-busters-" in err.decode()
    assert "Traceback" not in err.decode()
