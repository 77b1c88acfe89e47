"""`codextui approvals`, `approve`, `decline` and `answer`."""

from __future__ import annotations

import argparse
import json
import shlex
import time

from codextui.commands.call import call_once
from codextui.commands.output import emit, note, show, show_indented
from codextui.errors import ApprovalGone, ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import (
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
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope, decision_word
from codextui.text.figures import format_elapsed
from codextui.text.sanitize import one_line, reveal


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


def list_approvals(options: argparse.Namespace) -> int:
    """Show everything that waits for a decision, whole."""
    rows = fields.objects(call_once(options, "codex-approvals", {}), "approvals")
    if options.json:
        for row in rows:
            emit(row)
        return 0
    if not rows:
        note("nothing waits for a decision")
    for row in rows:
        _show(Approval.from_json(row))
    return 0


def approve(options: argparse.Namespace) -> int:
    """Say yes: once, for the session, or for good by the rule that Codex proposed."""
    approval = _find(options)
    scope = Scope.ALWAYS if options.always else Scope.SESSION if options.session else Scope.ONCE
    _check_scope(approval, scope)
    return _decide(options, Approved(scope))


def decline(options: argparse.Namespace) -> int:
    """Say no, with a message for the agent, or stop the turn."""
    if options.stop and options.message:
        raise ConfigInvalid("--stop ends the turn, so nobody would read the --message")
    return _decide(options, Aborted() if options.stop else Declined(options.message))


def answer(options: argparse.Namespace) -> int:
    """Answer questions, or fill in a form."""
    approval = _find(options)
    match approval.asked:
        case QuestionsAsked(questions):
            answers = _answer_questions(questions, options.answers)
        case ElicitationAsked(mode="form", schema=schema):
            answers = _fill_form(schema, options.answers)
        case _:
            raise ConfigInvalid(
                f"{approval.approval_id} asks no question: use `codextui approve` or `decline`"
            )
    arguments = {"approval": approval.approval_id, "decision": "answered", "answers": answers}
    return _report(options, call_once(options, "codex-answer", arguments))


def _show(approval: Approval) -> None:
    waited = format_elapsed(time.time() - approval.asked_at)
    kind = kind_of(approval.asked)
    show(f"{one_line(approval.approval_id)}  {one_line(approval.handle)}  {kind}  waits {waited}")
    show_indented(approval_text(approval.asked))
    show()


def _find(options: argparse.Namespace) -> Approval:
    rows = fields.objects(call_once(options, "codex-approvals", {}), "approvals")
    for row in rows:
        if row.get("approval_id") == options.approval:
            return Approval.from_json(row)
    raise ApprovalGone(
        f"{options.approval} does not wait for a decision; `codextui approvals` shows what does"
    )


def _check_scope(approval: Approval, scope: Scope) -> None:
    match approval.asked:
        case CommandAsked(rule=rule) if scope is Scope.ALWAYS:
            if not rule:
                raise ConfigInvalid(f"Codex proposes no rule for {approval.approval_id}")
            note(f"from now on every command that begins with {rule_text(rule)} may run")
        case _ if scope is Scope.ALWAYS:
            raise ConfigInvalid("only a command can be approved for good")
        case CommandAsked() | PatchAsked() | PermissionsAsked() | ToolAsked():
            pass
        case ElicitationAsked(schema=schema) if not schema.get("properties"):
            pass
        case QuestionsAsked() | ElicitationAsked():
            raise ConfigInvalid(
                f"{approval.approval_id} wants answers, by `codextui answer`: "
                f"{approval_summary(approval)}"
            )
        case _:
            raise ConfigInvalid(f"{approval.approval_id} can only be declined")


def _decide(options: argparse.Namespace, decision: Decision) -> int:
    arguments = {"approval": options.approval, "decision": decision_word(decision)}
    if isinstance(decision, Declined) and decision.message:
        arguments["message"] = decision.message
    return _report(options, call_once(options, "codex-answer", arguments))


def _report(options: argparse.Namespace, outcome: JsonObject) -> int:
    if options.json:
        emit(outcome)
    else:
        show(f"{one_line(options.approval)} {one_line(fields.text_or(outcome, 'outcome'))}")
    return 0


def _answer_questions(questions: tuple[Question, ...], given: list[str]) -> JsonObject:
    """Answers by question id; a lone question needs no name."""
    ids = [question.question_id for question in questions]
    if len(ids) == 1:
        prefix = f"{ids[0]}="
        return {ids[0]: [value.removeprefix(prefix) for value in given]}
    named = _named(given, ids)
    missing = [name for name in ids if name not in named]
    if missing:
        raise ConfigInvalid(f"an answer to {missing[0]} is missing: {missing[0]}=ANSWER")
    return {name: [value] for name, value in named.items()}


def _fill_form(schema: JsonObject, given: list[str]) -> JsonObject:
    properties = fields.as_object(schema.get("properties", {}), "properties")
    return {
        name: _typed(fields.as_object(properties[name], name), value)
        for name, value in _named(given, list(properties)).items()
    }


def _named(given: list[str], names: list[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or name not in names:
            known = ", ".join(map(one_line, names))
            raise ConfigInvalid(f"{pair!r} is no NAME=ANSWER; the names are {known}")
        named[name] = value
    return named


def _typed(field: JsonObject, value: str) -> Json:
    """The value as its field's type asks for: anything but text is written as JSON."""
    if field.get("type") in ("string", None):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigInvalid(f"{value!r} is no {field['type']}") from error
