"""What Codex asks of the model, as a script sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One `POST /v1/responses`: the thread's whole history, and what the model may do.

    Attributes:
        thread: the id of the Codex thread that asks (the one `thread/start` returned); a fork has
            its own.
        turn: the id of the turn that asks, "" where this Codex does not tell.
        number: how many requests this thread made before this one: 0 is its first.
        model: the model's name as configured for the thread.
        instructions: the base instructions.
        developer: the texts of the developer messages, joined: permissions, the role's
            developer instructions.
        user_texts: what the user said, oldest first: prompts and steers, without the context that
            Codex adds by itself (environment, AGENTS.md).
        last_output: the output of the tool called last, where the last input item is one; else
            None.
        tools: the names of the tools offered.
        input: the input items as sent.
        headers: the HTTP headers, names in lower case, without authorization.
        body: the whole body as sent.
    """

    thread: str
    turn: str
    number: int
    model: str
    instructions: str
    developer: str
    user_texts: tuple[str, ...]
    last_output: str | None
    tools: tuple[str, ...]
    input: tuple[Mapping[str, Any], ...]
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def first_user_text(self) -> str:
        """What opened the thread; for a fork, what opened its source. "" where nothing did."""
        return self.user_texts[0] if self.user_texts else ""

    @property
    def last_user_text(self) -> str:
        """The prompt of this turn, or what it was steered with. "" where there is none."""
        return self.user_texts[-1] if self.user_texts else ""
