"""What a person is asked, as rows."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.render.command import prompt_rows
from codextui.console.render.diff import change_rows, summarize_changes
from codextui.console.render.layout import Row, fit, indent, to_strips, wrap
from codextui.console.render.palette import Palette
from codextui.console.render.values import json_rows, value_rows
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


__all__ = ["approval_title", "render_approval", "render_approval_row"]


def render_approval(approval: Approval, width: int, palette: Palette) -> list[Strip]:
    """Everything that is asked, in full: nothing is ever cut, long lines are wrapped.

    The whole command (highlighted), cwd, reason, what Codex parsed and the rule that "always"
    would set; or the diff; questions; permissions; an elicitation; or, for what is not known,
    all of it as JSON. Control and invisible characters are shown as what they are.
    """
    return to_strips(_Body(width, palette).rows(approval))


def render_approval_row(
    approval: Approval,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
) -> Strip:
    """One row of the strip of what needs a person, exactly `width` cells."""
    base = palette.selected if selected else palette.text
    mark = palette.selected if selected else palette.asking
    who = one_line(approval.handle or approval.thread_id[:8], 40)
    age = format_running(now - approval.asked_at)
    row = [
        Segment("? ", mark),
        Segment(who, mark),
        Segment(f" {age} ", base if selected else palette.muted),
        Segment(describe_asked(approval.asked), base),
    ]
    return fit(row, width, base)


class _Body:
    """Lays out one kind of request each."""

    def __init__(self, width: int, palette: Palette) -> None:
        self._width = width
        self._palette = palette

    def rows(self, approval: Approval) -> list[Row]:
        match approval.asked:
            case CommandAsked() as asked:
                return self._command(asked)
            case PatchAsked() as asked:
                return self._patch(asked)
            case PermissionsAsked(permissions, cwd, reason):
                return (
                    self._json("permissions", permissions)
                    + self._fact("reason", reason)
                    + self._fact("cwd", cwd)
                )
            case QuestionsAsked(questions):
                return self._questions(questions)
            case ElicitationAsked() as asked:
                return self._elicitation(asked)
            case ToolAsked() as asked:
                return self._tool(asked)
            case UnknownAsked(method, params):
                return self._fact("request", method) + self._json("with", params)

    def _command(self, asked: CommandAsked) -> list[Row]:
        prompt = "> " if asked.stdin else "$ "
        rows = prompt_rows(asked.command, self._width, self._palette, prompt=prompt)
        rows += self._hidden_characters(asked.command)
        rows += [[]]
        rows += self._fact("cwd", asked.cwd)
        rows += self._fact("reason", asked.reason)
        rows += self._fact("network", asked.network)
        rows += self._json("permissions", asked.permissions)
        rows += self._fact("parsed", "\n".join(asked.parsed))
        if asked.rule:
            rows += self._fact("always", f"{shlex.join(asked.rule)} …, for good, in every thread")
        return rows

    def _patch(self, asked: PatchAsked) -> list[Row]:
        rows = self._fact("reason", asked.reason)
        rows += self._fact("grants", asked.grant_root and f"{asked.grant_root}, for the session")
        if not asked.changes:
            return rows + self._caution("Codex has not shown what it would change.")
        rows += self._fact("changes", summarize_changes(asked.changes))
        for change in asked.changes:
            rows += [[]]
            rows += change_rows([change], self._width, self._palette)
        return rows

    def _tool(self, asked: ToolAsked) -> list[Row]:
        """The arguments as JSON, so that no text in them can pass for something else here."""
        rows = self._fact("tool", asked.tool)
        rows += self._fact("server", asked.server or "one of the program's own")
        rows += self._fact("reason", asked.reason)
        if not asked.arguments:
            return rows + self._fact("with", "no arguments")
        inner = json_rows(asked.arguments, self._width - 2, self._palette)
        rows += [[], *wrap([Segment("with these arguments", self._palette.muted)], self._width)]
        return rows + indent(inner, *[Segment("  ", self._palette.text)] * 2)

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
            runs = [Segment(reveal(label), palette.strong)]
            runs += [Segment(f": {reveal(description)}", palette.text)] if description else []
            rows += indent(wrap(runs, self._width - 2), Segment("- ", palette.accent))
        notes = ["another answer is welcome"] if question.other else []
        notes += ["the answer stays hidden"] if question.secret else []
        return rows + (self._fact("note", ", ".join(notes)))

    def _elicitation(self, asked: ElicitationAsked) -> list[Row]:
        rows = self._fact("server", asked.server)
        rows += wrap([Segment(reveal(asked.message), self._palette.strong)], self._width)
        rows += self._fact("address", asked.url)
        if asked.mode not in ("form", "url"):
            rows += self._caution(f"Its mode {asked.mode} is not known here: it can be declined.")
        return rows + self._json("form", asked.schema) + self._json("meta", asked.meta)

    def _hidden_characters(self, text: str) -> list[Row]:
        if reveal(text).replace(" ", "") == text.replace("\t", "").replace(" ", ""):
            return []
        return self._caution("It holds control or invisible characters, shown as <U+…> or ␛.")

    def _caution(self, text: str) -> list[Row]:
        runs = [Segment(reveal(text), self._palette.caution)]
        return indent(wrap(runs, self._width - 2), Segment("! ", self._palette.caution))

    def _fact(self, name: str, value: str) -> list[Row]:
        if not value:
            return []
        label = Segment(f"{name:<8} ", self._palette.muted)
        room = self._width - len(label.text)
        if room < len(label.text):
            return wrap(
                [label, Segment(reveal(value), self._palette.text)], self._width, exact=True
            )
        return indent(wrap([Segment(reveal(value), self._palette.text)], room, exact=True), label)

    def _json(self, name: str, values: JsonObject) -> list[Row]:
        if not values:
            return []
        rows = value_rows(values, self._width - 2, self._palette)
        rows = indent(rows, *[Segment("  ", self._palette.text)] * 2)
        return [*wrap([Segment(name, self._palette.muted)], self._width), *rows]
