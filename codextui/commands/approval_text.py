"""An approval as text: everything that a person decides on, nothing shortened."""

from __future__ import annotations

import json
import shlex

from codextui.render.sanitize import one_line, reveal
from codextui.wire.approval import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
    kind_of,
)
from codextui.wire.fields import JsonObject


def approval_summary(approval: Approval) -> str:
    """One line: what is asked, safe to print."""
    match approval.asked:
        case CommandAsked(command):
            said = command
        case PatchAsked(changes):
            said = ", ".join(change.path for change in changes)
        case PermissionsAsked(permissions):
            said = json.dumps(permissions)
        case QuestionsAsked(questions):
            said = " / ".join(question.question for question in questions)
        case ElicitationAsked(server=server, message=message):
            said = f"{server}: {message}"
        case ToolAsked(tool):
            said = tool
        case UnknownAsked(method):
            said = method
    return f"{kind_of(approval.asked)}: {one_line(said, 120)}"


def approval_text(asked: Asked) -> str:
    """All of it, several lines, safe to print."""
    match asked:
        case CommandAsked():
            return _command(asked)
        case PatchAsked(changes, reason, grant_root):
            facts = _facts(("reason", reason), ("would make writable", grant_root))
            return "\n".join([*facts, *map(_change, changes)] or ["(Codex has not shown the diff)"])
        case PermissionsAsked(permissions, cwd, reason):
            return "\n".join([*_facts(("reason", reason), ("in", cwd)), _json(permissions)])
        case QuestionsAsked(questions):
            return "\n".join(map(_question, questions))
        case ElicitationAsked(server, mode, message, schema, url):
            facts = _facts(("server", server), ("says", message), ("opens", url))
            return "\n".join([*facts, *([_json(schema)] if mode == "form" else [])])
        case ToolAsked(tool, arguments, server, reason):
            facts = _facts(("tool", tool), ("server", server), ("reason", reason))
            return "\n".join([*facts, _json(arguments)])
        case UnknownAsked(method, params):
            return (
                f"{reveal(method)} (a kind that is not known here; it can only be declined)\n"
                + (_json(params))
            )


def rule_text(rule: tuple[str, ...]) -> str:
    """The command prefix that "always" allows, as one would type it."""
    return reveal(shlex.join(rule))


def _command(asked: CommandAsked) -> str:
    facts = _facts(
        ("reason", asked.reason),
        ("in", asked.cwd),
        ("wants to reach", asked.network),
        ("wants", _json(asked.permissions) if asked.permissions else ""),
        ("always would allow every command that begins with", shlex.join(asked.rule)),
    )
    kind = "input for a running command" if asked.stdin else "command"
    return "\n".join([*facts, f"{kind}:", _indent(reveal(asked.command))])


def _facts(*facts: tuple[str, str]) -> list[str]:
    return [f"{name}: {reveal(value)}" for name, value in facts if value]


def _change(change: FileChange) -> str:
    moved = f" -> {reveal(change.move_path)}" if change.move_path else ""
    return f"{reveal(change.kind)} {reveal(change.path)}{moved}\n{_indent(reveal(change.diff))}"


def _question(question: Question) -> str:
    lines = [f"{reveal(question.question_id)}: {reveal(question.question)}"]
    for label, description in question.options:
        lines.append(f"  - {reveal(label)}{f': {reveal(description)}' if description else ''}")
    return "\n".join(lines)


def _json(value: JsonObject) -> str:
    return json.dumps(value, indent=2)


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
