"""`codextui approvals`, `approve`, `decline` and `answer`."""

from __future__ import annotations

import argparse
import json
import time

from codextui.commands.call import call_tool
from codextui.commands.output import print_indented, print_json, print_line, print_note
from codextui.errors import ApprovalGone, ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approval_text import (
    Rule,
    describe_subject,
    format_request,
    lasting_rule,
    scope_problem,
)
from codextui.protocol.approvals import (
    Approval,
    ElicitationAsked,
    Question,
    QuestionsAsked,
    kind_of,
    takes_answers,
)
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope, decision_word
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line, one_revealed_line


def summarize_approval(approval: Approval) -> str:
    """Return what is asked in one sanitized line."""
    return f"{kind_of(approval.asked)}: {describe_subject(approval.asked)}"


def list_approvals(options: argparse.Namespace) -> int:
    """Print the approvals that wait for a decision, with all details."""
    rows = fields.objects(call_tool(options, "codex-approvals", {}), "approvals")
    if options.json:
        for row in rows:
            print_json(row)
        return 0
    if not rows:
        print_note("nothing waits for a decision")
    for row in rows:
        _print_approval(Approval.from_json(row))
    return 0


def approve(options: argparse.Namespace) -> int:
    """Approve once, for the session, or always by the rule that Codex proposed."""
    approval = _find_approval(options)
    scope = Scope.ALWAYS if options.always else Scope.SESSION if options.session else Scope.ONCE
    _check_scope(approval, scope)
    return _send_decision(options, Approved(scope))


def decline(options: argparse.Namespace) -> int:
    """Decline with a message for the agent, or abort the turn."""
    if options.stop and options.message:
        raise ConfigInvalid("--stop ends the turn, so nobody would read the --message")
    return _send_decision(options, Aborted() if options.stop else Declined(options.message))


def answer(options: argparse.Namespace) -> int:
    """Answer questions or fill in a form."""
    approval = _find_approval(options)
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
    return _print_outcome(options, call_tool(options, "codex-answer", arguments))


def _print_approval(approval: Approval) -> None:
    waited = format_running(time.time() - approval.asked_at)
    kind = kind_of(approval.asked)
    origin = f" ({one_line(approval.origin, 40)})" if approval.origin else ""
    who = f"{one_line(approval.approval_id)}  {one_line(approval.handle)}{origin}"
    print_line(f"{who}  {kind}  waits {waited}")
    print_indented(format_request(approval.asked))
    print_line()


def _find_approval(options: argparse.Namespace) -> Approval:
    rows = fields.objects(call_tool(options, "codex-approvals", {}), "approvals")
    for row in rows:
        if row.get("approval_id") == options.approval:
            return Approval.from_json(row)
    raise ApprovalGone(
        f"{options.approval} does not wait for a decision; `codextui approvals` shows what does"
    )


def _check_scope(approval: Approval, scope: Scope) -> None:
    asked = approval.asked
    if takes_answers(asked):
        raise ConfigInvalid(
            f"{approval.approval_id} wants answers, by `codextui answer`: "
            f"{summarize_approval(approval)}"
        )
    if problem := scope_problem(asked, scope):
        raise ConfigInvalid(f"{approval.approval_id}: {problem}")
    rule = lasting_rule(asked) if scope is Scope.ALWAYS else None
    if rule is not None:
        print_note(f"from now on {_describe_rule(rule)} in every thread, for good")


def _describe_rule(rule: Rule) -> str:
    before = f"{rule.before[:1].lower()}{rule.before[1:]}"
    return one_revealed_line(f"{before} {rule.allowed} {rule.after}".strip())


def _send_decision(options: argparse.Namespace, decision: Decision) -> int:
    arguments = {"approval": options.approval, "decision": decision_word(decision)}
    if isinstance(decision, Declined) and decision.message:
        arguments["message"] = decision.message
    return _print_outcome(options, call_tool(options, "codex-answer", arguments))


def _print_outcome(options: argparse.Namespace, outcome: JsonObject) -> int:
    if options.json:
        print_json(outcome)
    else:
        print_line(f"{one_line(options.approval)} {one_line(fields.text_or(outcome, 'outcome'))}")
    return 0


def _answer_questions(questions: tuple[Question, ...], given: list[str]) -> JsonObject:
    """Return the answers by question id; the id may be left out if there is one question."""
    ids = [question.question_id for question in questions]
    if len(ids) == 1:
        prefix = f"{ids[0]}="
        return {ids[0]: [value.removeprefix(prefix) for value in given]}
    named = _parse_named(given, ids)
    missing = [name for name in ids if name not in named]
    if missing:
        raise ConfigInvalid(f"an answer to {missing[0]} is missing: {missing[0]}=ANSWER")
    return {name: [value] for name, value in named.items()}


def _fill_form(schema: JsonObject, given: list[str]) -> JsonObject:
    properties = fields.as_object(schema.get("properties", {}), "properties")
    return {
        name: _parse_value(fields.as_object(properties[name], name), value)
        for name, value in _parse_named(given, list(properties)).items()
    }


def _parse_named(given: list[str], names: list[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or name not in names:
            known = ", ".join(map(one_line, names))
            raise ConfigInvalid(f"{pair!r} is no NAME=ANSWER; the names are {known}")
        named[name] = value
    return named


def _parse_value(field: JsonObject, value: str) -> Json:
    """Return a value by the type of its field: a string, or JSON."""
    if field.get("type") in ("string", None):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigInvalid(f"{value!r} is no {field['type']}") from error
