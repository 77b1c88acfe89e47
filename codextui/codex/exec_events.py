"""The events of `codex exec --json`, made from the events of one turn. Pure.

`codex exec` is itself a client of app-server, and shortens what that says: items are numbered anew
(`item_0`), carry fewer members, and some kinds are left out. Written for 0.163.0 and 0.171.0, whose
formats are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from codextui.codex.items import file_changes
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import Usage

ExecEvent: TypeAlias = dict[str, Any]
"""An event as it is printed, on a line of its own."""

WARNINGS = frozenset({"warning", "configWarning", "deprecationNotice", "model/rerouted"})
"""The notifications that `codex exec` prints as items of the type `error`."""

_UNNUMBERED_STARTS = ("agentMessage", "reasoning")
_FAILED = "turn failed"
_LOST = "the Codex process ended during the turn"


def thread_started(thread_id: str) -> ExecEvent:
    """Return the first event."""
    return {"type": "thread.started", "thread_id": thread_id}


@dataclass(slots=True)
class ExecTurn:
    """Translates the events of one turn.

    Attributes:
        final_message: the agent's last message, or the plan where it said nothing else; None
            before it, and where the turn did not complete.
        ended: whether the turn has ended.
        failed: whether `codex exec` would exit with 1.
        stopped_by: `interrupted` or `killed` where the turn ended so; empty otherwise.
    """

    final_message: str | None = None
    ended: bool = False
    failed: bool = False
    stopped_by: str = ""
    _count: int = 0
    _numbers: dict[str, str] = field(default_factory=dict)
    _todo: ExecEvent | None = None
    _usage: Usage = Usage()  # noqa: RUF009 - it is frozen
    _error: str = ""
    _plan: str = ""

    def translate(self, msg: ev.Msg) -> list[ExecEvent]:
        """Return what `codex exec` prints for an event, in order."""
        match msg:
            case ev.TurnStarted():
                return [{"type": "turn.started"}]
            case ev.ItemStarted(item):
                return self._start(item)
            case ev.ItemCompleted(item):
                return self._complete(item)
            case ev.PlanUpdated():
                return self._update_todo(msg)
            case ev.TokensCounted(total):
                self._usage = total
                return []
            case ev.Warned(kind=kind) if kind in WARNINGS:
                return [self._error_item(_with_details(msg.message, msg.details, " "))]
            case ev.ErrorRaised():
                return self._raise_error(msg)
            case ev.TurnCompleted() | ev.TurnAborted():
                return self._end(msg)
            case _:
                return []

    def _start(self, item: JsonObject) -> list[ExecEvent]:
        if item.get("type") in _UNNUMBERED_STARTS:
            return []
        item_id = str(item.get("id"))
        content = translate_item(item)
        if content is None:
            return []
        known = item_id in self._numbers
        if not known:
            self._numbers[item_id] = self._next_id()
        kind = "item.updated" if known else "item.started"
        return [{"type": kind, "item": {"id": self._numbers[item_id], **content}}]

    def _complete(self, item: JsonObject) -> list[ExecEvent]:
        content = translate_item(item)
        if item.get("type") == "plan":
            self._plan = _text(item)
        if content is None:
            return []
        if content["type"] == "agent_message":
            self.final_message = content["text"]
        number = self._numbers.pop(str(item.get("id")), "") or self._next_id()
        return [{"type": "item.completed", "item": {"id": number, **content}}]

    def _update_todo(self, plan: ev.PlanUpdated) -> list[ExecEvent]:
        """The plan is one item, which completes with the turn."""
        kind = "item.started" if self._todo is None else "item.updated"
        number = self._next_id() if self._todo is None else self._todo["id"]
        steps = [{"text": step.step, "completed": step.status == "completed"} for step in plan.plan]
        self._todo = {"id": number, "type": "todo_list", "items": steps}
        return [{"type": kind, "item": self._todo}]

    def _error_item(self, message: str) -> ExecEvent:
        item = {"id": self._next_id(), "type": "error", "message": message}
        return {"type": "item.completed", "item": item}

    def _raise_error(self, error: ev.ErrorRaised) -> list[ExecEvent]:
        self._error = _with_details(error.message, error.details, "\n")
        self.failed = self.failed or not error.will_retry
        return [{"type": "error", "message": self._error}]

    def _end(self, end: ev.TurnCompleted | ev.TurnAborted) -> list[ExecEvent]:
        self.ended = True
        events: list[ExecEvent] = []
        if self._todo is not None:
            events.append({"type": "item.completed", "item": self._todo})
        match end:
            case ev.TurnCompleted(last):
                self.final_message = last or self.final_message or self._plan or None
                events.append({"type": "turn.completed", "usage": usage_to_json(self._usage)})
            case ev.TurnAborted("interrupted" | "killed" as reason):
                self.final_message, self.failed, self.stopped_by = None, True, reason
            case ev.TurnAborted(reason):
                self.final_message, self.failed = None, True
                unsaid = _LOST if reason == "lost" else self._error or _FAILED
                message = _with_details(end.message, end.details, "\n") or unsaid
                events.append({"type": "turn.failed", "error": {"message": message}})
        return events

    def _next_id(self) -> str:
        number = self._count
        self._count += 1
        return f"item_{number}"


def usage_to_json(usage: Usage) -> ExecEvent:
    """Return tokens in the names of `codex exec`; they are those of the thread's whole life."""
    return {
        "input_tokens": usage.input,
        "cached_input_tokens": usage.cached_input,
        "cache_write_input_tokens": usage.cache_write,
        "output_tokens": usage.output,
        "reasoning_output_tokens": usage.reasoning,
    }


