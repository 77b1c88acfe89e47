"""`codextui open` and `codextui adopt`."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import ROLE, THREAD, start_process
from msgspec import structs

from codextui.codex.writer_lock import lock_path
from codextui.errors import CodexFailed, ThreadHeld, ThreadUnknown
from codextui.protocol.threads import ThreadInfo

THREAD_ID = "01a22350-48f8-7db1-86e6-89ac2d83bc5b"


@pytest.fixture
def codex(server: FakeServer, home: Path) -> Path:
    """A Codex that says what it was called with, and a server that uses it."""
    path = home / "codex"
    path.write_text(
        "#!/bin/sh\n"
        "[ \"$*\" = 'resume --help' ] && exec echo ' --remote <ADDR>'\n"
        'printf "%s\\n" "$@" "$CODEX_HOME" "$(pwd)"\n'
    )
    path.chmod(0o700)
    server.tools["codex-threads"] = lambda _: {"threads": [thread_in(home).to_json()]}
    server.tools["codex-server"] = lambda _: {
        "codex": {"path": str(path), "pid": 7, "address": "unix:///r/s", "home": str(home / "ch")}
    }
    return path


def thread_in(folder: Path) -> ThreadInfo:
    return structs.replace(THREAD, cwd=str(folder))


async def test_the_command_is_printed_for_a_shell(
    codex: Path, home: Path, server: FakeServer, run: Any
):
    ran = await run("open", "backend", "--print")
    assert (ran.code, ran.err) == (0, "")
    call = await server.heard_method("tools/call")
    assert call["params"] == {"name": "codex-threads", "arguments": {"thread": "backend"}}
    said = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", ran.out], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == [
        *("--remote", "unix:///r/s", "resume", THREAD.thread_id),
        *(str(home / "ch"), os.path.realpath(home)),
    ]


async def test_a_thread_that_only_codex_has_is_opened_by_its_id(
    codex: Path, server: FakeServer, run: Any
):
    def refuse(_: Frame) -> Frame:
        raise ThreadUnknown("no such thread")

    server.tools["codex-threads"] = refuse
    assert f"resume {THREAD_ID}" in (await run("open", THREAD_ID, "--print")).out
    ran = await run("open", "nobody", "--print")
    assert (ran.code, ran.out) == (1, "")
    assert "no such thread" in ran.err


async def test_a_role_is_refused(codex: Path, server: FakeServer, run: Any):
    server.tools["codex-threads"] = lambda _: {"threads": [ROLE.to_json()]}
    ran = await run("open", "backend", "--print")
    assert (ran.code, ran.out) == (1, "")
    assert "backend is a role of a team: open one of its Codex threads" in ran.err


async def test_without_a_terminal_it_says_what_else_there_is(codex: Path, run: Any):
    ran = await run("open", "backend")
    assert ran.code == 2
    assert "--print prints the command and --window" in ran.err


async def test_a_window_is_opened_by_the_configured_command(
    codex: Path, home: Path, run: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("TMUX", raising=False)
    ran = await run("open", "backend", "--window")
    assert ran.code == 1
    assert "there is no other window" in ran.err
    config = home / "config" / "codextui" / "config.toml"
    config.parent.mkdir()
    opened = home / "opened"
    template = f"sh -c 'sh -c \"$1\" >{opened}' x '{{command}}'"
    config.write_text("[ui]\nterminal = '''" + template + "'''\n")
    ran = await run("open", "backend", "--window")
    assert (ran.code, ran.out) == (0, "opened backend in a new window\n"), ran.err
    assert "unix:///r/s" in opened.read_text()


def held(_: Frame) -> Frame:
    raise ThreadHeld("Thread x is open in another program: codex (pid 1).")


async def test_a_thread_that_nobody_holds_is_adopted_at_once(server: FakeServer, run: Any):
    server.tools["codex-adopt"] = lambda _: {"thread": THREAD.to_json()}
    ran = await run("adopt", THREAD_ID)
    assert (ran.code, ran.out, ran.err) == (0, "adopted backend (01a2-thread)\n", "")


async def test_adopt_takes_a_handle_of_the_server_too(codex: Path, server: FakeServer, run: Any):
    server.tools["codex-adopt"] = lambda _: {"thread": THREAD.to_json()}
    assert (await run("adopt", "backend")).code == 0
    call = await server.heard(lambda frame: frame.get("params", {}).get("name") == "codex-adopt")
    assert call["params"]["arguments"] == {"thread": THREAD.thread_id}


async def test_no_wait_only_says_who_has_it(server: FakeServer, run: Any):
    server.tools["codex-adopt"] = held
    ran = await run("adopt", THREAD_ID, "--no-wait")
    assert (ran.code, ran.out) == (1, "")
    assert "codex (pid 1)" in ran.err


async def test_another_refusal_is_no_reason_to_wait(server: FakeServer, run: Any):
    def refuse(_: Frame) -> Frame:
        raise CodexFailed("no rollout found")

    server.tools["codex-adopt"] = refuse
    ran = await run("adopt", THREAD_ID)
    assert (ran.code, ran.err) == (1, "codextui: no rollout found\n")


async def test_a_holder_that_cannot_be_seen_is_waited_for_by_asking_codex(
    codex: Path, server: FakeServer, run: Any
):
    asked = []

    def adopt(_: Frame) -> Frame:
        asked.append(1)
        return held({}) if len(asked) < 4 else {"thread": THREAD.to_json()}

    server.tools["codex-adopt"] = adopt
    ran = await run("adopt", THREAD_ID)
    assert (ran.code, ran.out) == (0, "adopted backend (01a2-thread)\n")
    assert len(asked) == 4
    assert ran.err.count("cannot be seen from here") == 1


async def test_ctrl_c_ends_the_wait_and_leaves_the_lock_alone(
    codex: Path, home: Path, server: FakeServer
):
    server.tools["codex-adopt"] = held
    lock = lock_path(home / "ch", THREAD_ID)
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with start_process("adopt", THREAD_ID) as process:
            assert process.stderr is not None
            note = (await asyncio.to_thread(process.stderr.readline)).decode()
            assert f"(pid {os.getpid()})" in note
            process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(process.wait, 60) == 130
            assert (await asyncio.to_thread(process.stderr.read)) == b""
        assert lock.exists()
