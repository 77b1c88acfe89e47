"""What a role says and calls as items of Codex's kinds (`ThreadItem`), bounded. Pure."""

from __future__ import annotations

import json
from typing import Any

from codextui.jsonrpc.fields import JsonObject

CODEX_TOOLS = ("codex", "codex-reply")
"""The tools of Codex's own server."""

MOST_CHARS = 100_000
"""Characters of one text in an item."""

_LARGEST = 2**53
_DEEPEST = 40
_DEEPEST_ARGUMENTS = 30


def clip(text: str, most: int = MOST_CHARS) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def user_message(item_id: str, text: str) -> JsonObject:
    """What a role was given to read."""
    content = [{"type": "text", "text": clip(text)}]
    return {"id": item_id, "type": "userMessage", "content": content}


def agent_message(item_id: str, text: str) -> JsonObject:
    """What a role said."""
    return {"id": item_id, "type": "agentMessage", "text": clip(text)}


def reasoning(item_id: str, summary: list[str], content: list[str]) -> JsonObject:
    """What a role thought."""
    return {
        "id": item_id,
        "type": "reasoning",
        "summary": [clip(part) for part in summary],
        "content": [clip(part) for part in content],
    }


def tool_call(item_id: str, server: str, tool: str, arguments: object) -> JsonObject:
    """A call that has begun."""
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


def ended_call(
    call: JsonObject, result: object, *, seconds: float | None = None, error: str = ""
) -> JsonObject:
    """A call that is over: `error` says what went wrong, if anything did."""
    content = [{"type": "text", "text": clip(text_of(result))}]
    return {
        **call,
        "status": "failed" if error else "completed",
        "result": None if error else {"content": content, "structuredContent": None},
        "error": {"message": clip(error)} if error else None,
        "durationMs": None if seconds is None else round(seconds * 1000),
    }


def output_item(item_id: str, output: Any) -> JsonObject | None:
    """One of the outputs of a model's response; None for what is told when it is done.

    Function calls and handoffs are: they begin when they are made, not when the model wants them.
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


def text_of(result: object) -> str:
    """What a tool answered, as a text: its own, or JSON."""
    match result:
        case str():
            return result
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return text
        case list():
            return "\n".join(text_of(one) for one in result)
        case _:
            return json.dumps(result, default=str, ensure_ascii=False)


def arguments_of(text: str | None) -> object:
    """A call's arguments as the model wrote them, read where they are JSON of a common depth."""
    try:
        read = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text
    return text if _is_too_deep(read) else read


def plain(value: object, depth: int = 0) -> object:
    """A value as JSON that every reader takes as it is meant.

    Halves of characters are replaced. What is too deep, and numbers that JSON's readers do not
    agree about, become texts: a person must see the digits.
    """
    match value:
        case None | bool():
            return value
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case int() | float():
            return value if abs(value) <= _LARGEST else str(value)
        case dict() | list() | tuple() if depth >= _DEEPEST:
            return plain(repr(value)[:MOST_CHARS])
        case dict():
            return {str(plain(str(key))): plain(one, depth + 1) for key, one in value.items()}
        case list() | tuple():
            return [plain(one, depth + 1) for one in value]
        case _:
            return plain(str(value))


def _bounded(arguments: object) -> object:
    text = json.dumps(arguments, default=str, ensure_ascii=False)
    return json.loads(text) if len(text) <= MOST_CHARS else clip(text)


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST_ARGUMENTS):
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
