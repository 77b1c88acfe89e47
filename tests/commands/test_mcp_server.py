"""`codextui mcp-server`: its options and what it sends to the server."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer

from codextui import cli
from codextui.codex.configuration import parse_settings
from codextui.config import paths

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeServer]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        async with FakeServer(paths.socket_path("default")) as server:
            yield server


async def relay(*arguments: str, cwd: Path, stdin: bytes = PING) -> tuple[int | None, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "codextui",
        *arguments,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(stdin)
    return process.returncode, out, err


async def about(server: FakeServer, cwd: Path, *arguments: str) -> Any:
    code, out, _ = await relay(*arguments, cwd=cwd)
    assert (code, json.loads(out)["result"]) == (0, {})
    return (await server.heard_method("codextui/relayed"))["params"]


async def test_a_client_that_closes_stdin_at_once_gets_its_response(
    server: FakeServer, tmp_path: Path
) -> None:
    assert await about(server, tmp_path, "mcp-server") == {
        "cwd": str(tmp_path),
        "parent": os.getpid(),
        "config": {},
        "tools": "codex",
    }


async def test_options_of_codex_work_before_and_after_the_command(
    server: FakeServer, tmp_path: Path
) -> None:
    before = ["-m", "o3", "-c", "a.b=1"]
    behind = ["--tools", "all", "--no-events", "-c", "a.b=2", "--disable", "apps"]
    assert await about(server, tmp_path, *before, "mcp-server", *behind) == {
        "cwd": str(tmp_path),
        "parent": os.getpid(),
        "config": {"model": "o3", "a.b": 2, "features.apps": False},
        "tools": "all",
        "events": False,
    }


@pytest.mark.parametrize(
    ("options", "events"),
    [(["--events", "on"], True), (["--events", "off"], False), (["--no-events"], False)],
)
async def test_the_user_chooses_whether_there_are_events(
    server: FakeServer, tmp_path: Path, options: list[str], events: bool
) -> None:
    assert (await about(server, tmp_path, "mcp-server", *options))["events"] is events


async def test_problems_are_printed_on_standard_error_only(
    tmp_path: Path, server: FakeServer
) -> None:
    await server.stop()
    paths.socket_path("default").unlink()
    broken = tmp_path / "broken.toml"
    broken.write_text("[codex]\nbinery = 1\n")
    code, out, err = await relay("mcp-server", "--config", str(broken), cwd=tmp_path)
    assert code == 0
    answer = json.loads(out)
    assert (answer["id"], answer["error"]["code"]) == (1, -32000)
    assert "binery" in answer["error"]["message"]
    assert b"codextui: the codextui server cannot be reached" in err


async def test_on_a_terminal_its_purpose_is_printed(server: FakeServer) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "codextui",
        "mcp-server",
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        assert b"codextui setup" in await process.stderr.readline()
        os.write(ours, PING + b"\x04")
        assert await process.wait() == 0
        seen = os.read(ours, 10_000)
    os.close(ours)
    os.close(theirs)
    assert b'"result"' in seen


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("o3", "o3"),
        ('"o3"', "o3"),
        ("'o3'", "o3"),
        ('"open', "open"),
        ("12", 12),
        ("1.5", 1.5),
        ("true", True),
        ('["a", "b"]', ["a", "b"]),
        ("{a = 1}", {"a": 1}),
        ("", ""),
        ("a = 1\nb = 2", "a = 1\nb = 2"),
        ("2026-11-22", "2026-11-22"),
    ],
)
def test_a_setting_is_toml_or_a_string(text: str, value: object) -> None:
    assert parse_settings([("key", text)]) == {"key": value}
    json.dumps(parse_settings([("key", text)]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "o3", "ps"],
        ["-c", "a=1"],
        ["mcp-server", "-c", "a"],
        ["mcp-server", "-c", "=1"],
        ["mcp-server", "--tools", "some"],
    ],
)
def test_wrong_settings_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_setting_in_place_of_the_configuration_file_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["mcp-server", "--config", "model=o3"]) == 2
    assert "-c KEY=VALUE" in capsys.readouterr().err
