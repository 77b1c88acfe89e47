"""What a program publishes of its run, as supervisors get it, and who owns a run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from contract.http_clients import raw_session
from contract.serving import Served
from contract.team import BACKEND, RUN, TESTER, run_event, said, team_of, thread_changed

from codextui.config.address import HttpAddress
from codextui.demo import Script, ScriptedModel
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState
from codextui.server.app import open_server
from codextui.server.clients import Caller, Session
from codextui.server.mcp.tools import publish
from codextui.server.options import RunLimits, ServerLimits, ServerOptions

LIMITS = RunLimits()
GONE = "the program that ran it is gone"
RESUME = "`codextui run --resume bugs-1`"


@pytest.fixture
def limits() -> RunLimits:
    return LIMITS


@pytest.fixture
def options(options: ServerOptions, limits: RunLimits) -> ServerOptions:
    return replace(options, limits=ServerLimits(runs=limits))


async def rows(console: Any, **arguments: Any) -> dict[str, dict[str, Any]]:
    listed = (await console.call("codex-threads", **arguments))["threads"]
    return {one["thread_id"]: one for one in listed}


async def test_a_run_and_its_roles_are_listed_like_threads(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        run = await console.state(RUN, ThreadState.RUNNING)
        role = await console.state(TESTER, ThreadState.WAITING)
        assert (run.handle, run.client, run.parent) == ("bugs", "team bugs", "")
        assert (role.handle, role.client, role.parent) == ("tester", "team bugs", RUN)
        assert run.created_at > 0
        assert set(await rows(console)) == {RUN, BACKEND, TESTER}


async def test_a_turn_of_a_role_is_published_like_one_of_a_thread(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(
            run_event(BACKEND, "agent_message_content_delta", "t1", item_id="i1", delta="Done."),
            said(BACKEND, "t1", "Done."),
            run_event(BACKEND, "token_count", total={"total": 12}, last={}),
            run_event(BACKEND, "task_complete", "t1"),
        )
        done = await console.event(ev.TurnCompleted, lambda e: e.thread_id == BACKEND)
        assert (done.turn_id, done.msg) == ("t1", ev.TurnCompleted("Done."))
        assert console.said(BACKEND) == "Done."
        backend = (await rows(console))[BACKEND]
        assert (backend["turn_id"], backend["turn_started_at"]) == ("t1", None)
        assert (backend["usage"]["total"], backend["state"]) == (12, "running")


async def test_a_unique_handle_is_assigned_once_and_can_be_changed(served: Served):
    other = "run:bugs-2"
    async with served.console() as console, team_of(served) as team:
        await team.start()
        second = await team.publish(
            thread_changed(other), thread_changed(f"{other}/backend"), run=other
        )
        assert second == {other: "bugs-2", f"{other}/backend": "backend-2"}
        await console.call("codex-rename", thread="backend-2", handle="server")
        assert await team.publish(thread_changed(f"{other}/backend", "done"), run=other) == {
            other: "bugs-2",
            f"{other}/backend": "server",
        }


async def test_the_roles_of_a_run_get_the_handles_of_one_that_is_over(served: Served):
    other = "run:bugs-2"
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(thread_changed(BACKEND, "done"), thread_changed(RUN, "done"))
        second = await team.publish(
            thread_changed(other), thread_changed(f"{other}/backend"), run=other
        )
        assert second == {other: "bugs-2", f"{other}/backend": "backend"}
        found = (await console.call("codex-read", thread="backend"))["thread"]
        assert found["thread_id"] == f"{other}/backend"
        again = await team.publish(thread_changed(RUN), thread_changed(BACKEND))
        assert (again[RUN], again[BACKEND]) == ("bugs", "backend-2")
        assert (await rows(console))[BACKEND]["handle"] == "backend-2"


async def test_a_role_of_two_runs_is_named_with_its_run(served: Served):
    other = "run:bugs-2"
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(thread_changed(other), thread_changed(f"{other}/backend"), run=other)
        for tool, more in (
            ("codex-send", {"prompt": "hurry"}),
            ("codex-steer", {"prompt": "hurry"}),
            ("codex-interrupt", {}),
            ("codex-kill", {}),
            ("codex-resume", {}),
            ("codex-rename", {"handle": "x"}),
            ("codex-read", {}),
            ("codex-queue", {"action": "list"}),
            ("codex-settings", {"model": "x"}),
            ("codex-fork", {}),
            ("codex-threads", {}),
        ):
            why = "'backend' is a role of 2 runs: say bugs/backend or bugs-2/backend"
            with pytest.raises(ServerRefused, match=why):
                await console.call(tool, thread="backend", **more)
        for name, found in (
            ("bugs/backend", BACKEND),
            ("bugs-2/backend", f"{other}/backend"),
            ("backend-2", f"{other}/backend"),
        ):
            assert (await console.call("codex-read", thread=name))["thread"]["thread_id"] == found


@pytest.mark.parametrize("name", [RUN, "bugs-1", "bugs", BACKEND, "bugs-1/backend", "backend"])
async def test_runs_and_roles_are_found_by_handle_and_by_id_with_and_without_prefix(
    served: Served, name: str
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        found = (await console.call("codex-read", thread=name))["thread"]["thread_id"]
        assert found == (BACKEND if "backend" in name else RUN)


@pytest.mark.parametrize("text", ["\x1b[2J\x00", "\u202e", "x" * 1_000_000])
async def test_any_text_of_a_program_is_published_unchanged(served: Served, text: str):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(said(BACKEND, "t1", text), run_event(BACKEND, "task_complete", "t1"))
        done = await console.event(ev.TurnCompleted)
        assert done.msg == ev.TurnCompleted(text)
        read = (await console.call("codex-read", thread=BACKEND))["events"]
        assert ev.TurnCompleted(text).to_json() in [e["msg"] for e in read]


async def test_a_publication_with_an_invalid_event_is_not_applied(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        why = await team.refused(
            thread_changed(BACKEND, "done"), run_event(f"{RUN}/ghost", "warning", message="!")
        )
        assert why == "codex-publish: events.1: tell the row first (thread_changed)"
        assert (await rows(console))[BACKEND]["state"] == "running"


async def test_a_run_must_be_published_before_its_roles(served: Served):
    async with team_of(served) as team:
        why = await team.refused(thread_changed(BACKEND), thread_changed(RUN))
        assert why == "codex-publish: events.0: tell the run's own row first (thread_changed)"
        assert await team.publish(thread_changed(RUN), thread_changed(BACKEND)) == {
            RUN: "bugs",
            BACKEND: "backend",
        }


async def test_a_run_has_only_so_many_threads(served: Served):
    async with team_of(served) as team:
        roles = [thread_changed(f"{RUN}/r{number}") for number in range(LIMITS.rows)]
        assert f"{LIMITS.rows} may be" in await team.refused(thread_changed(RUN), *roles)
        assert len(await team.publish(thread_changed(RUN), *roles[1:])) == LIMITS.rows


@pytest.mark.parametrize("limits", [RunLimits(active_runs=2)])
async def test_a_client_has_only_so_many_active_runs(served: Served):
    async with team_of(served) as team:
        for run in ("run:a", "run:b"):
            await team.publish(thread_changed(run), run=run)
        assert "2 runs" in await team.refused(thread_changed("run:c"), run="run:c")
        await team.publish(thread_changed("run:a", "done"), run="run:a")
        await team.publish(thread_changed("run:c"), run="run:c")  # only those that go on count
        assert "2 runs" in await team.refused(thread_changed("run:d"), run="run:d")


@pytest.mark.parametrize("limits", [RunLimits(retained_chars=20_000)])
async def test_the_info_of_a_thread_counts_once_towards_the_history(served: Served):
    async with team_of(served) as team:
        big = "x" * 7_000
        for _ in range(5):
            await team.publish(thread_changed(RUN, cwd=big))
        await team.publish(thread_changed(BACKEND, cwd=big))
        assert "no more is taken" in await team.refused(thread_changed(TESTER, cwd=big))


@pytest.mark.parametrize("limits", [RunLimits(retained_chars=20_000)])
async def test_the_history_of_a_client_is_limited(served: Served):
    async with team_of(served) as team:
        await team.start()
        await team.publish(said(BACKEND, "t1", "x" * 15_000))
        assert "no more is taken" in await team.refused(said(BACKEND, "t1", "x" * 15_000, "i2"))
        for number in range(20):  # what the next replaces takes up nothing
            gates = [{"condition": f"{number} {'x' * 5_000}"}]
            await team.publish(
                run_event(RUN, "gates_checked", gates=gates), thread_changed(BACKEND, "done")
            )


async def test_a_late_subscriber_gets_infos_notes_gates_and_spans(
    served: Served,
):
    def span(number: int, **more: Any) -> dict[str, Any]:
        span = {"span_id": f"s{number}", "role": "backend", "kind": "model", **more}
        return run_event(RUN, "span_changed", span=span)

    async with team_of(served) as team:
        await team.start()
        await team.publish(
            run_event(RUN, "run_noted", kind="role_started", role="backend", text="began"),
            run_event(RUN, "gates_checked", gates=[{"condition": "spec.md"}]),
            span(1, started_at=1.0),
            span(2, started_at=2.0),
            run_event(BACKEND, "agent_message_content_delta", "t1", item_id="i1", delta="Do"),
            said(BACKEND, "t1", "Done."),
            span(1, started_at=1.0, ended_at=3.0),
            run_event(RUN, "gates_checked", gates=[{"condition": "spec.md", "met": True}]),
            run_event(BACKEND, "handed_off", source="backend", target="tester"),
            run_event(RUN, "run_noted", kind="role_ended", role="backend", text="ended"),
        )
        async with served.console() as late:
            assert {e.thread_id for e in late.events if isinstance(e.msg, ev.ThreadChanged)} == {
                RUN,
                BACKEND,
                TESTER,
            }
            notes = [note.text for note in late.messages(RUN, ev.RunNoted)]
            assert notes == ["began", "ended"]
            (board,) = late.messages(RUN, ev.GatesChecked)
            assert board.gates[0].met
            spans = [changed.span for changed in late.messages(RUN, ev.SpanChanged)]
            assert [(one.span_id, one.ended_at) for one in spans] == [("s2", None), ("s1", 3.0)]
            assert late.messages(BACKEND, ev.TextDelta) == []
            assert late.messages(BACKEND, ev.HandedOff) == [ev.HandedOff("backend", "tester")]


@pytest.mark.parametrize("limits", [RunLimits(open_calls=0)])
async def test_a_client_that_does_not_wait_for_results_is_told_to(served: Served):
    async with team_of(served) as team:
        assert "wait" in await team.refused(thread_changed(RUN))


async def test_a_role_cannot_be_used_as_a_codex_thread(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        result = await team.client.call("codex-reply", threadId=BACKEND, prompt="hello")
        assert result["isError"]
        assert result["content"][0]["text"] == "backend is a role of a team, not a Codex thread"
        assert console.messages(BACKEND, ev.ErrorRaised) == []


async def test_ordinary_clients_do_not_see_the_tools(served: Served):
    async with served.client("ordinary") as client:
        listed = await client.reply(client.begin("tools/list"))
        assert [tool["name"] for tool in listed["result"]["tools"]] == ["codex", "codex-reply"]


async def test_a_run_belongs_to_its_program_until_that_disconnects(served: Served):
    async with served.console() as console:
        async with team_of(served) as first, team_of(served) as second:
            await first.start()
            assert await second.refused(thread_changed(RUN, "done")) == f"{RUN} is run by team bugs"
        await console.state(RUN, ThreadState.DISCONNECTED)
        async with team_of(served) as third:
            await third.publish(thread_changed(RUN, "done"), thread_changed(BACKEND, "done"))
            await console.state(BACKEND, ThreadState.DONE)


async def test_a_refused_publication_makes_no_owner(served: Served):
    async with team_of(served) as first, team_of(served) as second:
        await first.refused(thread_changed(BACKEND))
        await second.start()


async def test_a_client_that_has_disconnected_cannot_publish(options: ServerOptions):
    async with open_server(options) as server:
        session = Session(cast("Any", None), client_name="team bugs")
        caller = Caller(session, 1, supervises=False, elicits=False)
        with pytest.raises(ServerRefused, match="hung up"):
            await publish(server, caller, {"run": RUN, "events": [thread_changed(RUN)]})
        server.sessions.add(session)
        assert await publish(server, caller, {"run": RUN, "events": [thread_changed(RUN)]})
        server.disconnect(session)
        (left,) = server.registry
        assert left.info.state is ThreadState.DISCONNECTED


async def test_roles_whose_program_is_gone_are_disconnected_and_say_how_to_resume(served: Served):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.start()
            await team.publish(thread_changed(TESTER, "done", note="all is well"))
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
async def test_roles_that_had_not_ended_are_disconnected(served: Served, state: str):
    async with served.console() as console:
        async with team_of(served, "a script") as script:
            await script.publish(thread_changed(RUN, state))
        assert (await console.state(RUN, ThreadState.DISCONNECTED)).note == GONE


@pytest.mark.parametrize("state", ["done", "failed", "interrupted"])
async def test_ended_roles_keep_their_state_when_their_program_disconnects(
    served: Served, state: str
):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.publish(thread_changed(RUN), thread_changed(BACKEND, state))
        await console.state(RUN, ThreadState.DISCONNECTED)
        backend = (await console.call("codex-read", thread="backend"))["thread"]
        assert (backend["state"], backend["note"]) == (state, "")


async def test_a_new_owner_goes_on_with_the_turn_that_it_publishes_as_running(served: Served):
    async with served.console() as console:
        async with team_of(served) as first:
            await first.start()
        await console.state(BACKEND, ThreadState.DISCONNECTED)
        seen = len(console.updates)
        async with team_of(served) as second:
            await second.publish(
                thread_changed(RUN), thread_changed(BACKEND, turn_id="t1", turn_started_at=5.0)
            )
            again = await console.state(BACKEND, ThreadState.RUNNING, after=seen)
            assert (again.turn_id, again.turn_started_at) == ("t1", 5.0)
        lost = await console.event(ev.TurnAborted, lambda e: e.thread_id == BACKEND, after=seen)
        assert lost.turn_id == "t1"


async def test_a_turn_that_is_published_again_runs_again(served: Served):
    async with served.console() as console:
        async with team_of(served) as first:
            await first.start()
        await console.state(BACKEND, ThreadState.DISCONNECTED)
        async with team_of(served) as second:
            await second.publish(
                thread_changed(RUN),
                thread_changed(BACKEND, turn_id="t1"),
                run_event(BACKEND, "task_started", "t1"),
            )
            backend = (await console.call("codex-read", thread=BACKEND))["thread"]
            assert backend["turn_id"] == "t1"
            assert backend["turn_started_at"] > 0


async def test_a_run_is_restored_by_the_next_server_and_goes_on_with_its_program(
    options: ServerOptions,
):
    first, second = (
        Served(options, ScriptedModel(Script())),
        Served(options, ScriptedModel(Script())),
    )
    await first.start()
    async with team_of(first) as team:
        await team.start()
        gates = run_event(RUN, "gates_checked", gates=[{"condition": "spec.md"}])
        span = {"span_id": "s1", "role": "backend", "kind": "model"}
        ended = run_event(RUN, "span_changed", span={**span, "ended_at": 5.0})
        await team.publish(
            gates,
            run_event(RUN, "span_changed", span=span),
            run_event(BACKEND, "agent_message_content_delta", "t1", item_id="i1", delta="Half a"),
            run_event(RUN, "run_noted", kind="role_started", role="backend", text="began"),
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
        handles = await team.publish(thread_changed(RUN), thread_changed(BACKEND, "done"))
        assert handles == {RUN: "bugs", BACKEND: "backend", TESTER: "tester"}
        await console.state(RUN, ThreadState.RUNNING)
    await second.stop()


async def test_a_server_ends_when_idle_but_not_while_a_program_is_connected(options: ServerOptions):
    served = Served(replace(options, idle_timeout_s=0.1), ScriptedModel(Script()))
    await served.start()
    async with team_of(served) as team:
        await team.start()
        await asyncio.sleep(0.5)  # nothing tells that a server goes on
        await team.publish(thread_changed(BACKEND))
    await served.ended()


async def test_a_run_cannot_be_published_over_http(options: ServerOptions, folder: Path):
    by_http = replace(options, http=HttpAddress("127.0.0.1", 0), token=folder / "s.token")
    served = Served(by_http, ScriptedModel(Script()))
    await served.start()
    async with raw_session(served, "team bugs") as client:
        number = client.begin_tool("codex-publish", run=RUN, events=[thread_changed(RUN)])
        result = (await client.reply(number))["result"]
        assert result["isError"]
        assert result["content"][0]["text"].startswith("a run cannot be told by HTTP")
    async with served.console() as console:
        assert (await console.call("codex-threads"))["threads"] == []
    await served.stop()


async def test_two_clients_with_one_name_can_be_told_apart(served: Served):
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
        assert clients == ["codextui", "codextui #2", "team bugs"]
        await two.call("codex-answer", approval=approval.approval_id, decision="approved")
        resolved = await one.event(ev.ApprovalResolved)
        assert isinstance(resolved.msg, ev.ApprovalResolved)
        assert resolved.msg.by == "codextui #2"
