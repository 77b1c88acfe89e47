"""Commands on threads."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import ROLE, RUN, THREAD, record_calls, start_process

from codextui.commands.parser import build_parser
from codextui.protocol.threads import ThreadInfo, ThreadState


async def test_ps_prints_aligned_columns(server: FakeServer, run: Any) -> None:
    now = time.time()
    waiting = ThreadInfo(
        "t2",
        "tester",
        ThreadState.NEEDS_INPUT,
        cwd="/work",
        turn_started_at=now - 500,
        waits_for="approval",
        waits_since=now - 7,
        note="careful",
    )
    server.tools["codex-threads"] = lambda _: {"threads": [THREAD.to_json(), waiting.to_json()]}
    ran = await run("ps")
    assert ran.code == 0
    header, first, second = ran.lines
    assert first.startswith("backend  codex  running      ")
    assert "12.3k" in first
    assert "/work/app@main" in first
    assert re.match(r"tester   codex  needs approval  [78]s ", second)
    column = header.index("WAITS FOR")
    assert first[column:] == "build it"
    assert second[column:] == "careful"


async def test_ps_shows_roles_and_their_threads_below_a_run(server: FakeServer, run: Any) -> None:
    rows = [
        ThreadInfo("t1", "other", ThreadState.IDLE, created_at=1.0),
        ThreadInfo("t2", "backend-codex", ThreadState.RUNNING, parent=ROLE.thread_id),
        RUN,
        ROLE,
        ThreadInfo("t3", "backend-codex-fork", ThreadState.IDLE, forked_from="t2"),
    ]
    server.tools["codex-threads"] = lambda _: {"threads": [row.to_json() for row in rows]}
    ran = await run("ps")
    header, *lines = ran.lines
    assert [line[: header.index("STATE")].rstrip() for line in lines] == [
        "bugs                      run",
        "  backend                 role",
        "    backend-codex         codex",
        "      backend-codex-fork  codex",
        "other                     codex",
    ]


async def test_ps_limits_the_indentation_of_forks(server: FakeServer, run: Any) -> None:
    rows = [
        ThreadInfo(f"t{n}", f"h{n}", ThreadState.IDLE, forked_from=f"t{n - 1}") for n in range(500)
    ]
    server.tools["codex-threads"] = lambda _: {"threads": [row.to_json() for row in rows]}
    ran = await run("ps")
    assert [line.split()[0] for line in ran.lines[1:]] == [row.handle for row in rows]
    assert max(map(len, ran.lines)) < 100


async def test_ps_as_json_prints_one_thread_per_line(server: FakeServer, run: Any) -> None:
    given = record_calls(server, "codex-threads", {"threads": [THREAD.to_json(), THREAD.to_json()]})
    ran = await run("ps", "--json", "--all")
    assert [ThreadInfo.from_json(row) for row in ran.objects] == [THREAD, THREAD]
    assert given == [{"all": True}]


async def test_ps_without_threads_explains_how_to_start_one(server: FakeServer, run: Any) -> None:
    server.tools["codex-threads"] = lambda _: {"threads": []}
    ran = await run("ps")
    assert (ran.code, ran.out) == (0, "")
    assert "codextui new PROMPT" in ran.err


@pytest.mark.parametrize("rows", [[], [THREAD.to_json()]])
async def test_ps_says_why_codex_does_not_work(
    server: FakeServer, run: Any, rows: list[dict[str, Any]]
) -> None:
    problem = "nothing listens at unix:///gone.sock"
    server.tools["codex-threads"] = lambda _: {"threads": rows, "problem": problem}
    ran = await run("ps")
    assert (ran.code, bool(ran.out)) == (0, bool(rows))
    assert f"Codex does not work: {problem}" in ran.err
    assert "codextui new" not in ran.err


@pytest.mark.parametrize(
    ("line", "tool", "arguments", "said"),
    [
        (["interrupt", "backend"], "codex-interrupt", {"thread": "backend"}, "interrupted backend"),
        (["kill", "backend"], "codex-kill", {"thread": "backend"}, "killed backend"),
        (["resume", "01a2"], "codex-resume", {"thread": "01a2"}, "resumed backend"),
        (
            ["rename", "x", "backend"],
            "codex-rename",
            {"thread": "x", "handle": "backend"},
            "renamed to backend",
        ),
        (["fork", "x"], "codex-fork", {"thread": "x"}, "forked as backend"),
        (
            ["fork", "x", "go on", "--turn", "u1", "--handle", "h"],
            "codex-fork",
            {"thread": "x", "turn": "u1", "prompt": "go on", "handle": "h"},
            "forked as backend",
        ),
        (
            ["reply", "x", "go on"],
            "codex-send",
            {"thread": "x", "prompt": "go on"},
            "told backend",
        ),
        (
            ["steer", "x", "go left"],
            "codex-steer",
            {"thread": "x", "prompt": "go left"},
            "steered backend",
        ),
        (
            ["review", "x", "--detached", "--base", "main", "--handle", "h"],
            "codex-review",
            {"thread": "x", "detached": True, "base": "main", "handle": "h"},
            "reviewing in backend",
        ),
        (
            ["review", "-C", "/", "--commit", "abc"],
            "codex-review",
            {"cwd": "/", "commit": "abc"},
            "reviewing in backend",
        ),
        (
            ["set", "x", "model=m=1", "effort=low", "budget=1.5M", "sandbox=read-only"],
            "codex-settings",
            {
                "thread": "x",
                "model": "m=1",
                "effort": "low",
                "budget": 1_500_000,
                "sandbox": "read-only",
            },
            "backend: ",
        ),
        (["set", "x", "budget=off"], "codex-settings", {"thread": "x", "budget": 0}, "backend: "),
        (
            ["reply", "x", "go on", "-i", "/a.png", "--image", "/b c.png"],
            "codex-send",
            {"thread": "x", "prompt": "go on", "images": ["/a.png", "/b c.png"]},
            "told backend",
        ),
    ],
)
async def test_each_command_calls_its_tool_and_prints_the_result(
    server: FakeServer, run: Any, *, line: list[str], tool: str, arguments: Frame, said: str
) -> None:
    given = record_calls(server, tool, {"thread": THREAD.to_json()})
    ran = await run(*line)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(said)
    as_json = await run(*line, "--json")
    assert as_json.objects == [{"thread": json.loads(json.dumps(THREAD.to_json()))}]
    assert given == [arguments, arguments]


@pytest.mark.parametrize(
    ("line", "tool", "said"),
    [
        (["interrupt", "backend"], "codex-interrupt", "asked to stop: backend"),
        (["resume", "backend"], "codex-resume", "asked to go on: backend"),
        (["reply", "backend", "hurry"], "codex-send", "told backend"),
        (["steer", "backend", "hurry"], "codex-steer", "told backend"),
    ],
)
async def test_a_request_to_a_role_is_not_reported_as_done(
    server: FakeServer, run: Any, line: list[str], tool: str, said: str
) -> None:
    record_calls(server, tool, {"thread": ROLE.to_json(), "turnId": "", "steered": False})
    ran = await run(*line)
    assert ran.out == f"{said} (run:bugs-1/backend)\n"


async def test_new_passes_every_option_and_an_absolute_folder(
    server: FakeServer, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = record_calls(server, "codex-start", {"thread": THREAD.to_json()})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    options = ["--handle", "backend", "-m", "gpt-x", "-s", "read-only", "-a", "never", "-C", "sub"]
    ran = await run("new", "build it", *options)
    assert ran.out == "started backend (01a2-thread)\n"
    assert given == [
        {
            "prompt": "build it",
            "handle": "backend",
            "model": "gpt-x",
            "sandbox": "read-only",
            "approval-policy": "never",
            "cwd": str(tmp_path / "sub"),
        }
    ]


async def test_new_passes_absolute_paths_of_images(
    server: FakeServer, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = record_calls(server, "codex-start", {"thread": THREAD.to_json()})
    monkeypatch.chdir(tmp_path)
    await run("new", "look", "-i", "shot.png")
    assert given[0]["images"] == [str(tmp_path / "shot.png")]
    ran = await run("new", "-i", "shot.png")
    assert (ran.code, len(given)) == (2, 1)
    assert "an image needs a PROMPT" in ran.err


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["model"], "'model' is not KEY=VALUE"),
        (["model="], "is not KEY=VALUE"),
        (["cwd=/x"], "the keys are model, effort, approval-policy, sandbox, budget"),
        (["budget=much"], "is no count of tokens"),
        (["budget=-5"], "is no count of tokens"),
        (["budget=nank"], "is no count of tokens"),
        (["sandbox=none"], "sandbox is one of read-only, workspace-write"),
    ],
)
def test_settings_that_are_none_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], settings: list[str], problem: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        build_parser().parse_args(["set", "x", *settings])
    assert problem in capsys.readouterr().err


async def test_usage_prints_what_is_known_and_asks_for_a_thread(
    server: FakeServer, run: Any
) -> None:
    result = {"usage": {"lifetime_tokens": 5}, "limits": [], "text": "5h limit 40% used\nall"}
    given = record_calls(server, "codex-usage", result)
    ran = await run("usage", "backend")
    assert (ran.out, given) == ("5h limit 40% used\nall\n", [{"thread": "backend"}])
    ran = await run("usage", "--json")
    assert ran.objects == [{"usage": {"lifetime_tokens": 5}, "limits": []}]
    assert given[1:] == [{}]


async def test_a_setting_that_is_given_twice_is_wrong_usage(server: FakeServer, run: Any) -> None:
    given = record_calls(server, "codex-settings", {"thread": THREAD.to_json()})
    ran = await run("set", "x", "model=a", "model=b")
    assert (ran.code, given) == (2, [])
    assert "given twice" in ran.err


async def test_new_refuses_a_folder_that_does_not_exist(
    server: FakeServer, run: Any, tmp_path: Path
) -> None:
    given = record_calls(server, "codex-start", {"thread": THREAD.to_json()})
    ran = await run("new", "build it", "-C", str(tmp_path / "gone"))
    assert (ran.code, ran.err) == (2, f"codextui: {tmp_path / 'gone'} is no folder\n")
    assert given == []


async def test_a_prompt_can_be_read_from_standard_input(
    server: FakeServer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = record_calls(server, "codex-send", {"thread": THREAD.to_json()})
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long\nstory"))
    await run("reply", "backend", "-")
    assert given[0]["prompt"] == "a long\nstory"


@pytest.mark.parametrize("prompt", ["", "  \n"])
async def test_an_empty_prompt_is_wrong_usage(server: FakeServer, run: Any, prompt: str) -> None:
    ran = await run("reply", "backend", prompt)
    assert ran.code == 2
    assert "prompt is empty" in ran.err


async def test_waiting_for_a_thread_without_a_prompt_is_wrong_usage(
    server: FakeServer, run: Any
) -> None:
    assert (await run("new", "--wait")).code == 2
    assert (await run("fork", "backend", "--wait")).code == 2


async def test_a_long_row_is_cut_off_at_the_edge_of_the_terminal(server: FakeServer) -> None:
    long = ThreadInfo("t", "backend", ThreadState.IDLE, cwd="/work", brief="word-" * 200)
    server.tools["codex-threads"] = lambda _: {"threads": [long.to_json()]}
    ours, theirs = pty.openpty()
    try:
        environment = {**os.environ, "COLUMNS": "60"}
        with start_process("ps", stdout=theirs, env=environment) as process:
            async with asyncio.timeout(60):
                assert await asyncio.to_thread(process.wait) == 0
        rows = os.read(ours, 65_536).decode().splitlines()
    finally:
        os.close(ours)
        os.close(theirs)
    assert [len(row) for row in rows if "backend" in row] == [60]
