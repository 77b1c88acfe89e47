"""Renders approvals: a title, one row for the strip, and everything that is asked."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.render.command import prompt_rows
from codextui.console.render.diff import change_rows, summarize_changes
from codextui.console.render.layout import (
    Row,
    fit_row,
    indent,
    json_rows,
    to_strips,
    value_rows,
    wrap,
    wrap_with_glyph,
)
from codextui.console.render.palette import Palette
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    Question,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line, reveal


def approval_title(approval: Approval) -> str:
    """Return who asks for what kind of approval: `backend asks to run a command`. Sanitized."""
    who = one_line(approval.handle or approval.thread_id[:8], 80)
    match approval.asked:
        case CommandAsked(stdin=True):
            return f"{who} asks to type into a command"
        case CommandAsked(network=str(host)) if host:
            return f"{who} asks to reach the network"
        case CommandAsked():
            return f"{who} asks to run a command"
        case PatchAsked():
            return f"{who} asks to change files"
        case PermissionsAsked():
            return f"{who} asks for permissions"
        case QuestionsAsked():
            return f"{who} has a question"
        case ElicitationAsked(server):
            return f"{who} passes on a question of {one_line(server, 80)}"
        case ToolAsked():
            return f"{who} asks to call a tool"
        case UnknownAsked():
            return f"{who} asks something that is not known here"


def describe_asked(asked: Asked) -> str:
    """Describe a request with its content in one line: `run: git push`. Sanitized."""
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


def render_approval_row(
    approval: Approval,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
) -> Strip:
    """Render an approval as one row of exactly `width` cells: who, since when, and what."""
    base = palette.selected if selected else palette.text
    accent = palette.selected if selected else palette.needs_input
    who = one_line(approval.handle or approval.thread_id[:8], 40)
    age = format_running(now - approval.asked_at)
    row = [
        Segment("? ", accent),
        Segment(who, accent),
        Segment(f" {age} ", base if selected else palette.muted),
        Segment(describe_asked(approval.asked), base),
    ]
    return fit_row(row, width, base)


def render_approval(approval: Approval, width: int, palette: Palette) -> list[Strip]:
    """Render everything that is asked; long lines are wrapped, nothing is cut.

    A command comes highlighted with its folder, reason, parsed parts and the rule "always" would
    set, a patch with its diff, an unknown request as JSON. Control and invisible characters are
    made visible.
    """
    return to_strips(_RequestLayout(width, palette).rows(approval.asked))


def _line(text: str) -> str:
    return " ".join(reveal(text[:2000]).split())


class _RequestLayout:
    """Lays out requests, one method per kind."""

    def __init__(self, width: int, palette: Palette) -> None:
        self._width = width
        self._palette = palette

    def rows(self, asked: Asked) -> list[Row]:
        match asked:
            case CommandAsked():
                return self._command(asked)
            case PatchAsked():
                return self._patch(asked)
            case PermissionsAsked(permissions, cwd, reason):
                return (
                    self._object("permissions", permissions)
                    + self._field("reason", reason)
                    + self._field("cwd", cwd)
                )
            case QuestionsAsked(questions):
                return self._questions(questions)
            case ElicitationAsked():
                return self._elicitation(asked)
            case ToolAsked():
                return self._tool(asked)
            case UnknownAsked(method, params):
                return self._field("request", method) + self._object("with", params)

    def _command(self, asked: CommandAsked) -> list[Row]:
        prompt = "> " if asked.stdin else "$ "
        rows = prompt_rows(asked.command, self._width, self._palette, prompt=prompt)
        rows += self._hidden_characters(asked.command)
        rows += [[]]
        rows += self._field("cwd", asked.cwd)
        rows += self._field("reason", asked.reason)
        rows += self._field("network", asked.network)
        rows += self._object("permissions", asked.permissions)
        rows += self._field("parsed", "\n".join(asked.parsed))
        if asked.rule:
            rows += self._field("always", f"{shlex.join(asked.rule)} …, for good, in every thread")
        return rows

    def _patch(self, asked: PatchAsked) -> list[Row]:
        rows = self._field("reason", asked.reason)
        rows += self._field("grants", asked.grant_root and f"{asked.grant_root}, for the session")
        if not asked.changes:
            return rows + self._warning("Codex has not shown what it would change.")
        rows += self._field("changes", summarize_changes(asked.changes))
        for change in asked.changes:
            rows += [[]]
            rows += change_rows([change], self._width, self._palette)
        return rows

    def _tool(self, asked: ToolAsked) -> list[Row]:
        """Lay out the arguments as JSON, so that no text in them looks like another field."""
        rows = self._field("tool", asked.tool)
        rows += self._field("server", asked.server or "one of the program's own")
        rows += self._field("reason", asked.reason)
        if not asked.arguments:
            return rows + self._field("with", "no arguments")
        inner = json_rows(asked.arguments, self._width - 2, self._palette)
        rows += [[], *wrap([Segment("with these arguments", self._palette.muted)], self._width)]
        return rows + indent(inner, Segment("  ", self._palette.text))

    def _questions(self, questions: Sequence[Question]) -> list[Row]:
        rows: list[Row] = []
        for number, question in enumerate(questions, 1):
            rows += [[]] if rows else []
            title = f"{number}. {question.header}" if question.header else f"{number}."
            rows += wrap([Segment(reveal(title), self._palette.strong)], self._width)
            rows += wrap([Segment(reveal(question.question), self._palette.text)], self._width)
            rows += self._options(question)
        return rows

    def _options(self, question: Question) -> list[Row]:
        palette = self._palette
        rows: list[Row] = []
        for label, description in question.options:
            segments = [Segment(reveal(label), palette.strong)]
            segments += [Segment(f": {reveal(description)}", palette.text)] if description else []
            rows += indent(wrap(segments, self._width - 2), Segment("- ", palette.accent))
        notes = ["another answer is welcome"] if question.other else []
        notes += ["the answer stays hidden"] if question.secret else []
        return rows + self._field("note", ", ".join(notes))

    def _elicitation(self, asked: ElicitationAsked) -> list[Row]:
        rows = self._field("server", asked.server)
        rows += wrap([Segment(reveal(asked.message), self._palette.strong)], self._width)
        rows += self._field("address", asked.url)
        if asked.mode not in ("form", "url"):
            rows += self._warning(f"Its mode {asked.mode} is not known here: it can be declined.")
        return rows + self._object("form", asked.schema) + self._object("meta", asked.meta)

    def _hidden_characters(self, text: str) -> list[Row]:
        if reveal(text).replace(" ", "") == text.replace("\t", "").replace(" ", ""):
            return []
        return self._warning("It holds control or invisible characters, shown as <U+…> or ␛.")

    def _warning(self, text: str) -> list[Row]:
        return wrap_with_glyph("!", reveal(text), self._palette.warning, self._width)

    def _field(self, name: str, value: str) -> list[Row]:
        """Lay out a name and its value in two columns; nothing if the value is empty."""
        if not value:
            return []
        label = Segment(f"{name:<8} ", self._palette.muted)
        text = Segment(reveal(value), self._palette.text)
        room = self._width - len(label.text)
        if room < len(label.text):
            return wrap([label, text], self._width, keep_spaces=True)
        return indent(wrap([text], room, keep_spaces=True), label)

    def _object(self, name: str, values: JsonObject) -> list[Row]:
        """Lay out a JSON object below its name; nothing if it is empty."""
        if not values:
            return []
        rows = value_rows(values, self._width - 2, self._palette)
        rows = indent(rows, Segment("  ", self._palette.text))
        return [*wrap([Segment(name, self._palette.muted)], self._width), *rows]
