"""What a scripted model can do in an answer: the steps of a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, slots=True)
class Say:
    """A message to the user, streamed as `response.output_text.delta` events.

    Attributes:
        text: the whole message.
        chunk: characters in each delta; 0 sends one word a delta.
        delay_s: seconds to wait between deltas; 0 sends them as fast as they are read.
        gate: where given, the deltas after the first `open_deltas` wait until it is set, so that
            a test can stop in mid-stream.
        open_deltas: how many deltas pass before the gate; 0 holds the very first one, after the
            item has been announced.
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
        chunk: characters in each delta; 0 sends one word a delta.
        delay_s: seconds to wait between deltas.
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

    Its output is `ModelRequest.last_output` of the thread's next request.

    Attributes:
        cmd: the command line, given to the user's shell.
        escalate: asks to run outside the sandbox (`require_escalated`), which asks the user for
            approval unless the thread's approval policy is `never`.
        justification: the reason shown with that question.
        workdir: where to run; the thread's cwd where None.
        yield_ms: how long Codex waits before it answers with the output so far while the command
            goes on; Codex's own default where None.
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
        text: the whole patch, from `*** Begin Patch` to `*** End Patch`. `Patch.add` writes the
            commonest one.
    """

    text: str

    @classmethod
    def add(cls, path: str, content: str) -> Patch:
        """Returns the patch that adds the file `path` with `content`."""
        lines = "".join(f"+{line}\n" for line in content.splitlines())
        return cls(f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")

    @classmethod
    def update(cls, path: str, before: str, after: str) -> Patch:
        """Returns the patch that replaces the lines `before` of the file `path` by `after`."""
        old = "".join(f"-{line}\n" for line in before.splitlines())
        new = "".join(f"+{line}\n" for line in after.splitlines())
        return cls(f"*** Begin Patch\n*** Update File: {path}\n@@\n{old}{new}*** End Patch\n")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of any other function that Codex offers: an MCP tool, `view_image`, `update_plan`.

    Attributes:
        name: the function's name as in `ModelRequest.tools`.
        arguments: its arguments.
        namespace: the namespace of the tool, where the request offers it in one.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The model fails. As first step it is an HTTP error, later the event `response.failed`.

    Attributes:
        status: the HTTP status. 0 is `response.failed` even as the first step, and -1 hangs up
            without an answer.
        message: what the model's server says of it; the user reads it.
        code: the error's code (e.g. `rate_limit_exceeded`, `context_length_exceeded`), by which
            Codex decides whether to try again.
    """

    status: int = 400
    message: str = "The scripted model was told to fail."
    code: str = "invalid_request"


Step = Say | Think | Run | Patch | Call | Fail
"""One thing that a model does in an answer. An answer is a sequence of them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of streamed text.

    Attributes:
        chunk: characters in each delta; 0 is a word a delta.
        delay_s: seconds between deltas.
    """

    chunk: int = 0
    delay_s: float = 0.0

    def say(self, text: str) -> Say:
        """Returns a message at this speed."""
        return Say(text, chunk=self.chunk, delay_s=self.delay_s)

    def think(self, text: str) -> Think:
        """Returns a thought at this speed."""
        return Think(text, chunk=self.chunk, delay_s=self.delay_s)


AT_ONCE = Pace()
"""For runs that nobody watches."""

READABLE = Pace(chunk=2, delay_s=0.025)
"""About 80 characters a second: for the screen."""
