"""A script as a table: who says what, one answer for each request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.demo.request import ModelRequest
from codextui.demo.steps import Call, Fail, Patch, Run, Say, Step, Think

ModelScript = Callable[[ModelRequest], Iterable[Step] | AsyncIterable[Step]]
"""What `ScriptedModel` plays: a function, a generator or an async generator. It is called once
for each request and its steps make the answer. An async generator may await between steps."""

Answer = Step | Sequence[Step] | ModelScript
"""One answer: a step, several of them, or a function of the request."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table.

    Attributes:
        text: what a user text must contain, in lower case.
        role: what the instructions must contain, in lower case.
        answers: one for each request.
        repeat: begin again when they have run out.
    """

    text: str
    role: str
    answers: tuple[Answer, ...]
    repeat: bool

    def answer(self, position: int) -> Answer:
        """Returns the answer at a position, or one that says that there is none."""
        if self.repeat:
            return self.answers[position % len(self.answers)]
        if position < len(self.answers):
            return self.answers[position]
        return Say(f"The script has no more answers for {self.text!r}: all {position} were given.")


class Script:
    """A table of answers by what the user said and by role.

    Which rule answers: the thread's user texts are tried from the latest back to the first, and
    for each one the rules in the order they were added; the first that fits answers. So a
    follow-up or a steer with a rule of its own gets that, and any other one continues where the
    thread was.

    Each thread plays each rule by itself, one answer for each request, and a fork goes on where
    its source was at that point. When the answers have run out, or no rule fits, the model says
    so in a plain message.

    Example:
        >>> script = Script()
        >>> script.on("fix the bug", [Think("Look first."), Run("ls")], Say("Done."))
        >>> script.on("", Say("I have nothing to do."), role="tester", repeat=True)
    """

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._positions: dict[tuple[str, int], int] = {}

    def on(self, text: str, /, *answers: Answer, role: str = "", repeat: bool = False) -> Script:
        """Adds a rule.

        Args:
            text: fits a user text that contains it, in any case; "" fits every one.
            answers: what is answered, one for each request; at least one.
            role: where given, fits only threads whose developer or base instructions (other than
                Codex's own) contain it, in any case.
            repeat: begin again when the answers have run out.

        Returns:
            This script, so that rules can be chained.

        Raises:
            ValueError: there is no answer.
        """
        if not answers:
            raise ValueError("A rule of a script needs at least one answer.")
        self._rules.append(Rule(text.lower(), role.lower(), answers, repeat))
        return self

    def __call__(self, request: ModelRequest) -> Iterable[Step] | AsyncIterable[Step]:
        """Returns the steps that answer a request, and moves its thread on by one answer."""
        rules = self._rules_of_texts(request)
        chosen = next((index for index in reversed(rules) if index is not None), None)
        if chosen is None:
            return [Say(f"The script has no answer for {request.last_user_text!r}.")]
        position = self._take(request, rules, chosen)
        match self._rules[chosen].answer(position):
            case Say() | Think() | Run() | Patch() | Call() | Fail() as step:
                return [step]
            case Sequence() as steps:
                return steps
            case script:
                return script(request)

    def _take(self, request: ModelRequest, rules: Sequence[int | None], chosen: int) -> int:
        """Returns the thread's position in the chosen rule, and moves on.

        A thread not seen before may have a past: it is a fork, or was resumed, or belongs to a
        program other than Codex, which tells no thread at all. Its history tells the position.
        """
        position = self._positions.get((request.thread, chosen))
        if position is None:
            position = _position_in_history(request, rules, chosen)
        if request.thread:
            self._positions[request.thread, chosen] = position + 1
        return position

    def _rules_of_texts(self, request: ModelRequest) -> list[int | None]:
        """Returns, for each user text, the index of the rule that it called for, if any."""
        role = request.role_text.lower()
        playing = [(i, rule) for i, rule in enumerate(self._rules) if rule.role in role]
        return [
            next((i for i, rule in playing if rule.text in text.lower()), None)
            for text in request.user_texts
        ]


def _position_in_history(request: ModelRequest, rules: Sequence[int | None], chosen: int) -> int:
    """Counts the answers of the model that the chosen rule gave, by the history."""
    position = 0
    current: int | None = None
    for rule, answered in zip(rules, request.answered, strict=True):
        current = current if rule is None else rule
        if current == chosen:
            position += answered
    return position


ActAnswer: TypeAlias = Callable[[ModelRequest], AsyncIterator[Step]]
"""One answer of the model: what it says and does until Codex asks again."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a prompt sets going.

    Attributes:
        opening: the act begins with a user text that contains this.
        answers: one for each request; the last one calls no tool, which ends the turn.
    """

    opening: str
    answers: tuple[ActAnswer, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """What the roles wait for from each other.

    Attributes:
        patience_s: how long anyone waits, in seconds.
        written: the builder's program is there.
    """

    patience_s: float
    written: asyncio.Event = field(default_factory=asyncio.Event)

    async def await_program(self) -> bool:
        """Waits for the builder's program; False where patience ran out."""
        try:
            await asyncio.wait_for(self.written.wait(), self.patience_s)
        except TimeoutError:
            return False
        return True


def printed(request: ModelRequest) -> str:
    """Returns what the last tool printed, without what Codex says about it; "" for nothing."""
    _, _, output = (request.last_output or "").partition("Output:\n")
    return output.strip("\n")


def refused(request: ModelRequest) -> bool:
    """Whether the person did not allow the last tool to be called."""
    return "rejected by user" in (request.last_output or "")
