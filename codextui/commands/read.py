"""`codextui read`: a thread's items as text."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from msgspec import structs

from codextui.commands.approvals import summarize_approval
from codextui.commands.call import call_tool
from codextui.commands.output import event_to_json, print_json, print_line
from codextui.console.model import items as kinds
from codextui.console.model.items import GrowingText, TranscriptItem
from codextui.console.model.state import ConsoleState
from codextui.console.render.marks import describe_run_mark
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approval_text import format_details
from codextui.protocol.events import Event
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo
from codextui.text.figures import format_elapsed
from codextui.text.sanitize import dump_json, last_frames, one_line, sanitize
from codextui.text.shell import strip_shell

_Message: TypeAlias = (
    kinds.UserMessage
    | kinds.AgentMessage
    | kinds.PlanText
    | kinds.Reasoning
    | kinds.ContextCompaction
    | kinds.Remark
)
_Action: TypeAlias = (
    kinds.CommandExecution
    | kinds.FileChanges
    | kinds.ToolCall
    | kinds.SubAgentCall
    | kinds.WebSearch
)
_Mark: TypeAlias = kinds.ApprovalItem | kinds.ErrorMessage | kinds.WarningMessage


def read_thread(options: argparse.Namespace) -> int:
    """Print the transcript of a thread."""
    answer = call_tool(options, "codex-read", {"thread": options.thread}, start=True)
    row = fields.as_object(answer.get("thread"), "thread")
    events = fields.objects(answer, "events")
    if options.json:
        print_json({"thread": row})
        for event in events:
            print_json(event_to_json(event))
        return 0
    thread = ThreadInfo.from_json(row)
    kind = "" if thread.kind is ThreadKind.CODEX else f"{thread.kind}, "
    name = f"{one_line(thread.handle)} ({one_line(thread.thread_id)})"
    print_line(f"{name}  {kind}{one_line(thread.state_word)}")
    for block in _format_items(thread.thread_id, events):
        print_line()
        print_line(block)
    return 0


def _format_items(thread_id: str, events: tuple[JsonObject, ...]) -> list[str]:
    state = ConsoleState()
    # Events of the journal and of Codex's history are all numbered 0.
    for number, event in enumerate(events, 1):
        state.apply(structs.replace(Event.from_json(event), seq=number))
    view = state.threads.get(thread_id)
    return [] if view is None else [format_item(item) for item in view.transcript.items]


def format_item(item: TranscriptItem) -> str:
    """Return the whole item as sanitized text; an unfinished one is marked."""
    text = _format_content(item).rstrip("\n")
    return f"{text}\n(cut off)" if item.unfinished and not _has_status(item) else text


def _has_status(item: TranscriptItem) -> bool:
    return isinstance(item.content, kinds.CommandExecution | kinds.FileChanges | kinds.ToolCall)


def _format_content(item: TranscriptItem) -> str:
    match item.content:
        case (
            kinds.UserMessage()
            | kinds.AgentMessage()
            | kinds.PlanText()
            | kinds.Reasoning()
            | kinds.ContextCompaction()
            | kinds.Remark()
        ) as message:
            return _format_message(message)
        case (
            kinds.CommandExecution()
            | kinds.FileChanges()
            | kinds.ToolCall()
            | kinds.SubAgentCall()
            | kinds.WebSearch()
        ) as action:
            return _format_action(action, item.progress)
        case kinds.TurnStart(number):
            return f"-- turn {number}"
        case kinds.TurnEnd() as end:
            return f"{_format_turn_end(end)} ({one_line(item.turn_id)})"
        case kinds.UnknownItem(kind, payload):
            return f"{one_line(kind)}: {dump_json(payload, default=str)}"
        case (
            kinds.Handoff() | kinds.HandoffRefusal() | kinds.RunNote() | kinds.RoleRequest()
        ) as mark:
            return describe_run_mark(mark)
        case mark:
            return _format_mark(mark)


def _format_message(message: _Message) -> str:
    match message:
        case kinds.UserMessage(text):
            return _prefix_lines("> ", text)
        case kinds.AgentMessage(text) | kinds.PlanText(text):
            return sanitize(text.text)
        case kinds.Reasoning(summary, raw):
            return _prefix_lines("~ ", "\n\n".join(part.text for part in summary or raw))
        case kinds.ContextCompaction():
            return "(the conversation was summarised)"
        case kinds.Remark(text):
            return f"({sanitize(text)})"


def _format_action(action: _Action, progress: kinds.Progress) -> str:
    match action:
        case kinds.CommandExecution():
            return _format_command(action, progress)
        case kinds.FileChanges():
            return _format_changes(action, progress)
        case kinds.ToolCall():
            return _format_tool_call(action, progress)
        case kinds.SubAgentCall():
            return _format_agent_call(action, progress)
        case kinds.WebSearch(query, kind, url):
            return f"web {one_line(kind) or 'search'}: {one_line(url or query)}"


def _format_mark(mark: _Mark) -> str:
    match mark:
        case kinds.ApprovalItem():
            return _format_approval(mark)
        case kinds.ErrorMessage(message):
            return f"error: {sanitize(message)}"
        case kinds.WarningMessage(message):
            return f"warning: {sanitize(message)}"


def _format_changes(action: kinds.FileChanges, progress: kinds.Progress) -> str:
    status = _format_status(action.status, progress)
    parts = [
        f"{one_line(change.kind)} {one_line(change.path, 4096)} ({status})\n"
        f"{_prefix_lines('  ', change.diff)}"
        for change in action.changes
    ]
    return "\n".join(parts) or f"file changes ({status})"


def _format_status(status: str, progress: kinds.Progress) -> str:
    match status:
        case "inProgress":
            return progress.value
        case kinds.LEFT_RUNNING:
            return "left running"
        case _:
            return one_line(status)


def _format_command(run: kinds.CommandExecution, progress: kinds.Progress) -> str:
    outcome = (
        _format_status(run.status, progress) if run.exit_code is None else f"exit {run.exit_code}"
    )
    took = "" if run.duration_ms is None else f", {format_elapsed(run.duration_ms / 1000)}"
    head = f"{_prefix_lines('$ ', strip_shell(run.command))}\n  [{outcome}{took}]"
    return f"{head}\n{_prefix_lines('  ', _format_output(run.output))}" if run.output else head


def _format_output(text: GrowingText) -> str:
    missing = f"({text.dropped} characters before this are gone)\n" if text.dropped else ""
    return (missing + last_frames(text.text)).rstrip("\n")


def _format_tool_call(call: kinds.ToolCall, progress: kinds.Progress) -> str:
    status = _format_status(call.status, progress)
    arguments = dump_json(call.arguments, default=str)
    head = f"{one_line(call.server)} {one_line(call.tool)} {arguments} ({status})".lstrip()
    said = call.error or call.result
    if said is None:
        return head
    text = last_frames(said) if isinstance(said, str) else dump_json(said)
    return f"{head}\n{_prefix_lines('  ', text)}"


def _format_agent_call(content: kinds.SubAgentCall, progress: kinds.Progress) -> str:
    call = content.call
    done = call.status == "completed"
    status = "" if done else f" ({_format_status(call.status, progress)})"
    lines = [f"{one_line(call.describe())}{status}"]
    lines += [_prefix_lines("  > ", content.prompt)] if content.prompt else []
    return "\n".join([*lines, *(_prefix_lines("  ", answer) for answer in content.answers)])


def _format_approval(mark: kinds.ApprovalItem) -> str:
    asked = f"asked {one_line(mark.approval.approval_id)}: {summarize_approval(mark.approval)}"
    if details := format_details(mark.approval.asked):
        asked = f"{asked}\n{_prefix_lines('  ', details)}"
    if mark.outcome is None:
        return f"{asked}\n  waits for a decision"
    by = f" by {one_line(mark.outcome.by)}" if mark.outcome.by else ""
    waited = format_elapsed(mark.outcome.waited)
    said = f": {one_line(mark.outcome.message)}" if mark.outcome.message else ""
    correction = f"\n  {mark.correction.description}" if mark.correction else ""
    return f"{asked}\n  {one_line(mark.outcome.outcome)}{by} after {waited}{said}{correction}"


def _format_turn_end(end: kinds.TurnEnd) -> str:
    took = "" if end.seconds is None else f" after {format_elapsed(end.seconds)}"
    why = f": {sanitize(end.message)}" if end.message else ""
    return f"-- turn {end.number} {one_line(end.reason)}{took}{why}"


def _prefix_lines(mark: str, text: str) -> str:
    return "\n".join(f"{mark}{line}".rstrip() for line in sanitize(text).split("\n"))
