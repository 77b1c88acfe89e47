"""Items as Codex sends them (`ThreadItem` of codex app-server), read into bodies."""

from __future__ import annotations

import json
from collections.abc import Callable

from codextui.console.model import items as b
from codextui.console.model.items import LIMIT, GrowingText
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Asked, CommandAsked, FileChange, PatchAsked, ToolAsked


def read_body(item: JsonObject, *, steer: bool = False) -> b.Body:
    """Read an item's body. Never raises: what does not have its kind's shape is `Unknown`.

    Args:
        item: a `ThreadItem`.
        steer: whether a user's message in it came while the turn was running.
    """
    kind = item.get("type")
    if kind == "userMessage":
        return _guarded(lambda source: _read_user(source, steer=steer), item)
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    return b.Unknown(str(kind), item) if reader is None else _guarded(reader, item)


def clip(text: str) -> str:
    """At most `LIMIT` characters of `text`, and in that case a line that says how many are not."""
    if len(text) <= LIMIT:
        return text
    return f"{text[:LIMIT]}\n… {len(text) - LIMIT:,} more characters are not kept here"


def clip_change(change: FileChange) -> FileChange:
    """A change with its diff clipped."""
    if len(change.diff) <= LIMIT:
        return change
    return FileChange(change.path, change.kind, clip(change.diff), change.move_path)


def weigh(body: b.Body) -> int:
    """Characters that a body holds, about."""
    match body:
        case b.AgentMessage(text=text) | b.PlanText(text=text):
            return len(text)
        case b.Reasoning(summary, raw):
            return sum(len(part) for part in (*summary, *raw))
        case b.CommandRun():
            return len(body.command) + len(body.output)
        case b.FileChanges(changes):
            return sum(len(change.path) + len(change.diff) for change in changes)
        case b.UserMessage(text=str(words)) | b.RoleRequest(text=str(words)):
            return len(words)
        case b.ApprovalMark(approval):
            return _weigh_asked(approval.asked)
        case b.ToolCall():
            return _weigh_json(body.arguments) + _weigh_json(body.result)
        case b.Unknown(_, payload):
            return _weigh_json(payload)
        case _:
            return _weigh_note(body)


def _weigh_note(body: b.Body) -> int:
    match body:
        case b.Failure(message=str(words)) | b.Caution(message=words) | b.RunNote(text=words):
            return len(words)
        case b.HandoffRefusal(missing=missing):
            return sum(len(line) for line in missing)
        case _:
            return 0


def _weigh_asked(asked: Asked) -> int:
    match asked:
        case CommandAsked(command):
            return len(command)
        case PatchAsked(changes):
            return sum(len(change.diff) for change in changes)
        case ToolAsked(arguments=arguments):
            return _weigh_json(arguments)
        case _:
            return 0


def _weigh_json(value: Json) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, default=str))


def _guarded(reader: Callable[[JsonObject], b.Body], item: JsonObject) -> b.Body:
    try:
        return reader(item)
    except MessageInvalid:
        return b.Unknown(str(item.get("type")), item)


def _read_user(item: JsonObject, *, steer: bool) -> b.UserMessage:
    parts = (_input_text(part) for part in fields.objects(item, "content"))
    return b.UserMessage(clip("\n".join(parts)), steer)


def _input_text(part: JsonObject) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": str(kind), "name": str(name), "path": str(path)}:
            return f"[{kind} {name}: {path}]"
        case {"type": str(kind), "path": str(place)} | {"type": str(kind), "url": str(place)}:
            return f"[{kind} {place[:200]}]"
        case _:
            return f"[{str(part.get('type', 'unknown input'))[:200]}]"


def _read_agent(item: JsonObject) -> b.AgentMessage:
    return b.AgentMessage(GrowingText(fields.text_or(item, "text")), fields.text_or(item, "phase"))


def _read_reasoning(item: JsonObject) -> b.Reasoning:
    return b.Reasoning(
        [GrowingText(part) for part in fields.texts(item, "summary")],
        [GrowingText(part) for part in fields.texts(item, "content")],
    )


def _read_plan(item: JsonObject) -> b.PlanText:
    return b.PlanText(GrowingText(fields.text_or(item, "text")))


