"""What happens on a thread, as a line for a person who waits for it. Pure."""

from __future__ import annotations

import json

from codextui.wire import event as ev
from codextui.wire.approval import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.wire.decision import Approved, Scope, decision_word
from codextui.wire.fields import Json, JsonObject

MAX_SHOWN = 160
"""Characters of a command, a message or a question that are shown."""

_DECIDED = {
    **{decision_word(Approved(scope)): "approved" for scope in Scope},
    "denied": "declined",
    "abort": "declined, and the turn stopped",
    "answered": "answered",
}


def tell_msg(msg: ev.Msg) -> str:
    """What just happened; empty for what is not worth a line."""
    match msg:
        case ev.TurnStarted():
            return "works"
        case ev.ItemStarted(item):
            return _started(item)
        case ev.ItemCompleted(item):
            return _completed(item)
        case ev.ApprovalAsked(approval):
            return f"waits for a decision: {tell_asked(approval.asked)}"
        case ev.ApprovalResolved(approval_id, outcome, by):
            word = _DECIDED.get(outcome, outcome)
            return f"{approval_id} was {word} by {_line(by)}" if by else f"{approval_id}: {word}"
        case ev.ErrorRaised(message) | ev.Warned(message):
            return _line(message)
        case _:
            return ""


def tell_asked(asked: Asked) -> str:
    """What is asked, as a question."""
    match asked:
        case CommandAsked(command):
            return f"May Codex run `{_line(command)}`?"
        case PatchAsked(changes):
            return f"May Codex change {_line(', '.join(one.path for one in changes)) or 'files'}?"
        case PermissionsAsked(reason=reason):
            return f"May Codex have more permissions? {_line(reason)}".strip()
        case QuestionsAsked(questions):
            return _line(" ".join(one.question for one in questions))
        case ElicitationAsked(server, message=message):
            return _line(f"{server} asks: {message}")
        case ToolAsked(tool, arguments, server):
            name = _line(f"{server}.{tool}" if server else tool)
            return f"May the tool {name} be called with {_line(json.dumps(arguments))}?"
        case UnknownAsked(method):
            return f"Codex asks {_line(method)}, which can only be declined."


def _started(item: JsonObject) -> str:
    match item.get("type"):
        case "commandExecution":
            return f"runs `{_line(item.get('command'))}`"
        case "fileChange":
            return f"changes {_paths(item)}"
        case "mcpToolCall":
            return f"calls {_tool(item)}"
        case "webSearch":
            return f"searches the web: {_line(item.get('query'))}".rstrip(": ")
        case "agentMessage":
            return "speaks"
        case "reasoning":
            return "thinks"
        case "userMessage":
            return ""
        case kind:
            return f"began: {_line(kind)}"


def _completed(item: JsonObject) -> str:
    match item.get("type"):
        case "commandExecution":
            code = item.get("exitCode")
            ended = f" (exit code {code})" if isinstance(code, int) else ""
            return f"ran `{_line(item.get('command'))}`{ended}"
        case "fileChange":
            return f"changed {_paths(item)}"
        case "mcpToolCall":
            return f"called {_tool(item)}"
        case "agentMessage":
            return f"said: {_line(item.get('text'))}"
        case "userMessage":
            return ""
        case "reasoning":
            return "thought"
        case kind:
            return f"ended: {_line(kind)}"


def _tool(item: JsonObject) -> str:
    return _line(f"{item.get('server')}.{item.get('tool')}")


def _paths(item: JsonObject) -> str:
    changes = item.get("changes")
    listed = changes if isinstance(changes, list) else []
    paths = [str(one.get("path")) for one in listed if isinstance(one, dict)]
    return _line(", ".join(paths)) or "files"


def _line(text: Json) -> str:
    """One line that no control character of its is in, shortened."""
    clean = " ".join(str(text if text is not None else "")[: 4 * MAX_SHOWN].split())
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in clean)
    return clean if len(clean) <= MAX_SHOWN else f"{clean[: MAX_SHOWN - 1]}…"
