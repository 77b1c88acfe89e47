"""A stage for `codextui run`: a server, models that play the roles, and people who decide."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.serving import Served, serving
from warm import Warm, start_warm

from codextui.client.updates import ApprovalOffered
from codextui.demo.script import INSTANT, Speed
from codextui.demo.team_script import FILES, FOLDER, TASK, TeamScript, content_of
from codextui.errors import ApprovalGone
from codextui.protocol.decisions import Decision
from codextui.protocol.runs import ThreadKind


@dataclass(frozen=True, slots=True)
class Stage:
    """A shared server that the command line finds, and a model for the roles."""

    served: Served
    script: Any
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
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        return {**os.environ, **own}

    async def start(self, *arguments: str) -> Warm:
        """Start `codextui run` as a process of its own."""
        command = ("run", "-L", "t", "--headless", "--json", *arguments)
        return await start_warm(*command, env=self.env, stderr=subprocess.PIPE)

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
async def staged(
    binary: Path, scratch: Path, speed: Speed = INSTANT, script: Any = None
) -> AsyncIterator[Stage]:
    """A server whose models play the demo's team, or what a test says."""
    project = scratch / "project"
    project.mkdir()
    (scratch / "codextui").mkdir(mode=0o700)
    script = script or TeamScript(speed)
    place = {"socket": scratch / "codextui" / "t.sock", "name": "t"}
    async with serving(binary, scratch, script, **place) as served:
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
                update = await console.first(
                    lambda update: update if isinstance(update, ApprovalOffered) else None, seen
                )
                seen = console.updates.index(update) + 1
                if update.approval.approval_id not in asked:
                    asked.append(update.approval.approval_id)
                    with contextlib.suppress(ApprovalGone):
                        await console.connection.answer(update.approval.approval_id, decision)

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
