"""Describes approvals: in a few words, as a question, and in full. Pure.

The dialog, the command line, elicitations, progress and transcripts take their texts from here, so
that every view of a request shows the same, with all its arguments. A view that lays out a request
itself goes through `request_parts`.
"""

from __future__ import annotations

import json
import shlex

import msgspec

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approval_parts import (
    Asking,
    Caution,
    Data,
    Field,
    Files,
    Part,
    Said,
    Script,
    count_changes,
    format_parts,
    indent_rest,
    name_hidden,
    name_paths,
)
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
    approval_scopes,
    takes_answers,
)
from codextui.protocol.changes import summarize_changes
from codextui.protocol.decisions import Scope
from codextui.text.figures import format_count
from codextui.text.sanitize import fold_blanks, one_revealed_line, reveal, to_json
from codextui.text.shell import find_unusual, strip_shell

MAX_UNUSUAL = 12
"""Unusual commands of a script that are named."""

LONG_SCRIPT, LONG_SCRIPT_LINES = 300, 4
"""Characters and lines of a script above which the warnings stand before it."""

MAX_SHORT = 160
"""Characters that a text in one line shows of a command, a message or a question."""

_HIDDEN = "It holds control or invisible characters, or such as pass for others"


def describe_title(asked: Asked) -> str:
    """Return what a thread does by asking: `asks to run a command`. Sanitized."""
    return one_revealed_line(_words(asked).title, 120)


def describe_subject(asked: Asked, limit: int = MAX_SHORT) -> str:
    """Return what a request is about, with its arguments, in one line. Sanitized."""
    return one_revealed_line(_words(asked).subject, limit)


def summarize_request(asked: Asked, limit: int = 500) -> str:
    """Return what is asked in one line that completes "asks to …": `run: git push`. Sanitized."""
    return _words(asked).summary.format(describe_subject(asked, limit))


def describe_question(asked: Asked) -> str:
    """Return the question of a request in one line. Sanitized."""
    return _words(asked).question.format(describe_subject(asked))


def format_request(asked: Asked) -> str:
    """Return everything that is asked in several lines. Sanitized.

    No text of the request can look like a line of its own: its further lines are indented.
    """
    return format_parts(request_parts(asked))


def format_details(asked: Asked) -> str:
    """Return what `describe_subject` leaves out, as `format_request`, without diffs."""
    is_short = len(describe_subject(asked, MAX_SHORT + 1)) <= MAX_SHORT
    parts = [
        Field("changes", count_changes(part.changes)) if isinstance(part, Files) else part
        for part in request_parts(asked)
        if not (is_short and isinstance(part, Script | Said))
    ]
    return format_parts(parts)


def format_elicitation(asked: Asked, question: str = "") -> str:
    """Return the message of an elicitation: the question, and below it all that it leaves out.

    Args:
        asked: the request.
        question: the question in the words that a client expects; "" for our own.
    """
    parts = request_parts(asked)
    match asked:
        case CommandAsked(command, cwd):
            own = f"Allow Codex to run `{command}` in `{cwd}`?"
            is_clear = fold_blanks(reveal(own)) == own and "\n" not in own
            line = one_revealed_line(command)
            question = question or f"Allow Codex to run `{line}` in `{one_revealed_line(cwd)}`?"
            parts = [p for p in parts if not (is_clear and isinstance(p, Script))]
            parts = [p for p in parts if p != Field("cwd", cwd)]
        case PatchAsked(reason=reason):
            question = question or "Allow Codex to apply proposed code changes?"
            parts = (
                [p for p in parts if p != Field("reason", reason)] if reason in question else parts
            )
        case PermissionsAsked():
            question = "Allow Codex more permissions?"
        case ElicitationAsked(server, message=message):
            question = f"{one_revealed_line(server)}: {indent_rest(reveal(message))}"
            parts = [p for p in parts if p not in (Field("server", server), Said(message))]
        case ToolAsked():
            return _format_tool(asked)
        case UnknownAsked(method):
            question = f"Codex asks something that can only be declined: {_visible(method)}"
        case QuestionsAsked():
            pass
    return "\n".join(filter(None, [question, format_parts(parts)]))


def request_parts(asked: Asked) -> list[Part]:
    """Return everything that is asked, each thing once, in the order in which it is shown."""
    parts = _parts(asked)
    if hidden := name_hidden(parts):
        warning = Caution(f"{_HIDDEN}: {hidden}")
        return [parts[0], warning, *parts[1:]] if _is_short(parts[0]) else [warning, *parts]
    return parts


_NO_RULE: dict[type[Asked], str] = {
    PatchAsked: "There is no rule for file changes: they are approved once or for this session.",
    PermissionsAsked: "Permissions are granted for this turn or for this session, not for good.",
    ToolAsked: "There is no rule for tools: they are approved once or for this run.",
}


