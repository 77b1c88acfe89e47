"""Five roles that hand off to each other, as a plain script of the Agents SDK and as a team.

Both are in `tests/examples/`, and both run with the real SDK, the real Codex and a scripted model.
The script is run as it is there, with its own `MCPServerStdio` and the command `codextui`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from contract.serving import Served, serving

from codextui.demo import Call, ModelRequest, Patch, Say, Step
from codextui.demo.team_script import FILES, content_of
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadKind, ThreadState

pytestmark = pytest.mark.contract

EXAMPLES = Path(__file__).parents[1] / "examples"
WAIT_S = 300
WIREFRAME = "design/wireframe.md"
MANAGER = "Project Manager"
MADE = {
    MANAGER: ("REQUIREMENTS.md", "TEST.md", "AGENT_TASKS.md"),
    "Designer": ("design/design_spec.md", WIREFRAME),
    "Frontend Developer": ("frontend/index.html", "frontend/styles.css", "frontend/game.js"),
    "Backend Developer": ("backend/package.json", "backend/server.js"),
    "Tester": ("tests/TEST_PLAN.md", "tests/test.sh"),
}
SPECIALISTS = [name for name in MADE if name != MANAGER]
TERMS = {"approval-policy": "never", "sandbox": "workspace-write"}
LAST_WORDS = "Bug Busters is built and tested."


def content(name: str) -> str:
    return "# Wireframe\n" if name == WIREFRAME else content_of(name)


class FiveRoles:
    """The models of the roles, and of their Codex threads, which write the requested files."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.order: list[str] = []
        self.offered: dict[str, set[str]] = {}

    def __call__(self, request: ModelRequest) -> Iterable[Step]:
        if request.thread_id:
            return self._write(request)
        [role] = re.findall(r"You are the ([A-Z]\w+(?: [A-Z]\w+)?)\.", request.instructions)
        self.offered[role] = set(request.tools)
        if self.order[-1:] != [role]:
            self.order.append(role)
        step = self._steps(role)[self.asked[role]]
        self.asked[role] += 1
        return [step]

    def _steps(self, role: str) -> list[Step]:
        write = Call("codex", {"prompt": f"Write {' '.join(MADE[role])}", **TERMS})
        if role == MANAGER:
            return [write, *map(hand_to, SPECIALISTS), Say(LAST_WORDS)]
        return [write, hand_to(MANAGER)]

    def _write(self, request: ModelRequest) -> list[Step]:
        names = request.first_user_text.split()[1:]
        if request.number:
            return [Say(f"Wrote {names[0]}.")]
        added = (Patch.add(name, content(name)).text.splitlines()[1:-1] for name in names)
        lines = "\n".join(line for patch in added for line in patch)
        return [Patch(f"*** Begin Patch\n{lines}\n*** End Patch\n")]


def hand_to(role: str) -> Call:
    return Call(f"transfer_to_{role.lower().replace(' ', '_')}")


@dataclass(frozen=True, slots=True)
class Machine:
    """A person's machine: a shared server, an empty project, and `codextui` on the PATH."""

    served: Served
    roles: FiveRoles
    project: Path
    env: dict[str, str]

    async def run(self, *command: str | Path) -> tuple[int, str, str]:
        """Run a program in the project, and return its exit code and what it printed."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdout=pipe, stderr=pipe, cwd=self.project, env=self.env
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    def assert_played(self) -> None:
        """Check that all roles had a turn, in the example's order, and that their files exist."""
        assert not self.served.model.faults
        turns = [[MANAGER, name] for name in SPECIALISTS]
        assert self.roles.order == [*[name for pair in turns for name in pair], MANAGER]
        handoffs = {hand_to(name).name for name in SPECIALISTS}
        assert handoffs <= self.roles.offered[MANAGER]
        for name in SPECIALISTS:
            transfers = {tool for tool in self.roles.offered[name] if tool.startswith("transfer_")}
            assert transfers == {hand_to(MANAGER).name}
        assert [r for r, tools in self.roles.offered.items() if "web_search" in tools] == [
            "Designer"
        ]
        for name in (*FILES, WIREFRAME):
            assert (self.project / name).read_text(encoding="utf-8") == content(name)

    async def assert_threads(self) -> list[dict[str, Any]]:
        """Check that five Codex threads worked, with the example's settings and no approval."""
        async with self.served.console() as console:
            rows = (await console.call("codex-threads", all=True))["threads"]
            asked = [event for event in console.events if isinstance(event.msg, ev.ApprovalAsked)]
        threads = [row for row in rows if row["kind"] == ThreadKind.CODEX]
        settings = ("sandbox", "approval_policy", "cwd", "state")
        wanted = ("workspace-write", "never", str(self.project), ThreadState.IDLE)
        assert [tuple(row[key] for key in settings) for row in threads] == [wanted] * 5
        assert not asked
        return threads


@asynccontextmanager
async def a_machine(binary: Path, scratch: Path) -> AsyncIterator[Machine]:
    project, runtime, programs = (scratch / name for name in ("project", "codextui", "bin"))
    project.mkdir()
    runtime.mkdir(mode=0o700)
    programs.mkdir()
    homes = {"XDG_RUNTIME_DIR": str(scratch), "XDG_STATE_HOME": str(scratch / "state")}
    # MCP clients start their servers with few variables, so the program brings its own.
    exports = " ".join(f"{key}={shlex.quote(value)}" for key, value in homes.items())
    program = programs / "codextui"
    program.write_text(f'#!/bin/sh\nexec env {exports} {sys.executable} -m codextui "$@"\n')
    program.chmod(0o700)
    roles = FiveRoles()
    place = {"socket": runtime / "default.sock", "name": "default"}
    async with serving(binary, scratch, roles, **place) as served:  # type: ignore[arg-type] # any script will do
        own = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "OPENAI_BASE_URL": served.model.base_url,
            "OPENAI_API_KEY": "none",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "NO_PROXY": "127.0.0.1",
        }
        yield Machine(served, roles, project, {**os.environ, **homes, **own})


@pytest.mark.slow
async def test_a_plain_script_of_five_roles_needs_only_another_command(
    codex_binary: Path, scratch: Path
) -> None:
    script = EXAMPLES / "five_roles.py"
    source = script.read_text(encoding="utf-8")
    assert 'params={"command": "codextui", "args": ["mcp-server"]}' in source
    assert "import codextui" not in source
    assert "from codextui" not in source
    async with asyncio.timeout(WAIT_S), a_machine(codex_binary, scratch) as machine:
        code, out, err = await machine.run(sys.executable, script)
        assert (code, out.strip()) == (0, LAST_WORDS), err
        machine.assert_played()
        await machine.assert_threads()


@pytest.mark.slow
async def test_the_same_team_runs_by_its_configuration(codex_binary: Path, scratch: Path) -> None:
    async with asyncio.timeout(WAIT_S), a_machine(codex_binary, scratch) as machine:
        config = ("--config", EXAMPLES / "five_roles.toml")
        run = ("run", "--headless", "--json", *config, "five-roles", "Build Bug Busters.")
        code, out, err = await machine.run("codextui", *run)
        assert code == 0, err
        machine.assert_played()
        threads = await machine.assert_threads()
    events = [json.loads(line) for line in out.splitlines()]
    handed = [(one["role"], one["to"]) for one in events if one["kind"] == "handed_off"]
    names = [name.lower().replace(" ", "-") for name in SPECIALISTS]
    there_and_back = [[("project-manager", name), (name, "project-manager")] for name in names]
    assert handed == [handoff for pair in there_and_back for handoff in pair]
    assert len({row["handle"] for row in threads}) == 5
