"""The demo's script, asked as Codex asks it: with the whole history each time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from codextui.demo.agents import BUILDER, FOLLOW_UP, ROLES, TESTER, WRITER, Role
from codextui.demo.request import ModelRequest
from codextui.demo.scenario import Scenario
from codextui.demo.steps import AT_ONCE, Patch, Run, Say, Step

REQUEST = ModelRequest(
    thread="t1",
    turn="u1",
    kind="turn",
    number=0,
    model="gpt-5.5",
    instructions="",
    developer="",
    user_texts=(),
    answered=(),
    last_output=None,
    tools=("exec_command", "apply_patch"),
    input=(),
    headers={},
    body={},
)


def asked(
    role: Role | None, *texts: tuple[str, int], output: str | None = None, thread: str = "t1"
) -> ModelRequest:
    """A request of a thread in which these texts were said, each answered so many times."""
    return replace(
        REQUEST,
        thread=thread,
        developer=role.instructions if role else "",
        user_texts=tuple(text for text, _ in texts),
        answered=tuple(count for _, count in texts),
        last_output=output,
    )


async def steps(scenario: Scenario, request: ModelRequest) -> list[Step]:
    async with asyncio.timeout(10):
        return [step async for step in scenario(request)]


def said(answer: list[Step]) -> str:
    return "\n".join(step.text for step in answer if isinstance(step, Say))


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(AT_ONCE, has_git=True, patience_s=5)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
async def test_every_act_ends_with_an_answer_that_calls_no_tool(scenario: Scenario, role: Role):
    if role is not BUILDER:
        await steps(scenario, asked(BUILDER, (BUILDER.brief, 1), output="Success.", thread="b"))
    for position in range(20):
        request = asked(role, (role.brief, position), output="FAILED (failures=2)")
        answer = await steps(scenario, request)
        assert answer
        if not any(isinstance(step, Run | Patch) for step in answer):
            break
    assert 2 <= position < 10
    assert isinstance(answer[-1], Say)


async def test_an_answer_has_one_tool_call_at_most_because_codex_runs_them_at_once(
    scenario: Scenario,
):
    for role in ROLES:
        for position in range(6):
            answer = await steps(scenario, asked(role, (role.brief, position), output="x"))
            assert sum(isinstance(step, Run | Patch) for step in answer) <= 1


async def test_the_tester_waits_for_the_program_of_the_builder(scenario: Scenario):
    testing = asyncio.create_task(steps(scenario, asked(TESTER, (TESTER.brief, 1), thread="t")))
    _, pending = await asyncio.wait([testing], timeout=0.05)
    assert pending
    await steps(scenario, asked(BUILDER, (BUILDER.brief, 1), output="Success.", thread="b"))
    answer = await asyncio.wait_for(testing, 5)
    assert isinstance(answer[-1], Run)


async def test_where_the_program_never_comes_the_tester_says_so():
    impatient = Scenario(AT_ONCE, has_git=True, patience_s=0.01)
    answer = await steps(impatient, asked(TESTER, (TESTER.brief, 1)))
    assert "no `wordtally.py`" in said(answer)
    assert not any(isinstance(step, Run | Patch) for step in answer)


async def test_a_refused_program_is_not_announced_to_the_others():
    impatient = Scenario(AT_ONCE, has_git=True, patience_s=0.01)
    refused = asked(BUILDER, (BUILDER.brief, 1), output="patch rejected by user")
    await steps(impatient, refused)
    answer = await steps(impatient, asked(WRITER, (WRITER.brief, 1), thread="w"))
    assert "no `wordtally.py`" in said(answer)


@pytest.mark.parametrize(
    ("role", "texts", "words"),
    [
        (BUILDER, [(BUILDER.brief, 3)], "It is not committed."),
        (BUILDER, [(BUILDER.brief, 4), (FOLLOW_UP, 3)], "did not publish"),
        (WRITER, [(WRITER.brief, 3)], "unwritten"),
        (None, [("ask", 1)], "As you wish"),
    ],
)
async def test_a_no_of_the_person_is_taken_for_a_no(
    scenario: Scenario, role: Role | None, texts: list[tuple[str, int]], words: str
):
    output = 'CreateProcess { message: "Rejected(\\"rejected by user\\")" }'
    assert words in said(await steps(scenario, asked(role, *texts, output=output)))


async def test_the_follow_up_opens_the_builders_second_act(scenario: Scenario):
    answer = await steps(scenario, asked(BUILDER, (BUILDER.brief, 4), (FOLLOW_UP, 0)))
    assert any(isinstance(step, Patch) and "--json" in step.text for step in answer)


async def test_where_there_is_no_git_nothing_is_committed():
    scenario = Scenario(AT_ONCE, has_git=False)
    answer = await steps(scenario, asked(BUILDER, (BUILDER.brief, 2)))
    assert not any(isinstance(step, Run) for step in answer)
    assert "no git here" in said(answer)


async def test_a_steer_is_acknowledged_and_the_act_goes_on(scenario: Scenario):
    texts = ((BUILDER.brief, 2), ("Use tabs, please.", 0))
    answer = await steps(scenario, asked(BUILDER, *texts))
    assert said(answer).startswith("Noted: Use tabs, please.")
    assert isinstance(answer[-1], Run)


async def test_after_its_act_a_thread_is_a_visitors(scenario: Scenario):
    answer = await steps(scenario, asked(TESTER, (TESTER.brief, 5), ("And now?", 0)))
    assert "played by a **script**" in said(answer)


async def test_a_fork_goes_on_where_its_source_was(scenario: Scenario):
    source = asked(BUILDER, (BUILDER.brief, 2), thread="source")
    fork = asked(BUILDER, (BUILDER.brief, 2), ("go on", 0), thread="fork")
    assert (await steps(scenario, fork))[-1] == (await steps(scenario, source))[-1]


@pytest.mark.parametrize("word", ["count", "ask", "write"])
async def test_a_thread_without_a_role_does_what_a_visitors_word_says(
    scenario: Scenario, word: str
):
    answer = await steps(scenario, asked(None, (f" {word.upper()}\n", 0)))
    assert isinstance(answer[-1], Run | Patch)
    assert isinstance((await steps(scenario, asked(None, (word, 1), output="")))[-1], Say)
