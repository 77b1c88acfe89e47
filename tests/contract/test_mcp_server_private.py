"""`codextui mcp-server --private`, as a client starts it, with the real Codex."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract.serving import PATIENCE_S, RawClient, until

from codextui.demo import Run, Say, Script, ScriptedModel, codex_environment, write_codex_home

pytestmark = pytest.mark.contract


@pytest.fixture
def env(codex_home: Path, scratch: Path) -> dict[str, str]:
    env = dict(codex_environment(codex_home))
    for name in ("RUNTIME_DIR", "STATE_HOME", "CONFIG_HOME", "CACHE_HOME"):
        folder = scratch / name.lower()
        folder.mkdir(mode=0o700)
        env[f"XDG_{name}"] = str(folder)
    return env


@asynccontextmanager
async def private_server(
    env: Mapping[str, str], cwd: Path, **capabilities: object
) -> AsyncIterator[RawClient]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codextui", "mcp-server", "--private"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
        cwd=cwd,
        limit=2**26,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    client = RawClient(process.stdout, process.stdin)
    try:
        await client.initialize("client", dict(capabilities))
        yield client
    finally:
        await client.close()
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0


async def test_it_serves_where_its_client_works_and_leaves_nothing_behind(
    env: dict[str, str], codex_home: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello.")).on("again", Say("Once more."))
    async with ScriptedModel(script) as model:
        write_codex_home(codex_home, model.base_url)
        async with private_server(env, workspace) as client:
            result = await client.call("codex", prompt="hello")
            thread_id = result["structuredContent"]["threadId"]
            assert result["structuredContent"]["content"] == "Hello."
            (row,) = (await client.call("codex-threads"))["structuredContent"]["threads"]
            assert row["cwd"] == str(workspace)
        for name in ("runtime_dir", "state_home", "cache_home"):
            assert list((scratch / name).rglob("*.sock")) == []
            assert list((scratch / name).rglob("*.sqlite")) == []
        async with private_server(env, workspace) as client:
            reply = await client.call("codex-reply", prompt="again", threadId=thread_id)
            assert reply["structuredContent"] == {"threadId": thread_id, "content": "Once more."}


async def test_its_turns_and_their_processes_end_with_its_client(
    env: dict[str, str], codex_home: Path, workspace: Path
):
    script = Script().on("run", Run("echo $$ > pid; sleep 600"), Say("Slept."))
    pid_file = workspace / "pid"
    async with ScriptedModel(script) as model:
        write_codex_home(codex_home, model.base_url)
        async with private_server(env, workspace) as client:
            options = {"sandbox": "danger-full-access", "approval-policy": "never"}
            client.begin_tool("codex", prompt="run", **options)
            await until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
        await until(lambda: not Path(f"/proc/{pid_file.read_text().strip()}").exists())


async def test_what_its_client_cannot_answer_is_declined_at_once(
    env: dict[str, str], codex_home: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    async with ScriptedModel(script) as model:
        write_codex_home(codex_home, model.base_url)
        async with private_server(env, workspace) as client:
            options = {"sandbox": "workspace-write", "approval-policy": "on-request"}
            result = await client.call("codex", prompt="leave", **options)
            assert result["structuredContent"]["content"] == "Done."
            assert not outside.exists()
            assert "Nobody was there to decide" in str(model.requests[1].input)
