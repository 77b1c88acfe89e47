"""Commands and their output as rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from codextui.console.render.layout import Row, fill, indent, wrap
from codextui.console.render.palette import Palette

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it ships no types
import re
import shlex

from codextui.console.model.items import LEFT_RUNNING, CommandRun
from codextui.text.figures import format_count, format_elapsed, more_lines
from codextui.text.sanitize import reveal, sanitize

MAX_HIGHLIGHTED = 20_000
"""Characters above which code is left plain: highlighting is slow, and can be made very slow."""

MAX_LINE = 2_000
"""Characters of a line above which code is left plain."""


def highlight(code: str, language: str, palette: Palette) -> Row:
    """`code`, made safe before, as styled text of the very same characters."""
    lexer = _find_lexer(language.lower())
    if lexer is None or len(code) > MAX_HIGHLIGHTED or _has_long_line(code):
        return [Segment(code, palette.block)]
    runs = list(_lex(code, lexer, palette))
    same = "".join(run.text for run in runs) == code
    return runs if same else [Segment(code, palette.block)]


def code_rows(code: str, language: str, width: int, palette: Palette) -> list[Row]:
    """A block of code: highlighted, wrapped, on a ground of its own as wide as `width`."""
    rows = wrap(highlight(code, language, palette), width - 2, exact=True)
    return [fill(row, width, palette.block) for row in indent(rows, Segment(" ", palette.block))]


def _has_long_line(code: str) -> bool:
    return any(len(line) > MAX_LINE for line in code.split("\n"))


def _lex(code: str, lexer: Lexer, palette: Palette) -> Iterator[Segment]:
    """The lexer's tokens; it may add a line end, which goes again."""
    room = len(code)
    styles: dict[tuple[str, ...], Style] = {}
    for kind, text in lexer.get_tokens(code):
        if kind not in styles:
            styles[kind] = _style_of(kind, palette)
        if room > 0 and text:
            yield Segment(text[:room], styles[kind])
        room -= len(text)


@lru_cache(maxsize=64)
def _find_lexer(language: str) -> Lexer | None:
    if not language or len(language) > 40:
        return None
    # Late: the first frame has no code in it.
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # noqa: PLC0415
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


def _style_of(kind: tuple[str, ...], palette: Palette) -> Style:
    """The style of a kind of token: that of the nearest family it belongs to."""
    styles = _styles(palette)
    return next(
        (styles[kind[:end]] for end in range(len(kind), 0, -1) if kind[:end] in styles),
        palette.block,
    )


def _styles(palette: Palette) -> dict[tuple[str, ...], Style]:
    return {
        ("Comment",): palette.comment,
        ("Keyword",): palette.keyword,
        ("Operator",): palette.operator,
        ("Operator", "Word"): palette.keyword,
        ("Literal", "String"): palette.string,
        ("Literal", "Number"): palette.number,
        ("Name", "Function"): palette.name,
        ("Name", "Class"): palette.name,
        ("Name", "Builtin"): palette.name,
        ("Name", "Decorator"): palette.name,
        ("Name", "Tag"): palette.keyword,
        ("Generic", "Inserted"): palette.added,
        ("Generic", "Deleted"): palette.removed,
    }


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
    output = body.output
    if not output:
        return []
    ended = output.text.endswith("\n")
    lines = _last_lines(output.text, None if full else OUTPUT_LINES)
    count = output.line_ends + (0 if ended else 1)
    hidden = output.dropped_lines + count - len(lines)
    mark = f"… {more_lines(hidden)}" + (" are not kept" if full else "")
    rows = wrap([Segment(mark, palette.muted)], width) if hidden else []
    for line in lines:
        shown = written_last(line)
        shown = sanitize(shown) if full else _clip(shown, width * LINE_ROWS)
        rows.extend(wrap([Segment(shown, palette.muted)], width, exact=True))
    return indent(rows, *[Segment("  ", palette.text)] * 2)


def _last_lines(text: str, most: int | None) -> list[str]:
    """The last lines without looking at more than they are; None for all of them."""
    end = len(text) - 1 if text.endswith("\n") else len(text)
    if most is None:
        return text[:end].split("\n")
    start = end
    for _ in range(most):
        start = text.rfind("\n", 0, start)
        if start < 0:
            break
    return text[start + 1 : end].split("\n")


def written_last(line: str) -> str:
    """What a terminal would show of a line that was written over again and again."""
    line = line.rstrip("\r")
    return line[line.rfind("\r") + 1 :]


def _clip(line: str, size: int) -> str:
    """The beginning of a line, made safe, and how much more there is."""
    shown = sanitize(line[: 4 * size])
    if len(line) <= 4 * size and len(shown) <= size:
        return shown
    return f"{shown[:size]}… {format_count(max(1, len(line) - size))} more characters"


def _ending(body: CommandRun, palette: Palette, *, unfinished: bool) -> tuple[str, Style]:
    took = "" if body.duration_ms is None else f" · {format_elapsed(body.duration_ms / 1000)}"
    match body.status, body.exit_code:
        case "declined", _:
            return "✗ declined, it did not run", palette.bad
        case status, _ if status == LEFT_RUNNING:
            return "● left running, the turn ended first", palette.caution
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
