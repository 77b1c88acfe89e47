"""Frames of the inspector in a line each, in words that need no colour."""

from __future__ import annotations

import time

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.frames import Entry, NameOf, Outcome
from codextui.console.model.json_tree import JsonKind, JsonLine
from codextui.console.render.layout import Row, fit_row, indent, truncate, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.frames import MCP, FrameKind
from codextui.text.figures import format_elapsed
from codextui.text.sanitize import fold_blanks, one_line, reveal

MAX_NAME = 80
"""Characters of a name on a line."""


def format_time(at: float) -> str:
    """Return the time of day with milliseconds."""
    whole = time.strftime("%H:%M:%S", time.localtime(at))
    return f"{whole}.{int(at * 1000) % 1000:03}"


def format_size(size: int) -> str:
    """Return a count of bytes as `312 B`, `1.2 kB` or `3.4 MB`."""
    if size < 1_000:
        return f"{size} B"
    if size < 999_500:
        return f"{size / 1_000:.1f} kB"
    return f"{size / 1_000_000:.1f} MB"


def format_wait(seconds: float) -> str:
    """Return how long an answer took: `41ms`, `3.2s`, `4m 10s`."""
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else format_elapsed(seconds)


def describe_way(entry: Entry) -> str:
    """Return who sent a frame to whom: `mcp ← claude-code`, `app → codex`."""
    frame = entry.frame
    protocol = "mcp" if frame.protocol == MCP else "app"
    peer = one_line(entry.peer, MAX_NAME) or f"client {frame.link}"
    return f"{protocol} {'→' if frame.sent else '←'} {peer}"


def describe_frame(entry: Entry) -> str:
    """Return what a frame is: `? turn/start #5`, `= turn/start #5`, `· item/started`."""
    frame = entry.frame
    if frame.kind is FrameKind.CLOSED:
        return f"∅ the connection has ended: {one_line(frame.body, MAX_NAME)}"
    if frame.kind is FrameKind.INVALID:
        return f"✗ no message: {one_line(frame.body, MAX_NAME)}"
    method = one_line(entry.method, MAX_NAME) or "a request that was not seen"
    more = entry.tool or frame.detail
    tool = f" {one_line(more, MAX_NAME)}" if more else ""
    number = "" if frame.id is None else f" #{one_line(str(frame.id), 20)}"
    return f"{_MARKS[frame.kind]} {method}{tool}{number}"


def describe_outcome(entry: Entry, now: float) -> str:
    """Return what became of a request and after how long; of an answer, how long it took."""
    request = entry.partner if entry.outcome is None else entry
    if request is None:
        return ""
    wait = format_wait(request.age(now))
    if entry.outcome is None:
        return wait
    return f"{_OUTCOMES[entry.outcome]} {wait}"


def describe_line(entry: Entry, name_of: NameOf, now: float) -> str:
    """Return a frame in a line, for a shell."""
    parts = [
        format_time(entry.frame.at),
        describe_way(entry),
        describe_frame(entry),
        one_line(name_of(entry.thread) or entry.thread, MAX_NAME),
        format_size(entry.frame.size) if entry.frame.kind is not FrameKind.CLOSED else "",
        describe_outcome(entry, now) if entry.outcome is not Outcome.OUTSTANDING else "",
    ]
    return "  ".join(part for part in parts if part)


_MARKS = {
    FrameKind.REQUEST: "?",
    FrameKind.ANSWER: "=",
    FrameKind.ERROR: "✗",
    FrameKind.NOTIFICATION: "·",
}
_OUTCOMES = {
    Outcome.OUTSTANDING: "… waits",
    Outcome.ANSWERED: "✓",
    Outcome.FAILED: "✗",
    Outcome.CANCELLED: "∅ cancelled after",
    Outcome.CLOSED: "∅ cut off after",
}


def render_frame(
    entry: Entry,
    width: int,
    palette: Palette,
    name_of: NameOf,
    *,
    now: float,
    selected: bool = False,
) -> Strip:
    """Render a frame as one row of exactly `width` cells.

    From left to right: time, way, what it is, its thread, its size, what became of it. Where there
    is no room, the size is left out first, then the milliseconds and the thread.
    """
    wide = width >= _WIDE
    outcome = describe_outcome(entry, now)
    time_text = format_time(entry.frame.at)
    parts: list[tuple[str, int, Style]] = [
        (time_text if wide else time_text[:8], 12 if wide else 8, palette.muted),
        (describe_way(entry), 20 if wide else 16, _protocol_style(entry, palette)),
    ]
    ends: list[tuple[str, int, Style]] = []
    if width >= _WITH_THREAD:
        ends.append((one_line(name_of(entry.thread), MAX_NAME), 12, palette.muted))
    if width >= _WITH_SIZE:
        ends.append((format_size(entry.frame.size).rjust(8), 8, palette.muted))
    ends.append((outcome, max(11, cell_len(outcome)), _outcome_style(entry, palette)))
    room = width - sum(size + 1 for _, size, _ in (*parts, *ends)) - 1
    parts.append((describe_frame(entry), max(4, room), _kind_style(entry, palette)))
    row: Row = []
    for text, size, style in (*parts, *ends):
        row.append(Segment(set_cell_size(truncate(text, size), size) + " ", style))
    if selected:
        row = [Segment(segment.text, palette.selected) for segment in row]
    return fit_row(row, width, palette.text)


def render_json_line(line: JsonLine, width: int, palette: Palette) -> list[Row]:
    """Lay out a line of JSON, which may take several rows."""
    spaces = "  " * min(line.depth, MAX_INDENT, width // 6)
    mark = _FOLD_MARKS.get(line.kind, "  ") if line.depth else "  "
    before = Segment(f"{spaces}{mark}", palette.faint)
    segments: Row = []
    behind = Style(bgcolor=palette.text.bgcolor)  # the styles of code have a background of its own
    if line.key:
        segments.append(Segment(reveal(line.key), palette.name + behind))
        segments.append(Segment(": ", palette.muted))
    styles = {
        JsonKind.TEXT: palette.string,
        JsonKind.NUMBER: palette.number,
        JsonKind.WORD: palette.keyword,
    }
    style = styles.get(line.kind, palette.muted)
    segments.append(Segment(fold_blanks(reveal(line.text)), style + behind))
    segments.append(Segment(line.end, palette.muted))
    rows = wrap(segments, max(2, width - cell_len(before.text)), keep_spaces=True)
    return indent(rows, before)


MAX_INDENT = 20
"""Levels that are indented."""

_WITH_THREAD, _WIDE, _WITH_SIZE = 70, 90, 110
_FOLD_MARKS = {JsonKind.OPEN: "▾ ", JsonKind.FOLDED: "▸ "}


def _protocol_style(entry: Entry, palette: Palette) -> Style:
    return palette.accent if entry.frame.protocol == MCP else palette.path


def _kind_style(entry: Entry, palette: Palette) -> Style:
    if entry.is_error:
        return palette.error
    match entry.frame.kind:
        case FrameKind.REQUEST:
            return palette.strong
        case FrameKind.CLOSED:
            return palette.warning
        case _:
            return palette.text


def _outcome_style(entry: Entry, palette: Palette) -> Style:
    match entry.outcome:
        case Outcome.OUTSTANDING:
            return palette.needs_input
        case Outcome.ANSWERED:
            return palette.success
        case Outcome.FAILED:
            return palette.error
        case _:
            return palette.muted
