"""Requests of the real Codex: how we parse them, and what our answers do there."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract.listener import Listener, listening

from codextui.codex.calls import resume_thread, steer_turn
from codextui.codex.items import file_changes
from codextui.codex.notifications import translate
from codextui.codex.thread_notifications import RequestResolved
from codextui.demo import Patch, Run, Say, Script, ScriptedModel
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import CommandAsked, FileChange, PatchAsked
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope

pytestmark = pytest.mark.contract

REASON = "It has to leave the sandbox."


def leave(path: Path) -> Run:
    """A command that needs approval: it writes where the sandbox lets nobody write."""
    return Run(f"touch {path}", escalate=True, justification=REASON)


async def test_a_command_is_shown_whole_and_runs_once_approved(
    codex_binary: Path, codex_home: Path, workspace: Path, scratch: Path
) -> None:
    outside = scratch / ("x" * 200 + ".txt")
    script = Script().on("leave", leave(outside), Say("Left."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "leave")
        request = await codex.request()
        assert await codex.notification("thread/status/changed", _waits_for_approval)
        assert not outside.exists()
        codex.decide(request, Approved())
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Left.")
        resolved = await codex.notification("serverRequest/resolved")
        assert resolved["threadId"] == thread
        assert translate("serverRequest/resolved", resolved) == RequestResolved(
            request.request_id, resolved["threadId"]
        )
    asked = request.parsed.asked
    assert isinstance(asked, CommandAsked)
    assert f"touch {outside}" in asked.command
    assert (asked.cwd, asked.reason, asked.stdin) == (str(workspace), REASON, False)
    assert asked.rule[-2:] == ("touch", str(outside)) or asked.rule == ("touch", str(outside))
    assert (request.parsed.thread_id, request.parsed.turn_id) == (thread, turn)
    assert request.parsed.item_id in {
        m.item["id"] for m in codex.msgs(thread) if isinstance(m, ev.ItemStarted)
    }
    assert outside.exists()


async def test_an_approval_for_the_session_holds_in_its_thread_only(
    codex_binary: Path, codex_home: Path, workspace: Path, scratch: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script().on("leave", leave(outside), leave(outside), Say("Left twice."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "leave")
        codex.decide(await codex.request(), Approved(Scope.SESSION))
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Left twice.")
        assert len(codex.requests) == 1
        other = await codex.thread(workspace)
        other_turn = await codex.turn(other, "leave")
        codex.decide(await codex.request(2), Aborted())
        await codex.ended(other, other_turn)


async def test_always_writes_a_rule_that_holds_for_every_thread(
    codex_binary: Path, codex_home: Path, workspace: Path, scratch: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script().on("leave", leave(outside), Say("Left."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "leave")
        codex.decide(await codex.request(), Approved(Scope.ALWAYS))
        await codex.ended(thread, turn)
        other = await codex.thread(workspace)
        assert await codex.ended(other, await codex.turn(other, "leave")) == ev.TurnCompleted(
            "Left."
        )
        assert len(codex.requests) == 1
    rules = "".join(path.read_text() for path in (codex_home / "rules").iterdir())
    assert str(outside) in rules


async def test_a_declined_command_lets_the_turn_go_on_and_the_model_reads_why(
    codex_binary: Path, codex_home: Path, workspace: Path, scratch: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script().on("leave", leave(outside), Say("Then not."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "leave")
        request = await codex.request()
        await steer_turn(codex.app, thread, turn, "Stay inside, please.", client_message_id="m2")
        codex.decide(request, Declined("Stay inside, please."))
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Then not.")
        read = model.requests_of(thread)[1]
    assert "rejected by user" in str(read.body["input"])
    assert "Stay inside, please." in str(read.body["input"])
    assert codex.items(thread, "commandExecution")[0]["status"] == "declined"
    assert not outside.exists()


async def test_an_abort_ends_the_turn(
    codex_binary: Path, codex_home: Path, workspace: Path, scratch: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script().on("leave", leave(outside), Say("Never said."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "leave")
        codex.decide(await codex.request(), Aborted())
        assert await codex.ended(thread, turn) == ev.TurnAborted("interrupted")
    assert not outside.exists()


@pytest.mark.parametrize(
    ("decision", "status"),
    [(Approved(), "completed"), (Approved(Scope.SESSION), "completed"), (Declined(), "declined")],
    ids=str,
)
async def test_a_patch_shows_its_diff_before_it_is_applied(
    codex_binary: Path,
    codex_home: Path,
    workspace: Path,
    decision: Decision,
    status: str,
) -> None:
    script = Script().on("make", Patch.update("a.txt", "old\n", "new\n"), Say("Done."))
    (workspace / "a.txt").write_text("old\n")
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace, sandbox="read-only")
        turn = await codex.turn(thread, "make")
        request = await codex.request()
        seen = file_changes(_item(codex, thread, request.parsed.item_id))
        assert (workspace / "a.txt").read_text() == "old\n"
        codex.decide(request, decision)
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Done.")
    assert isinstance(request.parsed.asked, PatchAsked)
    assert [(change.path, change.kind) for change in seen] == [(str(workspace / "a.txt"), "update")]
    assert "-old\n+new\n" in seen[0].diff
    assert codex.items(thread, "fileChange")[0]["status"] == status
    assert (workspace / "a.txt").read_text() == ("old\n" if status == "declined" else "new\n")


async def test_an_aborted_patch_is_not_applied_and_ends_the_turn(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("make", Patch.add("a.txt", "hello\n"), Say("Never said."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace, sandbox="read-only")
        turn = await codex.turn(thread, "make")
        request = await codex.request()
        seen = file_changes(_item(codex, thread, request.parsed.item_id))
        codex.decide(request, Aborted())
        assert await codex.ended(thread, turn) == ev.TurnAborted("interrupted")
    assert seen == (FileChange(str(workspace / "a.txt"), "add", "hello\n"),)
    assert not (workspace / "a.txt").exists()


async def test_resuming_a_thread_repeats_its_pending_request_and_its_diff(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("make", Patch.add("a.txt", "hello\n"), Say("Done."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace, sandbox="read-only")
        turn = await codex.turn(thread, "make")
        first = await codex.request()
        resumed = await resume_thread(codex.app, thread)
        again = await codex.request(2)
        changes = [file_changes(item) for item in _items(resumed.turns[-1])]
        codex.decide(again, Approved())
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Done.")
    assert again == first
    assert (FileChange(str(workspace / "a.txt"), "add", "hello\n"),) in changes


def _waits_for_approval(params: JsonObject) -> bool:
    status = params["status"]
    assert isinstance(status, dict)
    return "waitingOnApproval" in status.get("activeFlags", [])


def _item(codex: Listener, thread: str, item_id: str) -> JsonObject:
    started = [m.item for m in codex.msgs(thread) if isinstance(m, ev.ItemStarted)]
    return next(item for item in started if item["id"] == item_id)


def _items(turn: JsonObject) -> list[JsonObject]:
    items = turn["items"]
    assert isinstance(items, list)
    return items
