"""The plain text of transcript items: what is copied from them, and what is searched in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from codextui.console.model.items import (
    AgentMessage,
    ApprovalItem,
    CommandExecution,
    ErrorMessage,
    FileChanges,
    Handoff,
    HandoffRefusal,
    ItemContent,
    PlanText,
    Reasoning,
    Remark,
    RoleRequest,
    RunNote,
    SubAgentCall,
    ToolCall,
    TurnEnd,
    TurnStart,
    UnknownItem,
    UserMessage,
    WarningMessage,
    WebSearch,
)
from codextui.jsonrpc.fields import Json
from codextui.protocol.approval_text import format_request
from codextui.text.sanitize import clean_paste, format_json, last_frames
from codextui.text.shell import strip_shell

MAX_CODE_BLOCKS = 8
"""Code blocks of an answer that can be copied one by one."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$")


class ItemPart(msgspec.Struct, frozen=True):
    """A part of an item that can be copied.

    Attributes:
        name: what it is, such as `answer` or `command`.
        text: as it was, without control characters but tabs and newlines.
    """

    name: str
    text: str


def item_parts(content: ItemContent) -> list[ItemPart]:
    """Return the parts of an item that have text; the first is the whole item."""
    parts = (ItemPart(name, clean_paste(text).strip("\n")) for name, text in _parts(content))
    kept = [part for part in parts if part.text.strip()]
    return kept[:1] if len(kept) == 2 and kept[0].text == kept[1].text else kept


def item_texts(content: ItemContent) -> Iterator[str]:
    """Yield the texts of an item, not sanitized, without joining or copying them."""
    match content:
        case AgentMessage(text) | PlanText(text):
            yield text.text
        case Reasoning(summary, raw):
            yield from (part.text for part in summary or raw)
        case CommandExecution():
            yield content.command
            yield content.output.text
        case FileChanges(changes):
            for change in changes:
                yield change.path
                yield change.diff
        case TurnStart() | TurnEnd(message=""):
            pass
        case _:
            yield from (text for _, text in _parts(content)[:1])


def _parts(content: ItemContent) -> list[tuple[str, str]]:
    match content:
        case AgentMessage(text) | PlanText(text):
            name = "answer" if isinstance(content, AgentMessage) else "plan"
            return [(name, text.text), *_code_blocks(text.text)]
        case UserMessage(text=words):
            return [("message", words), *_code_blocks(words)]
        case Reasoning(summary, raw):
            return [("reasoning", "\n\n".join(part.text for part in summary or raw))]
        case CommandExecution():
            command, output = strip_shell(content.command), last_frames(content.output.text)
            whole = f"$ {command}\n{output}" if command else output
            return [("command and output", whole), ("command", command), ("output", output)]
        case FileChanges(changes):
            diffs = [f"{one.kind} {one.path}\n{one.diff}" for one in changes]
            files = [(f"diff of {one.path}", one.diff) for one in changes[:MAX_CODE_BLOCKS]]
            return [("changes", "\n".join(diffs)), *files]
        case ToolCall():
            arguments, result = _json(content.arguments), _json(content.result or content.error)
            name = f"{content.server}.{content.tool}" if content.server else content.tool
            whole = "\n".join(text for text in (f"{name} {arguments}", result) if text)
            return [("call and result", whole), ("arguments", arguments), ("result", result)]
        case _:
            return [("text", _note_text(content))]


def _note_text(content: ItemContent) -> str:
    match content:
        case SubAgentCall():
            return "\n".join([content.call.describe(), content.prompt, *content.answers])
        case WebSearch(query, _, url, pattern):
            return "\n".join(part for part in (query, url, pattern) if part)
        case ErrorMessage(message=words) | WarningMessage(message=words) | TurnEnd(message=words):
            return words
        case Remark(text=words) | RunNote(text=words) | RoleRequest(text=words):
            return words
        case Handoff(source, target):
            return f"{source} → {target}"
        case HandoffRefusal(source, target, missing):
            return "\n".join([f"{source} → {target}", *missing])
        case UnknownItem(kind, payload):
            return f"{kind} {_json(dict(payload))}"
        case ApprovalItem(approval):
            return format_request(approval.asked)
        case _:
            return ""


def _json(value: Json) -> str:
    if value in (None, {}, [], ""):
        return ""
    return value if isinstance(value, str) else format_json(value)


def _code_blocks(markdown: str) -> list[tuple[str, str]]:
    """Return the fenced code of Markdown, with its language."""
    blocks: list[tuple[str, str]] = []
    lines = iter(markdown.split("\n") if "```" in markdown or "~~~" in markdown else ())
    for line in lines:
        if (opening := _FENCE.match(line)) is None:
            continue
        fence, language = opening.groups()
        code: list[str] = []
        for inner in lines:
            stripped = inner.strip()
            if stripped.startswith(fence) and not stripped.strip(fence[0]):
                break
            code.append(inner)
        blocks.append((f"code, {language}" if language else "code", "\n".join(code)))
        if len(blocks) == MAX_CODE_BLOCKS:
            break
    return blocks
