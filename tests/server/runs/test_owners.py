"""Whose a run is, and what becomes of it when its program is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from contract.http_clients import raw_session
from contract.serving import Served
from contract.team import BACKEND, RUN, TESTER, row, team_of, told

from codextui.config.address import HttpAddress
from codextui.demo import Script, ScriptedModel
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState
from codextui.server.app import open_server
from codextui.server.clients import Caller, Session
from codextui.server.mcp.tools import publish
from codextui.server.options import ServerOptions

GONE = "the program that ran it is gone"
RESUME = "`codextui run --resume bugs-1`"


async def test_a_run_is_its_programs_until_that_is_gone(served: Served):
    async with served.console() as console:
        async with team_of(served) as first, team_of(served) as second:
            await first.start()
            assert await second.refused(row(RUN, "done")) == f"{RUN} is run by team bugs"
        await console.state(RUN, ThreadState.DISCONNECTED)
        async with team_of(served) as third:
            await third.publish(row(RUN, "done"), row(BACKEND, "done"))
            await console.state(BACKEND, ThreadState.DONE)


async def test_a_refused_telling_makes_nobody_an_owner(served: Served):
    async with team_of(served) as first, team_of(served) as second:
        await first.refused(row(BACKEND))
        await second.start()


async def test_one_who_hung_up_before_it_was_heard_owns_nothing(options: ServerOptions):
    async with open_server(options) as server:
        session = Session(cast("Any", None), client_name="team bugs")
        caller = Caller(session, 1, supervises=False, elicits=False)
        with pytest.raises(ServerRefused, match="hung up"):
            await publish(server, caller, {"run": RUN, "events": [row(RUN)]})
        server.sessions.add(session)
        assert await publish(server, caller, {"run": RUN, "events": [row(RUN)]})
        server.disconnect(session)
        (left,) = server.registry
        assert left.info.state is ThreadState.DISCONNECTED


async def test_what_a_program_leaves_is_lost_and_says_how_to_go_on(served: Served):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.start()
            await team.publish(row(TESTER, "done", note="all is well"))
            team.ask()
            approval = await console.offered()
        row_left = await console.state(BACKEND, ThreadState.DISCONNECTED)
        assert row_left.note == f"{GONE}: {RESUME}"
        assert (row_left.waits_for, row_left.turn_started_at) == ("", None)
        await console.withdrawn(approval.approval_id)
        lost = await console.event(ev.TurnAborted, lambda e: e.thread_id == BACKEND)
        assert (lost.turn_id, lost.msg) == (
            "t1",
            ev.TurnAborted("lost", "The program that ran it is gone."),
        )
        tester = (await console.call("codex-read", thread="tester"))["thread"]
        assert (tester["state"], tester["note"]) == ("done", "all is well")
        assert (await console.call("codex-approvals"))["approvals"] == []


@pytest.mark.parametrize("state", ["waiting", "paused", "idle", "running", "starting"])
async def test_whatever_had_not_ended_is_disconnected(served: Served, state: str):
    async with served.console() as console:
        async with team_of(served, "a script") as script:
            await script.publish(row(RUN, state))
        assert (await console.state(RUN, ThreadState.DISCONNECTED)).note == GONE


@pytest.mark.parametrize("state", ["done", "failed", "interrupted"])
async def test_whatever_had_ended_stays_as_it_was(served: Served, state: str):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.publish(row(RUN), row(BACKEND, state))
        await console.state(RUN, ThreadState.DISCONNECTED)
        backend = (await console.call("codex-read", thread="backend"))["thread"]
        assert (backend["state"], backend["note"]) == (state, "")


async def test_one_who_takes_over_goes_on_with_the_turn_that_it_says_runs(served: Served):
    async with served.console() as console:
        async with team_of(served) as first:
            await first.start()
        await console.state(BACKEND, ThreadState.DISCONNECTED)
        seen = len(console.updates)
        async with team_of(served) as second:
            await second.publish(row(RUN), row(BACKEND, turn_id="t1", turn_started_at=5.0))
            again = await console.state(BACKEND, ThreadState.RUNNING, after=seen)
            assert (again.turn_id, again.turn_started_at) == ("t1", 5.0)
        lost = await console.event(ev.TurnAborted, lambda e: e.thread_id == BACKEND, after=seen)
        assert lost.turn_id == "t1"


async def test_a_turn_that_is_told_again_runs_again(served: Served):
    async with served.console() as console:
        async with team_of(served) as first:
            await first.start()
        await console.state(BACKEND, ThreadState.DISCONNECTED)
        async with team_of(served) as second:
            await second.publish(
                row(RUN), row(BACKEND, turn_id="t1"), told(BACKEND, "task_started", "t1")
            )
            backend = (await console.call("codex-read", thread=BACKEND))["thread"]
            assert backend["turn_id"] == "t1"
            assert backend["turn_started_at"] > 0


async def test_a_run_is_brought_back_by_the_next_server_and_its_program(options: ServerOptions):
    first, second = (
        Served(options, ScriptedModel(Script())),
        Served(options, ScriptedModel(Script())),
    )
    await first.start()
    async with team_of(first) as team:
        await team.start()
        gates = told(RUN, "gates_checked", gates=[{"condition": "spec.md"}])
        span = {"span_id": "s1", "role": "backend", "kind": "model"}
        ended = told(RUN, "span_changed", span={**span, "ended_at": 5.0})
        await team.publish(
            gates,
            told(RUN, "span_changed", span=span),
            told(BACKEND, "agent_message_content_delta", "t1", item_id="i1", delta="Half a"),
            told(RUN, "run_noted", kind="role_started", role="backend", text="began"),
            gates,
            ended,
        )
        await first.stop()
    await second.start()
    async with second.console() as console, team_of(second) as team:
        rows = (await console.call("codex-threads"))["threads"]
        assert [one["state"] for one in rows] == ["disconnected"] * 3
        assert rows[0]["note"] == f"{GONE}: {RESUME}"
        assert rows[1]["parent"] == RUN
        assert len(console.messages(RUN, ev.GatesChecked)) == 1
        (spanned,) = console.messages(RUN, ev.SpanChanged)
        assert spanned.span.ended_at == 5.0
        assert [note.text for note in console.messages(RUN, ev.RunNoted)] == ["began"]
        assert console.said(BACKEND) == "Half a"
        assert [a.reason for a in console.messages(BACKEND, ev.TurnAborted)] == ["lost"]
        handles = await team.publish(row(RUN), row(BACKEND, "done"))
        assert handles == {RUN: "bugs", BACKEND: "backend", TESTER: "tester"}
        await console.state(RUN, ThreadState.RUNNING)
    await second.stop()


async def test_a_server_with_a_program_is_not_idle_and_without_one_it_ends(options: ServerOptions):
    served = Served(replace(options, idle_timeout_s=0.1), ScriptedModel(Script()))
    await served.start()
    async with team_of(served) as team:
        await team.start()
        await asyncio.sleep(0.5)  # nothing tells that a server goes on
        await team.publish(row(BACKEND))
    await served.ended()


async def test_by_http_no_run_is_told(options: ServerOptions, folder: Path):
    by_http = replace(options, http=HttpAddress("127.0.0.1", 0), token=folder / "s.token")
    served = Served(by_http, ScriptedModel(Script()))
    await served.start()
    async with raw_session(served, "team bugs") as client:
        number = client.begin_tool("codex-publish", run=RUN, events=[row(RUN)])
        result = (await client.reply(number))["result"]
        assert result["isError"]
        assert result["content"][0]["text"].startswith("a run cannot be told by HTTP")
    async with served.console() as console:
        assert (await console.call("codex-threads"))["threads"] == []
    await served.stop()


async def test_two_clients_of_one_name_are_told_apart(served: Served):
    async with (
        served.console("codextui") as one,
        served.console("codextui") as two,
        team_of(served) as team,
    ):
        await team.start()
        team.ask()
        approval = await one.offered()
        await two.offered()
        clients = (await one.call("codex-server"))["clients"]
        assert clients == ["codextui", "codextui-2", "team bugs"]
        await two.call("codex-answer", approval=approval.approval_id, decision="approved")
        resolved = await one.event(ev.ApprovalResolved)
        assert isinstance(resolved.msg, ev.ApprovalResolved)
        assert resolved.msg.by == "codextui-2"
