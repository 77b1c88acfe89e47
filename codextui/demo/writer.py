"""The writer of the demo: reads the program and asks for leave to write its documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codextui.demo import material
from codextui.demo.act import Act, Cues, refused
from codextui.demo.pace import Pace
from codextui.demo.request import ModelRequest
from codextui.demo.role import WRITER
from codextui.demo.step import Patch, Run, Step

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
