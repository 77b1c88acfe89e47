"""The builder of the demo: writes the program, commits it, and publishes it in a second turn."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codextui.demo import material
from codextui.demo.act import Act, Cues, printed, refused
from codextui.demo.pace import Pace
from codextui.demo.request import ModelRequest
from codextui.demo.role import BUILDER, FOLLOW_UP
from codextui.demo.step import Patch, Run, Step

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
