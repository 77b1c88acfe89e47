"""What can be typed after `codextui mcp-server`, and what of it reaches the server."""

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
from codextui.commands.mcp_server import parse_settings
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


async def test_a_script_that_closes_its_end_at_once_still_gets_its_answer(
    server: FakeServer, tmp_path: Path
) -> None:
    assert await about(server, tmp_path, "mcp-server") == {
        "cwd": str(tmp_path),
        "parent": os.getpid(),
        "config": {},
        "tools": "codex",
        "events": True,
    }


async def test_codex_s_own_options_work_before_and_behind_the_word(
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


async def test_standard_output_has_the_protocol_alone_and_trouble_goes_to_standard_error(
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


async def test_a_person_who_types_it_is_told_what_it_is_for(server: FakeServer) -> None:
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
def test_a_setting_is_toml_or_else_text(text: str, value: object) -> None:
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
def test_what_cannot_be_meant_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_setting_of_codex_s_in_place_of_our_file_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["mcp-server", "--config", "model=o3"]) == 2
    assert "-c KEY=VALUE" in capsys.readouterr().err
