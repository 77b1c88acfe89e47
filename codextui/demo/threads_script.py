"""The script of the demo's three threads: which answer a request gets."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import AsyncIterator

from codextui.demo.request import ModelRequest
from codextui.demo.roles import (
    ROLES,
    AnswerGenerator,
    BuilderScript,
    SharedProgress,
    TesterScript,
    TurnScript,
    WriterScript,
)
from codextui.demo.script import Patch, Run, Speed, Step

_WELCOME = """\
I am played by a **script**, so I understand little: one of these words.

- `count`: I run a slow command, which you can interrupt
- `ask`: I ask for leave to run a command outside of the sandbox
- `write`: I write a file
- `long`: I give a long answer
"""

_PARAGRAPH = """\
### Part {number}

A thread is a conversation with Codex, and a turn is one question and all that follows from it: \
thoughts, commands, changes to files and the answer. A running turn can be *steered*: whatever \
you send is read at the next step. At rest, a thread can be **forked**, now or as it was after \
an earlier turn, and both go on by themselves.

"""

_COUNT = 'for i in $(seq 1 120); do echo "tick $i"; sleep 1; done'


class ThreadsScript:
    """The `ModelScript` of the demo's three threads.

    A thread's position in a turn is read from the history that Codex sends, so a fork continues
    where its source was. A prompt that starts no turn of the script is acknowledged while such a
    turn runs (it is a steer), and answered with the keywords afterwards.

    Args:
        speed: how fast text is streamed.
        has_git: whether the project is a git repository.
        timeout_s: seconds a role waits for the work of another one.
    """

    def __init__(self, speed: Speed, *, has_git: bool, timeout_s: float = 120.0) -> None:
        progress = SharedProgress(timeout_s)
        python = _python_command()
        self._speed = speed
        self._keywords = KeywordScript(speed)
        self._turns = {
            "builder": BuilderScript(progress, speed, python=python, has_git=has_git).turns(),
            "tester": TesterScript(progress, speed, python=python).turns(),
            "writer": WriterScript(progress, speed).turns(),
        }

    def __call__(self, request: ModelRequest) -> AsyncIterator[Step]:
        """Return the steps that answer a request."""
        turn, position, is_steered = self._find_turn(request)
        if turn is None or position >= len(turn.answers):
            return self._keywords.welcome(request)
        answer = turn.answers[position]
        return self._acknowledge(request, answer) if is_steered else answer(request)

    def _find_turn(self, request: ModelRequest) -> tuple[TurnScript | None, int, bool]:
        """Return the thread's latest turn, the answers given in it, and if it was just steered."""
        turns = self._turns.get(_role_name(request), ())
        for index in reversed(range(len(request.user_texts))):
            turn = self._match_turn(request.user_texts[index], turns)
            if turn is not None:
                is_last = index == len(request.user_texts) - 1
                is_steered = not is_last and request.answer_counts[-1] == 0
                return turn, sum(request.answer_counts[index:]), is_steered
        return None, 0, False

    def _match_turn(self, text: str, turns: tuple[TurnScript, ...]) -> TurnScript | None:
        keyword = text.strip().lower()
        by_keyword = (turn for turn in self._keywords.turns() if turn.prompt == keyword)
        return next((turn for turn in turns if turn.prompt in text), next(by_keyword, None))

    async def _acknowledge(
        self, request: ModelRequest, answer: AnswerGenerator
    ) -> AsyncIterator[Step]:
        yield self._speed.say(f"Noted: {_shorten(request.last_user_text)}")
        async for step in answer(request):
            yield step


class KeywordScript:
    """The turns of the one-word prompts in `_WELCOME`, which work in every thread."""

    def __init__(self, speed: Speed) -> None:
        self._speed = speed

    def turns(self) -> tuple[TurnScript, ...]:
        """Return the turn of each keyword, which must be the whole prompt."""
        return (
            TurnScript("count", (self._count, self._report)),
            TurnScript("ask", (self._ask, self._report)),
            TurnScript("write", (self._write, self._report)),
            TurnScript("long", (self._speak,)),
        )

    async def welcome(self, _: ModelRequest) -> AsyncIterator[Step]:
        """Answer any other prompt: say what the keywords are."""
        yield self._speed.say(_WELCOME)

    async def _count(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield self._speed.say("I count to 120, one a second. Press `x` to stop me.")
        yield Run(_COUNT, yield_ms=130_000)

    async def _ask(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield Run("id -un && pwd", escalate=True, justification="You asked me to ask you.")

    async def _write(self, _: ModelRequest) -> AsyncIterator[Step]:
        yield Patch.add("note.txt", "Written because somebody asked for it.\n")

    async def _speak(self, _: ModelRequest) -> AsyncIterator[Step]:
        parts = "".join(_PARAGRAPH.format(number=number) for number in range(1, 9))
        yield self._speed.say(f"## A long answer\n\n{parts}")

    async def _report(self, request: ModelRequest) -> AsyncIterator[Step]:
        if request.was_declined:
            yield self._speed.say("As you wish: I leave it.")
            return
        yield self._speed.say(f"Done. It printed:\n\n```\n{request.last_printed}\n```\n")


def _role_name(request: ModelRequest) -> str:
    """Return the name of the role whose instructions the thread has; "" for none."""
    instructions = f"{request.instructions}\n{request.developer}"
    return next((role.name for role in ROLES if role.instructions in instructions), "")


def _python_command() -> str:
    return "python3" if shutil.which("python3") else shlex.quote(sys.executable)


def _shorten(text: str, limit: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
