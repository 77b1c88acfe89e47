"""What a program tells of its run, as everybody hears it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from contract.serving import Served
from contract.team import BACKEND, RUN, TESTER, row, said, team_of, told

from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState
from codextui.server.options import RunLimits, ServerLimits, ServerOptions

LIMITS = RunLimits()


@pytest.fixture
def limits() -> RunLimits:
    return LIMITS


@pytest.fixture
def options(options: ServerOptions, limits: RunLimits) -> ServerOptions:
    return replace(options, limits=ServerLimits(runs=limits))


async def rows(console: Any, **arguments: Any) -> dict[str, dict[str, Any]]:
    listed = (await console.call("codex-threads", **arguments))["threads"]
    return {one["thread_id"]: one for one in listed}


async def test_a_run_and_its_roles_are_rows_like_threads(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        run = await console.state(RUN, ThreadState.RUNNING)
        role = await console.state(TESTER, ThreadState.WAITING)
        assert (run.handle, run.client, run.parent) == ("bugs", "team bugs", "")
        assert (role.handle, role.client, role.parent) == ("tester", "team bugs", RUN)
        assert run.created_at > 0
        assert set(await rows(console)) == {RUN, BACKEND, TESTER}


async def test_a_roles_turn_is_told_as_a_threads(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(
            told(BACKEND, "agent_message_content_delta", "t1", item_id="i1", delta="Done."),
            said(BACKEND, "t1", "Done."),
            told(BACKEND, "token_count", total={"total": 12}, last={}),
            told(BACKEND, "task_complete", "t1"),
        )
        done = await console.event(ev.TurnCompleted, lambda e: e.thread_id == BACKEND)
        assert (done.turn_id, done.msg) == ("t1", ev.TurnCompleted("Done."))
        assert console.said(BACKEND) == "Done."
        backend = (await rows(console))[BACKEND]
        assert (backend["turn_id"], backend["turn_started_at"]) == ("t1", None)
        assert (backend["usage"]["total"], backend["state"]) == (12, "running")


async def test_a_handle_is_made_unique_once_and_a_person_may_change_it(served: Served):
    other = "run:bugs-2"
    async with served.console() as console, team_of(served) as team:
        await team.start()
        second = await team.publish(row(other), row(f"{other}/backend"), run=other)
        assert second == {other: "bugs-2", f"{other}/backend": "backend-2"}
        await console.call("codex-rename", thread="backend-2", handle="server")
        assert await team.publish(row(f"{other}/backend", "done"), run=other) == {
            other: "bugs-2",
            f"{other}/backend": "server",
        }


@pytest.mark.parametrize("name", [RUN, "bugs-1", "bugs", BACKEND, "bugs-1/backend", "backend"])
async def test_a_row_is_found_by_its_handle_and_its_id_with_and_without_run(
    served: Served, name: str
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        found = (await console.call("codex-read", thread=name))["thread"]["thread_id"]
        assert found == (BACKEND if "backend" in name else RUN)


@pytest.mark.parametrize("text", ["\x1b[2J\x00", "\u202e", "x" * 1_000_000])
async def test_whatever_a_program_says_reaches_everybody_as_it_is(served: Served, text: str):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(said(BACKEND, "t1", text), told(BACKEND, "task_complete", "t1"))
        done = await console.event(ev.TurnCompleted)
        assert done.msg == ev.TurnCompleted(text)
        read = (await console.call("codex-read", thread=BACKEND))["events"]
        assert {"type": "task_complete", "last_agent_message": text} in [e["msg"] for e in read]


async def test_of_a_batch_with_a_mistake_nothing_is_told(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        why = await team.refused(row(BACKEND, "done"), told(f"{RUN}/ghost", "warning", message="!"))
        assert why == "codex-publish: events.1: tell the row first (thread_changed)"
        assert (await rows(console))[BACKEND]["state"] == "running"


async def test_the_run_is_told_before_its_roles(served: Served):
    async with team_of(served) as team:
        why = await team.refused(row(BACKEND), row(RUN))
        assert why == "codex-publish: events.0: tell the run's own row first (thread_changed)"
        assert await team.publish(row(RUN), row(BACKEND)) == {RUN: "bugs", BACKEND: "backend"}


async def test_a_run_has_only_so_many_rows(served: Served):
    async with team_of(served) as team:
        roles = [row(f"{RUN}/r{number}") for number in range(LIMITS.rows)]
        assert f"{LIMITS.rows} may be" in await team.refused(row(RUN), *roles)
        assert len(await team.publish(row(RUN), *roles[1:])) == LIMITS.rows


@pytest.mark.parametrize("limits", [RunLimits(active_runs=2)])
async def test_a_client_has_only_so_many_active_runs(served: Served):
    async with team_of(served) as team:
        for run in ("run:a", "run:b"):
            await team.publish(row(run), run=run)
        assert "2 runs" in await team.refused(row("run:c"), run="run:c")
        await team.publish(row("run:a", "done"), run="run:a")
        await team.publish(row("run:c"), run="run:c")  # only those that go on count
        assert "2 runs" in await team.refused(row("run:d"), run="run:d")


@pytest.mark.parametrize("limits", [RunLimits(retained_chars=20_000)])
async def test_the_info_of_a_thread_counts_once_towards_the_history(served: Served):
    async with team_of(served) as team:
        big = "x" * 7_000
        for _ in range(5):
            await team.publish(row(RUN, cwd=big))
        await team.publish(row(BACKEND, cwd=big))
        assert "no more is taken" in await team.refused(row(TESTER, cwd=big))


@pytest.mark.parametrize("limits", [RunLimits(retained_chars=20_000)])
async def test_the_history_of_a_client_is_limited(served: Served):
    async with team_of(served) as team:
        await team.start()
        await team.publish(said(BACKEND, "t1", "x" * 15_000))
        assert "no more is taken" in await team.refused(said(BACKEND, "t1", "x" * 15_000, "i2"))
        for number in range(20):  # what the next replaces takes up nothing
            gates = [{"condition": f"{number} {'x' * 5_000}"}]
            await team.publish(told(RUN, "gates_checked", gates=gates), row(BACKEND, "done"))


async def test_who_attaches_late_is_told_the_rows_the_notes_the_board_and_the_spans(
    served: Served,
):
    def span(number: int, **more: Any) -> dict[str, Any]:
        span = {"span_id": f"s{number}", "role": "backend", "kind": "model", **more}
        return told(RUN, "span_changed", span=span)

    async with team_of(served) as team:
        await team.start()
        await team.publish(
            told(RUN, "run_noted", kind="role_started", role="backend", text="began"),
            told(RUN, "gates_checked", gates=[{"condition": "spec.md"}]),
            span(1, started_at=1.0),
            span(2, started_at=2.0),
            told(BACKEND, "agent_message_content_delta", "t1", item_id="i1", delta="Do"),
            said(BACKEND, "t1", "Done."),
            span(1, started_at=1.0, ended_at=3.0),
            told(RUN, "gates_checked", gates=[{"condition": "spec.md", "met": True}]),
            told(BACKEND, "handed_off", source="backend", target="tester"),
            told(RUN, "run_noted", kind="role_ended", role="backend", text="ended"),
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
        assert "wait" in await team.refused(row(RUN))


async def test_a_row_of_a_run_cannot_be_one_of_codexs(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        result = await team.client.call("codex-reply", threadId=BACKEND, prompt="hello")
        assert result["isError"]
        assert result["content"][0]["text"] == "backend is a role of a team, not a Codex thread"
        assert console.messages(BACKEND, ev.ErrorRaised) == []


async def test_ordinary_clients_are_not_shown_the_tools(served: Served):
    async with served.client("ordinary") as client:
        listed = await client.reply(client.begin("tools/list"))
        assert [tool["name"] for tool in listed["result"]["tools"]] == ["codex", "codex-reply"]
