"""What any thread of the demo answers to a person who plays with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codextui.demo.act import Act, printed, refused
from codextui.demo.pace import Pace
from codextui.demo.request import ModelRequest
from codextui.demo.step import Patch, Run, Step

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
