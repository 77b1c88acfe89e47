"""The head of a pane."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from codextui.model.thread_view import ThreadView
from codextui.render.figures import format_running, format_tokens
from codextui.render.layout import Row, cut, cut_left, fit, row_length
from codextui.render.palette import Palette
from codextui.render.sanitize import one_line
from codextui.render.state import mark_state
from codextui.wire.thread import ThreadInfo, ThreadState

MIN_PLACE = 12
"""Cells that cwd and branch get as long as there is something else to leave out."""


def render_pane_header(
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    number: int | None = None,
    home: str = "",
) -> list[Strip]:
    """Two rows, each exactly `width` cells.

    First: number, glyph, handle, state, elapsed, tokens. Second: model, cwd@branch (shortened
    from the left), sandbox.

    Args:
        view: the thread.
        state: from `Board.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        number: of the pane.
        home: the person's home folder, shown as `~`; empty for none.
    """
    first = _first_row(view, state, width, palette, now=now, number=number)
    return [
        fit(first, width, palette.text),
        fit(_second_row(view.info, width, palette, home), width, palette.text),
    ]


def _first_row(
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    number: int | None,
) -> Row:
    info = view.info
    mark = mark_state(state, palette)
    facts = [mark.word]
    if state is ThreadState.NEEDS_INPUT and info.waits_for:
        facts = [f"needs {one_line(info.waits_for, 20)}"]
    if state.has_turn and info.turn_started_at is not None:
        facts.append(format_running(now - info.turn_started_at))
    if info.usage.total:
        facts.append(f"{format_tokens(info.usage.total)}{_fullness(view)}")
    words = " · ".join(facts)
    left = f"{number} " if number is not None else ""
    room = width - cell_len(left) - 3 - cell_len(words)
    handle = cut(one_line(info.handle or info.thread_id[:8], 200), max(room, 6))
    return [
        Segment(left, palette.accent),
        Segment(f"{mark.glyph} ", mark.style),
        Segment(f"{handle} ", palette.strong),
        Segment(words, mark.style),
    ]


def _fullness(view: ThreadView) -> str:
    """How full the model's window is: ` (41%)`, empty where unknown."""
    window = view.info.context_window
    if not window or not view.last_tokens:
        return ""
    return f" ({min(999, view.last_tokens * 100 // window)}%)"


def _second_row(info: ThreadInfo, width: int, palette: Palette, home: str) -> Row:
    model, sandbox = one_line(info.model, 60), one_line(info.sandbox, 40)
    place = place_of(info, home)
    risky = info.sandbox == "danger-full-access"
    ends: Row = []
    ends.extend([Segment(f"{model}  ", palette.muted)] if model else [])
    if sandbox:
        ends.append(Segment(f"  {sandbox}", palette.caution if risky else palette.muted))
    while ends and width - row_length(ends) < min(MIN_PLACE, cell_len(place)):
        ends.pop(0)
    room = max(0, width - row_length(ends))
    middle = Segment(cut_left(place, room), palette.muted)
    before = [end for end in ends if end.text.endswith(" ")]
    after = [end for end in ends if not end.text.endswith(" ")]
    return [*before, middle, *after]


def place_of(info: ThreadInfo, home: str = "") -> str:
    """`~/work/app@main`: where a thread works. Safe to show."""
    cwd = info.cwd
    if home and (cwd == home or cwd.startswith(f"{home}/")):
        cwd = f"~{cwd[len(home) :]}"
    return one_line(f"{cwd}@{info.branch}" if info.branch else cwd)
