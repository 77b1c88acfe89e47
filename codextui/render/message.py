"""What people say to an agent, as rows."""

from __future__ import annotations

from rich.segment import Segment

from codextui.model.body import UserMessage
from codextui.render.figures import format_count, more_lines
from codextui.render.layout import Row, indent, wrap
from codextui.render.palette import Palette
from codextui.render.sanitize import sanitize

MESSAGE_LINES = 40
"""Lines of a long message shown unless all of them are wanted."""

MESSAGE_SIZE = 8_000
"""Characters of a long message shown unless all of them are wanted."""


def user_rows(body: UserMessage, width: int, palette: Palette, *, full: bool) -> list[Row]:
    """The message, its line ends kept; one that came while the turn ran is marked."""
    text = sanitize(body.text)
    shown = text if full else _head(text)
    runs = [Segment("steered: ", palette.muted)] if body.steer else []
    runs.append(Segment(shown, palette.strong))
    glyph = "» " if body.steer else "> "
    rows = indent(wrap(runs, width - 2, exact=True), Segment(glyph, palette.accent))
    if len(shown) < len(text):
        mark = f"  … {_describe_rest(text[len(shown) :])}"
        rows.extend(wrap([Segment(mark, palette.muted)], width))
    return rows


def _head(text: str) -> str:
    return "\n".join(text.split("\n", MESSAGE_LINES)[:MESSAGE_LINES])[:MESSAGE_SIZE]


def _describe_rest(rest: str) -> str:
    lines = rest.removeprefix("\n").count("\n") + 1
    if lines > 1:
        return more_lines(lines)
    return f"{format_count(len(rest))} more characters"
