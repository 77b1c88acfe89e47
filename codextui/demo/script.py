"""Scripts of the model: the steps of an answer, and a table of answers.

A script is a function of the request (`ModelScript`). `Script` is the usual one: rules that
choose an answer by what the user said. An answer is a sequence of steps (`Say`, `Run`, ...).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codextui.demo.request import ModelRequest

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, slots=True)
class Say:
    """A message to the user, streamed as `response.output_text.delta` events.

    Attributes:
        text: the whole message.
        chunk: characters in each delta; 0 sends one word a delta.
        delay_s: seconds between deltas; 0 sends them as fast as they are read.
        gate: if given, deltas after the first `open_deltas` wait until it is set, so that a test
            can stop in the middle of the stream.
        open_deltas: how many deltas are sent before the gate; 0 holds the first one too, after
            the item is announced.
    """

    text: str
    chunk: int = 0
    delay_s: float = 0.0
    gate: asyncio.Event | None = None
    open_deltas: int = 1


@dataclass(frozen=True, slots=True)
class Think:
    """A reasoning item whose summary is streamed: Codex's `reasoning` item.

    Attributes:
        text: the summary.
        chunk: as for `Say`.
        delay_s: as for `Say`.
        gate: as for `Say`.
        open_deltas: as for `Say`.
    """

    text: str
    chunk: int = 0
    delay_s: float = 0.0
    gate: asyncio.Event | None = None
    open_deltas: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """A shell command: the function call `exec_command`, run by Codex in its sandbox.

    The thread's next request has its output as `ModelRequest.last_output`.

    Attributes:
        cmd: the command line, given to the user's shell.
        escalate: ask to run outside the sandbox (`require_escalated`). Codex then asks the user
            for approval, unless the thread's approval policy is `never`.
        justification: the reason shown with that approval.
        workdir: where to run; None is the thread's cwd.
        yield_ms: milliseconds after which Codex returns the output so far while the command goes
            on; None is Codex's own default.
    """

    cmd: str
    escalate: bool = False
    justification: str | None = None
    workdir: str | None = None
    yield_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """A file change: the custom tool call `apply_patch`.

    Attributes:
        text: the whole patch, from `*** Begin Patch` to `*** End Patch`.
    """

    text: str

    @classmethod
    def add(cls, path: str, content: str) -> Patch:
        """Return a patch that adds the file `path` with `content`."""
        return cls.add_all({path: content})

    @classmethod
    def add_all(cls, files: Mapping[str, str]) -> Patch:
        """Return a patch that adds several files: their contents by path."""
        added = "".join(
            f"*** Add File: {path}\n{_prefix('+', content)}" for path, content in files.items()
        )
        return cls(f"*** Begin Patch\n{added}*** End Patch\n")

    @classmethod
    def update(cls, path: str, before: str, after: str) -> Patch:
        """Return a patch that replaces the lines `before` in the file `path` with `after`."""
        change = f"@@\n{_prefix('-', before)}{_prefix('+', after)}"
        return cls(f"*** Begin Patch\n*** Update File: {path}\n{change}*** End Patch\n")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of any other function that Codex offers: an MCP tool, `view_image`, `update_plan`.

    Attributes:
        name: the function's name, as in `ModelRequest.tools`.
        arguments: its arguments.
        namespace: the tool's namespace, if the request offers it in one.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A web search that the model's provider makes itself: the item `web_search_call`.

    Attributes:
        query: what is searched for.
    """

    query: str


@dataclass(frozen=True, slots=True)
class Fail:
    """A failure of the model: an HTTP error as the first step, else the event `response.failed`.

    Attributes:
        status: the HTTP status. 0 is `response.failed` even as the first step; -1 as the first
            step closes the connection without an answer.
        message: the error's message; the user reads it.
        code: the error's code (e.g. `rate_limit_exceeded`, `context_length_exceeded`), by which
            Codex decides whether to retry.
    """

    status: int = 400
    message: str = "The scripted model was told to fail."
    code: str = "invalid_request"


Step = Say | Think | Run | Patch | Call | Search | Fail
"""One thing that a model does in an answer. An answer is a sequence of them."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of streamed text.

    Attributes:
        chunk: characters in each delta; 0 is one word a delta.
        delay_s: seconds between deltas.
    """

    chunk: int = 0
    delay_s: float = 0.0

    def say(self, text: str) -> Say:
        """Return a message at this speed."""
        return Say(text, chunk=self.chunk, delay_s=self.delay_s)

    def think(self, text: str) -> Think:
        """Return a reasoning summary at this speed."""
        return Think(text, chunk=self.chunk, delay_s=self.delay_s)


