"""Messages and tool calls of agents as items in Codex's format (`ThreadItem`), with size limits."""

from __future__ import annotations

import json
from typing import Any

from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import replace_surrogates

CODEX_TOOLS = ("codex", "codex-reply")
"""The tools of Codex's own server."""

MAX_CHARS = 100_000
"""Characters of a text in an item."""

_MAX_NUMBER = 2**53
_MAX_DEPTH = 40
_MAX_ARGUMENTS_DEPTH = 30


def clip(text: str, max_chars: int = MAX_CHARS) -> str:
    """Shorten a text to at most `max_chars` characters."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def user_message(item_id: str, text: str) -> JsonObject:
    """Return the item of a prompt."""
    content = [{"type": "text", "text": clip(text)}]
    return {"id": item_id, "type": "userMessage", "content": content}


def agent_message(item_id: str, text: str) -> JsonObject:
    """Return the item of an answer."""
    return {"id": item_id, "type": "agentMessage", "text": clip(text)}


def reasoning(item_id: str, summary: list[str], content: list[str]) -> JsonObject:
    """Return the item of a model's reasoning."""
    return {
        "id": item_id,
        "type": "reasoning",
        "summary": [clip(part) for part in summary],
        "content": [clip(part) for part in content],
    }


def tool_call(item_id: str, server: str, tool: str, arguments: object) -> JsonObject:
    """Return the item of a tool call that begins."""
    return {
        "id": item_id,
        "type": "mcpToolCall",
        "server": server,
        "tool": tool,
        "arguments": _bounded(arguments),
        "status": "inProgress",
        "result": None,
        "error": None,
        "durationMs": None,
    }


def completed_tool_call(
    call: JsonObject, result: object, *, seconds: float | None = None, error: str = ""
) -> JsonObject:
    """Return the item of a tool call that ended, with an error message if it failed."""
    content = [{"type": "text", "text": clip(result_text(result))}]
    return {
        **call,
        "status": "failed" if error else "completed",
        "result": None if error else {"content": content, "structuredContent": None},
        "error": {"message": clip(error)} if error else None,
        "durationMs": None if seconds is None else round(seconds * 1000),
    }


def output_item(item_id: str, output: Any) -> JsonObject | None:
    """Return the item of an output in a model's response, None for function calls and handoffs.

    Those get items when they are executed.
    """
    match getattr(output, "type", None) or (output.get("type") if isinstance(output, dict) else ""):
        case "message":
            return agent_message(item_id, _message_text(_value(output, "content")))
        case "reasoning":
            summary = [str(_value(part, "text")) for part in _value(output, "summary") or ()]
            content = [str(_value(part, "text")) for part in _value(output, "content") or ()]
            return reasoning(item_id, summary, content) if summary or content else None
        case "web_search_call":
            action = _value(output, "action")
            query = _value(action, "query") if action is not None else None
            return {"id": item_id, "type": "webSearch", "query": clip(str(query or ""))}
        case _:
            return None


def result_text(result: object) -> str:
    """Return the result of a tool as a text: its text content, or JSON.

    Of Codex's own tools it is the agent's answer. Images and files are only named: their data is
    no text.
    """
    match result:
        case str():
            return _string_text(result)
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return text
        case {"type": "image" | "input_image"}:
            return "(an image)"
        case {"type": "file" | "input_file", "filename": str(name)}:
            return f"(a file: {name})"
        case {"type": "file" | "input_file"}:
            return "(a file)"
        case list() | tuple():
            return "\n".join(result_text(one) for one in result)
        case _ if callable(dump := getattr(result, "model_dump", None)):
            return result_text(dump())
        case _:
            return json.dumps(result, default=str, ensure_ascii=False)


def _string_text(result: str) -> str:
    """Return a string, or the text in it where it is a result as JSON."""
    if not result.startswith(("{", "[")):
        return result
    match parse_arguments(result):
        case {"threadId": str(), "content": str(content), **rest} if not rest:
            return content
        case {"type": "text", "text": str(text)}:
            return text
        case [{"type": "text", "text": str()}, *_] as parts:
            return result_text(parts)
        case _:
            return result


def parse_arguments(text: str | None) -> object:
    """Parse the arguments of a call; returns the text itself if it is no JSON or too deep."""
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text
    return text if _is_too_deep(arguments) else arguments


def to_plain_json(value: object, depth: int = 0) -> object:
    """Return a value as JSON that all parsers read alike.

    Lone surrogates are replaced. Values that are nested too deep, and numbers that not every
    parser reads exactly, become texts: people must see the digits.
    """
    match value:
        case None | bool():
            return value
        case str():
            return replace_surrogates(value)
        case int() | float():
            return value if abs(value) <= _MAX_NUMBER else str(value)
        case dict() | list() | tuple() if depth >= _MAX_DEPTH:
            return to_plain_json(repr(value)[:MAX_CHARS])
        case dict():
            return {
                str(to_plain_json(str(key))): to_plain_json(one, depth + 1)
                for key, one in value.items()
            }
        case list() | tuple():
            return [to_plain_json(one, depth + 1) for one in value]
        case _:
            return to_plain_json(str(value))


def _bounded(arguments: object) -> object:
    text = json.dumps(arguments, default=str, ensure_ascii=False)
    return json.loads(text) if len(text) <= MAX_CHARS else clip(text)


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(_MAX_ARGUMENTS_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
    return bool(level)


def _parts(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _message_text(content: Any) -> str:
    parts = (_value(part, "text") or _value(part, "refusal") or "" for part in content or ())
    return "".join(str(part) for part in parts)


def _value(source: Any, name: str) -> Any:
    return source.get(name) if isinstance(source, dict) else getattr(source, name, None)
