"""Approvals on the shared server, with the real Codex."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from contract.serving import Console, Served, serving

from codextui.demo import ModelRequest, Patch, Run, Say, Script
from codextui.errors import ApprovalGone
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked, PatchAsked
from codextui.protocol.decisions import Aborted, Approved, Declined, Scope
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract

DECLINE = {"action": "decline"}


def asking_script(outside: Path, times: int = 1) -> Script:
    runs = [Run(f"touch {outside}", escalate=True, justification="It must be there.")] * times
    return Script().on("leave", *runs, Say("Done."))


async def start(console: Console, workspace: Path, prompt: str = "leave", **more: object) -> str:
    options = {"sandbox": "workspace-write", "approval-policy": "on-request", **more}
    started = await console.call("codex-start", prompt=prompt, cwd=str(workspace), **options)
    return str(started["thread"]["thread_id"])


async def test_an_approved_command_runs(codex_binary: Path, scratch: Path, workspace: Path):
    outside = scratch / "outside.txt"
    script = asking_script(outside)
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace)
        approval = await console.offered()
        assert isinstance(approval.asked, CommandAsked)
        assert str(outside) in approval.asked.command
        assert approval.asked.reason == "It must be there."
        asked = len(console.updates)
        row = await console.state(thread_id, ThreadState.NEEDS_INPUT)
        assert row.waits_for == "approval"
        assert not outside.exists()
        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted)
        assert outside.exists()
        (resolved,) = console.messages(thread_id, ev.ApprovalResolved)
        assert (resolved.outcome, resolved.by) == ("approved", "console")
        await console.state(thread_id, ThreadState.IDLE, after=asked)


async def test_the_model_reads_why_its_command_was_declined(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = asking_script(outside)
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace)
        approval = await console.offered()
        why = Declined("Use the workspace instead.")
        await console.connection.answer(approval.approval_id, why)
        await console.event(ev.TurnCompleted)
        assert not outside.exists()
        second: ModelRequest = served.model.requests_of(thread_id)[1]
        assert second.user_texts[-1] == "Use the workspace instead."
        outputs = [item for item in second.input if item["type"] == "function_call_output"]
        assert "rejected" in str(outputs)
        (resolved,) = console.messages(thread_id, ev.ApprovalResolved)
        assert resolved.outcome == "denied"
        assert resolved.message == "Use the workspace instead."
        listed = await console.call("codex-decisions", filter="outcome:declined workspace")
        (decision,) = listed["decisions"]
        assert decision["approval_id"] == approval.approval_id
        assert (decision["thread_id"], decision["where"]) == (thread_id, "client")
        assert decision["message"] == "Use the workspace instead."
        assert decision["waited"] > 0
        assert str(outside) in decision["subject"]
        whole = await console.call("codex-decisions", approval=approval.approval_id)
        assert Approval.from_json(whole["decisions"][0]["approval"]) == approval
        assert (await console.call("codex-decisions", filter="outcome:approved"))["decisions"] == []


async def test_an_approval_for_the_session_is_not_asked_again(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = asking_script(outside, times=2)
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace)
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved(Scope.SESSION))
        await console.event(ev.TurnCompleted)
        assert len(served.model.requests_of(thread_id)) == 3
        assert len(console.messages(thread_id, ev.ApprovalAsked)) == 1


async def test_an_abort_ends_the_turn(codex_binary: Path, scratch: Path, workspace: Path):
    outside = scratch / "outside.txt"
    script = asking_script(outside)
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace)
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Aborted())
        await console.event(ev.TurnAborted)
        await console.state(thread_id, ThreadState.INTERRUPTED)
        assert not outside.exists()
        (resolved,) = console.messages(thread_id, ev.ApprovalResolved)
        assert resolved.outcome == "abort"


@pytest.mark.parametrize("approved", [True, False])
async def test_a_patch_is_shown_before_it_is_applied(
    codex_binary: Path, scratch: Path, workspace: Path, approved: bool
):
    script = Script().on("write", Patch.add("new.txt", "first line\n"), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        await start(console, workspace, "write", sandbox="read-only")
        approval = await console.offered()
        assert isinstance(approval.asked, PatchAsked)
        (change,) = approval.asked.changes
        assert (Path(change.path).name, change.kind) == ("new.txt", "add")
        assert "first line" in change.diff
        assert not (workspace / "new.txt").exists()
        decision = Approved() if approved else Declined()
        await console.connection.answer(approval.approval_id, decision)
        await console.event(ev.TurnCompleted)
        assert (workspace / "new.txt").exists() is approved


async def test_the_first_of_two_supervisors_to_answer_wins(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside)) as served,
        served.console("one") as one,
        served.console("two") as two,
    ):
        thread_id = await start(one, workspace)
        approval = await one.offered()
        assert await two.offered() == approval
        answers = await asyncio.gather(
            one.connection.answer(approval.approval_id, Declined()),
            two.connection.answer(approval.approval_id, Approved()),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["ApprovalGone", "NoneType"]
        await one.event(ev.TurnCompleted)
        (resolved,) = one.messages(thread_id, ev.ApprovalResolved)
        assert resolved.by == ("one" if answers[0] is None else "two")
        assert outside.exists() is (answers[1] is None)


async def test_the_dialog_of_the_other_supervisor_closes(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside)) as served,
        served.console("one") as one,
        served.console("two") as two,
    ):
        await start(one, workspace)
        approval = await two.offered()
        await one.offered()
        await one.connection.answer(approval.approval_id, Approved())
        await two.withdrawn(approval.approval_id)
        with pytest.raises(ApprovalGone):
            await two.connection.answer(approval.approval_id, Declined())
        await two.event(ev.TurnCompleted)
        assert outside.exists()


async def call_and_be_asked(served: Served, workspace: Path, result: dict[str, object]) -> str:
    """Return the outcome of a call whose client answers the elicitation with `result`."""
    async with served.client(elicitation={}) as client:
        number = client.begin_tool(
            "codex",
            prompt="leave",
            cwd=str(workspace),
            **{"sandbox": "workspace-write", "approval-policy": "on-request"},
        )
        request = await client.elicited()
        assert request["params"]["codex_elicitation"] == "exec-approval"
        assert request["params"]["codex_mcp_tool_call_id"] == str(number)
        assert request["params"]["message"].startswith("Allow Codex to run `")
        assert "touch" in " ".join(request["params"]["codex_command"])
        client.answer(request, result)
        reply = await client.reply(number)
        return str(reply["result"]["structuredContent"]["content"])


@pytest.mark.parametrize(
    ("result", "runs"),
    [
        ({"action": "accept"}, True),
        ({"action": "accept", "decision": "approved"}, True),
        ({"action": "accept", "content": {"decision": "approved_for_session"}}, True),
        ({"action": "decline"}, False),
        ({"action": "decline", "decision": "approved"}, False),
        ({"action": "accept", "content": {"decision": "maybe"}}, False),
    ],
)
async def test_the_calling_client_is_asked_about_its_own_call(
    codex_binary: Path, scratch: Path, workspace: Path, result: dict[str, object], runs: bool
):
    outside = scratch / "outside.txt"
    async with serving(codex_binary, scratch, asking_script(outside)) as served:
        assert await call_and_be_asked(served, workspace, result) == "Done."
        assert outside.exists() is runs


async def test_a_client_that_cannot_answer_decides_nothing_for_others(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with (
        serving(codex_binary, scratch, asking_script(outside)) as served,
        served.console() as console,
        served.client("caller", elicitation={}) as caller,
    ):
        options = {"sandbox": "workspace-write", "approval-policy": "on-request"}
        number = caller.begin_tool("codex", prompt="leave", cwd=str(workspace), **options)
        request = await caller.elicited()
        caller.send({"id": request["id"], "error": {"code": -32603, "message": "no dialog"}})
        approval = await console.offered()
        assert (await caller.call("codex-approvals"))["structuredContent"]["approvals"]
        await console.connection.answer(approval.approval_id, Approved())
        assert (await caller.reply(number))["result"]["structuredContent"]["content"] == "Done."
        assert outside.exists()


async def test_an_unattended_question_waits_for_a_supervisor(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = asking_script(outside)
    async with serving(codex_binary, scratch, script) as served, served.client() as caller:
        options = {"sandbox": "workspace-write", "approval-policy": "on-request"}
        number = caller.begin_tool("codex", prompt="leave", cwd=str(workspace), **options)
        await served.model.wait_for_request(1)
        async with served.console() as console:
            approval = await console.offered()
            await console.state(approval.thread_id, ThreadState.NEEDS_INPUT)
            await console.connection.answer(approval.approval_id, Approved())
            reply = await caller.reply(number)
            assert reply["result"]["structuredContent"]["content"] == "Done."
        assert outside.exists()


ODD_REPLIES = [
    '"result": {"action": "accept", "content": "denied"}',
    '"result": {"action": "accept", "content": ["denied"]}',
    '"result": {"action": "accept", "content": false}',
    '"result": {"action": "accept", "content": 0}',
    '"result": {"action": "accept", "_meta": "denied"}',
    '"result": {"action": "accept", "decision": "approved", "content": {"decision": "denied"}}',
    '"result": {"action": "accept", "content": {"decision": "approved"}, "_meta": {"decision": 0}}',
    '"result": {"action": "decline", "decision": "approved"}',
    '"result": {"action": "accept"}, "error": {"code": 1, "message": "no"}',
    '"result": {"action": "accept"}, "error": null',
    '"result": {"action": "decline", "action": "accept"}',
    '"result": ["accept"]',
    '"result": "accept"',
    '"error": {"action": "accept"}',
]


async def test_a_reply_that_contradicts_itself_runs_nothing(
    codex_binary: Path, scratch: Path, workspace: Path
):
    runs = [
        Run(f"touch {scratch}/outside{number}", escalate=True, justification="It must be there.")
        for number in range(len(ODD_REPLIES))
    ]
    script = Script().on("leave", *runs, Say("Done."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.client(elicitation={}) as client,
    ):
        options = {"sandbox": "workspace-write", "approval-policy": "on-request"}
        call = client.begin_tool("codex", prompt="leave", cwd=str(workspace), **options)
        seen: set[str] = set()
        for reply in ODD_REPLIES:
            asked = await client.message(
                lambda m: m.get("method") == "elicitation/create" and m["id"] not in seen
            )
            seen.add(asked["id"])
            answer = f'{{"jsonrpc": "2.0", "id": {json.dumps(asked["id"])}, {reply}}}\n'
            client.writer.write(answer.encode())
        assert (await client.reply(call))["result"]["structuredContent"]["content"] == "Done."
        assert not list(scratch.glob("outside*"))
