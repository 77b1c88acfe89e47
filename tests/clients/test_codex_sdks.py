"""The Codex SDKs and the Agents SDK's codex tool, which start `codex exec` for every turn."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner
from agents.extensions.experimental.codex import codex_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from clients.installed import HERE, Installed
from clients.machine import Machine
from clients.seen import output_of
from contract.serving import Console

from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadInfo, ThreadState

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Told:
    """What a program is told: what it starts as `codex`, and what it says."""

    machine: Machine
    codex: str
    outside: Path

    @property
    def prompts(self) -> dict[str, str]:
        return {
            "plain": "hello",
            "asking": f"leave {self.outside}",
            "reply": "is there more",
            "endless": "sleep",
        }

    def to_json(self) -> str:
        image = self.machine.folder / "dot.png"
        image.write_bytes(DOT)
        return json.dumps(
            {
                "codex": self.codex,
                "env": self.machine.env,
                "folder": str(self.machine.project),
                "prompts": self.prompts,
                "image": str(image),
            }
        )


async def typescript(told: Told, installed: Installed) -> Any:
    node, folder = installed.node
    script = shutil.copy(HERE / "programs" / "codex_sdk.mjs", folder)  # where its package is
    return await output_of(node, script, told.to_json(), cwd=told.machine.project)


async def python(told: Told, installed: Installed) -> Any:
    script = HERE / "programs" / "codex_sdk.py"
    return await output_of(installed.python, script, told.to_json(), cwd=told.machine.project)


Program = Callable[[Told, Installed], Awaitable[Any]]


async def shim_of(machine: Machine) -> str:
    config = machine.folder / "config.toml"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codextui", "--config", str(config), "shim-path"),
        env=machine.env,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return out.decode().strip()


async def approve(console: Console) -> None:
    approval = await console.offered()
    await console.connection.answer(approval.approval_id, Approved())


async def threads_of(console: Console) -> dict[str, ThreadInfo]:
    rows = (await console.call("codex-threads"))["threads"]
    return {row["thread_id"]: ThreadInfo.from_json(row) for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "client"), [(typescript, "codex_sdk_ts"), (python, "codex_sdk_py")]
)
async def test_a_codex_sdk_runs_its_turns_here(
    program: Program, client: str, machine: Machine, installed: Installed
) -> None:
    told = Told(machine, await shim_of(machine), machine.folder / f"left-by-{client}")
    async with machine.supervisor() as console:
        approving = asyncio.create_task(approve(console))
        seen = await program(told, installed)
        await approving
        assert (seen["plain"], seen["allowed"]) == ("Hello yourself.", "It is there.")
        assert seen["reply"] == "There is no more."
        assert told.outside.exists()
        assert seen["kinds"][:2] == ["thread.started", "turn.started"]
        assert seen["kinds"][-1] == "turn.completed"
        assert seen["usage"]["input_tokens"] > 0
        thread = (await threads_of(console))[seen["thread"]]
        assert (thread.client, thread.approval_policy) == (client, "on-request")
        assert seen["aborted"]
        await console.state(seen["cut"], ThreadState.INTERRUPTED)


async def test_the_codex_tool_of_the_agents_sdk_runs_its_turns_here(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = machine.folder / "left-by-the-codex-tool"
    monkeypatch.setenv("CODEX_PATH", await shim_of(machine))
    tool = codex_tool(
        codex_options={"env": machine.env, "api_key": "sk-of-no-use"},
        default_thread_options={
            "working_directory": str(machine.project),
            "skip_git_repo_check": True,
            "sandbox_mode": "workspace-write",
            "approval_policy": "on-request",
        },
        persist_session=True,
    )
    calls = [
        function_call("codex", {"inputs": [{"type": "text", "text": text}]}, call_id=f"c{number}")
        for number, text in enumerate((f"leave {outside}", "is there more"))
    ]
    model = ScriptedModel([[calls[0]], [calls[1]], [assistant_message("Both are done.")]])
    agent = Agent(name="visitor", model=model, tools=[tool])
    async with machine.supervisor() as console:
        approving = asyncio.create_task(approve(console))
        result = await Runner.run(agent, "Go.", run_config=RunConfig(tracing_disabled=True))
        await approving
        outputs = [
            json.loads(str(item["output"])) for item in result.to_input_list() if "output" in item
        ]
        assert [output["response"] for output in outputs] == ["It is there.", "There is no more."]
        [thread_id] = {output["thread_id"] for output in outputs}
        assert outside.exists()
        assert (await threads_of(console))[thread_id].cwd == str(machine.project)
