"""The roles of the demo, and what each is asked to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from codextui.demo import material
from codextui.demo.request import ModelRequest
from codextui.demo.script import Act, Cues, printed, refused
from codextui.demo.steps import Pace, Patch, Run, Step


@dataclass(frozen=True, slots=True)
class Role:
    """A thread of the demo.

    Attributes:
        name: its handle.
        instructions: its developer instructions; the script knows the role by them.
        brief: what it is asked first.
        sandbox: what Codex lets it do without asking.
    """

    name: str
    instructions: str
    brief: str
    sandbox: str


def _instructions(name: str, duty: str) -> str:
    return f"You are the {name} of a small team. {duty}"


BUILDER = Role(
    name="builder",
    instructions=_instructions("builder", "You write the program; others test and document it."),
    brief=(
        "Build wordtally.py: a command-line program that counts the words of a text file and "
        "shows the most common ones. No dependencies. Commit it."
    ),
    sandbox="workspace-write",
)

TESTER = Role(
    name="tester",
    instructions=_instructions("tester", "You write tests, run them and fix what they find."),
    brief=(
        "Write unit tests for wordtally.py and run them. Upper and lower case must not matter, "
        "and a word such as don't is one word. Fix what fails."
    ),
    sandbox="workspace-write",
)

WRITER = Role(
    name="writer",
    instructions=_instructions("writer", "You write for people who have never seen the program."),
    brief="Write a short README.md for wordtally.py: what it does, how to run it, its options.",
    sandbox="read-only",
)

ROLES = (BUILDER, TESTER, WRITER)
"""The three that work at once, in the order they are started."""

FOLLOW_UP = (
    "The tests pass. Add a --json option, run the tests once more, and publish the program to "
    "../release."
)
"""The builder's second turn."""


PLAN = """\
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

PUBLISH = (
    "cp wordtally.py ../release/wordtally && chmod 755 ../release/wordtally && ls -l ../release"
)


class Builder:
    """The acts of the builder.

    Args:
        cues: tells the others when the program is there.
        python: the Python to run the program with, as typed in a shell.
        has_git: whether the program can be committed.
    """

    def __init__(self, cues: Cues, pace: Pace, *, python: str, has_git: bool) -> None:
        self._cues = cues
        self._pace = pace
        self._python = python
        self._has_git = has_git

    def acts(self) -> tuple[Act, ...]:
        """Returns what the brief and the follow-up set going."""
        commit = (self._commit,) if self._has_git else ()
        return (
            Act(BUILDER.brief, (self._write, self._try, *commit, self._report)),
            Act(FOLLOW_UP, (self._extend, self._try_again, self._publish, self._report_release)),
        )

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.think("A small program. What is a word? Letters will do to begin with.")
        yield self._pace.say(PLAN)
        yield Patch.add("wordtally.py", material.PROGRAM)

    async def _try(self, request: ModelRequest) -> AsyncIterator[Step]:
        if not refused(request):
            self._cues.written.set()
        yield self._pace.say("Written. I try it on the sample.")
        yield Run(f"{self._python} wordtally.py sample.txt --top 5")

    async def _commit(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.say("It runs. The commit needs your leave, because it writes to `.git`.")
        yield Run(
            "git add wordtally.py && git commit -m 'Count the words of a text'",
            escalate=True,
            justification="git writes to .git, which the sandbox keeps read-only.",
        )

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        done = "It is not committed." if refused(request) else "It is committed."
        done = done if self._has_git else "There is no git here, so it is not committed."
        yield self._pace.say(
            f"`wordtally.py` counts words and draws them as bars. {done}\n\n"
            "- **in:** a text file\n- **out:** the most common words\n- **option:** `--top N`\n"
        )

    async def _extend(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.think("The option goes next to --top; the chart stays the default.")
        yield self._pace.say("I add `--json`, which prints one object for other programs to read.")
        yield Patch(material.JSON_OPTION)

    async def _try_again(self, _: ModelRequest) -> AsyncIterator[Step]:
        program = f"{self._python} wordtally.py sample.txt --top 3 --json"
        yield Run(f"{self._python} -m unittest && {program}")

    async def _publish(self, request: ModelRequest) -> AsyncIterator[Step]:
        result = printed(request).rpartition("\n")[2]
        yield self._pace.say(f"The tests still pass, and `--json` prints `{result}`.")
        yield Run(
            PUBLISH,
            escalate=True,
            justification="../release is outside of the folder that the sandbox lets me write to.",
        )

    async def _report_release(self, request: ModelRequest) -> AsyncIterator[Step]:
        if refused(request):
            yield self._pace.say("`--json` is there. I did not publish the program.")
            return
        yield self._pace.say(
            "## Published\n\n`../release/wordtally` is the finished program:\n\n"
            "```sh\n../release/wordtally sample.txt --top 3 --json\n```\n\n"
            "> Here the script of the demo ends. Say `hello` to any thread, and it tells what else "
            "it can do.\n"
        )


TESTS = """\
## What to test

- each word is counted
- `The` and `the` are one word
- `don't` is one word, not two
- an empty text makes an empty chart

