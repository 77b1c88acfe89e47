"""Turns of `codex exec` on the shared server: who decides, how they end, what remains."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from contract.conftest import CONFIGURED
from contract.exec_stage import OnLine, Ran, Stage, staged
from contract.serving import Console, until

from codextui.demo import Call, Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved, Declined
from codextui.protocol.threads import ThreadInfo, ThreadState

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

ASKING = ("-s", "workspace-write", "-c", 'approval_policy="on-request"')
FULL = ("-s", "danger-full-access")
JSON = ("exec", "--json", "--skip-git-repo-check")
TEXT = ("exec", "--skip-git-repo-check")


def script() -> Script:
    mark = Run("touch ../mark", escalate=True, justification="Needed.")
    script = Script().on("leave a mark", mark, Say("Ok."))
    for seconds in (71, 72, 73, 74, 75, 76, 78):
        script.on(f"sleep {seconds}", Run(f"sleep {seconds}"), Say("Slept."))
    spawn = Call("spawn_agent", {"message": "be the child"}, "multi_agent_v1")
    script.on("delegate", spawn, Say("Delegated."))
    script.on("be the child", Run("sleep 79"), Say("Slept."))
    much = Run("seq 60000")
    script.on("print much", much, much, much, Say("Printed."))
    script.on("failing test", Run("true", escalate=True), Say("Fixed."))
    script.on("leave 77", Run("sleep 77", yield_ms=300), Say("It sleeps."))
    script.on("write", Run("touch ../written"), Say("Tried."))
    return script.on("say", Say("Said."), Say("Said again."), Say("And again."), repeat=True)


def sleeping(folder: Path, seconds: int) -> bool:
    """Return whether a command of a thread in a folder sleeps that long."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if words[:2] == [b"sleep", str(seconds).encode()] and (
                (path / "cwd").readlink() == folder
            ):
                return True
        except OSError:
            continue
    return False


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=CONFIGURED or ["bundled"], ids=str
)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    binary = request.param
    if not isinstance(binary, Path):
        import codex_cli_bin  # noqa: PLC0415

        binary = Path(codex_cli_bin.bundled_codex_path())
    async with staged(binary, script) as stage:
        yield stage


def on_item(number: int) -> OnLine:
    """Send a signal when the first item has begun."""

    def send(process: asyncio.subprocess.Process, event: dict[str, Any]) -> None:
        if event["type"] == "item.started":
            process.send_signal(number)

    return send


async def thread_of(console: Console, ran: Ran) -> ThreadInfo:
    thread_id = ran.events[0]["thread_id"]
    rows = (await console.call("codex-threads"))["threads"]
    [row] = [row for row in rows if row["thread_id"] == thread_id]
    return ThreadInfo.from_json(row)


@pytest.mark.parametrize(("approves", "status"), [(True, "completed"), (False, "declined")])
async def test_the_console_decides_where_the_policy_asks(
    stage: Stage, approves: bool, status: str
) -> None:
    mark = stage.ours.folder / "mark"
    mark.unlink(missing_ok=True)
    async with stage.served.console() as console:
        running = asyncio.create_task(stage.ours.run(*JSON, *ASKING, "leave a mark"))
        approval = await console.offered()
        assert approval.thread_id
        decision = Approved() if approves else Declined("Not there.")
        await console.connection.answer(approval.approval_id, decision)
        ran = await running
    assert ran.code == 0
    [item] = [
        event["item"]
        for event in ran.events
        if event["type"] == "item.completed" and event["item"]["type"] == "command_execution"
    ]
    assert item["status"] == status
    assert mark.exists() == approves
    assert f"needs input: codextui approve {approval.approval_id}" in ran.err


async def test_without_a_policy_nobody_is_asked(stage: Stage) -> None:
    async with stage.served.console() as console:
        ran = await stage.ours.run(*JSON, "-s", "workspace-write", "leave a mark")
        assert ran.code == 0
        assert (await thread_of(console, ran)).approval_policy == "never"
        assert not (await console.call("codex-approvals"))["approvals"]


@pytest.mark.parametrize(
    ("number", "seconds"), [(signal.SIGINT, 71), (signal.SIGTERM, 72), (signal.SIGKILL, 73)]
)
async def test_a_signal_ends_the_turn_and_the_process_as_the_genuine_one(
    stage: Stage, number: int, seconds: int
) -> None:
    prompt = f"sleep {seconds}"
    genuine, ours = await stage.both(*JSON, *FULL, prompt, on_line=on_item(number))
    assert ours.code == genuine.code == (1 if number == signal.SIGINT else -number)
    assert stage.ours.events(ours) == stage.genuine.events(genuine)
    async with stage.served.console() as console:
        thread_id = ours.events[0]["thread_id"]
        await console.state(thread_id, ThreadState.INTERRUPTED)
    await until(lambda: not sleeping(stage.ours.workspace, seconds))


