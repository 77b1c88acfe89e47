"""`codextui read`."""

from __future__ import annotations

import argparse
import json
from typing import TypeAlias

from codextui.commands.approvals import approval_summary
from codextui.commands.call import call_once
from codextui.commands.output import emit, event_line, show
from codextui.console.model import items as kinds
from codextui.console.model.items import GrowingText, TranscriptItem
from codextui.console.model.state import ConsoleState
from codextui.console.render.marks import describe_run_mark
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.events import Event
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo
from codextui.text.figures import format_elapsed
from codextui.text.sanitize import one_line, sanitize

_Words: TypeAlias = (
    kinds.UserMessage
    | kinds.AgentMessage
    | kinds.PlanText
    | kinds.Reasoning
    | kinds.ContextCompaction
)
_Deed: TypeAlias = kinds.CommandExecution | kinds.FileChanges | kinds.ToolCall | kinds.WebSearch
_Mark: TypeAlias = kinds.ApprovalRequest | kinds.ErrorMessage | kinds.WarningMessage


def item_text(item: TranscriptItem) -> str:
    """The whole item; an unfinished one says so."""
    text = _body_text(item).rstrip("\n")
    return f"{text}\n(unfinished)" if item.unfinished else text


def _body_text(item: TranscriptItem) -> str:
    match item.content:
        case (
            kinds.UserMessage()
            | kinds.AgentMessage()
            | kinds.PlanText()
            | kinds.Reasoning()
            | kinds.ContextCompaction()
        ) as words:
            return _words_text(words)
        case (
            kinds.CommandExecution() | kinds.FileChanges() | kinds.ToolCall() | kinds.WebSearch()
        ) as deed:
            return _deed_text(deed)
        case kinds.TurnStart(number):
            return f"-- turn {number}"
        case kinds.TurnEnd() as end:
            return f"{_turn_end(end)} ({one_line(item.turn_id)})"
        case kinds.UnknownItem(kind, payload):
            return f"{one_line(kind)}: {json.dumps(payload, default=str)}"
        case (
            kinds.Handoff() | kinds.HandoffRefusal() | kinds.RunNote() | kinds.RoleRequest()
        ) as told:
            return describe_run_mark(told)
        case mark:
            return _mark_text(mark)


def _words_text(words: _Words) -> str:
    match words:
        case kinds.UserMessage(text):
            return _quoted("> ", text)
        case kinds.AgentMessage(text) | kinds.PlanText(text):
            return sanitize(text.text)
        case kinds.Reasoning(summary, raw):
            return _quoted("~ ", "\n\n".join(part.text for part in summary or raw))
        case kinds.ContextCompaction():
            return "(the conversation was summarised)"


def _deed_text(deed: _Deed) -> str:
    match deed:
        case kinds.CommandExecution():
            return _command(deed)
        case kinds.FileChanges():
            return _file_changes(deed)
        case kinds.ToolCall():
            return _tool_call(deed)
        case kinds.WebSearch(query, action, url):
            return f"web {one_line(action) or 'search'}: {one_line(url or query)}"


def _mark_text(mark: _Mark) -> str:
    match mark:
        case kinds.ApprovalRequest():
            return _approval(mark)
        case kinds.ErrorMessage(message):
            return f"error: {sanitize(message)}"
        case kinds.WarningMessage(message):
            return f"warning: {sanitize(message)}"


def _file_changes(deed: kinds.FileChanges) -> str:
    parts = [
        f"{one_line(change.kind)} {one_line(change.path, 4096)} ({one_line(deed.status)})\n"
        f"{_quoted('  ', change.diff)}"
        for change in deed.changes
    ]
    return "\n".join(parts) or f"file changes ({one_line(deed.status)})"


def _command(run: kinds.CommandExecution) -> str:
    outcome = one_line(run.status) if run.exit_code is None else f"exit {run.exit_code}"
    took = "" if run.duration_ms is None else f", {format_elapsed(run.duration_ms / 1000)}"
    head = f"{_quoted('$ ', run.command)}\n  [{outcome}{took}]"
    return f"{head}\n{_quoted('  ', _whole(run.output))}" if run.output else head


def _whole(text: GrowingText) -> str:
    missing = f"({text.dropped} characters before this are gone)\n" if text.dropped else ""
    return (missing + text.text).rstrip("\n")


def _tool_call(call: kinds.ToolCall) -> str:
    arguments = json.dumps(call.arguments, default=str)
    head = f"{one_line(call.server)} {one_line(call.tool)} {arguments} ({one_line(call.status)})"
    said = call.error or call.result
    if said is None:
        return head
    return f"{head}\n{_quoted('  ', said if isinstance(said, str) else json.dumps(said))}"


def _approval(mark: kinds.ApprovalRequest) -> str:
    asked = f"asked {one_line(mark.approval.approval_id)}: {approval_summary(mark.approval)}"
    if mark.outcome is None:
        return f"{asked}\n  waits for a decision"
    by = f" by {one_line(mark.outcome.by)}" if mark.outcome.by else ""
    waited = format_elapsed(mark.outcome.waited)
    said = f": {one_line(mark.outcome.message)}" if mark.outcome.message else ""
    return f"{asked}\n  {one_line(mark.outcome.outcome)}{by} after {waited}{said}"


def _turn_end(end: kinds.TurnEnd) -> str:
    took = "" if end.seconds is None else f" after {format_elapsed(end.seconds)}"
    why = f": {sanitize(end.message)}" if end.message else ""
    return f"-- turn {end.number} {one_line(end.reason)}{took}{why}"


def _quoted(mark: str, text: str) -> str:
    return "\n".join(f"{mark}{line}".rstrip() for line in sanitize(text).split("\n"))


def read_thread(options: argparse.Namespace) -> int:
    """Print what a thread said and did."""
    answer = call_once(options, "codex-read", {"thread": options.thread}, start=True)
    row = fields.as_object(answer.get("thread"), "thread")
    events = fields.objects(answer, "events")
    if options.json:
        emit({"thread": row})
        for event in events:
            emit(event_line(event))
        return 0
    thread = ThreadInfo.from_json(row)
    kind = "" if thread.kind is ThreadKind.CODEX else f"{thread.kind}, "
    name = f"{one_line(thread.handle)} ({one_line(thread.thread_id)})"
    show(f"{name}  {kind}{thread.state}")
    for block in _transcript(thread.thread_id, events):
        show()
        show(block)
    return 0


def _transcript(thread_id: str, events: tuple[JsonObject, ...]) -> list[str]:
    board = ConsoleState()
    for event in events:
        board.apply(Event.from_json(event))
    view = board.threads.get(thread_id)
    return [] if view is None else [item_text(item) for item in view.transcript.items]
