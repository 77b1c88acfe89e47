"""The roles of the demo's three threads: their prompts, and the model's answers to them.

The builder, the tester and the writer work at the same time; the last two wait for the builder's
program. `threads_script` chooses the answer to a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.demo import project_files
from codextui.demo.request import ModelRequest
from codextui.demo.script import Patch, Run, Speed, Step


@dataclass(frozen=True, slots=True)
class Role:
    """The options with which a thread is started.

    Attributes:
        name: the thread's handle.
        instructions: its developer instructions, by which the script recognizes the role.
        prompt: its first prompt.
        sandbox: its sandbox mode.
    """

    name: str
    instructions: str
    prompt: str
    sandbox: str


def _instructions(name: str, duty: str) -> str:
    return f"You are the {name} of a small team. {duty}"


BUILDER = Role(
    name="builder",
    instructions=_instructions("builder", "You write the program; others test and document it."),
    prompt=(
        "Build wordtally.py: a command-line program that counts the words of a text file and "
        "shows the most common ones. No dependencies. Commit it."
    ),
    sandbox="workspace-write",
)

TESTER = Role(
    name="tester",
    instructions=_instructions("tester", "You write tests, run them and fix what they find."),
    prompt=(
        "Write unit tests for wordtally.py and run them. Upper and lower case must not matter, "
        "and a word such as don't is one word. Fix what fails."
    ),
    sandbox="workspace-write",
)

WRITER = Role(
    name="writer",
    instructions=_instructions("writer", "You write for people who have never seen the program."),
    prompt="Write a short README.md for wordtally.py: what it does, how to run it, its options.",
    sandbox="read-only",
)

ROLES = (BUILDER, TESTER, WRITER)
"""All three, in the order they are started."""

FOLLOW_UP = (
    "The tests pass. Add a --json option, run the tests once more, and publish the program to "
    "../release."
)
"""The prompt of the builder's second turn."""

AnswerGenerator: TypeAlias = Callable[[ModelRequest], AsyncIterator[Step]]
"""One answer of the model: the steps until Codex sends the next request."""


@dataclass(frozen=True, slots=True)
class TurnScript:
    """The model's answers in a turn.

    Attributes:
        prompt: what the turn's prompt contains.
        answers: one for each request; the last one calls no tool, which ends the turn.
    """

    prompt: str
    answers: tuple[AnswerGenerator, ...]


@dataclass(frozen=True, slots=True)
class SharedProgress:
    """The progress that roles wait for.

    Attributes:
        timeout_s: seconds to wait.
        program_written: set when the builder's program is written.
    """

    timeout_s: float
    program_written: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for_program(self) -> bool:
        """Wait for the builder's program; return False after the timeout."""
        try:
            await asyncio.wait_for(self.program_written.wait(), self.timeout_s)
        except TimeoutError:
            return False
        return True


_PLAN = """\
## Plan

One file and nothing but the standard library:

1. `tally(text)` counts the words
2. `chart(counts, top)` draws the most common ones as bars
3. `main()` reads the options and the file

The heart of it is one line:

```python
return Counter(WORD.findall(text))
```
"""

_PUBLISH = (
    "cp wordtally.py ../release/wordtally && chmod 755 ../release/wordtally && ls -l ../release"
)


