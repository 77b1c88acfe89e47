"""The five roles of the demo on the command line: the real Agents SDK, the real Codex."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from contract.serving import Served, serving

from codextui.client.facts import ApprovalOffered
from codextui.demo.pace import AT_ONCE, Pace
from codextui.demo.team_script import FILES, FOLDER, TASK, TeamScript, content_of
from codextui.errors import ApprovalGone
from codextui.teams.ending import Ending
from codextui.wire import event as ev
from codextui.wire.decision import Approved, Decision, Declined
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadState

pytestmark = pytest.mark.contract

WAIT_S = 400

ROLES = ("project-manager", "designer", "frontend-developer", "backend-developer", "tester")


@dataclass(frozen=True, slots=True)
class Stage:
    """A shared server that the command line finds, and a model for the roles."""

    served: Served
    script: TeamScript
    scratch: Path
    project: Path

    @property
    def env(self) -> dict[str, str]:
        own = {
            "XDG_RUNTIME_DIR": str(self.scratch),
            "XDG_STATE_HOME": str(self.scratch / "state"),
            "OPENAI_BASE_URL": self.served.model.base_url,
            "OPENAI_API_KEY": "none",
            "NO_PROXY": "127.0.0.1",
        }
        return {**os.environ, **own}

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start `codextui run` as a process of its own."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "run", "-L", "t", "--headless", "--json"),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.env,
            limit=2**24,
        )

    async def run(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Run it to its end: the exit code, and what happened."""
        process = await self.start(*arguments)
        out, err = await process.communicate()
        lines = [json.loads(line) for line in out.splitlines()]
        assert process.returncode is not None
        assert lines, err.decode()
        return process.returncode, lines

    def new(self, mode: str, config: Path = FOLDER / "team.toml") -> tuple[str, ...]:
        place = ("--config", str(config), "-C", str(self.project), "--mode", mode)
        return ("bug-busters", TASK, *place)

    def assert_all_written(self) -> None:
        for name in FILES:
            assert (self.project / name).read_text(encoding="utf-8") == content_of(name)

    async def rows(self) -> list[Any]:
        """All rows that the server knows: of Codex's threads, of roles, of runs."""
        async with self.served.console("counter") as console:
            return list((await console.call("codex-threads", all=True))["threads"])

    async def threads(self) -> list[Any]:
        """The rows of Codex's threads."""
        return [row for row in await self.rows() if row["kind"] == ThreadKind.CODEX]


@asynccontextmanager
async def staged(binary: Path, scratch: Path, pace: Pace = AT_ONCE) -> AsyncIterator[Stage]:
    project = scratch / "project"
    project.mkdir()
    (scratch / "codextui").mkdir(mode=0o700)
    script = TeamScript(pace)
    place = {"socket": scratch / "codextui" / "t.sock", "name": "t"}
    async with serving(binary, scratch, script, **place) as served:  # type: ignore[arg-type] # any script will do
        yield Stage(served, script, scratch, project)


@asynccontextmanager
async def deciding(served: Served, decision: Decision) -> AsyncIterator[list[str]]:
    """Somebody who decides whatever is asked; the list of what was asked."""
    asked: list[str] = []
    async with served.console("person") as console:
        seen = 0

        async def watch() -> None:
            nonlocal seen
            while True:
                fact = await console.first(
                    lambda fact: fact if isinstance(fact, ApprovalOffered) else None, seen
                )
                seen = console.facts.index(fact) + 1
                if fact.approval.approval_id not in asked:
                    asked.append(fact.approval.approval_id)
                    with contextlib.suppress(ApprovalGone):
                        await console.connection.answer(fact.approval.approval_id, decision)

        async def keep_watching() -> None:
            while True:
                with contextlib.suppress(TimeoutError):
                    await watch()

        task = asyncio.create_task(keep_watching())
        try:
            yield asked
        finally:
            task.cancel()


