"""What roles ask people: tools that must be approved, and questions of their own."""

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
from teams.crews import Crash, crew, new_store, nobody, role, say, team

from codextui.errors import ConfigInvalid, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import QuestionsAsked, ToolAsked, parse_asked
from codextui.teams.config.team import Role, Team
from codextui.teams.publish.questions import People
from codextui.teams.runner.ending import Ending, RunStopped
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.role_tools import find_tools

WAIT_S = 60
LOOKUP = "teams.own_tools:lookup"


class Desk:
    """Somebody who answers whatever is asked, and what that was."""

    def __init__(self, *answers: JsonObject | Exception) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._answers = list(answers)

    async def ask(self, role: str, kind: str, asked: JsonObject) -> JsonObject:
        self.asked.append((role, parse_asked(kind, json.loads(json.dumps(asked)))))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def armed(*tools: str, approve: tuple[str, ...] | None = None) -> Team:
    return team(replace(role("one"), tools=tools, approve_tools=approve))


def look(word: str, number: int = 1) -> list[Any]:
    return [function_call("lookup", {"word": word}, call_id=f"look-{number}")]


def nested(depth: int) -> str:
    return f'{{"word": {"[" * depth}"bug"{"]" * depth}}}'


async def play(made: Any) -> str:
    async with asyncio.timeout(WAIT_S):
        return await run_handoffs(made, "Go.")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    own_tools.calls.clear()


async def test_a_tool_is_called_once_a_person_has_approved_it(tmp_path: Path) -> None:
    desk = Desk({"decision": "approved"})
    models = {"one": ScriptedModel([look("bug"), say("Found.")])}
    made, _ = crew(armed(LOOKUP), tmp_path, models, ask=desk.ask)
    assert await play(made) == "Found."
    assert own_tools.calls == ["bug"]
    assert desk.asked == [("one", ToolAsked("lookup", {"word": "bug"}))]


async def test_arguments_that_are_nested_too_deep_are_shown_as_they_were_written(
    tmp_path: Path,
) -> None:
    written = nested(100)
    call = [function_call("lookup", written, call_id="deep")]
    desk = Desk({"decision": "denied"})
    models = {"one": ScriptedModel([call, say("Sorry.")])}
    made, _ = crew(armed(LOOKUP), tmp_path, models, ask=desk.ask)
    assert await play(made) == "Sorry."
    assert desk.asked == [("one", ToolAsked("lookup", {"arguments": written}))]


async def test_arguments_that_nobody_can_read_fail_the_run(tmp_path: Path) -> None:
    call = [function_call("lookup", nested(900), call_id="deep")]
    made, _ = crew(armed(LOOKUP), tmp_path, {"one": ScriptedModel([call])})
    with pytest.raises(RunStopped, match="recursion") as caught:
        await play(made)
    assert caught.value.ending is Ending.FAILED
    assert own_tools.calls == []


async def test_a_declined_tool_is_not_called_and_the_model_reads_why(tmp_path: Path) -> None:
    desk = Desk({"decision": "denied", "message": "Not today."})
    models = {"one": ScriptedModel([look("bug"), say("Sorry.")])}
    made, _ = crew(armed(LOOKUP), tmp_path, models, ask=desk.ask)
    assert await play(made) == "Sorry."
    assert own_tools.calls == []
    assert "Not today." in models["one"].calls[1].input[-1]["output"]


@pytest.mark.parametrize("word", ["", "maybe", "answered"])
async def test_whatever_is_no_yes_declines(tmp_path: Path, word: str) -> None:
    models = {"one": ScriptedModel([look("bug"), say("Sorry.")])}
    made, _ = crew(armed(LOOKUP), tmp_path, models, ask=Desk({"decision": word}).ask)
    assert await play(made) == "Sorry."
    assert own_tools.calls == []


async def test_a_no_at_which_the_role_is_to_stop_stops_it(tmp_path: Path) -> None:
    models = {"one": ScriptedModel([look("bug")])}
    made, _ = crew(armed(LOOKUP), tmp_path, models, ask=Desk({"decision": "abort"}).ask)
    with pytest.raises(RunStopped, match="one was stopped by whoever declined its call"):
        await play(made)
    assert own_tools.calls == []