async def test_a_reader_that_leaves_ends_the_turn(stage: Stage) -> None:
    command = f"{stage.ours.program} {' '.join(JSON)} {' '.join(FULL)} 'sleep 74' | head -n 1"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"),
        cwd=stage.ours.workspace,
        env=stage.ours.env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    first, code = out.decode().splitlines()
    assert code == "101"
    async with stage.served.console() as console:
        await console.state(json.loads(first)["thread_id"], ThreadState.INTERRUPTED)


async def test_a_turn_that_the_console_interrupts_fails_without_an_event(stage: Stage) -> None:
    async with stage.served.console() as console:
        began = asyncio.Event()

        def note(_: asyncio.subprocess.Process, event: dict[str, Any]) -> None:
            if event["type"] == "item.started":
                began.set()

        running = asyncio.create_task(stage.ours.run(*JSON, *FULL, "sleep 75", on_line=note))
        await began.wait()
        rows = (await console.call("codex-threads"))["threads"]
        [thread] = [row for row in rows if row["state"] == "running"]
        await console.call("codex-interrupt", thread=thread["thread_id"])
        ran = await running
    assert ran.code == 1
    assert ran.events[-1]["type"] == "item.started"


async def test_what_a_turn_leaves_running_ends_with_it(stage: Stage) -> None:
    ran = await stage.ours.run(*JSON, *FULL, "leave 77")
    assert ran.code == 0
    await until(lambda: not sleeping(stage.ours.workspace, 77))


async def test_sub_agents_end_with_the_turn(stage: Stage) -> None:
    ran = await stage.ours.run(*JSON, "-m", "gpt-5.1", *FULL, "delegate")
    assert ran.code == 0
    [spawned] = [
        event["item"]
        for event in ran.events
        if event["type"] == "item.completed" and event["item"]["type"] == "collab_tool_call"
    ]
    [child] = spawned["receiver_thread_ids"]
    async with stage.served.console() as console:
        await console.state(child, ThreadState.INTERRUPTED)
    await until(lambda: not sleeping(stage.ours.workspace, 79))


async def test_a_turn_whose_codex_dies_fails(stage: Stage) -> None:
    async with stage.served.console() as console:
        pid = (await console.call("codex-server"))["codex"]["pid"]

        def kill(_: asyncio.subprocess.Process, event: dict[str, Any]) -> None:
            if event["type"] == "item.started":
                os.kill(pid, signal.SIGKILL)

        ran = await stage.ours.run(*JSON, *FULL, "sleep 78", on_line=kill)
        after = len(console.updates)
        assert ran.code == 1
        assert ran.events[-1]["type"] == "turn.failed"
        assert "was ended by SIGKILL" in ran.events[-1]["error"]["message"]
        if not (await console.call("codex-server"))["codex"]["pid"]:
            await console.event(ev.CodexReady, after=after)


async def test_a_turn_on_a_thread_at_work_is_refused(stage: Stage) -> None:
    async with stage.served.console() as console:
        started = await console.call(
            "codex-start", prompt="sleep 76", cwd=str(stage.ours.workspace), sandbox=FULL[1]
        )
        thread_id = started["thread"]["thread_id"]
        ran = await stage.ours.run(*JSON, "resume", thread_id, "say")
        assert (ran.code, ran.out) == (1, "")
        assert "a turn runs on" in ran.err
        await console.call("codex-interrupt", thread=thread_id)


async def test_full_access_is_not_handed_on_to_an_unattended_turn(stage: Stage) -> None:
    written = stage.ours.folder / "written"
    first = await stage.ours.run(*JSON, *FULL, "say")
    thread_id = first.events[0]["thread_id"]
    async with stage.served.console() as console:
        seen = len(console.updates)
        await stage.ours.run(*JSON, "resume", thread_id, "write")
        assert not written.exists()
        sandboxes: list[str] = []

        def has_returned(event: ev.Event) -> bool:
            assert isinstance(event.msg, ev.ThreadChanged)
            sandboxes.append(event.msg.thread.sandbox)
            return "read-only" in sandboxes and sandboxes[-1] == FULL[1]

        await console.event(ev.ThreadChanged, has_returned, seen)


