"""The command that opens a thread in Codex's own TUI."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.client.codex_tui import TuiCommand, build_tui_command, prepare_tui
from codextui.errors import CodextuiError, ProgramUnavailable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

THREAD = ThreadInfo("01a2-thread", "backend", ThreadState.RUNNING, turn_id="u1")
HOSTILE = [
    "a b",
    "$(touch owned)",
    "`id`",
    "a;b",
    "'",
    '"',
    "\\",
    "a\nb",
    "-rf",
    "#{x}",
    "役割",
    "*",
]


def report(**codex: object) -> dict[str, object]:
    known = {"version": "0.171.0", "path": "/opt/codex", "pid": 7, "address": "unix:///r/s.sock"}
    return {"problem": "", "codex": {**known, "home": "/home/ada/.codex", **codex}}


def build(
    thread: ThreadInfo = THREAD,
    *,
    token_env: str | None = None,
    env: Mapping[str, str] | None = None,
) -> TuiCommand:
    return build_tui_command(report(), thread, token_env=token_env, env=env or {})


def test_the_command_joins_the_app_server_of_the_server(tmp_path: Path):
    command = build(structs.replace(THREAD, cwd=str(tmp_path)))
    assert command == TuiCommand(
        "backend",
        ("/opt/codex", "--remote", "unix:///r/s.sock", "resume", "01a2-thread"),
        "/home/ada/.codex",
        str(tmp_path),
    )
    assert command.environment({"A": "1", "CODEX_HOME": "/other"}) == {
        "A": "1",
        "CODEX_HOME": "/home/ada/.codex",
    }


def test_a_folder_that_is_gone_is_left_out(tmp_path: Path):
    command = build(structs.replace(THREAD, cwd=str(tmp_path / "gone")))
    assert command.cwd == ""
    assert command.shell_line.startswith("env CODEX_HOME=/home/ada/.codex /opt/codex --remote ")


def test_the_token_of_a_codex_elsewhere_is_named_and_never_shown():
    far = report(address="wss://host:1")
    command = build_tui_command(far, THREAD, token_env="TOKEN", env={"TOKEN": "secret"})
    assert command.args[3:5] == ("--remote-auth-token-env", "TOKEN")
    assert "secret" not in command.shell_line
    with pytest.raises(ProgramUnavailable, match=r"in \$TOKEN .*not set here"):
        build_tui_command(far, THREAD, token_env="TOKEN", env={})
    assert "--remote-auth-token-env" not in build(token_env="TOKEN").args  # a unix socket has none


@pytest.mark.parametrize(
    ("codex", "why"),
    [
        ({"address": ""}, r"speaks to the server alone.*attach = \"daemon\".*kill-server"),
        ({"address": "", "version": ""}, "of an unknown version"),
        ({"home": "", "address": ""}, "has no Codex yet"),
        ({"path": ""}, "there is none here that could join it"),
    ],
)
def test_a_server_whose_codex_cannot_be_joined_says_what_to_do(codex: dict[str, object], why: str):
    with pytest.raises(ProgramUnavailable, match=why):
        build_tui_command(report(**codex), THREAD, env={})


def test_a_server_without_a_usable_codex_says_why():
    broken = {**report(), "problem": "No usable Codex was found."}
    with pytest.raises(ProgramUnavailable, match="No usable Codex was found"):
        build_tui_command(broken, THREAD, env={})


@pytest.mark.parametrize(
    ("thread", "why"),
    [
        (structs.replace(THREAD, kind=ThreadKind.ROLE), "is a role of a team"),
        (structs.replace(THREAD, kind=ThreadKind.RUN), "is a team's run"),
        (structs.replace(THREAD, state=ThreadState.KILLED), "codextui resume backend"),
        (structs.replace(THREAD, turn_id=""), "has no turn yet"),
    ],
)
async def test_what_no_tui_can_open_is_refused_before_anything_is_asked(
    thread: ThreadInfo, why: str
):
    async def call(tool: str, arguments: JsonObject) -> JsonObject:
        raise AssertionError(tool)

    with pytest.raises(ProgramUnavailable, match=why):
        await prepare_tui(call, thread, env={})


@pytest.mark.parametrize("remote", [True, False])
async def test_a_codex_that_cannot_join_another_program_is_refused(remote: bool, tmp_path: Path):
    codex = tmp_path / "codex"
    option = "--remote <ADDR>" if remote else "--other"
    codex.write_text(f"#!/bin/sh\n[ \"$*\" = 'resume --help' ] && echo ' {option}'\n")
    codex.chmod(0o700)

    async def call(tool: str, arguments: JsonObject) -> JsonObject:
        return report(path=str(codex))

    # A thread of another program that is not followed may well have turns.
    thread = structs.replace(THREAD, turn_id="", followed=False, ours=False)
    if remote:
        assert (await prepare_tui(call, thread, env={})).args[0] == str(codex)
    else:
        with pytest.raises(ProgramUnavailable, match=r"TUI of Codex 0\.171\.0 .*no --remote"):
            await prepare_tui(call, thread, env={})


async def test_a_codex_that_is_gone_is_named(tmp_path: Path):
    async def call(tool: str, arguments: JsonObject) -> JsonObject:
        return report(path=str(tmp_path / "gone"))

    with pytest.raises(CodextuiError, match="gone cannot be run: "):
        await prepare_tui(call, THREAD, env={})


SHOW = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["CODEX_HOME"]]))
"""


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("how", ["line", "words"])
def test_a_shell_runs_the_command_whatever_its_words_are(name: str, how: str, tmp_path: Path):
    folder = tmp_path / name
    folder.mkdir()
    args = (sys.executable, "-c", SHOW, name, f"unix://{name}")
    command = TuiCommand("x", args, name, str(folder))
    words = ["sh", "-c", command.shell_line] if how == "line" else list(command.window_words)
    ran = subprocess.run(words, capture_output=True, check=True, timeout=60, cwd=tmp_path)
    assert json.loads(ran.stdout) == [list(args[3:]), os.path.realpath(folder), name]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1))
def test_a_line_reads_back_as_the_words_of_the_command(words: list[str]):
    command = TuiCommand("x", tuple(words), "/home", "/folder")
    line = command.shell_line
    assert shlex.split(line) == ["cd", "/folder", "&&", "env", "CODEX_HOME=/home", *words]


def test_a_window_stays_open_after_an_error():
    command = TuiCommand("x", ("sh", "-c", "echo wrong >&2; exit 3"))
    ran = subprocess.run(
        command.window_words, input="\n", text=True, capture_output=True, check=True, timeout=60
    )
    assert "wrong" in ran.stderr
    assert ran.stdout.endswith("Press Enter to close this window. ")
    assert TuiCommand("x", ("true",)).window_words[:2] == ("sh", "-c")
