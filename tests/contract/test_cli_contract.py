"""The command line against a real server, which it starts, and the real Codex."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from codextui.client import session, spawn
from codextui.config import paths
from codextui.demo import Run, Say, Script, ScriptedModel, codex_environment, write_codex_home

pytestmark = pytest.mark.contract

PATIENCE_S = 60


class Ran:
    """What a command line printed, and its exit code."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code, self.out, self.err = code, out.decode(), err.decode()

    @property
    def object(self) -> dict[str, Any]:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def objects(self) -> list[dict[str, Any]]:
        assert self.code == 0, self.err
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """A person's shell: an environment, a folder, and a configuration."""

    def __init__(self, env: dict[str, str], workspace: Path, config: Path) -> None:
        self.env, self.workspace, self.config = env, workspace, config

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "codextui",
            *arguments,
            "--config",
            str(self.config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.workspace,
            env=self.env,
        )

    async def run(self, *arguments: str) -> Ran:
        process = await self.start(*arguments)
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(process.returncode, out, err)

    async def server(self) -> dict[str, Any]:
        socket = await spawn.find_server("default")
        return dict(await session.call_once(socket, "a test", "codex-server", {}))


@pytest.fixture
async def shell(
    codex_binary: Path,
    codex_home: Path,
    scratch: Path,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Shell]:
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        own = {"XDG_RUNTIME_DIR": runtime, "XDG_STATE_HOME": str(scratch / "state")}
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        config = scratch / "config.toml"
        write_config(config, codex_binary, codex_home)
        shell = Shell(codex_environment(codex_home), workspace, config)
        yield shell
        await shell.run("kill-server")
        await spawn.wait_until_gone("default")


def write_config(config: Path, codex_binary: Path, codex_home: Path, more: str = "") -> None:
    config.write_text(
        f'[codex]\nattach = "own"\nbinary = {json.dumps(str(codex_binary))}\n'
        f"home = {json.dumps(str(codex_home))}\n"
        f"{more}"
    )


@asynccontextmanager
async def scripted(codex_home: Path, script: Script) -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel(script) as model:
        write_codex_home(codex_home, model.base_url)
        yield model


async def line_with(stream: asyncio.StreamReader | None, words: str) -> str:
    assert stream is not None
    async with asyncio.timeout(PATIENCE_S):
        while line := await stream.readline():
            if words in line.decode():
                return line.decode()
    pytest.fail(f"the stream ended without {words!r}")


