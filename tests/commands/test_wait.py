"""`--wait`."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame
from commands.command_line import ROLE, RUN, THREAD, approval, record_calls, start_process
from msgspec import structs

from codextui.protocol import events as ev
from codextui.protocol.approvals import CommandAsked
from codextui.protocol.events import Event
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

NAMED = "started backend (01a2-thread)\n"
"""What `new --wait` notes of its thread."""


def stream_of(server: FakeServer, messages: list[ev.Msg], tool: str = "codex-start") -> None:
    """Let a tool stream these on its thread once it is called."""

    def start(_: Frame) -> Frame:
        other = Event(1, "another thread", "u1", 1.0, ev.TurnCompleted("not mine"))
        server.tell(other)
        for seq, msg in enumerate(messages, 2):
            server.tell(Event(seq, THREAD.thread_id, "u1", 1.0, msg))
        return {"thread": THREAD.to_json()}

    server.tools[tool] = start


async def test_fork_with_a_prompt_waits_for_the_turn(server: FakeServer, run: Any) -> None:
    stream_of(server, [ev.TextDelta("m", "Forked."), ev.TurnCompleted("Forked.")], "codex-fork")
    ran = await run("fork", "backend", "go on", "--wait")
    assert (ran.code, ran.out) == (0, "Forked.\n")


PAST_TURNS = [
    ("p1", ev.TurnStarted()),
    ("p1", ev.ItemCompleted({"id": "m1", "type": "agentMessage", "text": "Old answer."})),
    ("p1", ev.ErrorRaised("an old failure")),
    ("p1", ev.TurnCompleted("Old answer.")),
    ("p2", ev.TextDelta("m2", "Streamed once.")),
    ("p2", ev.TurnAborted("failed", "an old failure")),
]

COMMANDS_THAT_WAIT = [
    (("new", "go on"), "codex-start"),
    (("reply", "backend", "go on"), "codex-send"),
    (("fork", "backend", "go on"), "codex-fork"),
    (("fork", "backend", "go on", "--turn", "p1"), "codex-fork"),
    (("review", "backend"), "codex-review"),
]


def answer_after_past(server: FakeServer, tool: str) -> None:
    """Let a tool tell of past turns of its thread, then begin and end the turn `u1`."""
    answer = {"id": "m9", "type": "agentMessage", "text": "New answer."}
    turn = [ev.TurnStarted(), ev.ItemCompleted(answer), ev.TurnCompleted("New answer.")]

    def start(_: Frame) -> Frame:
        told = [*PAST_TURNS, *(("u1", msg) for msg in turn)]
        for seq, (turn_id, msg) in enumerate(told, 1):
            server.tell(Event(seq, THREAD.thread_id, turn_id, 1.0, msg))
        return {"thread": THREAD.to_json(), "turnId": "u1"}

    server.tools[tool] = start


@pytest.mark.parametrize(("arguments", "tool"), COMMANDS_THAT_WAIT)
async def test_waiting_prints_the_new_turn_and_nothing_of_the_past(
    server: FakeServer, run: Any, arguments: tuple[str, ...], tool: str
) -> None:
    answer_after_past(server, tool)
    ran = await run(*arguments, "--wait")
    assert (ran.code, ran.out) == (0, "New answer.\n")
    assert "old failure" not in ran.err
    as_json = await run(*arguments, "--wait", "--json")
    assert {event["turn_id"] for event in as_json.objects} == {"u1"}


@pytest.mark.parametrize(("arguments", "tool"), COMMANDS_THAT_WAIT)
async def test_the_last_line_of_json_has_the_thread_as_it_is_after_the_turn(
    server: FakeServer, run: Any, arguments: tuple[str, ...], tool: str
) -> None:
    answer_after_past(server, tool)
    after = structs.replace(THREAD, state=ThreadState.IDLE, usage=Usage(total=20_000))
    asked = record_calls(server, "codex-threads", {"threads": [after.to_json()]})
    ran = await run(*arguments, "--wait", "--json")
    last = ran.objects[-1]
    assert ThreadInfo.from_json(last["thread"]) == after
    assert (last["turn_id"], last["outcome"], last["content"]) == ("u1", "completed", "New answer.")
    assert asked == [{"thread": THREAD.thread_id}]


async def test_the_last_line_of_json_has_what_the_events_said_if_the_server_cannot_tell(
    server: FakeServer, run: Any
) -> None:
    changed = structs.replace(THREAD, branch="other")
    stream_of(server, [ev.ThreadChanged(changed), ev.TurnCompleted("well")])
    ran = await run("new", "x", "--wait", "--json")
    assert ThreadInfo.from_json(ran.objects[-1]["thread"]) == changed


@pytest.mark.parametrize(
    ("arguments", "tool", "note"),
    [
        (("new", "go on"), "codex-start", "started backend (01a2-thread)\n"),
        (("fork", "backend", "go on"), "codex-fork", "forked as backend (01a2-thread)\n"),
        (("review",), "codex-review", "reviewing in backend (01a2-thread)\n"),
        (("review", "x", "--detached"), "codex-review", "reviewing in backend (01a2-thread)\n"),
        (("review", "x"), "codex-review", ""),
        (("reply", "backend", "go on"), "codex-send", ""),
    ],
)
async def test_waiting_names_a_thread_that_it_has_made(
    server: FakeServer, run: Any, arguments: tuple[str, ...], tool: str, note: str
) -> None:
    answer_after_past(server, tool)
    ran = await run(*arguments, "--wait")
    assert ran.err == note


async def test_new_with_wait_streams_the_answer_until_the_turn_ends(
    server: FakeServer, run: Any
) -> None:
    server.events = [Event(1, THREAD.thread_id, "u0", 1.0, ev.TurnCompleted("from the past"))]
    item = {"id": "m1", "type": "agentMessage", "text": "One two."}
    other = {"id": "m2", "type": "agentMessage", "text": "Three."}
    stream_of(
        server,
        [
            ev.TextDelta("m1", "One "),
            ev.TextDelta("m1", "two."),
            ev.ItemCompleted(item),
            ev.ItemCompleted(other),
            ev.TurnCompleted("Three."),
        ],
    )
    ran = await run("new", "count", "--wait")
    assert (ran.code, ran.out) == (0, "One two.\nThree.\n")


async def test_a_control_sequence_split_over_two_deltas_is_sanitized(
    server: FakeServer, run: Any
) -> None:
    stream_of(
        server,
        [*(ev.TextDelta("m", part) for part in ("a\x1b", "[2Jb\x1b[", "31mc")), ev.TurnCompleted()],
    )
    ran = await run("new", "count", "--wait")
    assert "\x1b" not in ran.out
    assert "a" in ran.out


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (ev.TurnCompleted("well"), 0),
        (ev.TurnAborted("failed", "no more credit"), 4),
        (ev.TurnAborted("lost", "codex died"), 4),
        (ev.TurnAborted("interrupted"), 5),
        (ev.TurnAborted("killed"), 5),
    ],
)
async def test_the_exit_code_depends_on_how_the_turn_ended(
    server: FakeServer, run: Any, end: ev.Msg, code: int
) -> None:
    stream_of(server, [end])
    ran = await run("new", "x", "--wait")
    assert ran.code == code
    assert (code == 0) == (ran.err == NAMED)
    stream_of(server, [end])
    as_json = await run("new", "x", "--wait", "--json")
    *events, last = as_json.objects
    assert [event["msg"]["type"] for event in events] == [
        "task_complete" if code == 0 else "turn_aborted"
    ]
    assert last["outcome"] == ("completed" if code == 0 else end.reason)
    assert last["thread"]["handle"] == "backend"


async def test_the_end_of_another_turn_is_ignored(server: FakeServer, run: Any) -> None:
    def send(_: Frame) -> Frame:
        for seq, turn in enumerate(["u0", "u1", "u2"]):
            message = ev.TextDelta(turn, f"{turn} ")
            server.tell(Event(2 * seq + 1, THREAD.thread_id, turn, 1.0, message))
            server.tell(Event(2 * seq + 2, THREAD.thread_id, turn, 1.0, ev.TurnCompleted(turn)))
        return {"thread": THREAD.to_json(), "turnId": "u1", "steered": False}

    server.tools["codex-send"] = send
    ran = await run("reply", "backend", "x", "--wait", "--json")
    assert ran.objects[-1]["content"] == "u1"
    assert [event["turn_id"] for event in ran.objects[:-1]] == ["u1", "u1"]


async def test_a_failure_is_printed_once(server: FakeServer, run: Any) -> None:
    why = "stream disconnected: \x1b[31mno more credit"
    stream_of(server, [ev.ErrorRaised(why), ev.TurnAborted("failed", why)])
    ran = await run("new", "x", "--wait")
    assert ran.code == 4
    assert ran.err.count("no more credit") == 1
    assert ran.err.endswith("the turn ended early: failed\n")


async def test_a_failure_without_an_error_event_is_printed_at_the_end(
    server: FakeServer, run: Any
) -> None:
    retried = ev.ErrorRaised("trying again", will_retry=True)
    stream_of(server, [retried, ev.TurnAborted("failed", "no more credit")])
    ran = await run("new", "x", "--wait")
    assert ran.err == f"{NAMED}trying again\nthe turn ended early: failed no more credit\n"


# Roles of a team's run.


def at_rest(server: FakeServer, *events: tuple[str, str, ev.Msg], role: ThreadInfo = ROLE) -> None:
    """A role that is in no turn when it is told something; then these happen."""

    def send(_: Frame) -> Frame:
        old = (role.thread_id, role.turn_id)
        for seq, (thread, turn, msg) in enumerate(
            [(*old, ev.TextDelta("m", "old")), (*old, ev.TurnCompleted("old")), *events], 1
        ):
            server.tell(Event(seq, thread, turn, 1.0, msg))
        return {"thread": role.to_json(), "turnId": "", "steered": False}

    server.tools["codex-send"] = send


NEXT_TURN = (
    (ROLE.thread_id, "t2", ev.TurnStarted()),
    (ROLE.thread_id, "t2", ev.TextDelta("m", "I read it.")),
    (ROLE.thread_id, "t2", ev.TurnCompleted("I read it.")),
)


async def test_a_prompt_to_an_idle_role_is_followed_in_its_next_turn(
    server: FakeServer, run: Any
) -> None:
    at_rest(server, *NEXT_TURN)
    ran = await run("reply", "backend", "hurry", "--wait")
    assert (ran.code, ran.out) == (0, "I read it.\n")
    assert ran.err == "backend is not at work: it reads this when its next turn begins\n"


async def test_json_of_the_next_turn_of_a_role_has_no_events_of_the_turn_before(
    server: FakeServer, run: Any
) -> None:
    at_rest(server, *NEXT_TURN)
    ran = await run("reply", "backend", "hurry", "--wait", "--json")
    *events, last = ran.objects
    assert [event["turn_id"] for event in events] == ["t2"] * 3
    assert (last["turn_id"], last["outcome"], last["content"]) == ("t2", "completed", "I read it.")


async def test_the_first_turn_of_a_role_is_followed(server: FakeServer, run: Any) -> None:
    fresh = structs.replace(ROLE, turn_id="", state=ThreadState.WAITING)

    def send(_: Frame) -> Frame:
        for seq, (thread, turn, msg) in enumerate(NEXT_TURN, 1):
            server.tell(Event(seq, thread, turn, 1.0, msg))
        return {"thread": fresh.to_json(), "turnId": "", "steered": False}

    server.tools["codex-send"] = send
    ran = await run("reply", "backend", "hurry", "--wait")
    assert (ran.code, ran.out) == (0, "I read it.\n")


async def test_a_paused_role_names_the_command_that_resumes_it(
    server: FakeServer, run: Any
) -> None:
    at_rest(server, *NEXT_TURN, role=structs.replace(ROLE, state=ThreadState.PAUSED))
    ran = await run("reply", "backend", "hurry", "--wait")
    assert "it reads this after `codextui resume backend`" in ran.err


@pytest.mark.parametrize("state", [ThreadState.DONE, ThreadState.DISCONNECTED, ThreadState.KILLED])
async def test_waiting_stops_if_the_run_ends_before_the_turn_starts(
    server: FakeServer, run: Any, state: ThreadState
) -> None:
    over = (RUN.thread_id, "t1", ev.ThreadChanged(structs.replace(RUN, state=state)))
    at_rest(server, over)
    ran = await run("reply", "backend", "hurry", "--wait")
    assert (ran.code, ran.out) == (4, "")
    assert f"the run ended ({state}) before backend read this" in ran.err
    as_json = await run("reply", "backend", "hurry", "--wait", "--json")
    assert as_json.code == 4
    assert (as_json.objects[-1]["outcome"], as_json.objects[-1]["turn_id"]) == ("unread", "")


async def test_a_started_turn_is_followed_beyond_the_end_of_the_run(
    server: FakeServer, run: Any
) -> None:
    gone = (
        RUN.thread_id,
        "t1",
        ev.ThreadChanged(structs.replace(RUN, state=ThreadState.DISCONNECTED)),
    )
    lost = (ROLE.thread_id, "t2", ev.TurnAborted("lost", "its program is gone"))
    at_rest(server, NEXT_TURN[0], gone, lost)
    ran = await run("reply", "backend", "hurry", "--wait")
    assert ran.code == 4
    assert "lost its program is gone" in ran.err


async def test_an_approval_is_printed_once_with_the_command_to_type(
    server: FakeServer, run: Any
) -> None:
    asked = approval(CommandAsked("make install"))
    stream_of(server, [ev.ApprovalAsked(asked), ev.TurnCompleted("")])
    ran = await run("new", "x", "--wait")
    assert ran.err == f"{NAMED}needs input: codextui approve a7 (command: make install)\n"


async def test_an_approval_that_is_already_open_is_printed_too(
    server: FakeServer, run: Any
) -> None:
    open_now = approval(CommandAsked("make install"))
    over = approval(CommandAsked("make clean"), "a6")
    elsewhere = structs.replace(
        approval(CommandAsked("make all"), "a5"), thread_id="another thread"
    )
    past = [
        ev.ApprovalAsked(elsewhere),
        ev.ApprovalAsked(over),
        ev.ApprovalAsked(open_now),
        ev.ApprovalResolved("a6", "denied"),
    ]
    server.events = [Event(n, THREAD.thread_id, "u1", 1.0, msg) for n, msg in enumerate(past, 1)]

    def send(_: Frame) -> Frame:
        server.tell(Event(9, THREAD.thread_id, "u1", 1.0, ev.TurnCompleted("")))
        return {"thread": THREAD.to_json(), "turnId": "u1", "steered": True}

    server.tools["codex-send"] = send
    ran = await run("reply", "backend", "hurry", "--wait")
    assert ran.err == "needs input: codextui approve a7 (command: make install)\n"


async def test_waiting_does_not_count_as_a_client_that_decides(
    server: FakeServer, run: Any
) -> None:
    stream_of(server, [ev.TurnCompleted("")])
    await run("new", "x", "--wait")
    introduced = (await server.heard_method("initialize"))["params"]["capabilities"]
    assert introduced["experimental"] == {"codextui/supervisor": {}}
    assert "elicitation" not in introduced


async def test_waiting_stops_if_the_server_has_restarted(server: FakeServer, run: Any) -> None:
    def start(_: Frame) -> Frame:
        server.epoch = "second"
        asyncio.get_running_loop().call_later(0.1, server.hang_up)
        return {"thread": THREAD.to_json()}

    server.tools["codex-start"] = start
    ran = await run("new", "x", "--wait")
    assert ran.code == 3
    assert "started anew" in ran.err


async def test_ctrl_c_prints_that_the_turn_continues(server: FakeServer) -> None:
    started_turn = asyncio.Event()

    def start(_: Frame) -> Frame:
        server.tell(Event(1, THREAD.thread_id, "u1", 1.0, ev.TextDelta("m", "at work\n")))
        started_turn.set()
        return {"thread": THREAD.to_json()}

    server.tools["codex-start"] = start
    with start_process("new", "x", "--wait", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            await started_turn.wait()
            assert await asyncio.to_thread(process.stdout.readline) == b"at work\n"
            process.send_signal(signal.SIGINT)
            code = await asyncio.to_thread(process.wait)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert code == 130
        assert "codextui interrupt backend" in said
        assert "Traceback" not in said
