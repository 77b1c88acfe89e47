"""The command line against a server that says what a test wants it to say."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import ROLE, RUN, THREAD, approval, remember, started

from codextui import cli
from codextui.errors import ApprovalGone, CodexMissing, ThreadUnknown
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

EVIL = "\x1b]0;owned\x07\x1b[2Jtext\x9b31m\u202e"


def offer(server: FakeServer, *approvals: Approval) -> list[Frame]:
    """Let the server have these approvals, and return what it is answered."""
    given: list[Frame] = []

    def answer(arguments: Frame) -> Frame:
        given.append(arguments)
        return {"approval": arguments["approval"], "outcome": arguments["decision"]}

    server.tools["codex-approvals"] = lambda _: {"approvals": [a.to_json() for a in approvals]}
    server.tools["codex-answer"] = answer
    return given


# Looking.


async def test_ps_prints_aligned_columns_with_what_each_thread_waits_for(
    server: FakeServer, run: Any
) -> None:
    waiting = ThreadInfo("t2", "tester", ThreadState.NEEDS_INPUT, cwd="/work", waits_for="approval")
    server.tools["codex-threads"] = lambda _: {"threads": [THREAD.to_json(), waiting.to_json()]}
    ran = await run("ps")
    assert ran.code == 0
    header, first, second = ran.lines
    assert first.startswith("backend  codex  running      ")
    assert "12.3k" in first
    assert "/work/app@main" in first
    assert second.startswith("tester   codex  needs input  ")
    column = header.index("WAITS FOR")
    assert first[column:] == "build it"
    assert second[column:] == "waits for approval"


async def test_ps_shows_a_run_with_its_roles_and_their_threads_below(
    server: FakeServer, run: Any
) -> None:
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


async def test_ps_of_very_many_forks_of_forks_stays_readable(server: FakeServer, run: Any) -> None:
    rows = [
        ThreadInfo(f"t{n}", f"h{n}", ThreadState.IDLE, forked_from=f"t{n - 1}") for n in range(500)
    ]
    server.tools["codex-threads"] = lambda _: {"threads": [row.to_json() for row in rows]}
    ran = await run("ps")
    assert [line.split()[0] for line in ran.lines[1:]] == [row.handle for row in rows]
    assert max(map(len, ran.lines)) < 100


async def test_ps_as_json_is_one_thread_a_line(server: FakeServer, run: Any) -> None:
    given = remember(server, "codex-threads", {"threads": [THREAD.to_json(), THREAD.to_json()]})
    ran = await run("ps", "--json", "--all")
    assert [ThreadInfo.from_json(row) for row in ran.objects] == [THREAD, THREAD]
    assert given == [{"all": True}]


async def test_ps_without_threads_prints_nothing_and_says_how_to_start_one(
    server: FakeServer, run: Any
) -> None:
    server.tools["codex-threads"] = lambda _: {"threads": []}
    ran = await run("ps")
    assert (ran.code, ran.out) == (0, "")
    assert "codextui new PROMPT" in ran.err


async def test_nothing_that_a_server_says_reaches_the_terminal_as_a_control_sequence(
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


async def test_approvals_shows_the_whole_of_a_long_command(server: FakeServer, run: Any) -> None:
    command = "echo " + " ".join(f"word{n}" for n in range(2_000)) + "\nrm -r /important"
    offer(server, approval(CommandAsked(command, "/work", "it must", rule=("echo", "a b"))))
    ran = await run("approvals")
    assert ran.lines[0].startswith("a7  backend  command  waits 12s")
    assert command.split("\n")[0] in ran.out
    assert "    rm -r /important" in ran.lines
    assert "reason: it must" in ran.out
    assert "begins with: echo 'a b'" in ran.out


async def test_approvals_shows_a_patch_as_the_diff_it_is(server: FakeServer, run: Any) -> None:
    diff = "@@ -1 +1 @@\n-old\n+new\n" + "".join(f"+line {n}\n" for n in range(3_000))
    offer(server, approval(PatchAsked((FileChange("src/a.py", "update", diff, "src/b.py"),))))
    ran = await run("approvals")
    assert "update src/a.py -> src/b.py" in ran.out
    assert [line.strip() for line in ran.lines].count("+line 2999") == 1


async def test_approvals_as_json_is_one_approval_a_line(server: FakeServer, run: Any) -> None:
    asked = [approval(CommandAsked("ls")), approval(PatchAsked(()), "a8")]
    offer(server, *asked)
    ran = await run("approvals", "--json")
    assert [Approval.from_json(row) for row in ran.objects] == asked


async def test_read_prints_what_was_said_and_done_in_order(server: FakeServer, run: Any) -> None:
    run_item = {
        "id": "2",
        "type": "commandExecution",
        "command": "make test",
        "status": "completed",
        "aggregatedOutput": "all green\n",
        "exitCode": 0,
    }
    wires = [
        Event(seq, THREAD.thread_id, "u1", 1.0, msg).to_json()
        for seq, msg in enumerate(
            [
                ev.ThreadChanged(THREAD),
                ev.TurnStarted(),
                ev.ItemCompleted(run_item),
                ev.ItemCompleted({"id": "3", "type": "agentMessage", "text": "It is done."}),
                ev.TurnCompleted("It is done."),
            ],
            1,
        )
    ]
    server.tools["codex-read"] = lambda _: {"thread": THREAD.to_json(), "events": wires}
    ran = await run("read", "backend")
    wanted = ["backend (01a2-thread)", "$ make test", "exit 0", "all green", "It is done."]
    places = [ran.out.index(words) for words in wanted]
    assert places == sorted(places)
    as_json = await run("read", "backend", "--json")
    thread, *events = as_json.objects
    assert thread == {"thread": THREAD.to_json()}
    assert {key: events[1][key] for key in ("seq", "thread_id", "turn_id", "at")} == {
        "seq": 2,
        "thread_id": THREAD.thread_id,
        "turn_id": "u1",
        "at": 1.0,
    }
    assert [event["msg"] for event in events] == [
        json.loads(json.dumps(wire["msg"])) for wire in wires
    ]


async def test_everything_as_json_has_the_same_name_for_a_thread_and_a_turn(
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


async def test_read_says_what_kind_of_row_it_is(server: FakeServer, run: Any) -> None:
    server.tools["codex-read"] = lambda _: {"thread": ROLE.to_json(), "events": []}
    assert (await run("read", "backend")).lines == ["backend (run:bugs-1/backend)  role, done"]


# Threads.


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
    ],
)
async def test_each_operation_calls_its_tool_and_says_what_came_of_it(
    server: FakeServer, run: Any, *, line: list[str], tool: str, arguments: Frame, said: str
) -> None:
    given = remember(server, tool, {"thread": THREAD.to_json()})
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
async def test_what_is_only_asked_of_a_role_is_not_said_to_be_done(
    server: FakeServer, run: Any, line: list[str], tool: str, said: str
) -> None:
    remember(server, tool, {"thread": ROLE.to_json(), "turnId": "", "steered": False})
    ran = await run(*line)
    assert ran.out == f"{said} (run:bugs-1/backend)\n"


async def test_new_passes_on_every_option_and_an_absolute_folder(
    server: FakeServer, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = remember(server, "codex-start", {"thread": THREAD.to_json()})
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


async def test_new_starts_nothing_in_a_folder_that_is_none(
    server: FakeServer, run: Any, tmp_path: Path
) -> None:
    given = remember(server, "codex-start", {"thread": THREAD.to_json()})
    ran = await run("new", "build it", "-C", str(tmp_path / "gone"))
    assert (ran.code, ran.err) == (2, f"codextui: {tmp_path / 'gone'} is no folder\n")
    assert given == []


async def test_a_prompt_can_come_from_standard_input(
    server: FakeServer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = remember(server, "codex-send", {"thread": THREAD.to_json()})
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long\nstory"))
    await run("reply", "backend", "-")
    assert given[0]["prompt"] == "a long\nstory"


# Decisions.


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        (["approve", "a7"], {"decision": "approved"}),
        (["approve", "a7", "--session"], {"decision": "approved_for_session"}),
        (["decline", "a7"], {"decision": "denied"}),
        (
            ["decline", "a7", "--message", "use make"],
            {"decision": "denied", "message": "use make"},
        ),
        (["decline", "a7", "--stop"], {"decision": "abort"}),
    ],
)
async def test_a_decision_reaches_the_server(
    server: FakeServer, run: Any, line: list[str], arguments: Frame
) -> None:
    given = offer(server, approval(CommandAsked("make")))
    ran = await run(*line)
    assert (ran.code, ran.out) == (0, f"a7 {arguments['decision']}\n")
    assert given == [{"approval": "a7", **arguments}]


async def test_always_says_the_rule_before_it_is_accepted(server: FakeServer, run: Any) -> None:
    given = offer(server, approval(CommandAsked("git push origin", rule=("git", "push"))))
    ran = await run("approve", "a7", "--always")
    assert "every command that begins with git push may run" in ran.err
    assert given == [{"approval": "a7", "decision": "approved_always"}]


@pytest.mark.parametrize(
    ("asked", "line", "complaint"),
    [
        (CommandAsked("ls"), ["--always"], "proposes no rule"),
        (PatchAsked(()), ["--always"], "only a command"),
        (UnknownAsked("new/thing", {}), [], "only be declined"),
        (QuestionsAsked((Question("q", "", "Which?"),)), [], "codextui answer"),
        (ElicitationAsked("s", "form", "m", {"properties": {"a": {}}}), [], "codextui answer"),
    ],
)
async def test_a_yes_that_cannot_mean_anything_is_not_sent(
    server: FakeServer, run: Any, asked: Asked, line: list[str], complaint: str
) -> None:
    given = offer(server, approval(asked))
    ran = await run("approve", "a7", *line)
    assert ran.code == 2
    assert complaint in ran.err
    assert given == []


async def test_deciding_on_what_does_not_wait_says_where_to_look(
    server: FakeServer, run: Any
) -> None:
    offer(server)
    ran = await run("approve", "a9")
    assert ran.code == 1
    assert "codextui approvals" in ran.err


async def test_a_decision_that_comes_too_late_is_an_error(server: FakeServer, run: Any) -> None:
    offer(server, approval(CommandAsked("make")))

    def gone(_: Frame) -> Frame:
        raise ApprovalGone("a7 was approved by another console")

    server.tools["codex-answer"] = gone
    ran = await run("approve", "a7")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "codextui: a7 was approved by another console\n"


@pytest.mark.parametrize(
    ("asked", "answers", "content"),
    [
        (QuestionsAsked((Question("q1", "", "?"),)), ["Blue"], {"q1": ["Blue"]}),
        (QuestionsAsked((Question("q1", "", "?"),)), ["q1=Blue"], {"q1": ["Blue"]}),
        (
            QuestionsAsked((Question("q1", "", "?"), Question("q2", "", "?"))),
            ["q2=b=c", "q1=a"],
            {"q1": ["a"], "q2": ["b=c"]},
        ),
        (
            ElicitationAsked(
                "s",
                "form",
                "m",
                {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}},
            ),
            ["n=7", "s=7"],
            {"n": 7, "s": "7"},
        ),
    ],
)
async def test_answers_are_given_by_name_and_type(
    server: FakeServer, run: Any, asked: Asked, answers: list[str], content: Frame
) -> None:
    given = offer(server, approval(asked))
    ran = await run("answer", "a7", *answers)
    assert ran.code == 0, ran.err
    assert given == [{"approval": "a7", "decision": "answered", "answers": content}]


@pytest.mark.parametrize(
    ("asked", "answers", "complaint"),
    [
        (CommandAsked("ls"), ["yes"], "asks no question"),
        (QuestionsAsked((Question("q1", "", "?"), Question("q2", "", "?"))), ["q1=a"], "q2=ANSWER"),
        (QuestionsAsked((Question("q1", "", "?"), Question("q2", "", "?"))), ["a"], "q1, q2"),
        (
            ElicitationAsked("s", "form", "m", {"properties": {"n": {"type": "integer"}}}),
            ["n=seven"],
            "'seven' is no integer",
        ),
    ],
)
async def test_answers_that_fit_nothing_are_not_sent(
    server: FakeServer, run: Any, asked: Asked, answers: list[str], complaint: str
) -> None:
    given = offer(server, approval(asked))
    ran = await run("answer", "a7", *answers)
    assert ran.code == 2
    assert complaint in ran.err
    assert given == []


# Everything that goes wrong.


async def test_without_a_server_looking_says_how_to_start_one(home: Path, run: Any) -> None:
    for line in (["ps"], ["approvals"], ["kill", "x"], ["approve", "a7"], ["kill-server"]):
        ran = await run(*line)
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.startswith("codextui: no server 'default' is running")


async def test_an_error_of_the_server_s_is_one_sentence_on_standard_error(
    server: FakeServer, run: Any
) -> None:
    def missing(_: Frame) -> Frame:
        raise CodexMissing("no Codex was found: type `pip install codextui[codex]`")

    server.tools["codex-start"] = missing
    ran = await run("new", "x", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "codextui: no Codex was found: type `pip install codextui[codex]`\n"


async def test_a_server_that_hangs_up_in_the_midst_of_a_call_is_unreachable(
    server: FakeServer, run: Any
) -> None:
    def hang_up(_: Frame) -> Frame:
        server.hang_up()
        return {}

    server.tools["codex-threads"] = hang_up
    ran = await run("ps")
    assert ran.code == 3
    assert "lost before it answered" in ran.err


async def test_a_server_that_talks_nonsense_is_an_error_and_no_traceback(
    server: FakeServer, run: Any
) -> None:
    for nonsense in ({"threads": 7}, {"threads": [7]}, {"threads": [{"state": "?"}]}, {}):
        server.tools["codex-threads"] = lambda _, nonsense=nonsense: nonsense
        ran = await run("ps")
        assert "Traceback" not in ran.err
        assert ran.code == (0 if nonsense == {} else 1)


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


def test_the_console_without_a_terminal_says_what_works_without_one(
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


def test_a_configuration_that_is_not_there_is_wrong_usage(
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


# Signals and pipes, in processes of their own.


async def test_a_reader_that_goes_away_ends_the_command_without_a_word(
    server: FakeServer,
) -> None:
    rows = [THREAD.to_json()] * 5_000
    server.tools["codex-threads"] = lambda _: {"threads": rows}
    with started("ps", "--json", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        async with asyncio.timeout(20):
            code = await asyncio.to_thread(process.wait)
        assert process.stderr is not None
        assert (code, process.stderr.read()) == (141, b"")


async def test_on_a_terminal_a_long_row_ends_at_its_edge(server: FakeServer) -> None:
    long = ThreadInfo("t", "backend", ThreadState.IDLE, cwd="/work", brief="word-" * 200)
    server.tools["codex-threads"] = lambda _: {"threads": [long.to_json()]}
    ours, theirs = pty.openpty()
    try:
        environment = {**os.environ, "COLUMNS": "60"}
        with started("ps", stdout=theirs, env=environment) as process:
            async with asyncio.timeout(20):
                assert await asyncio.to_thread(process.wait) == 0
        rows = os.read(ours, 65_536).decode().splitlines()
    finally:
        os.close(ours)
        os.close(theirs)
    assert [len(row) for row in rows if "backend" in row] == [60]
