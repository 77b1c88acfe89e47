"""What is asked of a person, in a few words."""

from __future__ import annotations

import json

from codextui.render.diff import summarize_changes
from codextui.render.sanitize import one_line, reveal
from codextui.wire.approval import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)


def approval_title(approval: Approval) -> str:
    """What is asked, in a few words: `backend asks to run a command`. Safe to show."""
    who = one_line(approval.handle or approval.thread_id[:8], 80)
    return f"{who} {_verb(approval.asked)}"


def describe_asked(asked: Asked) -> str:
    """What is asked, in one line with its content: `run: git push`. Safe to show."""
    match asked:
        case CommandAsked(command, stdin=True):
            return f"type into a command: {_line(command)}"
        case CommandAsked(command):
            return f"run: {_line(command)}"
        case PatchAsked(()):
            return "change files, not shown by Codex"
        case PatchAsked(changes):
            names = ", ".join(change.path for change in changes[:20])
            return f"change {summarize_changes(changes)}: {_line(names)}"
        case PermissionsAsked(permissions):
            return f"have permissions: {_line(', '.join(permissions))}"
        case QuestionsAsked(questions):
            return f"have an answer: {_line(questions[0].question if questions else '')}"
        case ElicitationAsked(server, _, message):
            return f"answer {_line(server)}: {_line(message)}"
        case ToolAsked(tool, arguments):
            return f"call {_line(tool)}: {_line(json.dumps(arguments, ensure_ascii=False))}"
        case UnknownAsked(method):
            return f"something unknown: {_line(method)}"


def _verb(asked: Asked) -> str:
    match asked:
        case CommandAsked(stdin=True):
            return "asks to type into a command"
        case CommandAsked(network=str(place)) if place:
            return "asks to reach the network"
        case CommandAsked():
            return "asks to run a command"
        case PatchAsked():
            return "asks to change files"
        case PermissionsAsked():
            return "asks for permissions"
        case QuestionsAsked():
            return "has a question"
        case ElicitationAsked(server):
            return f"passes on a question of {one_line(server, 80)}"
        case ToolAsked():
            return "asks to call a tool"
        case UnknownAsked():
            return "asks something that is not known here"


def _line(text: str) -> str:
    return " ".join(reveal(text[:2000]).split())