def translate_item(item: JsonObject) -> ExecEvent | None:
    """Return an item of app-server without its id; None where `codex exec` leaves it out."""
    translate = _ITEMS.get(str(item.get("type")))
    return None if translate is None else translate(item)


def _with_details(message: str, details: str, separator: str) -> str:
    """Return a message whose details, which are its end, are in brackets."""
    if not details:
        return message
    return f"{message.removesuffix(separator + details)} ({details})"


def _agent_message(item: JsonObject) -> ExecEvent:
    return {"type": "agent_message", "text": _text(item)}


def _text(item: JsonObject) -> str:
    text = item.get("text")
    return text if isinstance(text, str) else ""


def _reasoning(item: JsonObject) -> ExecEvent | None:
    summary = item.get("summary")
    text = "\n".join(map(str, summary)) if isinstance(summary, list) else ""
    return {"type": "reasoning", "text": text} if text.strip() else None


def _command(item: JsonObject) -> ExecEvent:
    return {
        "type": "command_execution",
        "command": item.get("command"),
        "aggregated_output": item.get("aggregatedOutput") or "",
        "exit_code": item.get("exitCode"),
        "status": _snake(item.get("status")),
    }


def _file_change(item: JsonObject) -> ExecEvent:
    status = _snake(item.get("status"))
    return {
        "type": "file_change",
        "changes": [{"path": change.path, "kind": change.kind} for change in file_changes(item)],
        "status": "failed" if status == "declined" else status,
    }


def _mcp_tool_call(item: JsonObject) -> ExecEvent:
    result, error = item.get("result"), item.get("error")
    return {
        "type": "mcp_tool_call",
        "server": item.get("server"),
        "tool": item.get("tool"),
        "arguments": item.get("arguments"),
        "result": _mcp_result(result) if isinstance(result, dict) else None,
        "error": {"message": error.get("message")} if isinstance(error, dict) else None,
        "status": _snake(item.get("status")),
    }


def _mcp_result(result: JsonObject) -> ExecEvent:
    meta = {} if result.get("_meta") is None else {"_meta": result["_meta"]}
    return {
        "content": result.get("content"),
        **meta,
        "structured_content": result.get("structuredContent"),
    }


def _collab_tool_call(item: JsonObject) -> ExecEvent:
    states = item.get("agentsStates")
    return {
        "type": "collab_tool_call",
        "tool": _COLLAB_TOOLS.get(str(item.get("tool")), _snake(item.get("tool"))),
        "sender_thread_id": item.get("senderThreadId"),
        "receiver_thread_ids": item.get("receiverThreadIds"),
        "prompt": item.get("prompt"),
        "agents_states": {
            thread_id: {"status": _snake(state.get("status")), "message": state.get("message")}
            for thread_id, state in (states.items() if isinstance(states, dict) else ())
            if isinstance(state, dict)
        },
        "status": _snake(item.get("status")),
    }


def _web_search(item: JsonObject) -> ExecEvent:
    # `codex exec` prints two members `id`, the item's number and this one: readers take the last.
    return {
        "type": "web_search",
        "id": item.get("id"),
        "query": item.get("query"),
        "action": _web_action(item.get("action")),
    }


def _web_action(action: Json) -> Json:
    if not isinstance(action, dict):
        return {"type": "other"}
    return {
        key: _snake(value) if key == "type" else value
        for key, value in action.items()
        if value is not None
    }


def _snake(word: Json) -> Json:
    """Return a word of app-server (`inProgress`) as `codex exec` writes it (`in_progress`)."""
    if not isinstance(word, str):
        return word
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in word)


_COLLAB_TOOLS = {"resumeAgent": "wait"}

_ITEMS: Mapping[str, Callable[[JsonObject], ExecEvent | None]] = {
    "agentMessage": _agent_message,
    "reasoning": _reasoning,
    "commandExecution": _command,
    "fileChange": _file_change,
    "mcpToolCall": _mcp_tool_call,
    "collabAgentToolCall": _collab_tool_call,
    "webSearch": _web_search,
}
"""The items that `codex exec` prints."""
