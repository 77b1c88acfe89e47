"""Prints a demo's report: lines of text or JSON, made from the server's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approval_text import format_request
from codextui.protocol.approvals import Approval, asked_to_json, kind_of
from codextui.text.sanitize import dump_json

FIRST_LINES, LAST_LINES = 4, 8
"""Lines printed from the start and the end of a command's output; the JSON has all of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report.

    Attributes:
        kind: what happened, e.g. `said` or `ran`: `kind` in JSON.
        text: the text to print, of one or more lines.
        thread: the handle of the thread it is about; "" for none.
        data: more members of the JSON object.
    """

    kind: str
    text: str
    thread: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)


class Report:
    """Prints lines as text, or as one JSON object each, and flushes after every one."""

    def __init__(self, out: TextIO, *, json_lines: bool) -> None:
        self._out = out
        self._json_lines = json_lines

    def print(self, line: Line) -> None:
        """Print a line."""
        print(_as_json(line) if self._json_lines else _as_text(line), file=self._out, flush=True)


def _as_json(line: Line) -> str:
    thread = {"thread": line.thread} if line.thread else {}
    return dump_json({"kind": line.kind, **thread, "text": line.text, **line.data})


def _as_text(line: Line) -> str:
    first, *rest = [escape_unprintable(part) for part in line.text.splitlines()] or [""]
    head = f"{escape_unprintable(line.thread) or 'demo':<8} {first}"
    return "\n".join([head, *(f"{'':<8} {part}" for part in rest)]).rstrip()


def escape_unprintable(text: str) -> str:
    r"""Return the text with everything that could control a terminal escaped (`\x1b`)."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text.expandtabs()
    )


class EventFormatter:
    """Makes lines from events; the threads' handles are taken from them too."""

    def __init__(self) -> None:
        self._handles: dict[str, str] = {}

    def format(self, event: ev.Event) -> Line | None:
        """Return the line for an event; None if there is nothing to print for it."""
        thread = self._handles.get(event.thread_id, event.thread_id)
        match event.msg:
            case ev.ThreadChanged(row):
                return self._format_thread(row.thread_id, row.handle)
            case ev.ItemStarted(item):
                return _format_started(item, thread)
            case ev.ItemCompleted(item):
                return _format_completed(item, thread)
            case ev.TurnCompleted():
                return Line("turn_completed", "The turn is complete.", thread)
            case ev.TurnAborted(reason, message):
                text = f"The turn ended early ({reason}). {message}".strip()
                return Line("turn_aborted", text, thread, {"reason": reason})
            case ev.ApprovalResolved(approval_id, outcome, by):
                return Line(
                    "resolved",
                    f"{approval_id}: {outcome} by {by or 'nobody'}",
                    thread,
                    {"approval": approval_id, "outcome": outcome, "by": by},
                )
            case msg:
                return _format_notice(msg, thread)

    def _format_thread(self, thread_id: str, handle: str) -> Line | None:
        if self._handles.get(thread_id) == handle:
            return None
        self._handles[thread_id] = handle
        return Line("thread", f"is thread {thread_id}", handle, {"thread_id": thread_id})


def _format_notice(msg: ev.Msg, thread: str) -> Line | None:
    match msg:
        case ev.ErrorRaised(message):
            return Line("error", f"Error: {message}", thread)
        case ev.Warned(message):
            return Line("warning", f"Warning: {message}", thread)
        case ev.CodexReady(version):
            return Line("codex", f"Codex {version} is up.", data={"version": version})
        case ev.CodexLost(message):
            return Line("codex_lost", message)
        case _:
            return None


def format_approval(approval: Approval) -> Line:
    """Return the line that shows the whole request for an approval."""
    text = f"asks ({approval.approval_id}):\n{_indent(format_request(approval.asked))}"
    data: dict[str, Json] = {
        "approval": approval.approval_id,
        "asks": kind_of(approval.asked),
        "asked": asked_to_json(approval.asked),
    }
    return Line("asked", text, approval.handle, data)


def _format_started(item: JsonObject, thread: str) -> Line | None:
    match item:
        case {"type": "commandExecution", "command": str(command)}:
            return Line("runs", f"runs: {command}", thread, {"command": command})
        case _:
            return None


def _format_completed(item: JsonObject, thread: str) -> Line | None:
    match item:
        case {"type": "userMessage", "content": [*parts]}:
            texts = [part.get("text", "") for part in parts if isinstance(part, Mapping)]
            return Line("prompted", f"is asked: {' '.join(map(str, texts))}", thread)
        case {"type": "agentMessage", "text": str(text)}:
            return Line("said", f"says:\n{_indent(text)}", thread, {"message": text})
        case {"type": "commandExecution"}:
            return _format_command(item, thread)
        case {"type": "fileChange", "changes": [*changes], "status": status}:
            paths = [str(c.get("path")) for c in changes if isinstance(c, Mapping)]
            text = f"changes {', '.join(paths)}: {status}"
            return Line("changed", text, thread, {"paths": paths, "status": status})
        case _:
            return None


def _format_command(item: JsonObject, thread: str) -> Line:
    code = item.get("exitCode")
    output = str(item.get("aggregatedOutput") or "")
    shown = _shorten(output.splitlines())
    text = f"exit code {code}" if code is not None else f"not run ({item.get('status')})"
    data: dict[str, Json] = {
        "command": item.get("command"),
        "exit_code": code,
        "status": item.get("status"),
        "output": output,
    }
    return Line("ran", f"{text}\n{_indent(shown)}" if shown else text, thread, data)


def _shorten(lines: list[str]) -> str:
    left_out = len(lines) - FIRST_LINES - LAST_LINES
    if left_out > 1:
        lines = [*lines[:FIRST_LINES], f"… {left_out} more lines", *lines[-LAST_LINES:]]
    return "\n".join(lines)


def _indent(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.splitlines())
