"""Approvals that nobody can answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract.serving import RawClient, serving

from codextui.client.updates import ApprovalOffered
from codextui.demo import Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.approvals import Deciders
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract

ASKING = {"sandbox": "workspace-write", "approval-policy": "on-request"}


def asking_script(outside: Path, times: int = 1) -> Script:
    runs = [Run(f"touch {outside}", escalate=True, justification="It must be there.")] * times
    return Script().on("leave", *runs, Say("Done."))


def begin(client: RawClient, workspace: Path) -> int:
    return client.begin_watched("codex", prompt="leave", cwd=str(workspace), **ASKING)


def read_by_the_model(served: Any) -> str:
    (request,) = served.model.requests[1:2]
    return str(request.input)


async def test_an_error_response_declines_and_the_model_reads_the_reason(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside)) as served,
        served.client("caller", elicitation={}) as caller,
    ):
        number = begin(caller, workspace)
        request = await caller.elicited()
        caller.send({"id": request["id"], "error": {"code": -32601, "message": "no dialog"}})
        reply = await caller.reply(number)
        assert reply["result"]["structuredContent"]["content"] == "Done."
        assert not outside.exists()
        assert "caller could not ask anybody" in read_by_the_model(served)


async def test_the_caller_of_an_unattended_approval_reads_how_to_answer(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside)) as served,
        served.client("caller") as caller,
    ):
        number = begin(caller, workspace)
        told = (await caller.progress("needs input"))["params"]["message"]
        assert str(outside) in told
        assert "`codextui -L test` or `codextui approve -L test a1`" in told
        (row,) = (await caller.call("codex-threads"))["structuredContent"]["threads"]
        assert (row["state"], row["waits_for"]) == ("needs input", "approval")
        await caller.call("codex-answer", approval="a1", decision="approved")
        reply = await caller.reply(number)
        assert reply["result"]["structuredContent"]["content"] == "Done."
        assert outside.exists()


@pytest.mark.parametrize("seconds", [0.0, 0.2])
async def test_an_unattended_approval_is_declined_and_the_model_reads_the_reason(
    codex_binary: Path, scratch: Path, workspace: Path, seconds: float
):
    outside = scratch / "outside.txt"
    script = asking_script(outside)
    served_by = serving(codex_binary, scratch, script, unattended_timeout_s=seconds)
    async with served_by as served, served.client("caller") as caller:
        reply = await caller.reply(begin(caller, workspace))
        assert reply["result"]["structuredContent"]["content"] == "Done."
        assert not outside.exists()
        assert "Nobody was there to decide" in read_by_the_model(served)


async def test_no_timer_runs_while_a_supervisor_is_connected(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = asking_script(outside, times=2)
    served_by = serving(codex_binary, scratch, script, unattended_timeout_s=0.0)
    async with served_by as served, served.client("caller") as caller:
        async with served.console() as console:
            number = begin(caller, workspace)
            approval = await console.offered()
            thread_id = approval.thread_id
            await console.state(thread_id, ThreadState.NEEDS_INPUT)
            await console.connection.answer(approval.approval_id, Approved())
            second = await console.offered(2)
            assert console.messages(thread_id, ev.ApprovalResolved)[0].by == "console"
        reply = await caller.reply(number)  # the console has gone: now nobody can answer
        assert reply["result"]["structuredContent"]["content"] == "Done."
        assert outside.exists()
        asked = await caller.call("codex-answer", approval=second.approval_id, decision="approved")
        assert asked["structuredContent"]["error"]["kind"] == "ApprovalGone"


async def test_a_client_that_declines_by_itself_does_not_decide_for_a_console(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside)) as served,
        served.console() as console,
        served.client("codex-mcp-client", elicitation={}) as caller,
    ):
        number = begin(caller, workspace)
        caller.answer(await caller.elicited(), {"action": "decline"})
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
        reply = await caller.reply(number)
        assert reply["result"]["structuredContent"]["content"] == "Done."
        assert outside.exists()


async def test_only_the_console_is_asked_where_the_configuration_says_so(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside), deciders=Deciders.CONSOLE) as served,
        served.client("caller", elicitation={}) as caller,
    ):
        number = begin(caller, workspace)
        await caller.progress("codextui")  # how to answer, since nobody is connected who can
        async with served.console() as console:
            approval = await console.offered()
            await console.connection.answer(approval.approval_id, Approved())
            await caller.reply(number)
        assert not caller.all_of("elicitation/create")
        assert outside.exists()


async def test_only_the_client_is_asked_where_the_configuration_says_so(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside), deciders=Deciders.CLIENT) as served,
        served.console() as console,
        served.client("caller", elicitation={}) as caller,
    ):
        number = begin(caller, workspace)
        caller.answer(await caller.elicited(), {"action": "accept"})
        await caller.reply(number)
        assert outside.exists()
        assert not any(isinstance(update, ApprovalOffered) for update in console.updates)
