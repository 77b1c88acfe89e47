"""The costs and events of a recorded run: the real Agents SDK, the real Codex."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from contract.test_teams_run import ROLES, WAIT_S, Stage, deciding, staged

from codextui.demo.team_script import FOLDER, TASK
from codextui.protocol.decisions import Approved
from codextui.teams.records.events import RunOutcome

pytestmark = pytest.mark.contract

PRICES = """
[prices]
currency = "EUR"
[prices."gpt-5.5"]
input = 2.0
output = 8.0
[prices."gpt-5.5-mini"]
input = 1.0
output = 1.0
[teams.bug-busters.models]
checking = "gpt-5.5-mini"
"""


DEFAULTS = "[teams.bug-busters.defaults]\n"


def config(scratch: Path, *, limits: str = "") -> Path:
    """The demo's team with prices; its tester's Codex has a model for checking."""
    text = (FOLDER / "team.toml").read_text(encoding="utf-8")
    tester = "[teams.bug-busters.roles.tester]\n"
    table = "[teams.bug-busters.limits]\n"
    assert tester in text
    assert table in text
    assert DEFAULTS in text
    text = text.replace(DEFAULTS, f'{DEFAULTS}model = "gpt-5.5"\n')
    text = text.replace(tester, f'{tester}codex_work = "checking"\n')
    text = text.replace(table, f"{table}{limits}\n")
    path = scratch / "team.toml"
    path.write_text(text + PRICES, encoding="utf-8")
    return path


async def run_json(stage: Stage, *arguments: str) -> list[dict[str, Any]]:
    """Run a command with `--json`, and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codextui", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        env=stage.env,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def total(of: list[dict[str, Any]]) -> int:
    return sum(one["usage"]["total"] for one in of)


@pytest.mark.slow
async def test_the_costs_and_events_of_a_run_are_recorded(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()),
    ):
        code, lines = await stage.run(*stage.new("handoffs", config(scratch)))
        models = {thread["handle"]: thread["model"] for thread in await stage.threads()}
        (listed,) = await run_json(stage, "runs")
        (shown,) = await run_json(stage, "runs", "show", listed["run"])
        (by_handle,) = await run_json(stage, "runs", "show", "bug-busters")
        exported = await run_json(stage, "runs", "export", listed["run"], "-")
        spans = await run_json(stage, "runs", "timeline", listed["run"])
    assert code == RunOutcome.DONE
    assert {model for handle, model in models.items() if "tester" in handle} == {"gpt-5.5-mini"}
    assert (listed["state"], listed["task"], listed["currency"]) == ("done", TASK, "EUR")

    assert by_handle == shown
    happened = [{**line, "type": "happening"} for line in lines]
    assert [line for line in exported if line["type"] == "happening"] == happened
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert lines[-1]["kind"] == "run_ended"
    answers = [line["text"] for line in lines if line["kind"] == "tool_answered"]
    assert any(answers)
    assert not any(text.startswith(("{", "[")) for text in answers)

    costs = shown["costs"]
    assert {key: lines[-1][key] for key in costs} == costs
    assert costs["unpriced"] == []
    assert listed["cost"] == costs["cost"] > 0
    assert sum(one["cost"] for one in costs["roles"]) == pytest.approx(costs["cost"])
    every = costs["usage"]["total"]
    assert total(costs["roles"]) == total(costs["role_turns"]) == every
    assert sum(costs["tokens"].values()) + sum(costs["codex_tokens"].values()) == every
    assert all(total(one["turns"]) == one["usage"]["total"] for one in costs["threads"])
    handed = [(one["role"], one["handed_off_to"]) for one in costs["role_turns"]]
    assert ("project-manager", "designer") in handed
    assert ("tester", "project-manager") in handed
    assert "handoff_refused" in {one["kind"] for one in shown["handoffs"]}

    assert {span["role"] for span in spans} == set(ROLES)
    assert {"role", "model", "codex", "gate", "person"} <= {span["kind"] for span in spans}
    assert all(span["ended_at"] >= span["started_at"] for span in spans)
    traces = scratch / "state" / "codextui" / "runs" / listed["run"] / "traces.jsonl"
    assert "handoff" in traces.read_text()
    assert "AGENT_TASKS.md" not in traces.read_text()


@pytest.mark.slow
async def test_a_run_ends_when_its_money_is_spent_and_resumes_with_a_higher_limit(
    codex_binary: Path, scratch: Path
) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch) as stage,
        deciding(stage.served, Approved()),
    ):
        place = config(scratch, limits="money = 0.01")
        code, stopped = await stage.run(*stage.new("handoffs", place))
        (listed,) = await run_json(stage, "runs")
        config(scratch)
        resumed, ended = await stage.run("--resume", listed["run"])
        (after,) = await run_json(stage, "runs")
        spans = await run_json(stage, "runs", "timeline", listed["run"])
        used = {row["thread_id"]: row["usage"]["total"] for row in await stage.threads()}
    assert code == RunOutcome.BUDGET
    assert "0.01 EUR are used up" in stopped[-1]["text"]
    assert stopped[-1]["cost"] >= 0.01
    assert (listed["state"], listed["cost"]) == ("budget", stopped[-1]["cost"])

    assert resumed == RunOutcome.DONE
    stage.assert_all_written()
    assert (after["state"], after["cost"]) == ("done", ended[-1]["cost"])
    assert after["cost"] > listed["cost"]
    assert ended[-1]["codex_tokens"] == used
    assert len({span["span_id"] for span in spans}) == len(spans)
    assert all(span["ended_at"] is not None for span in spans)
