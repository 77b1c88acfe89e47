"""The team's link to a server that comes and goes."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from codextui.client.facts import CaughtUp, Connected, Disconnected, EventArrived
from codextui.client.spawn import open_socket
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.runs import RoleAction
from codextui.teams.codex.connection import TeamConnection, TurnEnd

WAIT_S = 20


async def test_a_server_that_stays_away_is_lost(tmp_path: Path) -> None:
    lost: asyncio.Queue[str] = asyncio.Queue()
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    link = TeamConnection(connect, name="t", on_lost=lost.put_nowait, lost_s=0.01)
    link._take(Disconnected("gone", 0.1))
    async with asyncio.timeout(WAIT_S):
        assert await lost.get() == "gone"


async def test_a_server_that_comes_back_is_not_lost(tmp_path: Path) -> None:
    lost: list[str] = []
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    link = TeamConnection(connect, name="t", on_lost=lost.append, lost_s=0.0)
    link._take(Disconnected("gone", 0.1))
    link._take(Connected("e", "codextui 1", fresh=False))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lost == []
    assert link._giving_up is None


async def test_whoever_wants_to_know_is_told_of_every_connection(tmp_path: Path) -> None:
    link = TeamConnection(functools.partial(open_socket, tmp_path / "no.sock"), name="t")
    told: list[str] = []
    link.on_connected(lambda: told.append("up"))
    for fresh in (True, False):
        link._take(Connected("e", "codextui 1", fresh=fresh))
    assert told == ["up", "up"]


def asked(approval_id: str, at: float) -> ev.Event:
    approval = Approval(approval_id, "thread", "turn", "", "x", at, CommandAsked("ls"))
    return ev.Event(int(at), "thread", "turn", at, ev.ApprovalAsked(approval))


async def test_the_past_of_a_new_server_is_no_news_but_for_what_is_open_there(
    tmp_path: Path,
) -> None:
    told: list[ev.Msg] = []
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    link = TeamConnection(connect, name="t", on_event=lambda event: told.append(event.msg))
    over = ev.Event(2, "thread", "turn", 2.0, ev.ApprovalResolved("a1", "approved"))
    old = [asked("a1", 1), over, asked("a2", 3)]
    for fact in (Connected("e", "c", fresh=True), CaughtUp(0), *map(EventArrived, old)):
        link._take(fact)
    assert len(told) == 3
    new = asked("a3", 4)
    past = [*old, ev.Event(4, "thread", "turn", 4.0, ev.ApprovalResolved("a2", "lost")), new]
    for fact in (Connected("f", "c", fresh=True), *map(EventArrived, past), CaughtUp(9)):
        link._take(fact)
    assert told[3:] == [ev.ApprovalResolved("a2", "lost"), new.msg]
    assert list(link.approvals) == ["a3"]


async def test_what_was_asked_of_roles_before_is_known_and_what_comes_after_is_told(
    tmp_path: Path,
) -> None:
    told: list[ev.Event] = []
    connect = functools.partial(open_socket, tmp_path / "no.sock")
    link = TeamConnection(connect, name="t", on_event=told.append)
    request = ev.RoleRequested(RoleAction.MESSAGE, "Hello.", "ann")
    before, after = (ev.Event(seq, "run:r/one", "", 0.0, request) for seq in (1, 2))
    link._take(EventArrived(before))
    link._take(CaughtUp(1))
    link._take(EventArrived(after))
    assert list(link.requests) == [before]
    assert told == [after]


@pytest.mark.parametrize(
    ("msg", "end"),
    [
        (ev.TurnCompleted("Built."), TurnEnd("Built.")),
        (ev.TurnAborted("failed", "out of order"), TurnEnd("", "failed", "out of order")),
    ],
)
async def test_the_end_of_a_turn_is_known_before_and_after_it(
    tmp_path: Path, msg: ev.Msg, end: TurnEnd
) -> None:
    link = TeamConnection(functools.partial(open_socket, tmp_path / "no.sock"), name="t")
    async with asyncio.timeout(WAIT_S):
        waiting = asyncio.create_task(link.end_of("thread", "turn"))
        await asyncio.sleep(0)
        link._see(ev.Event(1, "thread", "turn", 0.0, msg))
        assert await waiting == end
        assert await link.end_of("thread", "turn") == end
