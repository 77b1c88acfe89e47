"""A role's tools: their approval by people, and questions to people."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agents import FunctionTool, WebSearchTool
from agents.testing import ScriptedModel, function_call
from teams import own_tools
from teams.scripted import Crash, ask_nobody, create_run, new_store, role, say, team

from codextui.errors import ConfigInvalid, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import QuestionsAsked, ToolAsked, parse_asked
from codextui.protocol.decisions import Approved, Declined
from codextui.teams.config.team import Role, Team
from codextui.teams.records.events import RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.role_tools import RoleApprovals, load_tools

WAIT_S = 60
LOOKUP = "teams.own_tools:lookup"


class Answers:
    """Answers what is asked, in order, and records it."""

    def __init__(self, *answers: JsonObject | Exception) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._answers = list(answers)

    async def ask(self, role: str, kind: str, asked: JsonObject) -> JsonObject:
        self.asked.append((role, parse_asked(kind, json.loads(json.dumps(asked)))))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def with_tools(*tools: str, approve: tuple[str, ...] | None = None) -> Team:
    return team(replace(role("one"), tools=tools, approve_tools=approve))


def look(word: str, number: int = 1) -> list[Any]:
    return [function_call("lookup", {"word": word}, call_id=f"look-{number}")]


def nested(depth: int) -> str:
    return f'{{"word": {"[" * depth}"bug"{"]" * depth}}}'


async def play(run: RunContext) -> str:
    async with asyncio.timeout(WAIT_S):
        return await run_handoffs(run, "Go.")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    own_tools.calls.clear()


async def test_a_tool_is_called_after_a_person_has_approved_it(tmp_path: Path) -> None:
    answers = Answers({"decision": "approved"})
    models = {"one": ScriptedModel([look("bug"), say("Found.")])}
    run, _ = create_run(with_tools(LOOKUP), tmp_path, models, ask=answers.ask)
    assert await play(run) == "Found."
    assert own_tools.calls == ["bug"]
    assert answers.asked == [("one", ToolAsked("lookup", {"word": "bug"}))]


async def test_arguments_that_are_nested_too_deep_are_shown_as_text(
    tmp_path: Path,
) -> None:
    written = nested(100)
    call = [function_call("lookup", written, call_id="deep")]
    answers = Answers({"decision": "denied"})
    models = {"one": ScriptedModel([call, say("Sorry.")])}
    run, _ = create_run(with_tools(LOOKUP), tmp_path, models, ask=answers.ask)
    assert await play(run) == "Sorry."
    assert answers.asked == [("one", ToolAsked("lookup", {"arguments": written}))]


async def test_arguments_that_cannot_be_parsed_fail_the_run(tmp_path: Path) -> None:
    call = [function_call("lookup", nested(900), call_id="deep")]
    run, _ = create_run(with_tools(LOOKUP), tmp_path, {"one": ScriptedModel([call])})
    with pytest.raises(RunStopped, match="recursion") as caught:
        await play(run)
    assert caught.value.outcome is RunOutcome.FAILED
    assert own_tools.calls == []


async def test_a_declined_tool_is_not_called_and_the_model_reads_why(tmp_path: Path) -> None:
    answers = Answers({"decision": "denied", "message": "Not today."})
    models = {"one": ScriptedModel([look("bug"), say("Sorry.")])}
    run, _ = create_run(with_tools(LOOKUP), tmp_path, models, ask=answers.ask)
    assert await play(run) == "Sorry."
    assert own_tools.calls == []
    assert "Not today." in models["one"].calls[1].input[-1]["output"]


@pytest.mark.parametrize("word", ["", "maybe", "answered"])
async def test_every_other_decision_declines(tmp_path: Path, word: str) -> None:
    models = {"one": ScriptedModel([look("bug"), say("Sorry.")])}
    run, _ = create_run(with_tools(LOOKUP), tmp_path, models, ask=Answers({"decision": word}).ask)
    assert await play(run) == "Sorry."
    assert own_tools.calls == []


async def test_an_abort_stops_the_role(tmp_path: Path) -> None:
    models = {"one": ScriptedModel([look("bug")])}
    run, _ = create_run(
        with_tools(LOOKUP), tmp_path, models, ask=Answers({"decision": "abort"}).ask
    )
    with pytest.raises(RunStopped, match="one was stopped by whoever declined its call"):
        await play(run)
    assert own_tools.calls == []


async def test_a_role_that_was_stopped_at_a_call_resumes_without_the_call(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    answers = Answers({"decision": "abort"})
    models = {"one": ScriptedModel([look("bug"), say("Without, then.")])}
    run, _ = create_run(with_tools(LOOKUP), folder, models, ask=answers.ask)
    with pytest.raises(RunStopped):
        await play(run)
    run, _ = create_run(with_tools(LOOKUP), folder, models, store=new_store(folder), ask=ask_nobody)
    assert await play(run) == "Without, then."
    assert own_tools.calls == []


async def test_a_decision_does_not_apply_to_another_call_with_the_same_id(tmp_path: Path) -> None:
    answers = Answers({"decision": "approved"}, *[{"decision": "denied"}] * 3)
    approvals = RoleApprovals(answers.ask, new_store(tmp_path))
    bug = ToolAsked("lookup", {"word": "bug"})
    assert await approvals.decide_call("one", "call-0", bug) == Approved()
    for role_, asked in (
        ("one", ToolAsked("lookup", {"word": "ant"})),
        ("one", ToolAsked("erase", {"word": "bug"})),
        ("two", bug),
    ):
        assert await approvals.decide_call(role_, "call-0", asked) == Declined()
    assert await approvals.decide_call("one", "call-0", bug) == Approved()
    assert len(answers.asked) == 4


async def test_the_tools_of_a_roles_own_mcp_server_need_approval_too(tmp_path: Path) -> None:
    answers = Answers({"decision": "approved"})
    call = [function_call("shout", {"text": "hey"}, call_id="s")]
    models = {"one": ScriptedModel([call, say("Done.")])}
    run, _ = create_run(with_tools("teams.own_tools:server"), tmp_path, models, ask=answers.ask)
    assert run.mcp_servers == (own_tools.server,)
    assert await play(run) == "Done."
    assert answers.asked == [("one", ToolAsked("shout", {"text": "hey"}, "loud"))]
    assert "HEY" in str(models["one"].calls[1].input[-1]["output"])


async def test_an_approval_for_the_session_applies_to_the_tool_after_a_resume_too(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    answers = Answers({"decision": "approved_for_session", "scope": "session"})
    models = {"one": ScriptedModel([look("bug", 1), look("ant", 2), say("Found.")])}
    run, _ = create_run(with_tools(LOOKUP), folder, models, ask=answers.ask)
    assert await play(run) == "Found."
    approvals = RoleApprovals(ask_nobody, new_store(folder))
    asked = ToolAsked("lookup", {})
    assert await approvals.decide_call("one", "other", asked) == Approved()
    with pytest.raises(AssertionError):
        await approvals.decide_call("two", "other", asked)


async def test_a_tool_that_needs_no_approval_is_called_at_once(tmp_path: Path) -> None:
    models = {"one": ScriptedModel([look("bug"), say("Found.")])}
    run, _ = create_run(with_tools(LOOKUP, approve=()), tmp_path, models)
    assert await play(run) == "Found."
    assert own_tools.calls == ["bug"]


@pytest.mark.parametrize("after", range(1, 16))
async def test_no_decision_is_asked_for_again_after_a_crash_at_any_step(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    answers = Answers({"decision": "approved"}, {"decision": "denied"})
    models = {"one": ScriptedModel([look("bug", 1), look("ant", 2), say("Done.")])}
    options: dict[str, Any] = {"ask": answers.ask}
    run, _ = create_run(
        with_tools(LOOKUP), folder, models, store=new_store(folder, after), **options
    )
    answer = ""
    with contextlib.suppress(Crash):
        answer = await play(run)
    if not answer:
        run, _ = create_run(with_tools(LOOKUP), folder, models, store=new_store(folder), **options)
        answer = await play(run)
    assert answer == "Done."
    assert [asked.arguments["word"] for _, asked in answers.asked] == ["bug", "ant"]
    assert set(own_tools.calls) == {"bug"}
    assert len(models["one"].calls) == 3


async def test_the_next_server_is_asked_again_when_one_is_lost(tmp_path: Path) -> None:
    answers = Answers(ServerUnreachable("gone"), {"decision": "approved"})
    models = {"one": ScriptedModel([look("bug"), say("Found.")])}
    run, _ = create_run(with_tools(LOOKUP), tmp_path, models, ask=answers.ask)
    assert await play(run) == "Found."
    assert len(answers.asked) == 2


async def test_every_role_can_ask_a_person_and_reads_the_answer(tmp_path: Path) -> None:
    question = {"question": "Which colour?", "options": ["red", "blue"]}
    call = [function_call("ask_person", question, call_id="q")]
    answers = Answers({"decision": "answered", "answers": {"answer": ["blue"]}})
    models = {"one": ScriptedModel([call, say("Blue it is.")])}
    run, _ = create_run(team(role("one")), tmp_path, models, ask=answers.ask)
    assert await play(run) == "Blue it is."
    ((who, asked),) = answers.asked
    assert who == "one"
    assert isinstance(asked, QuestionsAsked)
    assert asked.questions[0].question == "Which colour?"
    assert asked.questions[0].options == (("red", ""), ("blue", ""))
    assert models["one"].calls[1].input[-1]["output"] == "blue"


async def test_the_message_of_a_declined_question_is_its_answer(tmp_path: Path) -> None:
    call = [function_call("ask_person", {"question": "Why?"}, call_id="q")]
    answers = Answers({"decision": "denied", "message": "Decide yourself."})
    models = {"one": ScriptedModel([call, say("I did.")])}
    run, _ = create_run(team(role("one")), tmp_path, models, ask=answers.ask)
    await play(run)
    assert models["one"].calls[1].input[-1]["output"] == "Decide yourself."


def test_tools_are_imported_and_need_approval_as_configured() -> None:
    paths = ("web_search", LOOKUP, "teams.own_tools:reckon")
    one = replace(role("one"), tools=paths, approve_tools=("reckon",))
    search, lookup, reckon = load_tools(one).tools
    assert isinstance(search, WebSearchTool)
    assert isinstance(lookup, FunctionTool)
    assert isinstance(reckon, FunctionTool)
    assert (lookup.needs_approval, reckon.needs_approval) == (False, True)
    assert own_tools.reckon.needs_approval is False


def test_a_tool_with_the_name_of_codex_is_refused() -> None:
    one = replace(role("one"), tools=("teams.own_tools:codex",), codex=True)
    with pytest.raises(ConfigInvalid, match="the name of a tool of Codex's"):
        load_tools(one)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("teams.no_such_module:x", "cannot be imported"),
        ("teams.own_tools:nothing", "cannot be imported"),
        ("teams.own_tools:number", "no tool, function or MCP server"),
        ("teams.own_tools:Calls", "is a class, and no tool"),
        ("teams.own_tools:misspelt", "can be no tool: NameError: name 'Nope' is not defined"),
        ("teams.own_tools:open_socket", "can be no tool: "),
        ("teams.own_tools:nameless", "name it by def"),
        ("teams.own_tools:interpreter", "leave it out of approve_tools"),
    ],
)
def test_an_object_that_is_no_tool_is_refused_with_the_roles_name(path: str, why: str) -> None:
    one: Role = replace(role("one"), tools=(path,))
    with pytest.raises(ConfigInvalid, match=why) as caught:
        load_tools(one)
    assert "one" in str(caught.value)
