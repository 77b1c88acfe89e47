"""The script of the three threads, called as Codex calls it: with the whole history each time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from codextui.demo.request import ModelRequest
from codextui.demo.roles import BUILDER, FOLLOW_UP, ROLES, TESTER, WRITER, Role
from codextui.demo.script import INSTANT, Patch, Run, Say, Step
from codextui.demo.threads_script import ThreadsScript

REQUEST = ModelRequest(
    thread_id="t1",
    turn_id="u1",
    kind="turn",
    number=0,
    model="gpt-5.5",
    instructions="",
    developer="",
    user_texts=(),
    answer_counts=(),
    last_output=None,
    tools=("exec_command", "apply_patch"),
    input=(),
    headers={},
    body={},
)


def asked(
    role: Role | None, *texts: tuple[str, int], output: str | None = None, thread: str = "t1"
) -> ModelRequest:
    """A request of a thread with these user texts, each with the number of answers to it."""
    return replace(
        REQUEST,
        thread_id=thread,
        developer=role.instructions if role else "",
        user_texts=tuple(text for text, _ in texts),
        answer_counts=tuple(count for _, count in texts),
        last_output=output,
    )


async def steps(script: ThreadsScript, request: ModelRequest) -> list[Step]:
    async with asyncio.timeout(60):
        return [step async for step in script(request)]


def said(answer: list[Step]) -> str:
    return "\n".join(step.text for step in answer if isinstance(step, Say))


@pytest.fixture
def script() -> ThreadsScript:
    return ThreadsScript(INSTANT, has_git=True, timeout_s=5)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
async def test_every_turn_ends_with_an_answer_that_calls_no_tool(script: ThreadsScript, role: Role):
    if role is not BUILDER:
        await steps(script, asked(BUILDER, (BUILDER.prompt, 1), output="Success.", thread="b"))
    for position in range(20):
        request = asked(role, (role.prompt, position), output="FAILED (failures=2)")
        answer = await steps(script, request)
        assert answer
        if not any(isinstance(step, Run | Patch) for step in answer):
            break
    assert 2 <= position < 10
    assert isinstance(answer[-1], Say)


async def test_an_answer_has_at_most_one_tool_call_because_codex_runs_them_at_once(
    script: ThreadsScript,
):
    for role in ROLES:
        for position in range(6):
            answer = await steps(script, asked(role, (role.prompt, position), output="x"))
            assert sum(isinstance(step, Run | Patch) for step in answer) <= 1


async def test_the_tester_waits_for_the_builders_program(script: ThreadsScript):
    testing = asyncio.create_task(steps(script, asked(TESTER, (TESTER.prompt, 1), thread="t")))
    _, pending = await asyncio.wait([testing], timeout=0.05)
    assert pending
    await steps(script, asked(BUILDER, (BUILDER.prompt, 1), output="Success.", thread="b"))
    answer = await asyncio.wait_for(testing, 5)
    assert isinstance(answer[-1], Run)


async def test_if_the_program_never_comes_the_tester_says_so():
    impatient = ThreadsScript(INSTANT, has_git=True, timeout_s=0.01)
    answer = await steps(impatient, asked(TESTER, (TESTER.prompt, 1)))
    assert "no `wordtally.py`" in said(answer)
    assert not any(isinstance(step, Run | Patch) for step in answer)


async def test_a_declined_program_is_not_announced_to_the_others():
    impatient = ThreadsScript(INSTANT, has_git=True, timeout_s=0.01)
    refused = asked(BUILDER, (BUILDER.prompt, 1), output="patch rejected by user")
    await steps(impatient, refused)
    answer = await steps(impatient, asked(WRITER, (WRITER.prompt, 1), thread="w"))
    assert "no `wordtally.py`" in said(answer)


@pytest.mark.parametrize(
    ("role", "texts", "words"),
    [
        (BUILDER, [(BUILDER.prompt, 3)], "It is not committed."),
        (BUILDER, [(BUILDER.prompt, 4), (FOLLOW_UP, 3)], "did not publish"),
        (WRITER, [(WRITER.prompt, 3)], "unwritten"),
        (None, [("ask", 1)], "As you wish"),
    ],
)
async def test_a_declined_approval_is_respected(
    script: ThreadsScript, role: Role | None, texts: list[tuple[str, int]], words: str
):
    output = 'CreateProcess { message: "Rejected(\\"rejected by user\\")" }'
    assert words in said(await steps(script, asked(role, *texts, output=output)))


async def test_the_follow_up_starts_the_builders_second_turn(script: ThreadsScript):
    answer = await steps(script, asked(BUILDER, (BUILDER.prompt, 4), (FOLLOW_UP, 0)))
    assert any(isinstance(step, Patch) and "--json" in step.text for step in answer)


async def test_without_git_nothing_is_committed():
    script = ThreadsScript(INSTANT, has_git=False)
    answer = await steps(script, asked(BUILDER, (BUILDER.prompt, 2)))
    assert not any(isinstance(step, Run) for step in answer)
    assert "no git here" in said(answer)


async def test_a_steer_is_acknowledged_and_the_turn_continues(script: ThreadsScript):
    texts = ((BUILDER.prompt, 2), ("Use tabs, please.", 0))
    answer = await steps(script, asked(BUILDER, *texts))
    assert said(answer).startswith("Noted: Use tabs, please.")
    assert isinstance(answer[-1], Run)


async def test_after_its_turns_a_thread_offers_keywords(script: ThreadsScript):
    answer = await steps(script, asked(TESTER, (TESTER.prompt, 5), ("And now?", 0)))
    assert "played by a **script**" in said(answer)


async def test_a_fork_continues_where_its_source_was(script: ThreadsScript):
    source = asked(BUILDER, (BUILDER.prompt, 2), thread="source")
    fork = asked(BUILDER, (BUILDER.prompt, 2), ("go on", 0), thread="fork")
    assert (await steps(script, fork))[-1] == (await steps(script, source))[-1]


@pytest.mark.parametrize("word", ["count", "ask", "write"])
async def test_a_thread_without_a_role_obeys_keywords(script: ThreadsScript, word: str):
    answer = await steps(script, asked(None, (f" {word.upper()}\n", 0)))
    assert isinstance(answer[-1], Run | Patch)
    assert isinstance((await steps(script, asked(None, (word, 1), output="")))[-1], Say)
