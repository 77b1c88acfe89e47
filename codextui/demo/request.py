"""What Codex asks of the model, as a script sees it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codextui.errors import MessageInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONTEXT = re.compile(
    r"\s*(?:<([A-Za-z_][\w -]*)>.*</\1>\s*\Z"
    r"|# AGENTS\.md instructions"
    r"|Another language model started to solve this problem)",
    re.DOTALL,
)
"""What Codex adds to a conversation by itself, as the user or the developer, looks like this."""

OWN_INSTRUCTIONS = re.compile(r"\s*You are (?:Codex\b|a coding agent\b)")
"""Codex's own base instructions begin like this."""

ORDINARY = "turn"
"""The kind of request that a turn makes; every other kind is Codex's own."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One `POST /v1/responses`: the thread's whole history, and what the model may do.

    Attributes:
        thread: the id of the Codex thread that asks (the one `thread/start` returned); a fork has
            its own. "" where a program other than Codex asks.
        turn: the id of the turn that asks, "" where it is not told.
        kind: "turn", or what Codex asks for by itself: "compaction" and the like.
        number: how many requests this thread made before this one: 0 is its first.
        model: the model's name as configured for the thread.
        instructions: the base instructions: Codex's own ones, or those that the thread was
            started with.
        developer: the developer instructions that the thread was started with, without what Codex
            adds by itself (permissions, skills).
        user_texts: what the user said, oldest first: prompts and steers, without the context that
            Codex adds by itself (environment, AGENTS.md).
        answered: as long as `user_texts`: how many answers of the model follow each of them in
            the history.
        last_output: the output of the tool called last, where the last input item is one; else
            None.
        tools: the names of the tools offered; those without a name by their type.
        input: the input items as sent.
        headers: the HTTP headers, names in lower case, without authorization.
        body: the whole body as sent.
    """

    thread: str
    turn: str
    kind: str
    number: int
    model: str
    instructions: str
    developer: str
    user_texts: tuple[str, ...]
    answered: tuple[int, ...]
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

    @property
    def role_text(self) -> str:
        """What the thread was told to be: its developer and base instructions, but Codex's own."""
        if OWN_INSTRUCTIONS.match(self.instructions):
            return self.developer
        return f"{self.instructions}\n{self.developer}"


def parse_request(headers: Mapping[str, str], content: bytes) -> ModelRequest:
    """Reads a request's body; `number` is left 0, as only the server can count.

    Codex 0.153.4 to 0.169.0 name the thread in the header `thread-id`, and the turn and the kind
    of request in the JSON of the header `x-codex-turn-metadata`.

    Raises:
        WireInvalid: it is no request of the Responses API.
    """
    body = _object(content, "The request's body")
    metadata = _turn_metadata(headers)
    items = _items(body.get("input"))
    instructions, developer = _instructions(body, items)
    texts, answered = _exchanges(items)
    return ModelRequest(
        thread=headers.get("thread-id") or str(metadata.get("thread_id") or ""),
        turn=str(metadata.get("turn_id") or ""),
        kind=str(metadata.get("request_kind") or ORDINARY),
        number=0,
        model=str(body.get("model") or ""),
        instructions=instructions,
        developer=developer,
        user_texts=tuple(texts),
        answered=tuple(answered),
        last_output=_output(items[-1]) if items else None,
        tools=tuple(_tool_names(body.get("tools"))),
        input=tuple(items),
        headers={name: value for name, value in headers.items() if name != "authorization"},
        body=body,
    )


def _object(content: bytes | str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise MessageInvalid(f"{what} is not JSON.") from error
    if not isinstance(value, dict):
        raise MessageInvalid(f"{what} is not a JSON object.")
    return value


def _turn_metadata(headers: Mapping[str, str]) -> dict[str, Any]:
    sent = headers.get("x-codex-turn-metadata")
    return _object(sent, "The header x-codex-turn-metadata") if sent else {}


def _items(value: object) -> list[Mapping[str, Any]]:
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MessageInvalid("The request's input is neither a text nor a list of items.")
    return value


def _instructions(body: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Returns the base and the developer instructions.

    0.153.4 sends the base instructions as `instructions`, and 0.163.0 as the first message.
    """
    base = str(body.get("instructions") or "")
    if not base and items and _is_developer(items[0]):
        base = "\n".join(_parts(items[0]))
        items = items[1:]
    told = [_own_text(item) for item in items if _is_developer(item)]
    return base, "\n".join(text for text in told if text)


def _is_developer(item: Mapping[str, Any]) -> bool:
    return item.get("role") in ("developer", "system")


def _exchanges(items: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[int]]:
    """Returns what the user said, and how many answers of the model follow each."""
    texts: list[str] = []
    answered: list[int] = []
    answering = False
    for item in items:
        if item.get("role") == "user":
            answering = False
            text = _own_text(item)
            if text:
                texts.append(text)
                answered.append(0)
        elif not _is_answer(item):
            answering = False
        elif not answering:
            answering = True
            if answered:
                answered[-1] += 1
    return texts, answered


def _is_answer(item: Mapping[str, Any]) -> bool:
    """Whether the model made this item: a message, a reasoning item or a call."""
    kind = str(item.get("type") or "message")
    return item.get("role") == "assistant" or kind == "reasoning" or kind.endswith("_call")


def _parts(item: Mapping[str, Any], member: str = "content") -> list[str]:
    """Returns the texts of a message's content or of an output."""
    content = item.get(member)
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return [text for text in texts if isinstance(text, str)]


def _own_text(item: Mapping[str, Any]) -> str:
    """Returns a message's text without the parts that Codex added."""
    return "\n".join(text for text in _parts(item) if not CONTEXT.match(text))


def _output(item: Mapping[str, Any]) -> str | None:
    if not str(item.get("type")).endswith("_call_output"):
        return None
    return "\n".join(_parts(item, "output"))


def _tool_names(tools: object) -> Iterable[str]:
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict):
            yield str(tool.get("name") or tool.get("type"))