def scope_problem(asked: Asked, scope: Scope) -> str:
    """Return why a request cannot be approved in a scope; "" if it can."""
    if scope in approval_scopes(asked):
        return ""
    if problem := _unlisted_problem(asked, scope):
        return problem
    match asked:
        case CommandAsked() if scope is Scope.ALWAYS:
            return "Codex proposes no rule for this command, so there is nothing to allow for good."
        case CommandAsked():
            return "Input for a running command is approved each time."
        case PatchAsked() | PermissionsAsked() | ToolAsked():
            return _NO_RULE[type(asked)]
        case ElicitationAsked(mode=mode) if mode not in ("form", "url"):
            return f"codextui does not know the mode {mode!a}, so it can only be declined."
        case QuestionsAsked() | ElicitationAsked() if takes_answers(asked):
            return "This is answered, not approved: fill in the form."
        case ElicitationAsked(server):
            name = one_revealed_line(server or "This server", 80)
            return f"{name} takes an answer for this one time only."
        case _:
            return "codextui does not know this kind of request, so it can only be declined."


def _unlisted_problem(asked: Asked, scope: Scope) -> str:
    """Return why Codex does not list a scope; "" if it lists none."""
    match asked:
        case CommandAsked() | PatchAsked() | PermissionsAsked() if asked.available == ():
            return "Codex offers no approval here, so it can only be declined."
        case CommandAsked(human=True):
            return "A policy demands that this is decided each time it is asked."
        case CommandAsked() | PatchAsked() | PermissionsAsked() if asked.available is not None:
            return "" if scope in asked.available else "Codex does not offer this here."
        case _:
            return ""


class Rule(msgspec.Struct, frozen=True):
    """What "always" would allow: the sentence around it, and it. Not sanitized."""

    before: str
    allowed: str
    after: str
    note: str = ""


def lasting_rule(asked: Asked) -> Rule | None:
    """Return what "always" would allow; None if nothing can be allowed for good."""
    folder = "Codex writes the rule into its own rules folder."
    match asked:
        case _ if Scope.ALWAYS not in approval_scopes(asked):
            return None
        case CommandAsked(network=network, rule=rule) if network:
            after = "over the network without asking:"
            return Rule("Every command could reach", rule[-1], after, folder)
        case CommandAsked(rule=rule):
            after = "may run without asking:"
            return Rule("Every command that begins with", shlex.join(rule), after, folder)
        case ElicitationAsked(server=server, message=message):
            return Rule("", message, f"{server} would not be asked about this again:")
        case _:
            return None


class _Words(msgspec.Struct, frozen=True):
    """The short texts of a request.

    Attributes:
        title: what the thread does: `asks to run a command`.
        summary: completes "asks to …", with `{}` for the subject.
        question: what a person decides on, with `{}` for the subject.
        subject: what it is about, in full and not sanitized.
    """

    title: str
    summary: str
    question: str
    subject: str


def _words(asked: Asked) -> _Words:
    match asked:
        case CommandAsked(stdin=True):
            title, summary = "asks to type into a command", "type into a command: {}"
            return _Words(title, summary, "May Codex type `{}`?", asked.command)
        case CommandAsked(command, network=network):
            title = "asks to reach the network" if network else "asks to run a command"
            return _Words(title, "run: {}", "May Codex run `{}`?", strip_shell(command))
        case PatchAsked(()):
            title, summary = "asks to change files", "change files, not shown by Codex"
            return _Words(title, summary, "May Codex change files?", "")
        case PatchAsked(changes):
            paths = ", ".join(name_paths(change) for change in changes)
            summary = f"change {summarize_changes(changes)}: {{}}"
            return _Words("asks to change files", summary, "May Codex change {}?", paths)
        case PermissionsAsked(permissions):
            question = "May Codex have more permissions? {}"
            title, summary = "asks for permissions", "have permissions: {}"
            return _Words(title, summary, question, to_json(permissions))
        case QuestionsAsked(questions):
            text = " / ".join(question.question for question in questions)
            return _Words("has a question", "have an answer: {}", "{}", text)
        case ElicitationAsked(server, message=message):
            given = tool_arguments(asked)
            subject = f"{server}: {message}" + (f" {to_json(given)}" if given else "")
            is_call = asked.meta.get("codex_approval_kind") == "mcp_tool_call"
            what = "asks to call a tool of" if is_call else "passes on a question of"
            title = f"{what} {server}"
            return _Words(title, "answer {}", "{}", subject)
        case ToolAsked(tool, arguments, server):
            name = f"{server}.{tool}" if server else tool
            subject = f"{name} {to_json(arguments)}"
            return _Words("asks to call a tool", "call {}", "May this tool be called: {}?", subject)
        case UnknownAsked(method, params):
            question = "Codex asks this, which can only be declined: {}"
            subject = f"{method} {to_json(params)}" if params else method
            title = "asks something that is not known here"
            return _Words(title, "something unknown: {}", question, subject)


