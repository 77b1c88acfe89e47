"""The demo of three threads: `codextui demo --headless`, and the order of its tasks."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codextui.config import paths
from codextui.demo import Fail, Script, threads
from codextui.demo.roles import FOLLOW_UP
from codextui.demo.threads import ThreadTasks
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, ThreadState

contract = pytest.mark.contract


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Environment variables with separate folders for everything that codextui writes."""
    for name in ("CACHE_HOME", "CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(f"XDG_{name}", str(folder))
    return dict(os.environ)


def demo(environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codextui", "demo", *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@contract
def test_without_a_terminal_it_prints_line_by_line_and_succeeds(
    environment: Mapping[str, str], tmp_path: Path
):
    ran = demo(environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    policy = next(n for n, line in enumerate(lines) if "Approvals: a command is approved" in line)
    asked = [n for n, line in enumerate(lines) if " asks (" in line]
    assert len(asked) == 3
    assert policy < asked[0]
    for handle in ("builder", "tester", "writer"):
        assert any(line.startswith(handle) for line in lines)
    assert any("exit code 1" in line for line in lines)
    [where] = [line for line in lines if "What was made is in" in line]
    assert str(tmp_path) in where
    assert lines[-1] == "demo     Everything is there and right."
    assert list((tmp_path / "runtime_dir" / "codextui").iterdir()) == []


@contract
def test_with_json_every_line_is_an_object_that_says_what_happened(
    environment: Mapping[str, str],
):
    ran = demo(environment, "--headless", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    kinds = [line["kind"] for line in lines]
    assert kinds[:2] == ["started", "policy"]
    assert lines[-1] == {
        "kind": "finished",
        "text": "Everything is there and right.",
        "ok": True,
    }
    decided = {line["approval"]: line["decision"] for line in lines if line["kind"] == "decided"}
    assert set(decided.values()) == {"approved"}
    assert {line["approval"] for line in lines if line["kind"] == "asked"} == set(decided)
    assert all(line["ok"] for line in lines if line["kind"] == "checked")
    [failed] = [line for line in lines if line["kind"] == "ran" and line["exit_code"]]
    assert failed["thread"] == "tester"
    assert "FAILED (failures=2)" in failed["output"]
    ended = [line["thread"] for line in lines if line["kind"] == "turn_completed"]
    assert sorted(ended) == ["builder", "builder", "tester", "writer"]
    [files] = [line for line in lines if line["kind"] == "files"]
    assert (Path(files["project"]) / "wordtally.py").is_file()


@contract
def test_if_the_model_fails_it_says_so_and_exits_with_1(
    environment: Mapping[str, str], capsys: pytest.CaptureFixture
):
    broken = Script().on("", Fail(message="The model is out of order."), repeat=True)
    assert threads.run_headless(json_lines=False, script=broken) == 1
    printed = capsys.readouterr().out
    assert "The model is out of order." in printed
    assert "The demo failed: " in printed.splitlines()[-1]


@contract
def test_without_a_codex_it_says_what_to_type(
    environment: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture
):
    config = tmp_path / "config_home" / "codextui" / "config.toml"
    config.parent.mkdir()
    config.write_text(f'[codex]\nbinary = "{tmp_path}/no-codex"\n')
    assert threads.run_headless(json_lines=True) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["kind"] == "failed"
    assert "no-codex" in last["text"]


@contract
def test_a_run_that_takes_too_long_ends_with_a_reason(
    environment: Mapping[str, str], capsys: pytest.CaptureFixture
):
    assert threads.run_headless(json_lines=True, limit_s=0.2) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["kind"] == "failed"
    assert "did not end within" in last["text"]


@contract
async def test_the_server_of_a_killed_demo_ends_too(
    environment: Mapping[str, str],
):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codextui", "demo", "--headless"),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while b"asks (" not in await process.stdout.readline():
            assert not process.stdout.at_eof()
        socket = paths.socket_path(f"demo-{process.pid}")
        assert await listens(socket)
        process.kill()
        await process.wait()
        while await listens(socket):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


async def listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


@dataclass
class CallRecorder:
    """Records calls of tools; `called` is notified with every one."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    called: asyncio.Condition = field(default_factory=asyncio.Condition)
    refuse: bool = False

    async def call(self, tool: str, arguments: Any) -> Any:
        if self.refuse:
            raise ServerRefused("no")
        async with self.called:
            self.calls.append((tool, arguments))
            self.called.notify_all()
        return {"thread": {"thread_id": arguments.get("handle", "")}}

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(60), self.called:
            await self.called.wait_for(lambda: len(self.calls) >= count)


def turn_ended(thread: str) -> ev.Event:
    return ev.Event(1, thread, "u", 0.0, ev.TurnCompleted())


def killed(thread: str) -> ev.Event:
    row = ThreadInfo(thread, thread, ThreadState.KILLED)
    return ev.Event(1, thread, "", 0.0, ev.ThreadChanged(row))


@pytest.fixture
def recorder() -> CallRecorder:
    return CallRecorder()


async def test_three_threads_are_started_and_the_builder_gets_a_follow_up_after_the_tests(
    recorder: CallRecorder,
):
    tasks = ThreadTasks(recorder.call, Path("/w"))
    running = asyncio.create_task(tasks.run())
    await recorder.wait_for(3)
    assert [arguments["handle"] for _, arguments in recorder.calls] == [
        "builder",
        "tester",
        "writer",
    ]
    assert {arguments["cwd"] for _, arguments in recorder.calls} == {"/w"}
    tasks.handle_event(turn_ended("builder"))
    tasks.handle_event(turn_ended("writer"))
    _, pending = await asyncio.wait([running], timeout=0.05)
    assert pending
    assert len(recorder.calls) == 3
    tasks.handle_event(turn_ended("tester"))
    await recorder.wait_for(4)
    assert recorder.calls[3] == ("codex-send", {"thread": "builder", "prompt": FOLLOW_UP})
    tasks.handle_event(turn_ended("builder"))
    await asyncio.wait_for(running, 10)


async def test_a_killed_builder_gets_no_follow_up(recorder: CallRecorder):
    tasks = ThreadTasks(recorder.call, Path("/w"))
    running = asyncio.create_task(tasks.run())
    await recorder.wait_for(3)
    tasks.handle_event(killed("builder"))
    tasks.handle_event(turn_ended("tester"))
    tasks.handle_event(turn_ended("writer"))
    await asyncio.wait_for(running, 10)
    assert len(recorder.calls) == 3


async def test_a_refused_call_ends_the_tasks(recorder: CallRecorder):
    recorder.refuse = True
    with pytest.raises(ServerRefused):
        await ThreadTasks(recorder.call, Path("/w")).run()