INSTANT = Speed()
"""As fast as it is read: for runs without a screen."""

READABLE = Speed(chunk=2, delay_s=0.025)
"""About 80 characters a second: for the console."""

ModelScript = Callable[[ModelRequest], Iterable[Step] | AsyncIterable[Step]]
"""A function, a generator or an async generator. It is called once for each request, and its
steps make the answer. An async generator may await between steps."""

Answer = Step | Sequence[Step] | ModelScript
"""One answer: a step, several of them, or a function of the request."""


class Script:
    """A table of answers by what the user said and by the thread's role.

    The thread's user texts are tried from the latest back to the first, and for each one the
    rules in the order they were added; the first rule that matches answers. So a follow-up or a
    steer with a rule of its own gets that rule's answer, and any other one continues the rule
    that the thread was in.

    Each thread goes through each rule on its own, one answer for each request, and a fork
    continues where its source was. When no rule matches, or its answers are used up, the model
    says so in a plain message.

    Example:
        >>> script = Script()
        >>> script.on("fix the bug", [Think("Look first."), Run("ls")], Say("Done."))
        >>> script.on("", Say("I have nothing to do."), role="tester", repeat=True)
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._positions: dict[tuple[str, int], int] = {}

    def on(self, text: str, /, *answers: Answer, role: str = "", repeat: bool = False) -> Script:
        """Add a rule.

        Args:
            text: matches user texts that contain it, ignoring case; "" matches all.
            answers: the answers, one for each request; at least one.
            role: if given, matches only threads whose developer or base instructions (other than
                Codex's own) contain it, ignoring case.
            repeat: start over when the answers are used up.

        Returns:
            This script, so that rules can be chained.

        Raises:
            ValueError: there is no answer.
        """
        if not answers:
            raise ValueError("A rule of a script needs at least one answer.")
        self._rules.append(_Rule(text.lower(), role.lower(), answers, repeat))
        return self

    def __call__(self, request: ModelRequest) -> Iterable[Step] | AsyncIterable[Step]:
        """Return the steps that answer a request, and move its thread on by one answer."""
        matches = self._match_texts(request)
        rule = next((index for index in reversed(matches) if index is not None), None)
        if rule is None:
            return [Say(f"The script has no answer for {request.last_user_text!r}.")]
        match self._rules[rule].answer(self._next_position(request, matches, rule)):
            case Say() | Think() | Run() | Patch() | Call() | Search() | Fail() as step:
                return [step]
            case Sequence() as steps:
                return steps
            case script:
                return script(request)

    def _match_texts(self, request: ModelRequest) -> list[int | None]:
        """Return the index of the rule that each user text matches, if any."""
        role = request.role_text.lower()
        rules = [(i, rule) for i, rule in enumerate(self._rules) if rule.role in role]
        return [
            next((i for i, rule in rules if rule.text in text.lower()), None)
            for text in request.user_texts
        ]

    def _next_position(
        self, request: ModelRequest, matches: Sequence[int | None], rule: int
    ) -> int:
        """Return the thread's position in a rule, and advance it.

        A thread not seen before may have a history: it was forked or resumed, or a program other
        than Codex sent the request, without a thread id. Then the history gives the position.
        """
        position = self._positions.get((request.thread_id, rule))
        if position is None:
            position = _position_in_history(request, matches, rule)
        if request.thread_id:
            self._positions[request.thread_id, rule] = position + 1
        return position


@dataclass(frozen=True, slots=True)
class _Rule:
    text: str
    role: str
    answers: tuple[Answer, ...]
    repeat: bool

    def answer(self, position: int) -> Answer:
        if self.repeat:
            return self.answers[position % len(self.answers)]
        if position < len(self.answers):
            return self.answers[position]
        return Say(f"The script has no more answers for {self.text!r}: all {position} were given.")


def _position_in_history(request: ModelRequest, matches: Sequence[int | None], rule: int) -> int:
    """Count the answers in the history that the rule gave."""
    position = 0
    current: int | None = None
    for matched, answers in zip(matches, request.answer_counts, strict=True):
        current = current if matched is None else matched
        if current == rule:
            position += answers
    return position


def _prefix(sign: str, text: str) -> str:
    return "".join(f"{sign}{line}\n" for line in text.splitlines())
