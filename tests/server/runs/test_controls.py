from __future__ import annotations

from typing import Any

import pytest
from contract.serving import Console, Served
from contract.team import BACKEND, RUN, TESTER, run_event, team_of, thread_changed

from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction
from codextui.protocol.threads import ThreadState


async def requested(console: Console, after: int = 0) -> tuple[str, ev.RoleRequested]:
    event = await console.event(ev.RoleRequested, after=after)
    assert isinstance(event.msg, ev.RoleRequested)
    return event.thread_id, event.msg


async def refusal(console: Console, tool: str, **arguments: Any) -> str:
    with pytest.raises(ServerRefused) as caught:
        await console.call(tool, **arguments)
    return str(caught.value)


@pytest.mark.parametrize("action", list(RoleAction))
async def test_a_request_to_a_role_is_published(served: Served, action: RoleAction):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        answer = await console.call("codex-role", thread="backend", action=action, text="please")
        assert answer["thread"]["thread_id"] == BACKEND
        asked = ev.RoleRequested(action, "please", "console")
        assert await requested(console) == (BACKEND, asked)


@pytest.mark.parametrize(
    ("tool", "arguments", "asked"),
    [
        ("codex-send", {"prompt": "faster"}, (RoleAction.MESSAGE, "faster")),
        ("codex-steer", {"prompt": "faster"}, (RoleAction.MESSAGE, "faster")),
        ("codex-interrupt", {}, (RoleAction.STOP, "")),
    ],
)
@pytest.mark.parametrize("thread", [RUN, BACKEND])
async def test_the_tools_for_threads_become_requests_to_roles(
    served: Served,
    thread: str,
    tool: str,
    arguments: dict[str, str],
    asked: tuple[RoleAction, str],
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await console.call(tool, thread=thread, **arguments)
        assert await requested(console) == (thread, ev.RoleRequested(*asked, "console"))


async def test_the_result_of_a_message_names_the_turn_that_reads_it(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        sent = await console.call("codex-send", thread="backend", prompt="faster")
        assert (sent["turnId"], sent["steered"]) == ("t1", True)
        sent = await console.call("codex-send", thread="tester", prompt="faster")
        assert (sent["turnId"], sent["steered"]) == ("", False)


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_an_empty_message_is_refused(served: Served, text: str):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        why = await refusal(console, "codex-role", thread=BACKEND, action="message", text=text)
        assert why == "the message is empty"


async def test_a_message_that_is_too_long_is_refused(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        assert "characters" in await refusal(
            console, "codex-send", thread=BACKEND, prompt="x" * 100_001
        )


@pytest.mark.parametrize("action", list(RoleAction))
async def test_nothing_can_be_requested_once_the_program_is_gone(
    served: Served, action: RoleAction
):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.start()
        await console.state(BACKEND, ThreadState.DISCONNECTED)
        why = await refusal(console, "codex-role", thread=BACKEND, action=action, text="please")
        hint = "`codextui run --resume bugs-1` goes on with it"
        assert why == f"the program that ran backend is gone: {hint}"
        assert console.messages(BACKEND, ev.RoleRequested) == []


async def test_only_a_rerun_can_be_requested_of_a_run_that_has_ended(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(thread_changed(RUN, "done"), thread_changed(BACKEND, "done"))
        for action in ("message", "pause", "resume", "stop"):
            why = await refusal(console, "codex-role", thread=BACKEND, action=action, text="x")
            assert why == "bugs is over (done): nobody is at work there"
        await console.call("codex-role", thread=BACKEND, action="rerun")
        assert (await requested(console))[1].action is RoleAction.RERUN


@pytest.mark.parametrize("action", ["pause", "stop"])
async def test_a_role_that_has_ended_cannot_be_paused_or_stopped(served: Served, action: str):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await team.publish(thread_changed(BACKEND, "failed"))
        why = await refusal(console, "codex-role", thread=BACKEND, action=action)
        assert why == "backend is not at work (failed)"


async def test_a_paused_role_can_be_resumed_and_a_running_one_cannot(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        why = await refusal(console, "codex-resume", thread=RUN)
        assert why == "bugs is not paused: team bugs runs it"
        await team.publish(thread_changed(BACKEND, "paused"))
        await console.call("codex-resume", thread="backend")
        assert await requested(console) == (
            BACKEND,
            ev.RoleRequested(RoleAction.RESUME, "", "console"),
        )


@pytest.mark.parametrize("state", ["paused", "interrupted"])
async def test_a_held_role_with_an_open_question_can_be_resumed(served: Served, state: str):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        team.ask()
        await console.offered()
        await team.publish(thread_changed(BACKEND, state))
        await console.call("codex-resume", thread="backend")
        asked = ev.RoleRequested(RoleAction.RESUME, "", "console")
        assert await requested(console) == (BACKEND, asked)


async def test_resuming_a_run_without_its_program_names_the_command(served: Served):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.start()
        await console.state(TESTER, ThreadState.DISCONNECTED)
        for thread in (RUN, BACKEND):
            why = await refusal(console, "codex-resume", thread=thread)
            assert why == "`codextui run --resume bugs-1` goes on with it"


async def test_a_role_cannot_be_forked(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        for thread, what in ((BACKEND, "backend is a role"), (RUN, "bugs is a run")):
            why = await refusal(console, "codex-fork", thread=thread)
            assert why == f"{what} of a team: only Codex threads can be forked"


async def test_a_single_role_cannot_be_killed(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        why = await refusal(console, "codex-kill", thread=BACKEND)
        assert why == "backend is a role of bugs: stop it, or kill the whole run"


async def test_killing_a_run_hides_its_roles_and_requests_its_program_to_stop(
    served: Served,
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.ask()
        approval = await console.offered()
        killed = await console.call("codex-kill", thread="bugs")
        assert killed["thread"]["state"] == "killed"
        assert await requested(console) == (
            RUN,
            ev.RoleRequested(RoleAction.STOP, "", "console"),
        )
        await console.withdrawn(approval.approval_id)
        assert "error" in await team.reply(number)
        aborted = await console.event(ev.TurnAborted, lambda e: e.thread_id == BACKEND)
        assert aborted.msg == ev.TurnAborted("killed")
        assert (await console.call("codex-threads"))["threads"] == []
        left = (await console.call("codex-threads", all=True))["threads"]
        assert {one["thread_id"] for one in left} == {RUN, BACKEND, TESTER}


async def test_a_killed_run_does_not_come_back_by_what_its_program_still_publishes(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        await console.call("codex-kill", thread=RUN)
        new = f"{RUN}/new"
        handles = await team.publish(
            thread_changed(RUN), thread_changed(BACKEND, "interrupted"), thread_changed(new)
        )
        assert handles[new] == "new"
        assert (await console.call("codex-threads"))["threads"] == []
        why = await team.reply(team.ask())
        assert why["error"]["message"] == "backend was killed"


async def test_a_killed_run_comes_back_when_another_program_runs_it(served: Served):
    async with served.console() as console:
        async with team_of(served) as team:
            await team.start()
            await console.call("codex-kill", thread=RUN)
            other = await team.publish(thread_changed("run:bugs-2"), run="run:bugs-2")
            assert other == {"run:bugs-2": "bugs"}
        async with team_of(served) as again:
            await again.publish(
                thread_changed(RUN, "interrupted")
            )  # how it ended brings nothing back
            assert (await console.call("codex-read", thread=RUN))["thread"]["state"] == "killed"
            handles = await again.publish(
                thread_changed(RUN), thread_changed(BACKEND, "done"), thread_changed(TESTER)
            )
            assert handles == {RUN: "bugs-2", BACKEND: "backend", TESTER: "tester"}
            rows = (await console.call("codex-threads"))["threads"]
            states = {one["thread_id"]: one["state"] for one in rows}
            assert states == {
                RUN: "running",
                BACKEND: "done",
                TESTER: "running",
                "run:bugs-2": "disconnected",
            }


async def test_a_killed_run_stays_killed_when_its_question_ends(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.ask()
        await console.offered()
        await team.publish(run_event(RUN, "warning", message="hm"))
        await console.call("codex-kill", thread=RUN)
        await team.reply(number)
        backend = await console.call("codex-read", thread=BACKEND)
        assert backend["thread"]["state"] == "killed"
