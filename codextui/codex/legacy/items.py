"""app-server's items as `codex mcp-server` told them, and the messages that came with them. Pure.

Every function raises WireInvalid where the item has a wrong shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from codextui.codex.legacy import words
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject

Msg: TypeAlias = dict[str, Json]
"""The `msg` of a `codex/event`."""

_Read: TypeAlias = Callable[[JsonObject, bool], Msg]


def legacy_item(item: JsonObject, *, done: bool, auto_approved: bool = False) -> Msg:
    """Return an item under its old name with its old members.

    A kind that is not known here keeps its members, in snake case.

    Args:
        item: app-server's `ThreadItem`.
        done: whether the item is completed, which adds what came of it.
        auto_approved: whether nobody was asked about a file change.
    """
    kind = fields.text(item, "type")
    head: Msg = {"type": kind[:1].upper() + kind[1:], "id": fields.text(item, "id")}
    if kind == "fileChange" and not done:
        return head | _file_change(item, done) | {"auto_approved": auto_approved}
    read = _ITEMS.get(kind)
    return head | (_unknown(item) if read is None else read(item, done))


def begin(item: JsonObject, turn_id: str, started: int, *, auto_approved: bool = False) -> Msg:
    """Return the message that told the begin of an item by itself; empty where there was none."""
    match item.get("type"):
        case "commandExecution":
            what = {"turn_id": turn_id, "started_at_ms": started, **_command(item)}
            return _call("exec_command_begin", item) | what
        case "fileChange":
            changes = words.file_changes_by_path(item)
            what = {"turn_id": turn_id, "auto_approved": auto_approved, "changes": changes}
            return _call("patch_apply_begin", item) | what
        case "mcpToolCall":
            return _call("mcp_tool_call_begin", item) | _invocation(item)
        case "webSearch":
            return _call("web_search_begin", item)
        case _:
            return {}


def end(item: JsonObject, turn_id: str, completed: int) -> list[Msg]:
    """Return the messages that told the end of an item by themselves."""
    match item.get("type"):
        case "userMessage":
            return [_user_message(item)]
        case "agentMessage":
            return [_agent_message(item)]
        case "reasoning":
            return _reasons(item)
        case "commandExecution":
            what = {"turn_id": turn_id, "completed_at_ms": completed, **_command(item)}
            result = {**_outcome(item), "status": _status(item)}
            return [_call("exec_command_end", item) | what | result]
        case "fileChange":
            return [_patch_end(item, turn_id)]
        case "mcpToolCall":
            return [_tool_end(item)]
        case "webSearch":
            return [_call("web_search_end", item) | _web_search(item, True)]
        case "imageView":
            return [_call("view_image_tool_call", item) | _image(item, True)]
        case "contextCompaction":
            return [{"type": "context_compacted"}]
        case _:
            return []


def user_content(item: JsonObject) -> list[Msg]:
    """Return what a user message holds, under the old names."""
    return [_input(part) for part in fields.objects(item, "content")]


def _call(kind: str, item: JsonObject) -> Msg:
    return {"type": kind, "call_id": fields.text(item, "id")}


def _status(item: JsonObject) -> str:
    return words.snake(fields.text(item, "status"))


def _input(part: JsonObject) -> Msg:
    kind = words.snake(fields.text(part, "type"))
    known = dict(part) | {"type": kind}
    if kind in ("image", "audio") and "url" in known:
        known[f"{kind}_url"] = known.pop("url")
    if "text_elements" in known:
        known["text_elements"] = words.snake_keys(known["text_elements"])
    return known


def _user_message(item: JsonObject) -> Msg:
    parts = user_content(item)

    def each(kind: str, key: str) -> list[Json]:
        return [part.get(key) for part in parts if part["type"] == kind]

    elements = [
        element for part in parts for element in fields.as_array(part.get("text_elements"), "text")
    ]
    return {
        "type": "user_message",
        "message": "".join(str(text) for text in each("text", "text")),
        "images": each("image", "image_url"),
        "local_images": each("local_image", "path"),
        "audio": each("audio", "audio_url"),
        "local_audio": each("local_audio", "path"),
        "text_elements": elements,
    }


def _agent_message(item: JsonObject) -> Msg:
    return {
        "type": "agent_message",
        "message": fields.text(item, "text"),
        "phase": item.get("phase"),
        "memory_citation": words.snake_keys(item.get("memoryCitation")),
    }


def _reasons(item: JsonObject) -> list[Msg]:
    kinds = {"agent_reasoning": "summary", "agent_reasoning_raw_content": "content"}
    return [
        {"type": kind, "text": text}
        for kind, key in kinds.items()
        for text in fields.texts(item, key)
    ]


def _message(item: JsonObject, _: bool) -> Msg:
    told = {"phase": item.get("phase"), "memory_citation": item.get("memoryCitation")}
    content = [{"type": "Text", "text": fields.text(item, "text")}]
    return {"content": content, **words.without_nulls(told)}


def _reasoning(item: JsonObject, _: bool) -> Msg:
    summary, content = fields.texts(item, "summary"), fields.texts(item, "content")
    return {"summary_text": list(summary), "raw_content": list(content)}


def _command(item: JsonObject) -> Msg:
    """What begin, end and item of a command all tell."""
    process = {"process_id": item.get("processId")}
    return {
        **words.without_nulls(process),
        "command": words.split_command(fields.text(item, "command")),
        "cwd": words.file_uri(fields.text(item, "cwd")),
        "parsed_cmd": words.parsed_command(item),
        "source": words.snake(fields.text_or(item, "source", "agent")),
    }


def _outcome(item: JsonObject) -> Msg:
    """What came of a command; app-server does not tell its two streams apart."""
    output = fields.text_or(item, "aggregatedOutput")
    return {
        "stdout": output,
        "stderr": "",
        "aggregated_output": output,
        "exit_code": fields.integer_or(item, "exitCode", -1),
        "duration": words.duration(fields.integer_or(item, "durationMs")),
        "formatted_output": output,
    }


def _command_item(item: JsonObject, done: bool) -> Msg:
    known = _command(item) | {"status": _status(item)}
    return known | _outcome(item) if done else known


def _file_change(item: JsonObject, done: bool) -> Msg:
    changes: Msg = {"changes": words.file_changes_by_path(item)}
    return changes | {"status": _status(item), "stdout": "", "stderr": ""} if done else changes


def _patch_end(item: JsonObject, turn_id: str) -> Msg:
    told = _file_change(item, True)
    success = told["status"] == "completed"
    return _call("patch_apply_end", item) | {"turn_id": turn_id, "success": success} | told


def _invocation(item: JsonObject) -> Msg:
    call = {key: item.get(key) for key in ("server", "tool", "arguments")}
    hint = {"read_only_hint": item.get("readOnlyHint")}
    return {"invocation": call, **words.without_nulls(hint)}


def _tool_call(item: JsonObject, done: bool) -> Msg:
    known: Msg = {key: item.get(key) for key in ("server", "tool", "arguments")}
    told = {"readOnlyHint": item.get("readOnlyHint"), "status": item.get("status")}
    known |= words.without_nulls(told)
    if not done:
        return known
    came = {"result": _tool_result(item), "error": item.get("error")}
    return known | words.without_nulls(came) | {"duration": _tool_duration(item)}


def _tool_end(item: JsonObject) -> Msg:
    result = _tool_result(item)
    if result is None:
        error = fields.as_object(item.get("error") or {}, "error")
        outcome: Msg = {"Err": fields.text_or(error, "message")}
    else:
        outcome = {"Ok": result}
    told = {"duration": _tool_duration(item), "result": outcome}
    return _call("mcp_tool_call_end", item) | _invocation(item) | told


def _tool_duration(item: JsonObject) -> Msg:
    return words.duration(fields.integer_or(item, "durationMs"))


def _tool_result(item: JsonObject) -> Msg | None:
    """The result of a tool; that it failed is told by the item's status alone."""
    value = item.get("result")
    if value is None:
        return None
    result = words.without_nulls(fields.as_object(value, "result"))
    return result | {"isError": item.get("status") == "failed"}


def _web_search(item: JsonObject, _: bool) -> Msg:
    action = item.get("action")
    told: Msg = {"query": fields.text(item, "query")}
    if isinstance(action, dict):
        told["action"] = action | {"type": words.snake(fields.text(action, "type"))}
    return told


def _image(item: JsonObject, _: bool) -> Msg:
    return {"path": words.file_uri(fields.text(item, "path"))}


def _unknown(item: JsonObject) -> Msg:
    known = {words.snake(key): words.snake_keys(value) for key, value in item.items()}
    return {key: value for key, value in known.items() if key not in ("id", "type")}


_ITEMS: Mapping[str, _Read] = {
    "userMessage": lambda item, _: {"content": user_content(item)},
    "agentMessage": _message,
    "reasoning": _reasoning,
    "commandExecution": _command_item,
    "fileChange": _file_change,
    "mcpToolCall": _tool_call,
    "webSearch": _web_search,
    "imageView": _image,
}
"""The kinds whose members were named otherwise, or that had members of their own."""
