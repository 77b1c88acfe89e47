"""`codextui mcp-server` as any client starts it, with the real server and the real Codex."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.serving import PATIENCE_S, RawClient

from codextui.client import session, spawn
from codextui.client.relay import MAX_REQUEST
from codextui.demo import Run, Say, Script, ScriptedModel, codex_environment, write_codex_home
from codextui.protocol.codex_tools import TOOLS
from codextui.protocol.tools import SUPERVISOR_TOOLS
from codextui.server.transports.stream import MAX_LINE

pytestmark = pytest.mark.contract


class Started(RawClient):
    """A client that has started `codextui mcp-server` in its project."""

    process: asyncio.subprocess.Process

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def answer_or_error(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return await self.reply(self.begin_tool(tool, **arguments))


class Machine:
    """A person's machine: a folder for sockets, a Codex with a scripted model, a project."""

    def __init__(self, env: dict[str, str], config: Path, project: Path) -> None:
        self.env, self.config, self.project = env, config, project

    @asynccontextmanager
    async def client(
        self, name: str = "a client", options: tuple[str, ...] = (), **capabilities: Any
    ) -> AsyncIterator[Started]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "codextui",
            "mcp-server",
            *options,
            "--config",
            str(self.config),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=self.project,
            env=self.env,
            limit=2**26,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        client = Started(process.stdout, process.stdin)
        client.process = process
        try:
            await client.initialize(name, capabilities)
            yield client
        finally:
            await client.close()
            await client.ended()

    async def ask_server(self, tool: str, **arguments: Any) -> Any:
        socket = await spawn.find_server("default")
        return await session.call_once(socket, "a test", tool, arguments)