async def test_a_role_that_was_stopped_at_a_call_goes_on_without_it_after_a_resume(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk({"decision": "abort"})
    models = {"one": ScriptedModel([look("bug"), say("Without, then.")])}
    made, _ = crew(armed(LOOKUP), folder, models, ask=desk.ask)
    with pytest.raises(RunStopped):
        await play(made)
    made, _ = crew(armed(LOOKUP), folder, models, store=new_store(folder), ask=nobody)
    assert await play(made) == "Without, then."
    assert own_tools.calls == []


async def test_a_decision_holds_for_no_other_call_of_the_same_id(tmp_path: Path) -> None:
    desk = Desk({"decision": "approved"}, *[{"decision": "denied"}] * 3)
    people = People(desk.ask, new_store(tmp_path))
    assert (await people.may_call("one", "call-0", ToolAsked("lookup", {"word": "bug"}))).approved
    for role_, asked in (
        ("one", ToolAsked("lookup", {"word": "ant"})),
        ("one", ToolAsked("erase", {"word": "bug"})),
        ("two", ToolAsked("lookup", {"word": "bug"})),
    ):
        assert not (await people.may_call(role_, "call-0", asked)).approved
    assert (await people.may_call("one", "call-0", ToolAsked("lookup", {"word": "bug"}))).approved
    assert len(desk.asked) == 4


async def test_the_tools_of_a_roles_own_mcp_server_are_asked_about_too(tmp_path: Path) -> None:
    desk = Desk({"decision": "approved"})
    call = [function_call("shout", {"text": "hey"}, call_id="s")]
    models = {"one": ScriptedModel([call, say("Done.")])}
    made, _ = crew(armed("teams.own_tools:server"), tmp_path, models, ask=desk.ask)
    assert made.own_servers == (own_tools.server,)
    assert await play(made) == "Done."
    assert desk.asked == [("one", ToolAsked("shout", {"text": "hey"}, "loud"))]
    assert "HEY" in str(models["one"].calls[1].input[-1]["output"])


async def test_a_yes_for_the_session_holds_for_the_tool_also_after_a_resume(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk({"decision": "approved_for_session", "scope": "session"})
    models = {"one": ScriptedModel([look("bug", 1), look("ant", 2), say("Found.")])}
    made, _ = crew(armed(LOOKUP), folder, models, ask=desk.ask)
    assert await play(made) == "Found."
    people = People(nobody, new_store(folder))
    assert (await people.may_call("one", "other", ToolAsked("lookup", {}))).approved
    with pytest.raises(AssertionError):
        await people.may_call("two", "other", ToolAsked("lookup", {}))


async def test_a_tool_that_needs_no_approval_is_called_at_once(tmp_path: Path) -> None:
    models = {"one": ScriptedModel([look("bug"), say("Found.")])}
    made, _ = crew(armed(LOOKUP, approve=()), tmp_path, models)
    assert await play(made) == "Found."
    assert own_tools.calls == ["bug"]


@pytest.mark.parametrize("after", range(1, 16))
async def test_after_a_crash_at_any_step_nobody_is_asked_again_for_what_was_decided(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk({"decision": "approved"}, {"decision": "denied"})
    models = {"one": ScriptedModel([look("bug", 1), look("ant", 2), say("Done.")])}
    options: dict[str, Any] = {"ask": desk.ask}
    made, _ = crew(armed(LOOKUP), folder, models, store=new_store(folder, after), **options)
    answer = ""
    with contextlib.suppress(Crash):
        answer = await play(made)
    if not answer:
        made, _ = crew(armed(LOOKUP), folder, models, store=new_store(folder), **options)
        answer = await play(made)
    assert answer == "Done."
    assert [asked.arguments["word"] for _, asked in desk.asked] == ["bug", "ant"]
    assert set(own_tools.calls) == {"bug"}
    assert len(models["one"].calls) == 3


async def test_who_comes_with_the_next_server_is_asked_again(tmp_path: Path) -> None:
    desk = Desk(ServerUnreachable("gone"), {"decision": "approved"})
    models = {"one": ScriptedModel([look("bug"), say("Found.")])}
    made, _ = crew(armed(LOOKUP), tmp_path, models, ask=desk.ask)
    assert await play(made) == "Found."
    assert len(desk.asked) == 2


async def test_every_role_can_ask_a_person_and_reads_the_answer(tmp_path: Path) -> None:
    question = {"question": "Which colour?", "options": ["red", "blue"]}
    call = [function_call("ask_person", question, call_id="q")]
    desk = Desk({"decision": "answered", "answers": {"answer": ["blue"]}})
    models = {"one": ScriptedModel([call, say("Blue it is.")])}
    made, _ = crew(team(role("one")), tmp_path, models, ask=desk.ask)
    assert await play(made) == "Blue it is."
    ((who, asked),) = desk.asked
    assert who == "one"
    assert isinstance(asked, QuestionsAsked)
    assert asked.questions[0].question == "Which colour?"
    assert asked.questions[0].options == (("red", ""), ("blue", ""))
    assert models["one"].calls[1].input[-1]["output"] == "blue"


async def test_a_question_that_nobody_answers_is_answered_with_that(tmp_path: Path) -> None:
    call = [function_call("ask_person", {"question": "Why?"}, call_id="q")]
    desk = Desk({"decision": "denied", "message": "Decide yourself."})
    models = {"one": ScriptedModel([call, say("I did.")])}
    made, _ = crew(team(role("one")), tmp_path, models, ask=desk.ask)
    await play(made)
    assert models["one"].calls[1].input[-1]["output"] == "Decide yourself."


def test_tools_are_imported_and_asked_for_as_the_configuration_says() -> None:
    paths = ("web_search", LOOKUP, "teams.own_tools:reckon")
    one = replace(role("one"), tools=paths, approve_tools=("reckon",))
    search, lookup, reckon = find_tools(one).tools
    assert isinstance(search, WebSearchTool)
    assert isinstance(lookup, FunctionTool)
    assert isinstance(reckon, FunctionTool)
    assert (lookup.needs_approval, reckon.needs_approval) == (False, True)
    assert own_tools.reckon.needs_approval is False


def test_no_tool_passes_for_codex() -> None:
    one = replace(role("one"), tools=("teams.own_tools:codex",), codex=True)
    with pytest.raises(ConfigInvalid, match="the name of a tool of Codex's"):
        find_tools(one)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("teams.no_such_module:x", "cannot be imported"),
        ("teams.own_tools:nothing", "cannot be imported"),
        ("teams.own_tools:number", "no tool, function or MCP server"),
        ("teams.own_tools:interpreter", "leave it out of approve_tools"),
    ],
)
def test_what_can_be_no_tool_is_told_with_its_role(path: str, why: str) -> None:
    one: Role = replace(role("one"), tools=(path,))
    with pytest.raises(ConfigInvalid, match=why) as caught:
        find_tools(one)
    assert "one" in str(caught.value)