async def test_a_thread_lives_from_new_to_kill_by_commands_alone(
    shell: Shell, codex_home: Path, scratch: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script()
    leave = Run(f"touch {outside}", escalate=True, justification="it belongs there")
    script.on("leave", leave, Say("It is there."))
    script.on("again", Say("Once more."))
    async with scripted(codex_home, script):
        options = ["--handle", "backend", "-s", "workspace-write", "-a", "on-request", "--json"]
        new = (await shell.run("new", "leave a file", *options)).object["thread"]
        assert new["handle"] == "backend"
        waiting = await shell.start("reply", "backend", "and say so", "--wait")
        asked = await line_with(waiting.stderr, "needs input")

        row = (await shell.run("ps", "--json")).object
        assert (row["thread_id"], row["state"]) == (new["thread_id"], "needs input")
        approval = (await shell.run("approvals", "--json")).object
        assert str(outside) in approval["asked"]["command"]
        assert f"codextui approve {approval['approval_id']}" in asked
        assert not outside.exists()

        decided = (await shell.run("approve", approval["approval_id"], "--json")).object
        assert decided == {"approval": approval["approval_id"], "outcome": "approved"}
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await waiting.communicate()
        assert (waiting.returncode, out) == (0, b"It is there.\n")
        assert outside.exists()
        late = await shell.run("approve", approval["approval_id"])
        assert late.code == 1

        thread, *events = (await shell.run("read", "backend", "--json")).objects
        assert thread["thread"]["handle"] == "backend"
        kinds = [event["msg"]["type"] for event in events]
        for kind in ("task_started", "approval_asked", "approval_resolved", "task_complete"):
            assert kind in kinds
        as_text = await shell.run("read", "backend")
        assert "It is there." in as_text.out

        fork = (await shell.run("fork", "backend", "--json")).object["thread"]
        assert (fork["handle"], fork["forked_from"]) == ("backend-fork", new["thread_id"])
        again = await shell.run("reply", "backend-fork", "again", "--wait", "--json")
        assert again.objects[-1]["outcome"] == "completed"
        assert again.objects[-1]["content"] == "Once more."

        killed = (await shell.run("kill", "backend", "--json")).object["thread"]
        assert killed["state"] == "killed"
        assert [row["handle"] for row in (await shell.run("ps", "--json")).objects] == [
            "backend-fork"
        ]
        assert len((await shell.run("ps", "--all", "--json")).objects) == 2


async def test_waiting_for_a_fork_prints_its_own_answer_and_its_state_afterwards(
    shell: Shell, codex_home: Path
) -> None:
    script = Script()
    script.on("count", Say("One."))
    script.on("again", Say("Two."))
    async with scripted(codex_home, script):
        first = await shell.run("new", "count", "--handle", "a", "--wait")
        assert (first.code, first.out) == (0, "One.\n")
        forked = await shell.run("fork", "a", "again", "--wait")
        assert (forked.code, forked.out) == (0, "Two.\n")
        assert forked.err.startswith("forked as a-fork (")
        for arguments in (("fork", "a", "again"), ("reply", "a", "again"), ("new", "again")):
            *events, last = (await shell.run(*arguments, "--wait", "--json")).objects
            answers = [
                event["msg"]["item"]["text"]
                for event in events
                if event["msg"].get("item", {}).get("type") == "agentMessage"
            ]
            assert set(answers) <= {"", "Two."}
            assert last["content"] == "Two."
            assert last["thread"]["state"] == "idle"
            assert last["thread"]["turn_usage"]["total"] > 0
            now = await shell.run("ps", "--json")
            assert last["thread"] in now.objects


async def test_a_decline_with_a_message_is_read_by_the_model(
    shell: Shell, codex_home: Path, scratch: Path
) -> None:
    script = Script()
    script.on("leave", Run(f"touch {scratch / 'x'}", escalate=True), Say("As you wish."))
    async with scripted(codex_home, script) as model:
        waiting = await shell.start("new", "leave", "--wait", "-a", "on-request")
        asked = await line_with(waiting.stderr, "codextui approve ")
        approval_id = asked.split("codextui approve ")[1].split()[0]
        declined = await shell.run("decline", approval_id, "--message", "stay in the workspace")
        assert declined.code == 0, declined.err
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await waiting.communicate()
        assert (waiting.returncode, out) == (0, b"As you wish.\n")
        assert not (scratch / "x").exists()
        read = json.dumps(model.requests[-1].body)
        assert "stay in the workspace" in read


async def test_an_interrupt_ends_the_turn_and_its_command(shell: Shell, codex_home: Path) -> None:
    script = Script()
    script.on("sleep", Run("touch begun; sleep 1234; touch done"), Say("Slept."))
    async with scripted(codex_home, script):
        waiting = await shell.start("new", "sleep", "--wait", "--json", "-s", "workspace-write")
        await line_with(waiting.stdout, '"commandExecution"')
        async with asyncio.timeout(PATIENCE_S):
            while not (shell.workspace / "begun").exists():  # noqa: ASYNC110 - a process's doing
                await asyncio.sleep(0.05)
        handle = (await shell.run("ps", "--json")).object["handle"]
        stopped = (await shell.run("interrupt", handle, "--json")).object["thread"]
        assert stopped["state"] == "interrupted"
        assert "sleep 1234" not in commands_that_run()
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await waiting.communicate()
        assert waiting.returncode == 5
        assert json.loads(out.splitlines()[-1])["outcome"] == "interrupted"
        assert (await shell.run("steer", handle, "go on")).code == 1


def commands_that_run() -> str:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(found)


async def test_two_commands_that_start_the_server_at_once_end_as_one(
    shell: Shell, codex_home: Path
) -> None:
    script = Script()
    script.on("", Say("Here."), repeat=True)
    async with scripted(codex_home, script):
        ran = await asyncio.gather(*(shell.run("new", "x", "--json") for _ in range(4)))
        assert [one.code for one in ran] == [0] * 4, [one.err for one in ran]
        handles = {one.object["thread"]["handle"] for one in ran}
        assert len(handles) == 4
        listed = {row["handle"] for row in (await shell.run("ps", "--json")).objects}
        assert listed == handles


async def test_a_server_without_clients_and_turns_ends_by_itself_and_says_so(
    shell: Shell, codex_home: Path, codex_binary: Path
) -> None:
    write_config(shell.config, codex_binary, codex_home, "[server]\nidle_timeout = 1\n")
    script = Script()
    script.on("", Say("Here."))
    async with scripted(codex_home, script):
        assert (await shell.run("new", "x", "--wait")).code == 0
        await spawn.wait_until_gone("default", PATIENCE_S)
    log = paths.log_path("default").read_text()
    assert "nothing ran for 1 seconds" in log
    assert (await shell.run("ps")).code == 3


async def test_a_server_can_be_started_the_moment_the_last_one_was_killed(
    shell: Shell, codex_home: Path
) -> None:
    script = Script()
    script.on("", Say("Here."), repeat=True)
    async with scripted(codex_home, script):
        assert (await shell.run("new", "x", "--wait")).code == 0
        first = await shell.server()
        assert (await shell.run("kill-server")).code == 0
        again = await shell.run("read", "codex-1")
        assert again.code == 0, again.err
        assert "Here." in again.out
        assert (await shell.server())["pid"] != first["pid"]


async def test_a_server_that_cannot_start_shows_the_end_of_its_log(shell: Shell) -> None:
    shell.config.write_text("[codex]\nbinery = 1\n")
    ran = await shell.run("new", "x")
    assert (ran.code, ran.out) == (3, "")
    assert "binery" in ran.err
    assert str(paths.log_path("default")) in ran.err
    assert "codextui serve -L default" in ran.err


async def test_the_daemon_belongs_to_nobody_and_is_private(shell: Shell, codex_home: Path) -> None:
    script = Script()
    script.on("", Say("Here."))
    async with scripted(codex_home, script):
        assert (await shell.run("new", "x")).code == 0
        pid = (await shell.server())["pid"]
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    socket, log = paths.socket_path("default"), paths.log_path("default")
    assert [path.stat().st_mode & 0o777 for path in (socket, log)] == [0o600, 0o600]


async def test_after_a_kill_of_the_server_its_threads_come_back(
    shell: Shell, codex_home: Path
) -> None:
    script = Script()
    script.on("first", Say("One."))
    script.on("second", Say("Two."))
    async with scripted(codex_home, script):
        assert (await shell.run("new", "first", "--wait", "--handle", "h")).code == 0
        pid = (await shell.server())["pid"]
        os.kill(pid, signal.SIGKILL)
        await spawn.wait_until_gone("default", PATIENCE_S)
        back = await shell.run("reply", "h", "second", "--wait")
        assert (back.code, back.out) == (0, "Two.\n"), back.err


TEAM = '[teams.solo.roles.one]\ninstructions = "Do it."\n'


@pytest.fixture
def team_shell(shell: Shell, codex_binary: Path, codex_home: Path) -> Shell:
    """A shell with a team of one role, whose model nobody serves and nobody has a key for."""
    write_config(shell.config, codex_binary, codex_home, TEAM)
    shell.env.pop("OPENAI_API_KEY", None)
    return shell


async def test_a_run_without_credentials_ends_with_a_sentence(team_shell: Shell) -> None:
    ran = await team_shell.run("run", "solo", "anything", "--json")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event["kind"] for event in events] == ["run_started", "run_ended"]
    assert events[-1]["outcome"] == "failed"
    assert events[-1]["exit"] == ran.code == 2
    assert "OPENAI_API_KEY" in events[-1]["text"]
    assert all(event["at"] > 1e9 for event in events)
    assert "Traceback" not in ran.err
    as_text = await team_shell.run("run", "solo", "anything")
    assert " failed: the model of one cannot be used: " in as_text.out
    (shown,) = (await team_shell.run("runs", "--json")).objects[:1]
    assert shown["state"] == "failed"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
async def test_a_run_that_is_interrupted_ends_with_run_ended(
    team_shell: Shell, number: signal.Signals, code: int
) -> None:
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    team_shell.env |= {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    async with silent:
        process = await team_shell.start("run", "solo", "anything", "--json")
        await line_with(process.stdout, "role_started")
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
    last = json.loads(out.splitlines()[-1])
    assert (last["kind"], last["outcome"]) == ("run_ended", "interrupted")
    assert last["exit"] == process.returncode == code
    assert b"Traceback" not in err
    assert f"`{last['resume']}` goes on with it" in err.decode()