@pytest.mark.parametrize("words", [("resume", "--last", "say"), ("resume", "NAME", "say")])
async def test_a_thread_is_resumed_without_its_id(stage: Stage, words: tuple[str, ...]) -> None:
    first = await stage.ours.run(*JSON, "say")
    async with stage.served.console() as console:
        handle = (await thread_of(console, first)).handle
    again = await stage.ours.run(*JSON, *(handle if word == "NAME" else word for word in words))
    assert again.events[0] == first.events[0]
    assert again.events[2]["item"]["text"] == "Said again."


async def test_the_newest_thread_of_codex_itself_is_resumed(stage: Stage) -> None:
    """It is another program's, and only Codex's history has it."""
    env = {"CODEX_HOME": stage.served.env["CODEX_HOME"]}
    folder = stage.ours.folder / "elsewhere"
    folder.mkdir()
    words = (*JSON, "-C", str(folder))
    genuine = await stage.genuine.run(*words, "say", env=env)
    assert genuine.code == 0
    ran = await stage.ours.run(*words, "resume", "--last", "say")
    assert ran.code == 0, ran.err
    assert ran.events[0] == genuine.events[0]
    assert ran.events[2]["item"]["text"] == "Said again."


async def test_without_a_thread_in_the_folder_a_new_one_begins(stage: Stage) -> None:
    folder = stage.ours.folder / "empty"
    folder.mkdir()
    ran = await stage.ours.run(*JSON, "-C", str(folder), "resume", "--last", "say")
    assert (ran.code, ran.events[2]["item"]["text"]) == (0, "Said.")


async def test_a_threads_own_console_may_be_the_one_that_resumes_it(stage: Stage) -> None:
    ran = await stage.ours.run(*JSON, "say")
    async with stage.served.console() as console:
        thread_id = ran.events[0]["thread_id"]
        await console.call("codex-send", thread=thread_id, prompt="say")
        await console.state(thread_id, ThreadState.RUNNING)


async def test_text_is_the_final_message_on_standard_output(stage: Stage) -> None:
    genuine, ours = await stage.both(*TEXT, *FULL, "say")
    assert (ours.code, ours.out) == (genuine.code, genuine.out) == (0, "Said.\n")
    for line in ("user", "say", "codex", "Said.", "tokens used", "sandbox: danger-full-access"):
        assert line in ours.err.splitlines()
        assert line in genuine.err.splitlines()


async def test_the_recipe_of_the_guide_works(stage: Stage) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text()
    [recipe] = [
        block for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL) if "shim-path" in block
    ]
    tools = stage.ours.folder / "tools"
    tools.mkdir()
    config = stage.served.options.socket.with_name("config.toml")
    command = shlex.join([sys.executable, "-m", "codextui", "--config", str(config)])
    (tools / "codextui").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    (tools / "codextui").chmod(0o755)
    (stage.ours.workspace / ".git").mkdir()
    async with stage.served.console() as console:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", recipe),
            cwd=stage.ours.workspace,
            env={**stage.ours.env, "PATH": f"{tools}:{stage.ours.env['PATH']}"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
        out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"Fixed.\n")


async def test_the_client_is_called_as_the_program_that_starts_it(stage: Stage) -> None:
    name = {"CODEX_INTERNAL_ORIGINATOR_OVERRIDE": "codex_sdk_py"}
    ran = await stage.ours.run(*JSON, "say", env=name)
    async with stage.served.console() as console:
        assert (await thread_of(console, ran)).client == "codex_sdk_py"


async def test_a_turn_fails_with_its_server(stage: Stage) -> None:
    async with staged(stage.genuine.program, script) as other:
        killing: list[asyncio.Task[None]] = []

        def kill(_: asyncio.subprocess.Process, event: dict[str, Any]) -> None:
            if event["type"] == "item.started":
                killing.append(asyncio.create_task(other.served.kill()))

        ran = await other.ours.run(*JSON, *FULL, "sleep 71", on_line=kill)
        await asyncio.gather(*killing)
        await other.served.start()  # which ends the Codex that was left
        assert ran.code == 1
        assert "the server was lost" in ran.err


async def test_a_reader_that_takes_its_time_misses_nothing(stage: Stage) -> None:
    process = await asyncio.create_subprocess_exec(
        *(stage.ours.program, *JSON, *FULL, "print much"),
        cwd=stage.ours.workspace,
        env=stage.ours.env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**16,
    )
    async with stage.served.console() as console:
        await console.event(
            ev.ItemCompleted, lambda event: "Printed." in str(getattr(event.msg, "item", ""))
        )
    assert process.stdout is not None
    lines = (await process.stdout.read()).splitlines()
    assert await process.wait() == 0
    assert json.loads(lines[-1])["type"] == "turn.completed"
    outputs = [json.loads(line).get("item", {}).get("aggregated_output", "") for line in lines]
    assert sum(len(output) > 300_000 for output in outputs) == 3
