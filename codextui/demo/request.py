"""A request to the model, as a script sees it: `POST /v1/responses` of the Responses API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codextui.errors import MessageInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CONTEXT = re.compile(
    r"\s*(?:<([A-Za-z_][\w -]*)>.*</\1>\s*\Z"
    r"|# AGENTS\.md instructions"
    r"|Another language model started to solve this problem)",
    re.DOTALL,
)
"""Matches the context that Codex adds to a conversation in the user's or developer's name."""

_OWN_INSTRUCTIONS = re.compile(r"\s*You are (?:Codex\b|a coding agent\b)")
"""Matches the start of Codex's own base instructions."""

TURN = "turn"
"""The kind of a turn's requests; Codex makes those of other kinds on its own."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request: the thread's whole history, and the tools the model may call.

    Attributes:
        thread_id: the Codex thread, as `thread/start` returned it; a fork has its own. "" from
            programs other than Codex.
        turn_id: the turn; "" if the request does not name it.
        kind: "turn", or the kind of a request that Codex makes on its own: "compaction" etc.
        number: how many requests the thread made before this one; 0 is its first.
        model: the model's name, as configured for the thread.
        instructions: the base instructions: Codex's own, or those given to `thread/start`.
        developer: the developer instructions given to `thread/start`, without what Codex adds
            (permissions, skills).
        user_texts: the user's prompts and steers, oldest first, without the context that Codex
            adds (environment, AGENTS.md).
        answer_counts: how many of the model's answers follow each of `user_texts`.
        last_output: the output of the last tool call, if the last input item is one; else None.
        tools: the names of the tools offered, or the types of those without a name.
        input: the input items as sent.
        headers: the HTTP headers, by lower-case name, without authorization.
        body: the whole body as sent.
    """

    thread_id: str
    turn_id: str
    kind: str
    number: int
    model: str
    instructions: str
    developer: str
    user_texts: tuple[str, ...]
    answer_counts: tuple[int, ...]
    last_output: str | None
    tools: tuple[str, ...]
    input: tuple[Mapping[str, Any], ...]
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def first_user_text(self) -> str:
        """The prompt that opened the thread, or a fork's source; "" if there is none."""
        return self.user_texts[0] if self.user_texts else ""

    @property
    def last_user_text(self) -> str:
        """The turn's prompt or latest steer; "" if there is none."""
        return self.user_texts[-1] if self.user_texts else ""

    @property
    def last_printed(self) -> str:
        """What the last command printed, without Codex's lines about it; "" for nothing."""
        _, _, printed = (self.last_output or "").partition("Output:\n")
        return printed.strip("\n")

    @property
    def was_declined(self) -> bool:
        """True if the user declined the last tool call."""
        return "rejected by user" in (self.last_output or "")

    @property
    def role_text(self) -> str:
        """The developer and base instructions, without Codex's own."""
        if _OWN_INSTRUCTIONS.match(self.instructions):
            return self.developer
        return f"{self.instructions}\n{self.developer}"


def parse_request(headers: Mapping[str, str], content: bytes) -> ModelRequest:
    """Parse a request's headers and body; `number` stays 0.

    Codex 0.153.4 to 0.169.0 name the thread in the header `thread-id`, and the turn and the kind
    of request in the JSON of the header `x-codex-turn-metadata`.

    Args:
        headers: by lower-case name.
        content: the body.

    Raises:
        MessageInvalid: this is not a request of the Responses API.
    """
    body = _object(content, "The request's body")
    metadata = _turn_metadata(headers)
    items = _items(body.get("input"))
    instructions, developer = _instructions(body, items)
    texts, answer_counts = _exchanges(items)
    return ModelRequest(
        thread_id=headers.get("thread-id") or str(metadata.get("thread_id") or ""),
        turn_id=str(metadata.get("turn_id") or ""),
        kind=str(metadata.get("request_kind") or TURN),
        number=0,
        model=str(body.get("model") or ""),
        instructions=instructions,
        developer=developer,
        user_texts=tuple(texts),
        answer_counts=tuple(answer_counts),
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
    """Return the base and the developer instructions.

    Codex 0.153.4 sends the base instructions as `instructions`, 0.163.0 as the first message.
    """
    base = str(body.get("instructions") or "")
    if not base and items and _is_developer(items[0]):
        base = "\n".join(_parts(items[0]))
        items = items[1:]
    texts = [_text_without_context(item) for item in items if _is_developer(item)]
    return base, "\n".join(text for text in texts if text)


def _is_developer(item: Mapping[str, Any]) -> bool:
    return item.get("role") in ("developer", "system")


def _exchanges(items: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[int]]:
    """Return the user's texts, and how many of the model's answers follow each."""
    texts: list[str] = []
    counts: list[int] = []
    answering = False
    for item in items:
        if item.get("role") == "user":
            answering = False
            text = _text_without_context(item)
            if text:
                texts.append(text)
                counts.append(0)
        elif not _is_from_model(item):
            answering = False
        elif not answering:
            answering = True
            if counts:
                counts[-1] += 1
    return texts, counts


def _is_from_model(item: Mapping[str, Any]) -> bool:
    kind = str(item.get("type") or "message")
    return item.get("role") == "assistant" or kind == "reasoning" or kind.endswith("_call")


def _parts(item: Mapping[str, Any], member: str = "content") -> list[str]:
    """Return the texts of a message's content, or of a tool's output."""
    content = item.get(member)
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return [text for text in texts if isinstance(text, str)]


def _text_without_context(item: Mapping[str, Any]) -> str:
    """Return a message's text without the parts that Codex added."""
    return "\n".join(text for text in _parts(item) if not _CONTEXT.match(text))


def _output(item: Mapping[str, Any]) -> str | None:
    if not str(item.get("type")).endswith("_call_output"):
        return None
    return "\n".join(_parts(item, "output"))


def _tool_names(tools: object) -> Iterable[str]:
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict):
            yield str(tool.get("name") or tool.get("type"))
