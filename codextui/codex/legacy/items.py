"""Items of `codex mcp-server`, and the separate messages that it sent about each. Pure.

Beside `item_started` and `item_completed`, which carry an item, the old server sent messages of
older clients: `exec_command_begin` and `exec_command_end`, `agent_message`, and such.

Every function takes an item of app-server (`ThreadItem`) and raises MessageInvalid for a
malformed one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from codextui.codex.legacy import values
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject

LegacyMsg: TypeAlias = dict[str, Json]
"""The `msg` of a `codex/event`."""


def legacy_item(item: JsonObject, *, done: bool, auto_approved: bool = False) -> LegacyMsg:
    """Return an item with the names of the old server.

    A kind without a counterpart keeps its members, in snake case.

    Args:
        item: the item.
        done: whether it is completed, which adds its outcome.
        auto_approved: whether a file change needed no approval.
    """
    kind = fields.text(item, "type")
    head: LegacyMsg = {"type": kind[:1].upper() + kind[1:], "id": fields.text(item, "id")}
    if kind == "fileChange" and not done:
        return head | _file_change(item, done) | {"auto_approved": auto_approved}
    members = _ITEMS.get(kind)
    return head | (_unknown(item) if members is None else members(item, done))


def begin_msg(
    item: JsonObject, turn_id: str, started_at_ms: int, *, auto_approved: bool = False
) -> LegacyMsg:
    """Return the separate message at the start of an item, empty where there was none."""
    match item.get("type"):
        case "commandExecution":
            members = {"turn_id": turn_id, "started_at_ms": started_at_ms, **_command(item)}
            return _call("exec_command_begin", item) | members
        case "fileChange":
            changes = values.file_changes_by_path(item)
            members = {"turn_id": turn_id, "auto_approved": auto_approved, "changes": changes}
            return _call("patch_apply_begin", item) | members
        case "mcpToolCall":
            return _call("mcp_tool_call_begin", item) | _invocation(item)
        case "webSearch":
            return _call("web_search_begin", item)
        case _:
            return {}


def end_msgs(item: JsonObject, turn_id: str, completed_at_ms: int) -> list[LegacyMsg]:
    """Return the separate messages at the end of an item."""
    match item.get("type"):
        case "userMessage":
            return [_user_message(item)]
        case "agentMessage":
            return [_agent_message(item)]
        case "reasoning":
            return _reasoning_msgs(item)
        case "commandExecution":
            members = {"turn_id": turn_id, "completed_at_ms": completed_at_ms, **_command(item)}
            outcome = {**_outcome(item), "status": _status(item)}
            return [_call("exec_command_end", item) | members | outcome]
        case "fileChange":
            return [_patch_end(item, turn_id)]
        case "mcpToolCall":
            return [_tool_call_end(item)]
        case "webSearch":
            return [_call("web_search_end", item) | _web_search(item, True)]
        case "imageView":
            return [_call("view_image_tool_call", item) | _image(item, True)]
        case "contextCompaction":
            return [{"type": "context_compacted"}]
        case _:
            return []


def _call(kind: str, item: JsonObject) -> LegacyMsg:
    return {"type": kind, "call_id": fields.text(item, "id")}


def _status(item: JsonObject) -> str:
    return values.snake_case(fields.text(item, "status"))


def _user_message(item: JsonObject) -> LegacyMsg:
    parts = _user_content(item)

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


def _user_content(item: JsonObject) -> list[LegacyMsg]:
    return [_input_part(part) for part in fields.objects(item, "content")]


def _input_part(part: JsonObject) -> LegacyMsg:
    kind = values.snake_case(fields.text(part, "type"))
    renamed = dict(part) | {"type": kind}
    if kind in ("image", "audio") and "url" in renamed:
        renamed[f"{kind}_url"] = renamed.pop("url")
    if "text_elements" in renamed:
        renamed["text_elements"] = values.snake_keys(renamed["text_elements"])
    return renamed


def _agent_message(item: JsonObject) -> LegacyMsg:
    return {
        "type": "agent_message",
        "message": fields.text(item, "text"),
        "phase": item.get("phase"),
        "memory_citation": values.snake_keys(item.get("memoryCitation")),
    }


def _reasoning_msgs(item: JsonObject) -> list[LegacyMsg]:
    kinds = {"agent_reasoning": "summary", "agent_reasoning_raw_content": "content"}
    return [
        {"type": kind, "text": text}
        for kind, key in kinds.items()
        for text in fields.texts(item, key)
    ]


def _agent_message_item(item: JsonObject, _: bool) -> LegacyMsg:
    optional = {"phase": item.get("phase"), "memory_citation": item.get("memoryCitation")}
    content = [{"type": "Text", "text": fields.text(item, "text")}]
    return {"content": content, **values.without_nulls(optional)}


def _reasoning(item: JsonObject, _: bool) -> LegacyMsg:
    summary, content = fields.texts(item, "summary"), fields.texts(item, "content")
    return {"summary_text": list(summary), "raw_content": list(content)}


def _command(item: JsonObject) -> LegacyMsg:
    """Return the members that the begin, the end and the item of a command have in common."""
    process = {"process_id": item.get("processId")}
    return {
        **values.without_nulls(process),
        "command": values.split_command(fields.text(item, "command")),
        "cwd": values.file_uri(fields.text(item, "cwd")),
        "parsed_cmd": values.parsed_cmd(item),
        "source": values.snake_case(fields.text_or(item, "source", "agent")),
    }


def _outcome(item: JsonObject) -> LegacyMsg:
    """Return the outcome of a command. app-server merges its two streams."""
    output = fields.text_or(item, "aggregatedOutput")
    return {
        "stdout": output,
        "stderr": "",
        "aggregated_output": output,
        "exit_code": fields.integer_or(item, "exitCode", -1),
        "duration": values.duration(fields.integer_or(item, "durationMs")),
        "formatted_output": output,
    }


def _command_item(item: JsonObject, done: bool) -> LegacyMsg:
    members = _command(item) | {"status": _status(item)}
    return members | _outcome(item) if done else members


def _file_change(item: JsonObject, done: bool) -> LegacyMsg:
    changes: LegacyMsg = {"changes": values.file_changes_by_path(item)}
    return changes | {"status": _status(item), "stdout": "", "stderr": ""} if done else changes


def _patch_end(item: JsonObject, turn_id: str) -> LegacyMsg:
    change = _file_change(item, True)
    success = change["status"] == "completed"
    return _call("patch_apply_end", item) | {"turn_id": turn_id, "success": success} | change


def _invocation(item: JsonObject) -> LegacyMsg:
    call = {key: item.get(key) for key in ("server", "tool", "arguments")}
    hint = {"read_only_hint": item.get("readOnlyHint")}
    return {"invocation": call, **values.without_nulls(hint)}


def _tool_call(item: JsonObject, done: bool) -> LegacyMsg:
    members: LegacyMsg = {key: item.get(key) for key in ("server", "tool", "arguments")}
    optional = {"readOnlyHint": item.get("readOnlyHint"), "status": item.get("status")}
    members |= values.without_nulls(optional)
    if not done:
        return members
    outcome = {"result": _tool_result(item), "error": item.get("error")}
    return members | values.without_nulls(outcome) | {"duration": _tool_duration(item)}


def _tool_call_end(item: JsonObject) -> LegacyMsg:
    result = _tool_result(item)
    if result is None:
        error = fields.as_object(item.get("error") or {}, "error")
        outcome: LegacyMsg = {"Err": fields.text_or(error, "message")}
    else:
        outcome = {"Ok": result}
    result_members = {"duration": _tool_duration(item), "result": outcome}
    return _call("mcp_tool_call_end", item) | _invocation(item) | result_members


def _tool_duration(item: JsonObject) -> LegacyMsg:
    return values.duration(fields.integer_or(item, "durationMs"))


def _tool_result(item: JsonObject) -> LegacyMsg | None:
    """Return the result of a tool call. Only the status of the item says that it failed."""
    value = item.get("result")
    if value is None:
        return None
    result = values.without_nulls(fields.as_object(value, "result"))
    return result | {"isError": item.get("status") == "failed"}


def _web_search(item: JsonObject, _: bool) -> LegacyMsg:
    action = item.get("action")
    members: LegacyMsg = {"query": fields.text(item, "query")}
    if isinstance(action, dict):
        members["action"] = action | {"type": values.snake_case(fields.text(action, "type"))}
    return members


def _image(item: JsonObject, _: bool) -> LegacyMsg:
    return {"path": values.file_uri(fields.text(item, "path"))}


def _unknown(item: JsonObject) -> LegacyMsg:
    members = {values.snake_case(key): values.snake_keys(value) for key, value in item.items()}
    return {key: value for key, value in members.items() if key not in ("id", "type")}


_ITEMS: Mapping[str, Callable[[JsonObject, bool], LegacyMsg]] = {
    "userMessage": lambda item, _: {"content": _user_content(item)},
    "agentMessage": _agent_message_item,
    "reasoning": _reasoning,
    "commandExecution": _command_item,
    "fileChange": _file_change,
    "mcpToolCall": _tool_call,
    "webSearch": _web_search,
    "imageView": _image,
}
"""Returns the members of an item, and of its outcome where it is completed, by kind."""