def _read_command(item: JsonObject) -> b.CommandRun:
    return b.CommandRun(
        command=clip(fields.text(item, "command")),
        cwd=fields.text_or(item, "cwd"),
        status=fields.text_or(item, "status", "inProgress"),
        output=GrowingText(fields.text_or(item, "aggregatedOutput")),
        exit_code=fields.maybe_integer(item, "exitCode"),
        duration_ms=fields.maybe_integer(item, "durationMs"),
        source=fields.text_or(item, "source"),
    )


def _read_changes(item: JsonObject) -> b.FileChanges:
    changes = tuple(_read_change(change) for change in fields.objects(item, "changes"))
    return b.FileChanges(changes, fields.text_or(item, "status", "inProgress"))


def _read_change(source: JsonObject) -> FileChange:
    kind = fields.as_object(source.get("kind"), "kind")
    return FileChange(
        path=fields.text(source, "path"),
        kind=fields.text(kind, "type"),
        diff=clip(fields.text_or(source, "diff")),
        move_path=fields.text_or(kind, "move_path"),
    )


def _read_mcp_call(item: JsonObject) -> b.ToolCall:
    error = item.get("error")
    return b.ToolCall(
        server=fields.text_or(item, "server"),
        tool=fields.text(item, "tool"),
        arguments=item.get("arguments"),
        status=fields.text_or(item, "status", "inProgress"),
        result=_mcp_result(item.get("result")),
        error="" if error is None else fields.text(fields.as_object(error, "error"), "message"),
        duration_ms=fields.maybe_integer(item, "durationMs"),
    )


def _mcp_result(result: Json) -> Json:
    """The text of a result where it is text alone, else the result as it came."""
    if not isinstance(result, dict):
        return result
    texts = _texts(result.get("content"), "text")
    return result if texts is None else clip(texts)


def _read_dynamic_call(item: JsonObject) -> b.ToolCall:
    content = item.get("contentItems")
    texts = _texts(content, "inputText")
    return b.ToolCall(
        server=fields.text_or(item, "namespace"),
        tool=fields.text(item, "tool"),
        arguments=item.get("arguments"),
        status=fields.text_or(item, "status", "inProgress"),
        result=content if texts is None else clip(texts),
        error="the tool said that it failed" if item.get("success") is False else "",
        duration_ms=fields.maybe_integer(item, "durationMs"),
    )


def _texts(content: Json, kind: str) -> str | None:
    """The parts joined where all are text of `kind`, else None."""
    if not isinstance(content, list) or not content:
        return None
    texts: list[str] = []
    for part in content:
        match part:
            case {"type": str(found), "text": str(text)} if found == kind:
                texts.append(text)
            case _:
                return None
    return "\n".join(texts)


def _read_search(item: JsonObject) -> b.WebSearch:
    action = item.get("action")
    detail = {} if action is None else fields.as_object(action, "action")
    return b.WebSearch(
        query=fields.text_or(item, "query"),
        action=fields.text_or(detail, "type"),
        url=fields.text_or(detail, "url"),
        pattern=fields.text_or(detail, "pattern"),
    )


_READERS: dict[str, Callable[[JsonObject], b.Body]] = {
    "agentMessage": _read_agent,
    "reasoning": _read_reasoning,
    "plan": _read_plan,
    "commandExecution": _read_command,
    "fileChange": _read_changes,
    "mcpToolCall": _read_mcp_call,
    "dynamicToolCall": _read_dynamic_call,
    "webSearch": _read_search,
    "contextCompaction": lambda _: b.Compaction(),
}


MAX_MISSING = 200
"""Lines of a refused handoff that are kept."""


def note_of(msg: ev.Msg) -> b.Note | None:
    """What a transcript shows of a message; None where that is nothing."""
    match msg:
        case ev.ErrorRaised(message, will_retry):
            return b.Failure(clip(message), will_retry)
        case ev.Warned(message):
            return b.Caution(clip(message))
        case ev.HandedOff(source, target):
            return b.Handoff(source, target)
        case ev.HandoffRefused(source, target, missing):
            lines = tuple(clip(line) for line in missing[:MAX_MISSING])
            return b.HandoffRefusal(source, target, lines)
        case ev.RunNoted(kind, role, text):
            return b.RunNote(kind, role, clip(text))
        case ev.RoleRequested(action, text, by):
            return b.RoleRequest(action, clip(text), by)
        case ev.UnknownEvent(kind, payload):
            return b.Unknown(kind, payload)
        case _:
            return None
