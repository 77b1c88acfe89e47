"""Commands and their output as rows."""

from __future__ import annotations

import re
import shlex

from rich.segment import Segment
from rich.style import Style

from codextui.model.body import CommandRun
from codextui.render.code import highlight
from codextui.render.figures import format_count, format_elapsed
from codextui.render.layout import Row, fill, indent, wrap
from codextui.render.palette import Palette
from codextui.render.sanitize import reveal, sanitize

OUTPUT_LINES = 12
"""Lines of output shown unless all of them are wanted."""

LINE_ROWS = 3
"""Rows of one line of output shown unless all of them are wanted."""


MAX_UNWRAPPED = 10_000
"""Characters of a command above which it is shown with its shell."""

_SHELL = re.compile(r"(?:/usr)?(?:/bin/)?(?:ba|z|da)?sh -l?c ")


def command_rows(
    body: CommandRun, width: int, palette: Palette, *, unfinished: bool, full: bool
) -> list[Row]:
    """The command, the end of its output, and how it ended."""
    command = without_shell(body.command)
    rows = prompt_rows(command, width, palette) if command else []
    rows.extend(output_rows(body, width - 2, palette, full=full))
    ending, style = _ending(body, palette, unfinished=unfinished)
    rows.extend(indent(wrap([Segment(ending, style)], width - 2), Segment("  ", palette.text)))
    return rows


def prompt_rows(command: str, width: int, palette: Palette, *, prompt: str = "$ ") -> list[Row]:
    """The whole command, highlighted, on a ground of its own. Nothing is cut or hidden."""
    mark = palette.accent + Style(bgcolor=palette.block.bgcolor, bold=True)
    code = highlight(reveal(command), "bash", palette)
    rows = indent(wrap(code, width - len(prompt), exact=True), Segment(prompt, mark))
    return [fill(row, width, palette.block) for row in rows]


def without_shell(command: str) -> str:
    """`ls -l` for `/bin/bash -lc 'ls -l'`, in which Codex wraps what the agent asked for."""
    if len(command) > MAX_UNWRAPPED or not _SHELL.match(command):
        return command
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return words[2] if len(words) == 3 else command


def output_rows(body: CommandRun, width: int, palette: Palette, *, full: bool) -> list[Row]:
    """The output, or the last `OUTPUT_LINES` of it and a mark that says how much there is."""
    text = body.output.text.removesuffix("\n")
    if not text:
        return []
    dropped = body.output.dropped_lines
    lines = text.split("\n") if full else text.rsplit("\n", OUTPUT_LINES)[-OUTPUT_LINES:]
    hidden = dropped if full else dropped + text.count("\n") + 1 - len(lines)
    mark = f"… {format_count(hidden)} more lines" + (" are not kept" if full else "")
    rows = wrap([Segment(mark, palette.muted)], width) if hidden else []
    for line in lines:
        shown = terminal_line(line)
        shown = shown if full else _clip(shown, width * LINE_ROWS)
        rows.extend(wrap([Segment(shown, palette.muted)], width, exact=True))
    return indent(rows, *[Segment("  ", palette.text)] * 2)


def terminal_line(line: str) -> str:
    """What a terminal would show of a line that was written over: what came last."""
    parts = [part for part in line.split("\r") if part]
    return sanitize(parts[-1]) if parts else ""


def _clip(line: str, size: int) -> str:
    if len(line) <= size:
        return line
    return f"{line[:size]}… {format_count(len(line) - size)} more characters"


def _ending(body: CommandRun, palette: Palette, *, unfinished: bool) -> tuple[str, Style]:
    took = "" if body.duration_ms is None else f" · {format_elapsed(body.duration_ms / 1000)}"
    match body.status, body.exit_code:
        case "declined", _:
            return "✗ declined, it did not run", palette.bad
        case "inProgress", _ if unfinished:
            return "■ interrupted", palette.caution
        case "inProgress", _:
            return "● running", palette.running
        case _, 0:
            return f"✓ exit 0{took}", palette.good
        case _, int(code):
            return f"✗ exit {code}{took}", palette.bad
        case "completed", _:
            return f"✓ done{took}", palette.good
        case "failed", _:
            return f"✗ failed{took}", palette.bad
        case status, _:
            return f"? {sanitize(status)}{took}", palette.caution