def tool_arguments(asked: ElicitationAsked) -> JsonObject:
    """Return the arguments of the MCP tool's call that an elicitation asks about, if it does."""
    given = asked.meta.get("tool_params")
    return given if isinstance(given, dict) else {}


def _parts(asked: Asked) -> list[Part]:
    match asked:
        case CommandAsked():
            return _command_parts(asked)
        case PatchAsked(changes, reason, grant_root):
            grants = grant_root and f"{grant_root}, for the session"
            parts = _fields(("reason", reason), ("grants", grants))
            if not changes:
                return [*parts, Caution("Codex has not shown what it would change.")]
            return [*parts, Files(changes)]
        case PermissionsAsked(permissions, cwd, reason):
            return [Data("permissions", permissions), *_fields(("reason", reason), ("cwd", cwd))]
        case QuestionsAsked(questions):
            return [Asking(number, question) for number, question in enumerate(questions, 1)]
        case ElicitationAsked():
            return _elicitation_parts(asked)
        case ToolAsked(tool, arguments, server, reason):
            owner = server or "one of the program's own"
            fields = _fields(("tool", tool), ("server", owner), ("reason", reason))
            return [*fields, Data("arguments", arguments)]
        case UnknownAsked(method, params):
            return [Field("request", method), Data("with", params)]


def _command_parts(asked: CommandAsked) -> list[Part]:
    text = asked.command if asked.stdin else strip_shell(asked.command).rstrip("\n")
    script = Script("> " if asked.stdin else "$ ", text)
    warnings = [] if asked.stdin else [Caution(text) for text in _describe_unusual(text, asked.cwd)]
    parts: list[Part] = [script, *warnings] if _is_short(script) else [*warnings, script]
    parts += _fields(("cwd", asked.cwd), ("reason", asked.reason), ("network", asked.network))
    parts += _fields(("policy", "a person has to decide this each time" if asked.human else ""))
    parts += [Data("permissions", asked.permissions)] if asked.permissions else []
    parsed = [line for line in asked.parsed if line.partition(" ")[2].strip() not in text]
    return parts + _fields(("parsed", "\n".join(parsed)), ("always", _rule_field(asked)))


def _rule_field(asked: CommandAsked) -> str:
    rule = lasting_rule(asked)
    if rule is None:
        return ""
    script = strip_shell(asked.command)
    is_all = rule.allowed == script or asked.rule[-1] == script
    before = f"{rule.before[0].lower()}{rule.before[1:]}"
    return f"{before} this one" if is_all else f"{before}: {rule.allowed}"


def _describe_unusual(script: str, cwd: str) -> list[str]:
    found = find_unusual(script, cwd)
    texts = [
        ", ".join(unusual.what) + (f": {unusual.command}" if unusual.command else "")
        for unusual in found[:MAX_UNUSUAL]
    ]
    more = len(found) - len(texts)
    return [*texts, f"and {format_count(more)} more of this kind"] if more else texts


def _elicitation_parts(asked: ElicitationAsked) -> list[Part]:
    parts: list[Part] = [*_fields(("server", asked.server)), Said(asked.message)]
    parts += _fields(("address", asked.url))
    if asked.mode not in ("form", "url"):
        parts.append(Caution(f"Its mode {asked.mode} is not known here: it can be declined."))
    arguments = tool_arguments(asked)
    meta = _other_meta(asked) if arguments else asked.meta
    form = asked.schema if asked.schema.get("properties") else {}
    values = (("form", form), ("arguments", arguments), ("meta", meta))
    return parts + [Data(name, value) for name, value in values if value]


def _other_meta(asked: ElicitationAsked) -> JsonObject:
    """Return what the metadata of a tool's call say beside its arguments and the choices."""
    arguments = tool_arguments(asked)
    said = {"codex_approval_kind", "persist", "tool_params"}
    shown = asked.meta.get("tool_params_display")
    rows = [row for row in shown if isinstance(row, dict)] if isinstance(shown, list) else []
    if {str(row.get("name")): row.get("value") for row in rows} == arguments:
        said.add("tool_params_display")
    return {key: value for key, value in asked.meta.items() if key not in said}


def _fields(*fields: tuple[str, str]) -> list[Part]:
    return [Field(name, text) for name, text in fields if text]


def _is_short(part: Part) -> bool:
    if not isinstance(part, Script):
        return True
    return len(part.text) <= LONG_SCRIPT and part.text.count("\n") < LONG_SCRIPT_LINES


def _format_tool(asked: ToolAsked) -> str:
    """Show all that is approved; no part of it can look like a line of the message."""
    tool = f"{asked.server}.{asked.tool}" if asked.server else asked.tool
    lines = [f"Allow the tool {_visible(tool)} to be called with {_visible(asked.arguments)}?"]
    if asked.reason:
        lines.append(f"Reason given: {_visible(asked.reason)}")
    return "\n".join(lines)


def _visible(value: Json) -> str:
    """Return a value as JSON in one line, with every character visible."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in to_json(value))
