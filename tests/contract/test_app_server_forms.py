"""Requests of the real Codex that are neither commands nor patches."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract.listener import Listener, listening

from codextui.codex.requests import needs_interrupt
from codextui.demo import Call, Say, Script, ScriptedModel, write_codex_home
from codextui.protocol import events as ev
from codextui.protocol.approvals import ElicitationAsked, PermissionsAsked, QuestionsAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope

pytestmark = pytest.mark.contract

SERVER = Path(__file__).with_name("asking_mcp_server.py")
EXTRA = f"""
features.request_permissions_tool = true
features.default_mode_request_user_input = true
[mcp_servers.asking]
command = "{sys.executable}"
args = ["{SERVER}"]
"""
CHANGE, ASK = Call("change", namespace="mcp__asking"), Call("ask", namespace="mcp__asking")
QUESTION = {
    "id": "colour",
    "header": "Colour",
    "question": "Which one?",
    "options": [
        {"label": "Blue", "description": "as the sky"},
        {"label": "Red", "description": "as a rose"},
    ],
}


@asynccontextmanager
async def asking(binary: Path, home: Path, model: ScriptedModel) -> AsyncIterator[Listener]:
    write_codex_home(home, model.base_url, extra=EXTRA)
    async with listening(binary, home, model) as codex:
        yield codex


async def ready(codex: Listener, cwd: Path) -> str:
    """Start a thread and wait until its MCP server is ready."""
    thread = await codex.thread(cwd)
    await codex.notification(
        "mcpServer/startupStatus/updated", lambda params: params.get("status") == "ready"
    )
    return thread


async def test_an_mcp_tool_approved_for_the_session_is_asked_about_once(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("change", CHANGE, CHANGE, Say("Changed."))
    async with ScriptedModel(script) as model, asking(codex_binary, codex_home, model) as codex:
        thread = await ready(codex, workspace)
        turn = await codex.turn(thread, "change")
        request = await codex.request()
        codex.decide(request, Approved(Scope.SESSION))
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Changed.")
        calls = codex.items(thread, "mcpToolCall")
    assert isinstance(request.parsed.asked, ElicitationAsked)
    assert request.parsed.asked.server == "asking"
    assert request.parsed.asked.meta["codex_approval_kind"] == "mcp_tool_call"
    assert [call["status"] for call in calls] == ["completed", "completed"]
    assert len(codex.requests) == 1


@pytest.mark.parametrize(
    ("decision", "said"), [(Declined(), "user rejected"), (Aborted(), "user cancelled")], ids=str
)
async def test_a_declined_tool_call_does_not_end_the_turn_so_an_abort_interrupts_it(
    codex_binary: Path, codex_home: Path, workspace: Path, decision: Decision, said: str
) -> None:
    script = Script().on("change", CHANGE, Say("Not changed."))
    async with ScriptedModel(script) as model, asking(codex_binary, codex_home, model) as codex:
        thread = await ready(codex, workspace)
        turn = await codex.turn(thread, "change")
        request = await codex.request()
        codex.decide(request, decision)
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Not changed.")
        (call,) = codex.items(thread, "mcpToolCall")
    assert said in call["error"]["message"]
    assert needs_interrupt(request.parsed.asked, decision) is isinstance(decision, Aborted)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Answered({"name": "Ada"}), '{"action": "accept", "content": {"name": "Ada"}}'),
        (Declined(), '{"action": "decline"}'),
        (Approved(), '{"action": "decline"}'),
        (Aborted(), '{"action": "cancel"}'),
    ],
    ids=str,
)
async def test_an_mcp_server_gets_the_form_as_it_was_filled_in(
    codex_binary: Path, codex_home: Path, workspace: Path, decision: Decision, said: str
) -> None:
    script = Script().on("ask", ASK, Say("Asked."))
    async with ScriptedModel(script) as model, asking(codex_binary, codex_home, model) as codex:
        thread = await ready(codex, workspace)
        turn = await codex.turn(thread, "ask")
        request = await codex.request()
        codex.decide(request, decision)
        await codex.ended(thread, turn)
        (call,) = codex.items(thread, "mcpToolCall")
    asked = request.parsed.asked
    assert isinstance(asked, ElicitationAsked)
    assert (asked.mode, asked.message, asked.schema["required"]) == ("form", "Your name?", ["name"])
    assert call["result"]["content"][0]["text"] == f"answer: {said}"


@pytest.mark.parametrize(
    ("decision", "read"),
    [
        (Answered({"colour": "Blue"}), '{"answers":{"colour":{"answers":["Blue"]}}}'),
        (Declined(), '{"answers":{}}'),
    ],
    ids=str,
)
async def test_a_question_gets_its_answer(
    codex_binary: Path, codex_home: Path, workspace: Path, decision: Decision, read: str
) -> None:
    call = Call("request_user_input", {"questions": [QUESTION]})
    script = Script().on("question", call, Say("Thanks."))
    async with ScriptedModel(script) as model, asking(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "question")
        request = await codex.request()
        codex.decide(request, decision)
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Thanks.")
        assert model.requests_of(thread)[1].last_output == read
    asked = request.parsed.asked
    assert isinstance(asked, QuestionsAsked)
    assert [label for label, _ in asked.questions[0].options] == ["Blue", "Red"]


@pytest.mark.parametrize(
    ("decision", "scope", "granted"),
    [
        (Approved(), "turn", True),
        (Approved(Scope.SESSION), "session", True),
        (Declined(), "turn", False),
    ],
    ids=str,
)
async def test_permissions_are_granted_as_decided(
    *,
    codex_binary: Path,
    codex_home: Path,
    workspace: Path,
    decision: Decision,
    scope: str,
    granted: bool,
) -> None:
    wanted = {"reason": "to look", "permissions": {"network": {"enabled": True}}}
    script = Script().on("more", Call("request_permissions", wanted), Say("Thanks."))
    async with ScriptedModel(script) as model, asking(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "more")
        request = await codex.request()
        codex.decide(request, decision)
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Thanks.")
        read = model.requests_of(thread)[1].last_output
    assert isinstance(request.parsed.asked, PermissionsAsked)
    assert request.parsed.asked.reason == "to look"
    assert f'"scope":"{scope}"' in str(read)
    assert ('"enabled":true' in str(read)) is granted
