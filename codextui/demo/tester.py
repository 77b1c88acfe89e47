"""The tester of the demo: writes tests, sees them fail, and mends the program."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codextui.demo import material
from codextui.demo.act import Act, Cues
from codextui.demo.pace import Pace
from codextui.demo.request import ModelRequest
from codextui.demo.role import TESTER
from codextui.demo.step import Patch, Run, Step

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
