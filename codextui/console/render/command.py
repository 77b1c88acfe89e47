"""Renders commands with their output, and highlighted code."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from codextui.console.model.items import LEFT_RUNNING, CommandExecution, Progress
from codextui.console.render.layout import MAX_ROW_LENGTH, Fold, Row, fill, indent, wrap
from codextui.console.render.palette import Palette
from codextui.text.figures import format_count, format_elapsed, more_lines
from codextui.text.sanitize import fold_blanks, last_frames, reveal, sanitize
from codextui.text.shell import strip_shell

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it ships no types

MAX_OUTPUT_LINES = 12
"""Last lines of output shown."""

MAX_COMMAND_LENGTH = 16_000
"""Characters shown of a command."""

MAX_LINE_ROWS = 3
"""Rows shown of one line of output."""

MAX_HIGHLIGHTED_LENGTH = 20_000
"""Characters of code above which it is not highlighted: lexers can be made very slow."""

MAX_HIGHLIGHTED_LINE = 2_000
"""Characters of one line of code above which none of it is highlighted."""


def command_rows(
    run: CommandExecution, width: int, palette: Palette, progress: Progress, fold: Fold
) -> list[Row]:
    """Lay out a command, the end of its output and how it ended."""
    command = fold.clip_counted(strip_shell(run.command), MAX_COMMAND_LENGTH)
    rows = prompt_rows(command, width, palette) if command else []
    rows.extend(_output_rows(run, width - 2, palette, fold))
    ending, style = _ending(run, palette, progress)
    rows.extend(indent(wrap([Segment(ending, style)], width - 2), Segment("  ", palette.text)))
    return rows


def progress_label(progress: Progress, palette: Palette) -> tuple[str, str, Style]:
    """Return the glyph, the words and the style of an item whose outcome is not known."""
    glyph, style = {
        Progress.RUNNING: ("●", palette.running),
        Progress.WAITING: ("?", palette.needs_input),
        Progress.INTERRUPTED: ("■", palette.warning),
        Progress.LOST: ("■", palette.warning),
    }[progress]
    return glyph, progress.value, style


def prompt_rows(command: str, width: int, palette: Palette, *, prompt: str = "$ ") -> list[Row]:
    """Lay out a whole command, highlighted on the background of code; only blanks are folded."""
    style = palette.accent + Style(bgcolor=palette.code_block.bgcolor, bold=True)
    code = highlight(fold_blanks(reveal(command)), "bash", palette)
    rows = wrap(code, width - len(prompt), keep_spaces=True, hang=False)
    return [fill(row, width, palette.code_block) for row in indent(rows, Segment(prompt, style))]


def code_rows(code: str, language: str, width: int, palette: Palette) -> list[Row]:
    """Lay out sanitized code, highlighted on a background that fills `width`."""
    rows = wrap(highlight(code, language, palette), width - 2, keep_spaces=True)
    rows = indent(rows, Segment(" ", palette.code_block))
    return [fill(row, width, palette.code_block) for row in rows]


def highlight(code: str, language: str, palette: Palette) -> Row:
    """Style sanitized code by its tokens; the characters stay the same."""
    return highlight_with(_find_lexer(language.lower()), code, palette)


def highlight_with(lexer: Lexer | None, code: str, palette: Palette) -> Row:
    """Style code by the tokens of a lexer; without one, and if it is too long, it stays plain."""
    plain = [Segment(code, palette.code_block)]
    if lexer is None or len(code) > MAX_HIGHLIGHTED_LENGTH:
        return plain
    if any(len(line) > MAX_HIGHLIGHTED_LINE for line in code.split("\n")):
        return plain
    segments = list(_lex(code, lexer, palette))
    is_same = "".join(segment.text for segment in segments) == code
    return segments if is_same else plain


def _lex(code: str, lexer: Lexer, palette: Palette) -> Iterator[Segment]:
    """Yield the lexer's tokens, without the newline it may append."""
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
    # Not needed for the first frame.
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # noqa: PLC0415
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


def _style_of(kind: tuple[str, ...], palette: Palette) -> Style:
    """Return the style of a token type, or of its closest ancestor that has one."""
    styles = {
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
    ancestors = (kind[:end] for end in range(len(kind), 0, -1))
    return next((styles[key] for key in ancestors if key in styles), palette.code_block)


def _output_rows(run: CommandExecution, width: int, palette: Palette, fold: Fold) -> list[Row]:
    """Lay out the last lines of the output, below the number of lines before them."""
    output = run.output
    if not output:
        return []
    count = output.newlines + (0 if output.text.endswith("\n") else 1)
    lines = _last_lines(output.text, max(MAX_OUTPUT_LINES, fold.room))
    fold.is_hiding |= count > len(lines)
    hidden = output.dropped_lines + count - len(lines)
    rows = wrap([Segment(f"… {more_lines(hidden)}", palette.muted)], width) if hidden else []
    for line in lines:
        shown = _clip_line(last_frames(line), width * MAX_LINE_ROWS, fold)
        rows.extend(wrap([Segment(shown, palette.muted)], width, keep_spaces=True))
    return indent(rows, Segment("  ", palette.text))


def _last_lines(text: str, count: int) -> list[str]:
    """Return the last `count` lines without scanning those before."""
    start = end = len(text) - 1 if text.endswith("\n") else len(text)
    for _ in range(count):
        start = text.rfind("\n", 0, start)
        if start < 0:
            break
    return text[start + 1 : end].split("\n")


def _clip_line(line: str, size: int, fold: Fold) -> str:
    """Sanitize the start of a line and count the characters left out."""
    size = max(size, fold.room * MAX_ROW_LENGTH)
    shown = sanitize(line[: 4 * size])
    if len(line) <= 4 * size and len(shown) <= size:
        return shown
    fold.is_hiding = True
    return f"{shown[:size]}… {format_count(max(1, len(line) - size))} more characters"


def _ending(run: CommandExecution, palette: Palette, progress: Progress) -> tuple[str, Style]:
    took = "" if run.duration_ms is None else f" · {format_elapsed(run.duration_ms / 1000)}"
    match run.status, run.exit_code:
        case "declined", _:
            return "✗ declined, it did not run", palette.error
        case status, _ if status == LEFT_RUNNING:
            return "● left running, the turn ended first", palette.warning
        case "inProgress", _:
            glyph, words, style = progress_label(progress, palette)
            return f"{glyph} {words}", style
        case _, 0:
            return f"✓ exit 0{took}", palette.success
        case _, int(code):
            return f"✗ exit {code}{took}", palette.error
        case "completed", _:
            return f"✓ done{took}", palette.success
        case "failed", _:
            return f"✗ failed{took}", palette.error
        case status, _:
            return f"? {sanitize(status)}{took}", palette.warning