The second and the third are where such programs go wrong.
"""

CAUSE = """\
Two tests fail, and both are right. `WORD` knows nothing of apostrophes, and nobody folds the case:

```python
WORD = re.compile(r"[A-Za-z]+")
```

I mend both.
"""

REPORT = """\
## All tests pass

| test | before | now |
|---|---|---|
| each word is counted | ok | ok |
| case does not matter | failed | ok |
| an apostrophe belongs to its word | failed | ok |
| nothing makes an empty chart | ok | ok |
"""


class Tester:
    """The act of the tester."""

    def __init__(self, cues: Cues, pace: Pace, *, python: str) -> None:
        self._cues = cues
        self._pace = pace
        self._test = Run(f"{python} -m unittest -v")

    def acts(self) -> tuple[Act, ...]:
        """Returns what the brief sets going."""
        answers = (self._write, self._run, self._mend, self._run_again, self._report)
        return (Act(TESTER.brief, answers),)

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.think("I can write the tests before the program is there.")
        yield self._pace.say(TESTS)
        yield Patch.add("test_wordtally.py", material.TESTS)

    async def _run(self, _: ModelRequest) -> AsyncIterator[Step]:
        if not await self._cues.await_program():
            yield self._pace.say("The tests are written, but there is no `wordtally.py` to test.")
            return
        yield self._pace.say("The program is there: I run the tests.")
        yield self._test

    async def _mend(self, request: ModelRequest) -> AsyncIterator[Step]:
        if "FAILED (failures=2)" not in (request.last_output or ""):
            yield self._pace.say("The tests did not fail as I expected: please look at the output.")
            return
        yield self._pace.think("Two failures: case, and the apostrophe.")
        yield self._pace.say(CAUSE)
        yield Patch(material.FIX)

    async def _run_again(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._test

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        passed = "\nOK" in (request.last_output or "")
        yield self._pace.say(REPORT if passed else "The tests still fail: please look at them.")


OUTLINE = """\
## Outline

Somebody who finds this program wants to know, in this order:

1. what it does, in **one sentence**
2. a command to copy
3. what counts as a word
4. the options

Not in it: how it works inside. That is what the source is for.
"""


class Writer:
    """The act of the writer. Its sandbox is read-only, so Codex asks before it writes."""

    def __init__(self, cues: Cues, pace: Pace) -> None:
        self._cues = cues
        self._pace = pace

    def acts(self) -> tuple[Act, ...]:
        """Returns what the brief sets going."""
        return (Act(WRITER.brief, (self._look, self._read, self._write, self._report)),)

    async def _look(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.think("First see what there is.")
        yield Run("ls -l")

    async def _read(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.say(OUTLINE)
        if not await self._cues.await_program():
            yield self._pace.say("There is no `wordtally.py` to describe yet. Ask me again later.")
            return
        yield Run("cat wordtally.py")

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.say("I may only read here, so you will be asked for this file.")
        yield Patch.add("README.md", material.README)

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        if refused(request):
            yield self._pace.say("As you wish: I leave `README.md` unwritten.")
            return
        yield self._pace.say(
            "`README.md` is written. It says what the program does, shows one command, and "
            "explains what counts as a word.\n"
        )


WELCOME = """\
I am played by a **script**, so I understand little: one of these words.

- `count`: I run a slow command, which you can interrupt
- `ask`: I ask for leave to run a command outside of the sandbox
- `write`: I write a file
- `long`: I give a long answer
"""

PARAGRAPH = """\
### Part {number}

A thread is a conversation with Codex, and a turn is one question and all that follows from it: \
thoughts, commands, changes to files and the answer. A running turn can be *steered*: whatever \
you send is read at the next step. At rest, a thread can be **forked**, now or as it was after \
an earlier turn, and both go on by themselves.

"""

COUNT = 'for i in $(seq 1 120); do echo "tick $i"; sleep 1; done'


class Visitor:
    """The acts that every thread knows, beside those of its role."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def acts(self) -> tuple[Act, ...]:
        """Returns what the words of `WELCOME` set going; they are the whole prompt."""
        return (
            Act("count", (self._count, self._report)),
            Act("ask", (self._ask, self._report)),
            Act("write", (self._write, self._report)),
            Act("long", (self._speak,)),
        )

    async def welcome(self, _: ModelRequest) -> AsyncIterator[Step]:
        """Answers anything else."""
        yield self._pace.say(WELCOME)

    async def _count(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._pace.say("I count to 120, one a second. Press `x` to stop me.")
        yield Run(COUNT, yield_ms=130_000)

    async def _ask(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield Run("id -un && pwd", escalate=True, justification="You asked me to ask you.")

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield Patch.add("note.txt", "Written because somebody asked for it.\n")

    async def _speak(self, _: ModelRequest) -> AsyncIterator[Step]:
        parts = "".join(PARAGRAPH.format(number=number) for number in range(1, 9))
        yield self._pace.say(f"## A long answer\n\n{parts}")

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        if refused(request):
            yield self._pace.say("As you wish: I leave it.")
            return
        yield self._pace.say(f"Done. It printed:\n\n```\n{printed(request)}\n```\n")
