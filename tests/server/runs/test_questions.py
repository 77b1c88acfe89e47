from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest
from contract.serving import Served
from contract.team import BACKEND, RUN, run_event, team_of, thread_changed

from codextui.client.spawn import open_socket
from codextui.demo import Script, ScriptedModel
from codextui.errors import ApprovalGone
from codextui.protocol import events as ev
from codextui.protocol.approvals import ToolAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.protocol.threads import ThreadState
from codextui.server.options import RunLimits, ServerLimits, ServerOptions
from codextui.teams.codex.connection import TeamConnection

QUESTION = {"question_id": "colour", "header": "Colour", "question": "Which colour?"}


@pytest.mark.parametrize(
    ("decision", "told_by_server"),
    [
        (Approved(), {"decision": "approved", "scope": "once"}),
        (Approved(Scope.SESSION), {"decision": "approved_for_session", "scope": "session"}),
        (Declined("not today"), {"decision": "denied", "message": "not today"}),
        (Declined(), {"decision": "denied"}),
        (Aborted(), {"decision": "abort"}),
    ],
)
async def test_a_person_decides_whether_a_tool_is_called(
    served: Served, decision: Decision, told_by_server: dict[str, str]
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.ask(tool="deploy", where="live")
        approval = await console.offered()
        assert approval.asked == ToolAsked("deploy", {"where": "live"}, "ops")
        assert (approval.thread_id, approval.turn_id) == (BACKEND, "t1")
        assert approval.handle == "backend"
        waiting = await console.state(BACKEND, ThreadState.NEEDS_INPUT)
        assert waiting.waits_for == "approval"
        seen = len(console.updates)
        await console.connection.answer(approval.approval_id, decision)
        assert await team.reply(number) == told_by_server
        assert (await console.state(BACKEND, ThreadState.RUNNING, after=seen)).waits_for == ""


async def test_an_open_question_overrides_the_state_that_the_program_publishes(
    served: Served,
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.ask()
        approval = await console.offered()
        await team.publish(thread_changed(BACKEND, "paused", waits_for="", model="m1"))
        changed = await console.event(
            ev.ThreadChanged,
            lambda e: isinstance(e.msg, ev.ThreadChanged) and e.msg.thread.model == "m1",
        )
        assert isinstance(changed.msg, ev.ThreadChanged)
        assert changed.msg.thread.state is ThreadState.NEEDS_INPUT
        assert changed.msg.thread.waits_for == "approval"
        await console.connection.answer(approval.approval_id, Approved())
        await team.reply(number)
        await console.state(BACKEND, ThreadState.PAUSED)


async def test_a_person_answers_a_question(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.client.begin_tool(
            "codex-ask",
            thread="backend",
            kind="questions",
            asked={"questions": [QUESTION, {**QUESTION, "question_id": "size"}]},
        )
        approval = await console.offered()
        assert (await console.state(BACKEND, ThreadState.NEEDS_INPUT)).waits_for == "answer"
        content = {"colour": ["red", "blue"], "never asked": "x"}
        await console.connection.answer(approval.approval_id, Answered(content))
        assert await team.reply(number) == {
            "decision": "answered",
            "answers": {"colour": ["red", "blue"]},
        }


TOOL = {"tool": "deploy", "arguments": {}}


@pytest.mark.parametrize(
    ("kind", "asked", "decision"),
    [
        ("questions", {"questions": [QUESTION]}, Approved()),
        ("questions", {"questions": [QUESTION]}, Answered({"never asked": "x"})),
        ("tool", TOOL, Approved(Scope.ALWAYS)),
        ("tool", TOOL, Answered({"decision": "approved"})),
    ],
)
async def test_a_yes_that_does_not_fit_the_question_declines(
    served: Served, kind: str, asked: dict[str, Any], decision: Decision
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.client.begin_tool("codex-ask", thread=BACKEND, kind=kind, asked=asked)
        approval = await console.offered()
        with pytest.raises(ApprovalGone, match="denied by console"):
            await console.connection.answer(approval.approval_id, decision)
        assert await team.reply(number) == {"decision": "denied"}


async def test_cancelling_the_call_withdraws_the_question(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.ask()
        approval = await console.offered()
        params = {"requestId": number, "reason": "never mind"}
        team.client.send({"method": "notifications/cancelled", "params": params})
        await console.withdrawn(approval.approval_id)
        resolved = await console.event(ev.ApprovalResolved)
        assert isinstance(resolved.msg, ev.ApprovalResolved)
        assert resolved.msg.outcome == "withdrawn"
        await team.publish(thread_changed(BACKEND, "done"))
        await console.state(BACKEND, ThreadState.DONE)


async def test_the_end_of_the_turn_withdraws_its_questions(served: Served):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        number = team.ask()
        approval = await console.offered()
        await team.publish(run_event(BACKEND, "task_complete", "t1"))
        await console.withdrawn(approval.approval_id)
        reply = await team.reply(number)
        assert reply["error"]["kind"] == "ServerRefused"
        assert "nobody decided" in reply["error"]["message"]


async def test_the_first_answer_wins(served: Served):
    async with (
        served.console("one") as one,
        served.console("two") as two,
        team_of(served) as team,
    ):
        await team.start()
        number = team.ask()
        approval = await one.offered()
        await two.offered()
        await one.connection.answer(approval.approval_id, Approved())
        await two.withdrawn(approval.approval_id)
        assert (await team.reply(number))["decision"] == "approved"


async def test_an_unanswered_question_is_declined(options: ServerOptions):
    served = Served(replace(options, unattended_timeout_s=0.1), ScriptedModel(Script()))
    await served.start()
    async with team_of(served) as team:
        await team.start()
        reply = await team.reply(team.ask())
        assert reply["decision"] == "denied"
        assert "Nobody was there to decide" in reply["message"]
    await served.stop()


async def test_a_subscriber_that_is_not_a_supervisor_is_not_asked(options: ServerOptions):
    served = Served(replace(options, unattended_timeout_s=0.1), ScriptedModel(Script()))
    await served.start()
    link = TeamConnection(functools.partial(open_socket, options.socket), name="team other")
    async with link, team_of(served) as team:
        await team.start()
        assert (await team.reply(team.ask()))["decision"] == "denied"
    await served.stop()


async def ask(team: Any, **arguments: Any) -> str:
    result = await team.client.call("codex-ask", **arguments)
    assert result["isError"]
    return str(result["content"][0]["text"])


@pytest.mark.parametrize(
    ("kind", "asked", "why"),
    [
        ("tool", {"tool": 7}, "Expected `str`, got `int` - at `$.tool`"),
        (
            "tool",
            {"tool": "t", "arguments": []},
            "got `array` - at `$.arguments`",
        ),
        ("tool", {"tool": "t", "arguments": {"x": "x" * 1_100_000}}, "1048576 may be"),
        ("questions", {}, "ask 1 to 50 questions"),
        ("questions", {"questions": [QUESTION, QUESTION]}, "with an id of its own"),
        (
            "questions",
            {"questions": [QUESTION | {"question_id": 1}]},
            "at `$.questions[0].question_id`",
        ),
        ("command", {"command": "rm -r /"}, "'command' is not one of"),
    ],
)
async def test_invalid_questions_are_refused(
    served: Served, kind: str, asked: dict[str, Any], why: str
):
    async with served.console() as console, team_of(served) as team:
        await team.start()
        assert why in await ask(team, thread=BACKEND, kind=kind, asked=asked)
        assert (await console.call("codex-approvals"))["approvals"] == []


async def test_only_its_own_program_can_ask_for_a_role(served: Served):
    async with team_of(served) as team, team_of(served, "stranger") as stranger:
        await team.start()
        why = await ask(stranger, thread=BACKEND, kind="tool", asked={"tool": "t"})
        assert why == "backend is of no run that stranger tells of"


async def test_a_role_has_only_so_many_open_questions(options: ServerOptions):
    limits = ServerLimits(runs=RunLimits(open_questions=1))
    served = Served(replace(options, limits=limits), ScriptedModel(Script()))
    await served.start()
    async with served.console() as console, team_of(served) as team:
        await team.start()
        team.ask()
        await console.offered()
        why = await ask(team, thread=BACKEND, kind="tool", asked={"tool": "t"})
        assert why == "backend asks 1 questions already"
        assert RUN not in why
    await served.stop()