def kinds(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


async def test_five_roles_hand_off_and_one_gate_is_refused_and_then_met(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()) as asked,
    ):
        code, lines = await stage.run(*stage.new("handoffs"))
        threads = await stage.threads()
    assert code == Ending.DONE
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


async def test_in_parallel_the_two_developers_are_at_work_at_once(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()),
    ):
        code, lines = await stage.run(*stage.new("parallel"))
    assert code == Ending.DONE
    stage.assert_all_written()
    seen = [(line["kind"], line["role"]) for line in lines]
    first_done = min(
        seen.index(("role_finished", name)) for name in ("frontend-developer", "backend-developer")
    )
    for name in ("frontend-developer", "backend-developer"):
        assert seen.index(("tool_called", name)) < first_done
    assert len(kinds(lines, "sent_back")) == 1


@pytest.mark.parametrize(("mode", "every", "turns"), [("handoffs", 9, 16), ("parallel", 6, 12)])
async def test_a_run_that_is_killed_again_and_again_does_everything_once(
    codex_binary: Path, scratch: Path, mode: str, every: int, turns: int
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()) as asked,
    ):
        arguments: tuple[str, ...] = stage.new(mode)
        kills = 0
        while True:
            process = await stage.start(*arguments)
            assert process.stdout is not None
            lines = [json.loads(line) for line in [await process.stdout.readline()] if line]
            arguments = ("--resume", lines[0]["run"])
            # Later and later: what is told again after a restart must not be all that there is.
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
    assert process.returncode == Ending.DONE, lines[-1]["text"]
    assert kills > 2
    stage.assert_all_written()
    assert len(threads) == 5
    assert stage.script.asked == turns
    assert len(asked) == 1


async def test_a_run_that_nobody_decides_for_ends_and_goes_on_when_somebody_has(
    codex_binary: Path, scratch: Path
) -> None:
    config = scratch / "team.toml"
    text = (FOLDER / "team.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("minutes = 30", "person_minutes = 0.001"), encoding="utf-8")
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch) as stage:
        code, lines = await stage.run(*stage.new("parallel", config))
        assert code == Ending.PERSON
        config.write_text(text, encoding="utf-8")
        async with deciding(stage.served, Approved()) as asked:
            code, _ = await stage.run("--resume", lines[0]["run"])
        threads = await stage.threads()
    assert code == Ending.DONE
    assert len(asked) == 1
    assert len(threads) == 5
    stage.assert_all_written()


async def test_a_decision_against_a_command_is_read_and_the_team_goes_on(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Declined("Not here.")),
    ):
        code, lines = await stage.run(*stage.new("parallel"))
    assert code == Ending.DONE
    assert [line["outcome"] for line in kinds(lines, "person_decided")] == ["denied"]


@pytest.mark.parametrize(
    ("limit", "ending"), [("turns = 3", Ending.BUDGET), ("tokens = 100", Ending.BUDGET)]
)
async def test_a_run_ends_where_its_limit_is_reached(
    codex_binary: Path, scratch: Path, limit: str, ending: Ending
) -> None:
    config = scratch / "team.toml"
    text = (FOLDER / "team.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("turns = 60", limit), encoding="utf-8")
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch) as stage:
        code, lines = await stage.run(*stage.new("handoffs", config))
    assert code == ending
    assert limit.split(maxsplit=1)[0] in lines[-1]["text"]


async def test_a_run_that_is_interrupted_leaves_no_turn_running_and_can_be_resumed(
    codex_binary: Path, scratch: Path
) -> None:
    slow = Pace(chunk=1, delay_s=0.1)
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch, slow) as stage:
        process = await stage.start(*stage.new("handoffs"))
        assert process.stdout is not None
        async with stage.served.console() as console:
            while json.loads(await process.stdout.readline())["kind"] != "tool_called":
                pass
            started = await console.event(ev.TurnStarted)
            process.send_signal(signal.SIGINT)
            await console.state(started.thread_id, ThreadState.INTERRUPTED)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert "--resume bug-busters-" in err.decode()
    assert "Traceback" not in err.decode()
