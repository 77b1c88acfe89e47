"""Reads transcript contents from Codex items (app-server's `ThreadItem`) and from events."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import structs

from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    ContextCompaction,
    ErrorMessage,
    FileChanges,
    GrowingText,
    Handoff,
    HandoffRefusal,
    ItemContent,
    Note,
    PlanText,
    Reasoning,
    Remark,
    RoleRequest,
    RunNote,
    SubAgentCall,
    ToolCall,
    UnknownItem,
    UserMessage,
    WarningMessage,
    WebSearch,
    clip,
)
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import FileChange
from codextui.protocol.sub_agents import parse_agent_call

MAX_MISSING = 200
"""Lines shown of a refused handoff."""


def read_item(item: JsonObject, *, is_steer: bool = False) -> ItemContent:
    """Read an item's content. Never raises: an item of unexpected shape becomes `UnknownItem`.

    Args:
        item: a `ThreadItem`.
        is_steer: whether a user message in it arrived while the turn was running.
    """
    kind = item.get("type")
    try:
        if kind == "userMessage":
            return _read_user_message(item, is_steer=is_steer)
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        return UnknownItem(str(kind), item) if reader is None else reader(item)
    except MessageInvalid:
        return UnknownItem(str(kind), item)


def read_note(msg: ev.Msg) -> Note | None:
    """Return the note that a transcript shows for `msg`, None if it shows none."""
    match msg:
        case ev.ErrorRaised(message, will_retry):
            return ErrorMessage(clip(message), will_retry)
        case ev.Warned(message):
            return WarningMessage(clip(message))
        case ev.HandedOff(source, target):
            return Handoff(source, target)
        case ev.HandoffRefused(source, target, missing):
            lines = tuple(clip(line) for line in missing[:MAX_MISSING])
            return HandoffRefusal(source, target, lines)
        case ev.RunNoted(kind, role, text):
            return RunNote(kind, role, clip(text))
        case ev.RoleRequested(action, text, by):
            return RoleRequest(action, clip(text), by)
        case ev.UnknownEvent(kind, payload):
            return UnknownItem(kind, payload)
        case _:
            return None


def _read_user_message(item: JsonObject, *, is_steer: bool) -> UserMessage:
    parts = (_input_text(part) for part in fields.objects(item, "content"))
    return UserMessage(clip("\n".join(parts)), is_steer)


def _input_text(part: JsonObject) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "localImage", "path": str(path)}:
            return f"[image {path}]"
        case {"type": str(kind), "name": str(name), "path": str(path)}:
            return f"[{kind} {name}: {path}]"
        case {"type": str(kind), "path": str(place)} | {"type": str(kind), "url": str(place)}:
            return f"[{kind} {place[:200]}]"
        case _:
            return f"[{str(part.get('type', 'unknown input'))[:200]}]"


def _read_agent_message(item: JsonObject) -> AgentMessage:
    return AgentMessage(GrowingText(fields.text_or(item, "text")))


def _read_reasoning(item: JsonObject) -> Reasoning:
    return Reasoning(
        [GrowingText(part) for part in fields.texts(item, "summary")],
        [GrowingText(part) for part in fields.texts(item, "content")],
    )


def _read_plan(item: JsonObject) -> PlanText:
    return PlanText(GrowingText(fields.text_or(item, "text")))


def _read_command(item: JsonObject) -> CommandExecution:
    return CommandExecution(
        command=clip(fields.text(item, "command")),
        status=fields.text_or(item, "status", "inProgress"),
        output=GrowingText(fields.text_or(item, "aggregatedOutput")),
        exit_code=fields.maybe_integer(item, "exitCode"),
        duration_ms=fields.maybe_integer(item, "durationMs"),
    )


def _read_file_changes(item: JsonObject) -> FileChanges:
    changes = tuple(_read_file_change(change) for change in fields.objects(item, "changes"))
    return FileChanges(changes, fields.text_or(item, "status", "inProgress"))


def _read_file_change(source: JsonObject) -> FileChange:
    kind = fields.as_object(source.get("kind"), "kind")
    return FileChange(
        path=fields.text(source, "path"),
        kind=fields.text(kind, "type"),
        diff=clip(fields.text_or(source, "diff")),
        move_path=fields.text_or(kind, "move_path"),
    )


def _read_mcp_call(item: JsonObject) -> ToolCall:
    error = item.get("error")
    return ToolCall(
        server=fields.text_or(item, "server"),
        tool=fields.text(item, "tool"),
        arguments=item.get("arguments"),
        status=fields.text_or(item, "status", "inProgress"),
        result=_read_mcp_result(item.get("result")),
        error="" if error is None else fields.text(fields.as_object(error, "error"), "message"),
        duration_ms=fields.maybe_integer(item, "durationMs"),
    )


def _read_mcp_result(result: Json) -> Json:
    """Return the result's text if it has only text parts, otherwise the result itself."""
    if not isinstance(result, dict):
        return result
    text = _join_texts(result.get("content"), "text")
    return result if text is None else clip(_answer_in(text))