class BuilderScript:
    """The builder's turns: write the program and commit it, then extend and publish it.

    Args:
        progress: shared with the other roles.
        speed: how fast text is streamed.
        python: the shell command for Python.
        has_git: whether the program can be committed.
    """

    def __init__(
        self, progress: SharedProgress, speed: Speed, *, python: str, has_git: bool
    ) -> None:
        self._progress = progress
        self._speed = speed
        self._python = python
        self._has_git = has_git

    def turns(self) -> tuple[TurnScript, ...]:
        """Return the turns of the first prompt and of the follow-up."""
        commit = (self._commit,) if self._has_git else ()
        return (
            TurnScript(BUILDER.prompt, (self._write, self._try, *commit, self._report)),
            TurnScript(
                FOLLOW_UP, (self._extend, self._try_again, self._publish, self._report_release)
            ),
        )

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.think("A small program. What is a word? Letters will do to begin with.")
        yield self._speed.say(_PLAN)
        yield Patch.add("wordtally.py", project_files.PROGRAM)

    async def _try(self, request: ModelRequest) -> AsyncIterator[Step]:
        if not request.was_declined:
            self._progress.program_written.set()
        yield self._speed.say("Written. I try it on the sample.")
        yield Run(f"{self._python} wordtally.py sample.txt --top 5")

    async def _commit(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.say("It runs. The commit needs your leave, because it writes to `.git`.")
        yield Run(
            "git add wordtally.py && git commit -m 'Count the words of a text'",
            escalate=True,
            justification="git writes to .git, which the sandbox keeps read-only.",
        )

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        done = "It is not committed." if request.was_declined else "It is committed."
        done = done if self._has_git else "There is no git here, so it is not committed."
        yield self._speed.say(
            f"`wordtally.py` counts words and draws them as bars. {done}\n\n"
            "- **in:** a text file\n- **out:** the most common words\n- **option:** `--top N`\n"
        )

    async def _extend(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.think("The option goes next to --top; the chart stays the default.")
        yield self._speed.say("I add `--json`, which prints one object for other programs to read.")
        yield Patch(project_files.JSON_OPTION)

    async def _try_again(self, _: ModelRequest) -> AsyncIterator[Step]:
        program = f"{self._python} wordtally.py sample.txt --top 3 --json"
        yield Run(f"{self._python} -m unittest && {program}")

    async def _publish(self, request: ModelRequest) -> AsyncIterator[Step]:
        result = request.last_printed.rpartition("\n")[2]
        yield self._speed.say(f"The tests still pass, and `--json` prints `{result}`.")
        yield Run(
            _PUBLISH,
            escalate=True,
            justification="../release is outside of the folder that the sandbox lets me write to.",
        )

    async def _report_release(self, request: ModelRequest) -> AsyncIterator[Step]:
        if request.was_declined:
            yield self._speed.say("`--json` is there. I did not publish the program.")
            return
        yield self._speed.say(
            "## Published\n\n`../release/wordtally` is the finished program:\n\n"
            "```sh\n../release/wordtally sample.txt --top 3 --json\n```\n\n"
            "> Here the script of the demo ends. Say `hello` to any thread, and it tells what else "
            "it can do.\n"
        )


_TESTS = """\
## What to test

- each word is counted
- `The` and `the` are one word
- `don't` is one word, not two
- an empty text makes an empty chart

The second and the third are where such programs go wrong.
"""

_CAUSE = """\
Two tests fail, and both are right. `WORD` knows nothing of apostrophes, and nobody folds the case:

```python
WORD = re.compile(r"[A-Za-z]+")
```

I mend both.
"""

_REPORT = """\
## All tests pass

| test | before | now |
|---|---|---|
| each word is counted | ok | ok |
| case does not matter | failed | ok |
| an apostrophe belongs to its word | failed | ok |
| nothing makes an empty chart | ok | ok |
"""


class TesterScript:
    """The tester's turn: write tests, run them on the builder's program, fix what fails."""

    def __init__(self, progress: SharedProgress, speed: Speed, *, python: str) -> None:
        self._progress = progress
        self._speed = speed
        self._test = Run(f"{python} -m unittest -v")

    def turns(self) -> tuple[TurnScript, ...]:
        """Return the only turn."""
        answers = (self._write, self._run, self._mend, self._run_again, self._report)
        return (TurnScript(TESTER.prompt, answers),)

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.think("I can write the tests before the program is there.")
        yield self._speed.say(_TESTS)
        yield Patch.add("test_wordtally.py", project_files.TESTS)

    async def _run(self, _: ModelRequest) -> AsyncIterator[Step]:
        if not await self._progress.wait_for_program():
            yield self._speed.say("The tests are written, but there is no `wordtally.py` to test.")
            return
        yield self._speed.say("The program is there: I run the tests.")
        yield self._test

    async def _mend(self, request: ModelRequest) -> AsyncIterator[Step]:
        if "FAILED (failures=2)" not in (request.last_output or ""):
            yield self._speed.say(
                "The tests did not fail as I expected: please look at the output."
            )
            return
        yield self._speed.think("Two failures: case, and the apostrophe.")
        yield self._speed.say(_CAUSE)
        yield Patch(project_files.FIX)

    async def _run_again(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._test

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        passed = "\nOK" in (request.last_output or "")
        yield self._speed.say(_REPORT if passed else "The tests still fail: please look at them.")


_OUTLINE = """\
## Outline

Somebody who finds this program wants to know, in this order:

1. what it does, in **one sentence**
2. a command to copy
3. what counts as a word
4. the options

Not in it: how it works inside. That is what the source is for.
"""


class WriterScript:
    """The writer's turn: describe the builder's program, which the sandbox lets it only read."""

    def __init__(self, progress: SharedProgress, speed: Speed) -> None:
        self._progress = progress
        self._speed = speed

    def turns(self) -> tuple[TurnScript, ...]:
        """Return the only turn."""
        return (TurnScript(WRITER.prompt, (self._look, self._read, self._write, self._report)),)

    async def _look(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.think("First see what there is.")
        yield Run("ls -l")

    async def _read(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.say(_OUTLINE)
        if not await self._progress.wait_for_program():
            yield self._speed.say("There is no `wordtally.py` to describe yet. Ask me again later.")
            return
        yield Run("cat wordtally.py")

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.say("I may only read here, so you will be asked for this file.")
        yield Patch.add("README.md", project_files.README)

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        if request.was_declined:
            yield self._speed.say("As you wish: I leave `README.md` unwritten.")
            return
        yield self._speed.say(
            "`README.md` is written. It says what the program does, shows one command, and "
            "explains what counts as a word.\n"
        )
