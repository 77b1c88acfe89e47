"""The command line: errors, usage, terminals and pipes."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import EVIL, THREAD, approval, offer, start_process

from codextui import cli
from codextui.errors import CodexMissing, ThreadUnknown
from codextui.protocol import events as ev
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    UnknownAsked,
)
from codextui.protocol.events import Event
from codextui.protocol.threads import ThreadInfo, ThreadState


async def test_no_control_sequence_of_the_server_reaches_the_terminal(
    server: FakeServer, run: Any
) -> None:
    evil = ThreadInfo(
        EVIL, EVIL, ThreadState.IDLE, cwd=EVIL, branch=EVIL, brief=EVIL, note=EVIL, waits_for=EVIL
    )
    change = FileChange(EVIL, EVIL, EVIL, EVIL)
    every: list[Asked] = [
        CommandAsked(EVIL, EVIL, EVIL, (EVIL,), (EVIL,), EVIL, {EVIL: EVIL}),
        PatchAsked((change,), EVIL, EVIL),
        PermissionsAsked({EVIL: EVIL}, EVIL, EVIL),
        QuestionsAsked((Question(EVIL, EVIL, EVIL, ((EVIL, EVIL),)),)),
        ElicitationAsked(EVIL, "form", EVIL, {EVIL: EVIL}, EVIL),
        UnknownAsked(EVIL, {EVIL: EVIL}),
    ]
    items: list[Frame] = [
        {"id": "1", "type": "agentMessage", "text": EVIL},
        {"id": "2", "type": "commandExecution", "command": EVIL, "aggregatedOutput": EVIL},
        {"id": "3", "type": "fileChange", "changes": [{"path": EVIL, "kind": {}, "diff": EVIL}]},
        {"id": "4", "type": EVIL, "x": EVIL},
        {"id": "5", "type": "userMessage", "content": [{"type": "text", "text": EVIL}]},
        {"id": "6", "type": "reasoning", "summary": [EVIL]},
        {"id": "7", "type": "mcpToolCall", "server": EVIL, "tool": EVIL, "arguments": EVIL},
    ]
    events = [Event(1, EVIL, "", 1.0, ev.ThreadChanged(evil))]
    events += [Event(2 + n, EVIL, "u", 1.0, ev.ItemCompleted(i)) for n, i in enumerate(items)]
    events += [
        Event(20, EVIL, "u", 1.0, ev.ErrorRaised(EVIL)),
        Event(21, EVIL, "u", 1.0, ev.UnknownEvent(EVIL, {EVIL: EVIL})),
        Event(22, EVIL, "u", 1.0, ev.TurnAborted(EVIL, EVIL)),
    ]
    server.tools["codex-threads"] = lambda _: {"threads": [evil.to_json()]}
    offer(server, *(Approval(EVIL, EVIL, "", "", EVIL, 1.0, asked) for asked in every))
    wires = [event.to_json() for event in events]
    server.tools["codex-read"] = lambda _: {"thread": evil.to_json(), "events": wires}

    def refuse(_: Frame) -> Frame:
        raise ThreadUnknown(EVIL)

    server.tools["codex-kill"] = refuse
    for command in (["ps"], ["approvals"], ["read", "x"], ["kill", "x"]):
        for options in ([], ["--json"]):
            ran = await run(*command, *options)
            printed = ran.out + ran.err
            assert "text" in printed
            assert not set(printed) & set("\x1b\x07\x9b\u202e"), command


async def test_json_has_the_same_keys_for_threads_and_turns_everywhere(
    server: FakeServer, run: Any
) -> None:
    row = THREAD.to_json()
    wire = Event(1, THREAD.thread_id, "u1", 1.0, ev.TurnStarted()).to_json()
    offer(server, approval(CommandAsked("ls")))
    server.tools["codex-threads"] = lambda _: {"threads": [row]}
    server.tools["codex-read"] = lambda _: {"thread": row, "events": [wire]}
    for tool in ("codex-send", "codex-steer"):
        server.tools[tool] = lambda _: {"thread": row, "turnId": "u1", "steered": True}
    lines = [["ps"], ["approvals"], ["read", "x"], ["reply", "x", "go"], ["steer", "x", "go"]]
    for line in lines:
        ran = await run(*line, "--json")
        assert "turnId" not in ran.out, line
        assert "threadId" not in ran.out, line
        assert '"thread_id"' in ran.out, line
        assert '"turn_id"' in ran.out, line


async def test_without_a_server_the_error_explains_how_to_start_one(home: Path, run: Any) -> None:
    for line in (["ps"], ["approvals"], ["kill", "x"], ["approve", "a7"], ["kill-server"]):
        ran = await run(*line)
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.startswith("codextui: no server 'default' is running")


async def test_an_error_of_the_server_is_a_sentence_on_standard_error(
    server: FakeServer, run: Any
) -> None:
    def missing(_: Frame) -> Frame:
        raise CodexMissing("no Codex was found: type `npm install -g @openai/codex`")

    server.tools["codex-start"] = missing
    ran = await run("new", "x", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "codextui: no Codex was found: type `npm install -g @openai/codex`\n"


async def test_a_server_that_disconnects_during_a_call_is_unreachable(
    server: FakeServer, run: Any
) -> None:
    def hang_up(_: Frame) -> Frame:
        server.hang_up()
        return {}

    server.tools["codex-threads"] = hang_up
    ran = await run("ps")
    assert ran.code == 3
    assert "lost before it answered" in ran.err


async def test_an_invalid_result_of_the_server_is_an_error_without_a_traceback(
    server: FakeServer, run: Any
) -> None:
    for nonsense in ({"threads": 7}, {"threads": [7]}, {"threads": [{"state": "?"}]}, {}):
        server.tools["codex-threads"] = lambda _, nonsense=nonsense: nonsense
        ran = await run("ps")
        assert "Traceback" not in ran.err
        assert ran.code == (0 if nonsense == {} else 1)


def test_the_console_without_a_terminal_names_other_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert cli.main([]) == 2
    complaint = capsys.readouterr().err
    assert "codextui ps" in complaint
    assert "demo --headless" in complaint


@pytest.mark.parametrize(
    "line", [["nonsense"], ["ps", "--nonsense"], ["approve"], ["new", "--sandbox", "none"]]
)
def test_wrong_usage_exits_with_two(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(line)
    assert caught.value.code == 2
    assert "usage: codextui" in capsys.readouterr().err


def test_a_missing_configuration_file_is_wrong_usage(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["serve", "--config", str(home / "none.toml")]) == 2
    assert "none.toml is no file" in capsys.readouterr().err


@pytest.mark.parametrize("before", [True, False])
def test_the_server_can_be_named_before_and_after_the_command(
    home: Path, capsys: pytest.CaptureFixture[str], before: bool
) -> None:
    assert cli.main(["-L", "work", "ps"] if before else ["ps", "-L", "work"]) == 3
    assert "no server 'work'" in capsys.readouterr().err


async def test_a_closed_pipe_ends_the_command_silently(
    server: FakeServer,
) -> None:
    rows = [THREAD.to_json()] * 5_000
    server.tools["codex-threads"] = lambda _: {"threads": rows}
    with start_process("ps", "--json", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        async with asyncio.timeout(60):
            code = await asyncio.to_thread(process.wait)
        assert process.stderr is not None
        assert (code, process.stderr.read()) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_has_no_room_ends_the_command_with_a_sentence() -> None:
    with Path("/dev/full").open("wb") as full, start_process("config", stdout=full) as process:
        assert process.wait(60) == cli.EXIT_REFUSED
        assert process.stderr is not None
        assert process.stderr.read().startswith(b"codextui: something cannot be written: No space")


@pytest.mark.parametrize(
    "arguments",
    [
        ["ps"],
        ["approvals"],
        ["read", "backend"],
        ["new", "hi"],
        ["new", "hi", "-C", "."],
        ["new", "hi", "--wait"],
        ["run", "team", "task"],
        ["teams"],
        ["demo", "--headless", "--help"],
        ["token"],
        ["kill-server"],
        *(
            ["setup", client]
            for client in ("claude-code", "cursor", "vscode", "codex", "inspector")
        ),
        *(["setup", client, "--write"] for client in ("claude-code", "cursor", "vscode", "codex")),
    ],
    ids=" ".join,
)
async def test_no_command_breaks_in_a_deleted_folder(
    server: FakeServer, home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("HOME", str(home))
    folder = home / "gone"
    folder.mkdir()
    script = f'cd {folder} && rmdir {folder} && exec "$0" -m codextui "$@"'
    ran = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", script, sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    assert len(ran.stderr.splitlines()) <= 6
    if ran.returncode == 2 and "deleted" in ran.stderr:
        assert ran.stderr == "codextui: the current folder was deleted; go to another one\n"
