"""A team's connection to a server that comes and goes."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from codextui.client.spawn import open_socket
from codextui.client.updates import CaughtUp, Connected, Disconnected, EventReceived
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.runs import RoleAction, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.codex.connection import TeamConnection, TurnResult

WAIT_S = 20


async def test_a_server_that_stays_away_is_lost(tmp_path: Path) -> None:
    lost: asyncio.Queue[str] = asyncio.Queue()
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    connection = TeamConnection(connect, name="t", on_lost=lost.put_nowait, lost_after_s=0.01)
    connection._handle(Disconnected("gone", 0.1))
    async with asyncio.timeout(WAIT_S):
        assert await lost.get() == "gone"


async def test_a_server_that_comes_back_is_not_lost(tmp_path: Path) -> None:
    lost: list[str] = []
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    connection = TeamConnection(connect, name="t", on_lost=lost.append, lost_after_s=0.0)
    connection._handle(Disconnected("gone", 0.1))
    connection._handle(Connected("e", "codextui 1", fresh=False))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lost == []
    assert connection._lost_timer is None


async def test_callbacks_are_called_after_every_connection(tmp_path: Path) -> None:
    connection = TeamConnection(functools.partial(open_socket, tmp_path / "no.sock"), name="t")
    published: list[str] = []
    connection.on_connected(lambda: published.append("up"))
    for fresh in (True, False):
        connection._handle(Connected("e", "codextui 1", fresh=fresh))
    assert published == ["up", "up"]


def asked(approval_id: str, at: float) -> ev.Event:
    approval = Approval(approval_id, "thread", "turn", "", "x", at, CommandAsked("ls"))
    return ev.Event(int(at), "thread", "turn", at, ev.ApprovalAsked(approval))


async def test_of_a_new_servers_past_only_changed_approvals_are_published(
    tmp_path: Path,
) -> None:
    published: list[ev.Msg] = []
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    connection = TeamConnection(
        connect, name="t", on_event=lambda event: published.append(event.msg)
    )
    over = ev.Event(2, "thread", "turn", 2.0, ev.ApprovalResolved("a1", "approved"))
    old = [asked("a1", 1), over, asked("a2", 3)]
    for update in (Connected("e", "c", fresh=True), CaughtUp(0), *map(EventReceived, old)):
        connection._handle(update)
    assert len(published) == 3
    new = asked("a3", 4)
    past = [*old, ev.Event(4, "thread", "turn", 4.0, ev.ApprovalResolved("a2", "lost")), new]
    for update in (Connected("f", "c", fresh=True), *map(EventReceived, past), CaughtUp(9)):
        connection._handle(update)
    assert published[3:] == [ev.ApprovalResolved("a2", "lost"), new.msg]
    assert list(connection.approvals) == ["a3"]


async def test_past_requests_are_recorded_and_later_ones_published(
    tmp_path: Path,
) -> None:
    published: list[ev.Event] = []
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    connection = TeamConnection(connect, name="t", on_event=published.append)
    request = ev.RoleRequested(RoleAction.MESSAGE, "Hello.", "ann")
    before, after = (ev.Event(seq, "run:r/one", "", 0.0, request) for seq in (1, 2))
    connection._handle(EventReceived(before))
    connection._handle(CaughtUp(1))
    connection._handle(EventReceived(after))
    assert list(connection.past_requests) == [before]
    assert published == [after]


@pytest.mark.parametrize(
    ("msg", "end"),
    [
        (ev.TurnCompleted("Built."), TurnResult("Built.")),
        (ev.TurnAborted("failed", "out of order"), TurnResult("", "failed", "out of order")),
    ],
)
async def test_the_end_of_a_turn_can_be_awaited_before_and_after_it(
    tmp_path: Path, msg: ev.Msg, end: TurnResult
) -> None:
    connection = TeamConnection(functools.partial(open_socket, tmp_path / "no.sock"), name="t")
    async with asyncio.timeout(WAIT_S):
        waiting = asyncio.create_task(connection.wait_for_turn("thread", "turn"))
        await asyncio.sleep(0)
        connection._record(ev.Event(1, "thread", "turn", 0.0, msg))
        assert await waiting == end
        assert await connection.wait_for_turn("thread", "turn") == end


async def test_a_sub_agent_works_for_the_role_of_its_thread(tmp_path: Path) -> None:
    threads = [
        ThreadInfo("run:a/b", "b", ThreadState.IDLE, kind=ThreadKind.ROLE, parent="run:a"),
        ThreadInfo("own", "own", ThreadState.IDLE, parent="run:a/b"),
        ThreadInfo("child", "child", ThreadState.IDLE, parent="own"),
        ThreadInfo("free", "free", ThreadState.IDLE),
        ThreadInfo("circle", "circle", ThreadState.IDLE, parent="circle"),
    ]
    connection = TeamConnection(functools.partial(open_socket, tmp_path / "no.sock"), name="t")
    connection.threads |= {thread.thread_id: thread for thread in threads}
    owners = {thread_id: connection.owner_of(thread_id) for thread_id in connection.threads}
    assert owners == {
        "run:a/b": "run:a/b",
        "own": "run:a/b",
        "child": "run:a/b",
        "free": "",
        "circle": "",
    }