@pytest.fixture
async def machine(
    codex_binary: Path,
    codex_home: Path,
    scratch: Path,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        monkeypatch.setenv("XDG_STATE_HOME", str(scratch / "state"))
        config = scratch / "config.toml"
        config.write_text(
            f'[codex]\nattach = "private"\nbinary = "{codex_binary}"\nhome = "{codex_home}"\n'
        )
        machine = Machine(codex_environment(codex_home), config, workspace)
        yield machine
        await machine.ask_server("codex-shutdown")
        await spawn.wait_until_gone("default")


@asynccontextmanager
async def scripted(codex_home: Path, script: Script) -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel(script) as model:
        write_codex_home(codex_home, model.base_url)
        yield model


def test_the_relay_refuses_what_the_server_would_hang_up_on() -> None:
    assert MAX_REQUEST < MAX_LINE


async def test_a_client_sees_the_two_tools_it_knows_and_works_in_its_own_folder(
    machine: Machine, codex_home: Path
) -> None:
    script = Script()
    script.on("make a file", Run("touch made-here.txt"), Say("It is made."))
    script.on("and in", Run("touch made-there.txt"), Say("That too."))
    script.on("once more", Say("Once more."))
    (machine.project / "sub").mkdir()
    async with scripted(codex_home, script), machine.client("claude-code") as client:
        listed = await client.reply(client.begin("tools/list"))
        assert listed["result"]["tools"] == list(TOOLS)

        writing = {"sandbox": "workspace-write", "approval-policy": "never"}
        result = await client.call("codex", prompt="make a file", **writing)
        answer = result["structuredContent"]
        assert answer["content"] == "It is made."
        assert result["content"][0] == {"type": "text", "text": "It is made."}
        assert (machine.project / "made-here.txt").exists()

        await client.call("codex", prompt="and in sub", cwd="sub", **writing)
        assert (machine.project / "sub" / "made-there.txt").exists()

        again = await client.call(
            "codex-reply", threadId=answer["threadId"], prompt="once more, please"
        )
        assert again["structuredContent"] == {
            "threadId": answer["threadId"],
            "content": "Once more.",
        }
        assert "claude-code" in (await machine.ask_server("codex-server"))["clients"]


async def test_settings_that_the_client_is_configured_with_count_for_its_threads(
    machine: Machine, codex_home: Path
) -> None:
    script = Script()
    script.on("", Say("Yes."), repeat=True)
    async with scripted(codex_home, script) as model:
        async with machine.client(options=("-m", "gpt-5.5-of-the-client")) as client:
            await client.call("codex", prompt="hello")
            assert model.requests[-1].body["model"] == "gpt-5.5-of-the-client"
            await client.call("codex", prompt="hello", model="gpt-5.5-of-the-call")
            assert model.requests[-1].body["model"] == "gpt-5.5-of-the-call"
        async with machine.client() as client:
            await client.call("codex", prompt="hello")
            assert model.requests[-1].body["model"] == "gpt-5.5"


async def test_a_client_can_be_shown_what_supervisors_have(machine: Machine) -> None:
    async with machine.client(options=("--tools", "all")) as client:
        listed = await client.reply(client.begin("tools/list"))
        assert listed["result"]["tools"] == [*TOOLS, *SUPERVISOR_TOOLS]


async def test_a_client_that_closes_its_end_is_let_go_and_its_turn_goes_on(
    machine: Machine, codex_home: Path
) -> None:
    script = Script()
    script.on("slowly", Run("while [ ! -e go ]; do sleep 0.05; done"), Say("Done at last."))
    async with scripted(codex_home, script):
        async with machine.client() as client:
            client.begin_tool("codex", prompt="slowly", sandbox="workspace-write")
            await until_running(machine)
            client.writer.write_eof()
            assert await client.ended() == 0
        [thread] = (await machine.ask_server("codex-threads"))["threads"]
        assert thread["state"] == "running"
        (machine.project / "go").touch()
        await until_state(machine, "idle")


async def test_where_the_server_is_killed_the_call_is_answered_and_the_next_one_goes_on(
    machine: Machine, codex_home: Path
) -> None:
    script = Script()
    script.on("first", Say("One."))
    script.on("slowly", Run("sleep 1234"), Say("Never."))
    script.on("and now", Say("Back again."))
    async with scripted(codex_home, script), machine.client("a client") as client:
        thread_id = (await client.call("codex", prompt="first"))["structuredContent"]["threadId"]
        number = client.begin_tool("codex-reply", threadId=thread_id, prompt="slowly")
        await until_running(machine)
        killed = (await machine.ask_server("codex-server"))["pid"]
        os.kill(killed, signal.SIGKILL)
        error = (await client.reply(number))["error"]
        assert error["code"] == -32000
        assert "server is lost" in error["message"]

        back = await client.call("codex-reply", threadId=thread_id, prompt="and now")
        assert back["structuredContent"] == {"threadId": thread_id, "content": "Back again."}
        server = await machine.ask_server("codex-server")
        assert server["pid"] != killed
        assert "a client" in server["clients"]


async def test_a_client_that_can_be_asked_is_asked_through_the_relay(
    machine: Machine, codex_home: Path, scratch: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script()
    leave = Run(f"touch {outside}", escalate=True, justification="it belongs there")
    script.on("leave", leave, Say("It is there."))
    async with scripted(codex_home, script), machine.client(elicitation={}) as client:
        number = client.begin_tool("codex", prompt="leave", **{"approval-policy": "on-request"})
        asked = await client.elicited()
        assert str(outside) in str(asked["params"]["codex_command"])
        client.answer(asked, {"action": "accept", "content": {}})
        answer = (await client.reply(number))["result"]
        assert answer["structuredContent"]["content"] == "It is there."
        assert outside.exists()


async def test_a_call_that_is_taken_back_stops_what_it_started(
    machine: Machine, codex_home: Path
) -> None:
    script = Script()
    script.on("slowly", Run("sleep 1234"), Say("Never."))
    async with scripted(codex_home, script), machine.client() as client:
        number = client.begin_tool("codex", prompt="slowly")
        await until_running(machine)
        client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
        await until_state(machine, "interrupted")


async def test_what_is_wrong_with_the_server_is_the_answer(
    machine: Machine, codex_home: Path
) -> None:
    right = machine.config.read_text()
    machine.config.write_text("[codex]\nbinery = 1\n")
    async with machine.client() as client:
        refused = await client.message(lambda message: message.get("id") == 1)
        assert "binery" in refused["error"]["message"]
        machine.config.write_text(right)
        # The next request brings the server up, and introduces the client after all.
        listed = await client.reply(client.begin("tools/list"))
        assert len(listed["result"]["tools"]) == 2


def configure_spies(codex_home: Path, scratch: Path, project: Path) -> tuple[Path, Path]:
    """Two entries that are codextui, of the user and of a project that is trusted; and another.

    What shows that codextui was started, and what shows that the other was.
    """
    folder = scratch / "spies"
    folder.mkdir()
    ours, others = folder / "codextui.started", folder / "other.started"
    for name, trace in (("codextui", ours), ("other", others)):
        (folder / name).write_text(f"#!/bin/sh\necho started >> {trace}\n")
        (folder / name).chmod(0o755)
    config = codex_home / "config.toml"
    entry = '\n[mcp_servers.{}]\ncommand = "{}"\nargs = ["mcp-server"]\n'
    config.write_text(
        config.read_text()
        + entry.format("codextui", folder / "codextui")
        + entry.format("other", folder / "other")
        + f'[projects."{project}"]\ntrust_level = "trusted"\n'
    )
    (project / ".codex").mkdir()
    (project / ".codex" / "config.toml").write_text(entry.format("team", folder / "codextui"))
    return ours, others


async def test_the_agents_start_no_codextui_though_their_configuration_has_it(
    machine: Machine, codex_home: Path, scratch: Path
) -> None:
    script = Script()
    script.on("", Say("Yes."), repeat=True)
    async with scripted(codex_home, script):
        ours, others = configure_spies(codex_home, scratch, machine.project)
        async with machine.client() as client:
            called = await client.call("codex", prompt="hello")
            thread_id = called["structuredContent"]["threadId"]
            await machine.ask_server("codex-fork", thread=thread_id, prompt="and you")
            await until_state(machine, "idle", "idle")
            assert others.exists()
            assert not ours.exists()


async def test_a_relay_that_an_agent_starts_all_the_same_is_no_client_and_is_shown_nothing(
    machine: Machine, codex_home: Path, scratch: Path
) -> None:
    script = Script()
    script.on("", Say("Yes."), repeat=True)
    async with scripted(codex_home, script) as model:
        config = codex_home / "config.toml"
        launch = [sys.executable, "-m", "codextui", "mcp-server", "--config", str(machine.config)]
        variables = {name: os.environ[name] for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME")}
        config.write_text(
            config.read_text()
            # No setting of a thread's can name it.
            + f'\n[mcp_servers."an.entry"]\ncommand = "{launch[0]}"\nargs = {launch[1:]}\n'
            + "".join(f'env.{name} = "{value}"\n' for name, value in variables.items())
        )
        async with machine.client("the client") as client:
            await client.call("codex", prompt="hello")
            log = scratch / "state" / "codextui" / "default.log"
            async with asyncio.timeout(PATIENCE_S):
                while "is shown none" not in log.read_text():  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.05)
            assert "codex-reply" not in str(model.requests[-1].body["tools"])
            server = await machine.ask_server("codex-server")
            assert server["clients"] == ["a test", "the client"]


async def until_running(machine: Machine) -> None:
    """Until a command of the first thread runs."""
    await until_state(machine, "running")
    async with asyncio.timeout(PATIENCE_S):
        while not await has_command(machine):  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.05)


async def has_command(machine: Machine) -> bool:
    [thread] = (await machine.ask_server("codex-threads"))["threads"]
    read = await machine.ask_server("codex-read", thread=thread["thread_id"])
    return "commandExecution" in str(read["events"])


async def until_state(machine: Machine, *states: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            threads = (await machine.ask_server("codex-threads"))["threads"]
            if [thread["state"] for thread in threads] == [*states]:
                return
            await asyncio.sleep(0.05)
