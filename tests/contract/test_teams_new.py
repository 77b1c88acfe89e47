"""A team that `codextui teams new` has written, as it runs: the real Agents SDK and Codex."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from contract.team_stage import kinds, staged

from codextui.cli import main
from codextui.demo.request import ModelRequest
from codextui.demo.script import Call, Patch, Run, Say, Step
from codextui.teams.records.events import RunOutcome

pytestmark = pytest.mark.contract

WAIT_S = 300

TOOL = 'tools = ["shop_tools:count_faults"]\napprove_tools = []'
TOOL_MODULE = "def count_faults(where: str) -> str:\n    return f'0 faults in {where}'\n"

BUILD, REVIEW = "Build it, and write CHANGES.md.", "Read CHANGES.md and compare."
OWN_ATTEMPT = "echo 'No faults.' > REVIEW.md; echo code $?"


class BuilderAndReviewer:
    """The answers of the two roles, which name no thread, and of their Codex threads."""

    def __init__(self) -> None:
        self.outputs: list[str] = []
        self._given: Counter[str] = Counter()

    def __call__(self, request: ModelRequest) -> Sequence[Step]:
        if request.thread_id:
            return self._codex(request)
        role = "reviewer" if "You are the reviewer" in request.instructions else "builder"
        answers = self._reviewer() if role == "reviewer" else self._builder()
        self._given[role] += 1
        return answers[self._given[role] - 1]

    def _codex(self, request: ModelRequest) -> Sequence[Step]:
        if BUILD in request.last_user_text:
            if request.last_output is None:
                return [Patch.add_all({"app.py": "print(1)\n", "CHANGES.md": "app.py is new.\n"})]
            return [Say("Built.")]
        if request.last_output is None:
            return [Run(OWN_ATTEMPT)]
        self.outputs.append(request.last_output)
        return [Say("No faults.")]

    def _builder(self) -> list[list[Step]]:
        return [
            [Call("transfer_to_reviewer")],
            [Call("codex", {"prompt": BUILD})],
            [Call("transfer_to_reviewer")],
            [Say("Built and reviewed.")],
        ]

    def _reviewer(self) -> list[list[Step]]:
        return [
            [Call("codex", {"prompt": REVIEW})],
            [Call("count_faults", {"where": "app.py"})],
            [Call("write_file", {"path": "app.py", "content": "print(2)\n"})],
            [Call("write_file", {"path": "REVIEW.md", "content": "No faults.\n"})],
            [Call("transfer_to_builder")],
        ]


async def test_a_new_team_runs_and_its_reviewer_writes_just_its_review(
    codex_binary: Path, scratch: Path
) -> None:
    config = scratch / "config.toml"
    script = BuilderAndReviewer()
    assert main(["teams", "new", "shop", "--config", str(config), "--json"]) == 0
    text = config.read_text()
    config.write_text(text.replace('# tools = ["tools:find_issue"]', TOOL))
    (scratch / "shop_tools.py").write_text(TOOL_MODULE)
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=script) as stage,
    ):
        for left in ("CHANGES.md", "REVIEW.md"):  # by a run of yesterday, which meets no gate
            (stage.project / left).write_text("Yesterday.\n")
            os.utime(stage.project / left, (0, 0))
        place = ("--config", str(config), "-C", str(stage.project))
        code, lines = await stage.run("shop", "Print a number.", *place)
        threads = await stage.threads()
    assert code == RunOutcome.DONE, lines[-1]
    assert len(kinds(lines, "handoff_refused")) == 1
    written = {path.name: path.read_text() for path in stage.project.iterdir()}
    assert written == {
        "app.py": "print(1)\n",
        "CHANGES.md": "app.py is new.\n",
        "REVIEW.md": "No faults.\n",
    }
    (attempt,) = script.outputs
    assert "Read-only file system" in attempt or "Permission denied" in attempt
    sandboxes = {thread["handle"]: thread["sandbox"] for thread in threads}
    assert "read" in sandboxes["reviewer-codex"].lower()
    told = [line["text"] for line in kinds(lines, "tool_answered")]
    assert any(text.startswith("You may not write app.py: only REVIEW.md") for text in told)
    assert "0 faults in app.py" in told
    assert "Wrote 11 bytes to REVIEW.md." in told
