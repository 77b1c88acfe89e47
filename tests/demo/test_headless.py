"""`codextui demo --headless`, as a program."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from codextui.config import paths
from codextui.demo import Fail, Script, headless, stage
from codextui.demo.narration import Report

pytestmark = pytest.mark.contract


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Folders of its own for everything that codextui writes."""
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


def test_without_a_terminal_it_runs_line_by_line_and_comes_out_right(
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


def test_with_json_every_line_is_an_object_that_says_what_happened(
    environment: Mapping[str, str],
):
    ran = demo(environment, "--headless", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    kinds = [line["kind"] for line in told]
    assert kinds[:2] == ["started", "policy"]
    assert told[-1] == {
        "kind": "finished",
        "text": "Everything is there and right.",
        "ok": True,
    }
    decided = {line["approval"]: line["decision"] for line in told if line["kind"] == "decided"}
    assert set(decided.values()) == {"approved"}
    assert {line["approval"] for line in told if line["kind"] == "asked"} == set(decided)
    assert all(line["ok"] for line in told if line["kind"] == "checked")
    [failed] = [line for line in told if line["kind"] == "ran" and line["exit_code"]]
    assert failed["thread"] == "tester"
    assert "FAILED (failures=2)" in failed["output"]
    ended = [line["thread"] for line in told if line["kind"] == "turn_completed"]
    assert sorted(ended) == ["builder", "builder", "tester", "writer"]
    [files] = [line for line in told if line["kind"] == "files"]
    assert (Path(files["project"]) / "wordtally.py").is_file()


def test_where_the_model_fails_it_says_so_and_exits_with_1(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    broken = Script().on("", Fail(message="The model is out of order."), repeat=True)
    monkeypatch.setattr(stage, "Scenario", lambda *_, **__: broken)
    assert headless.run(json_lines=False) == 1
    told = capsys.readouterr().out
    assert "The model is out of order." in told
    assert "The demo failed: " in told.splitlines()[-1]


def test_without_a_codex_it_says_what_to_type(
    environment: Mapping[str, str], tmp_path: Path, capsys: pytest.CaptureFixture
):
    config = tmp_path / "config_home" / "codextui" / "config.toml"
    config.parent.mkdir()
    config.write_text(f'[codex]\nbinary = "{tmp_path}/no-codex"\n')
    assert headless.run(json_lines=True) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["kind"] == "failed"
    assert "no-codex" in last["text"]


async def test_a_run_that_takes_too_long_ends_with_a_reason(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(headless, "LIMIT_S", 0.2)
    out = io.StringIO()
    fault = await headless._play(Report(out, json_lines=True))
    assert "did not end within" in fault


async def test_a_demo_that_is_killed_takes_its_server_along(
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