def _answer_in(text: str) -> str:
    """Return what the agent answered in a result of `codex`, or else the whole text."""
    if not text.startswith('{"threadId":'):
        return text
    try:
        answer = msgspec.json.decode(text, type=_AgentAnswer)
    except msgspec.DecodeError:
        return text
    return answer.content


class _AgentAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The result of `codex` as a role's model reads it: JSON with these members alone."""

    threadId: str  # noqa: N815 - as it is sent
    content: str


def _read_dynamic_call(item: JsonObject) -> ToolCall:
    content = item.get("contentItems")
    text = _join_texts(content, "inputText")
    return ToolCall(
        server=fields.text_or(item, "namespace"),
        tool=fields.text(item, "tool"),
        arguments=item.get("arguments"),
        status=fields.text_or(item, "status", "inProgress"),
        result=content if text is None else clip(text),
        error="the tool said that it failed" if item.get("success") is False else "",
        duration_ms=fields.maybe_integer(item, "durationMs"),
    )


def _join_texts(content: Json, kind: str) -> str | None:
    """Join the parts if all of them are text of type `kind`, otherwise return None."""
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


def _read_agent_call(item: JsonObject) -> ItemContent:
    call = parse_agent_call(item)
    if call is None:
        return UnknownItem(str(item.get("type")), item)
    agents = tuple(structs.replace(one, message=clip(one.message)) for one in call.agents)
    return SubAgentCall(structs.replace(call, agents=agents, prompt=""), clip(call.prompt))


def _read_web_search(item: JsonObject) -> WebSearch:
    action = item.get("action")
    detail = {} if action is None else fields.as_object(action, "action")
    return WebSearch(
        query=fields.text_or(item, "query"),
        action=fields.text_or(detail, "type"),
        url=fields.text_or(detail, "url"),
        pattern=fields.text_or(detail, "pattern"),
    )


def _read_output(item: JsonObject) -> ToolCall:
    output = item.get("output")
    text = output if isinstance(output, str) else _join_texts(output, "inputText")
    return ToolCall(
        server=fields.text_or(item, "namespace"),
        tool=fields.text(item, "name"),
        status="completed",
        result=output if text is None else clip(text),
    )


def _read_image_view(item: JsonObject) -> Remark:
    return Remark(f"looked at the image {clip(fields.text(item, 'path'))}")


def _read_image_generation(item: JsonObject) -> Remark:
    """Read an image that the model made, without its data, which may be megabytes."""
    place = fields.text_or(item, "savedPath")
    failure = item.get("failure")
    what = "made an image" if failure is None else "could not make an image"
    parts = [f"{what}: {place}" if place else f"{what} ({fields.text(item, 'status')})"]
    if isinstance(failure, dict):
        parts.append(fields.text_or(failure, "type"))
    parts.append(clip(fields.text_or(item, "revisedPrompt")))
    return Remark("\n".join(part for part in parts if part))


def _read_sleep(item: JsonObject) -> Remark:
    return Remark(f"paused for {fields.integer_or(item, 'durationMs') / 1000:g} s")


def _read_hook_prompt(item: JsonObject) -> Remark:
    texts = (fields.text(fragment, "text") for fragment in fields.objects(item, "fragments"))
    return Remark(clip("a hook added to the prompt:\n" + "\n".join(texts)))


def _read_review(item: JsonObject) -> Remark:
    if item.get("type") == "exitedReviewMode":
        return Remark("the review is done")  # the message that follows has its text
    text = clip(fields.text_or(item, "review")).strip()
    return Remark(f"the review begins: {text}" if text else "the review begins")


_READERS: dict[str, Callable[[JsonObject], ItemContent]] = {
    "agentMessage": _read_agent_message,
    "reasoning": _read_reasoning,
    "plan": _read_plan,
    "commandExecution": _read_command,
    "fileChange": _read_file_changes,
    "mcpToolCall": _read_mcp_call,
    "dynamicToolCall": _read_dynamic_call,
    "collabAgentToolCall": _read_agent_call,
    "subAgentActivity": _read_agent_call,
    "webSearch": _read_web_search,
    "contextCompaction": lambda _: ContextCompaction(),
    "functionCallOutput": _read_output,
    "imageView": _read_image_view,
    "imageGeneration": _read_image_generation,
    "sleep": _read_sleep,
    "hookPrompt": _read_hook_prompt,
    "enteredReviewMode": _read_review,
    "exitedReviewMode": _read_review,
}
