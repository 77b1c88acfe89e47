"""A row of the thread tree."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.model.standing import ALONE, Standing
from codextui.model.thread_view import ThreadView
from codextui.model.tree import TreeRow
from codextui.render.figures import format_running, format_tokens
from codextui.render.layout import Row, cut, fit
from codextui.render.palette import Palette
from codextui.render.sanitize import one_line
from codextui.render.state import mark_state
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadState

MAX_GUIDES = 6
"""Levels that are drawn; what is deeper is drawn there."""

KIND_MARKS = {ThreadKind.RUN: "▣ ", ThreadKind.ROLE: "@", ThreadKind.CODEX: ""}
"""What stands before a handle, so that one sees what kind of row it is."""

MIN_HANDLE = {ThreadKind.RUN: 16, ThreadKind.ROLE: 9, ThreadKind.CODEX: 8}
"""Cells of a handle that are kept as long as there is something else to leave out."""


def render_tree_row(
    row: TreeRow,
    view: ThreadView,
    state: ThreadState,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
    pane: int | None = None,
    standing: Standing = ALONE,
) -> Strip:
    """One row, exactly `width` cells: guides, glyph, handle, state, elapsed, tokens, waits for.

    What does not fit is left out from the end: money and tokens first, then the time, never the
    glyph. A team's run is marked `▣` and says how many of its roles are done, a role `@`.

    Args:
        row: its place in the tree.
        view: the thread.
        state: from `Board.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        selected: whether it is the chosen row.
        pane: the number of the pane that shows it, None where none does.
        standing: how its run stands.
    """
    mark = mark_state(state, palette)
    number = " " if pane is None else str(pane)
    left = f"{number} {_guides(row)}"
    kind = view.info.kind
    handle = KIND_MARKS[kind] + one_line(view.info.handle or view.thread_id[:8], 200)
    room = width - cell_len(left) - 2
    least = min(MIN_HANDLE[kind], cell_len(handle))
    facts = next(
        (f for f in _facts(view, state, now, standing) if cell_len(f) + 1 + least <= room), ""
    )
    handle = _shortened(handle, standing, room - (cell_len(facts) + 1 if facts else 0))
    handle = cut(handle, room - (cell_len(facts) + 1 if facts else 0))
    space = max(0, room - cell_len(handle) - cell_len(facts))
    runs = [
        (left, palette.faint),
        (f"{mark.glyph} ", mark.style),
        (handle, palette.strong if state.has_turn else palette.text),
        (" " * space, palette.text),
        (facts, mark.style if state is ThreadState.NEEDS_INPUT else palette.muted),
    ]
    return fit(_styled(runs, palette.selected if selected else None), width, palette.text)


def _shortened(handle: str, standing: Standing, room: int) -> str:
    """`…-codex` for the thread of a role, right below it, where its whole handle does not fit."""
    prefix = one_line(standing.role, 200)
    if not prefix or cell_len(handle) <= room or not handle.startswith(f"{prefix}-"):
        return handle
    return f"…{handle.removeprefix(prefix)}"


def _styled(runs: list[tuple[str, Style]], over: Style | None) -> Row:
    return [Segment(text, style if over is None else over) for text, style in runs if text]


def _guides(row: TreeRow) -> str:
    shown = row.guides[-MAX_GUIDES:]
    if not shown:
        return ""
    above = "".join("│ " if goes_on else "  " for goes_on in shown[:-1])
    return above + ("├ " if shown[-1] else "└ ")


def _facts(view: ThreadView, state: ThreadState, now: float, standing: Standing) -> Iterator[str]:
    """What stands at the right, the fullest first."""
    info = view.info
    tokens = format_tokens(info.usage.total) if info.usage.total else ""
    started = info.turn_started_at if state.has_turn else None
    elapsed = "" if started is None else format_running(now - started)
    word = state.value
    if state is ThreadState.NEEDS_INPUT and info.waits_for:
        word = f"needs {one_line(info.waits_for, 20)}"
    if standing.roles and state is not ThreadState.DONE:
        word = f"{word} {standing.done}/{standing.roles}"
    cost = standing.cost
    for parts in (
        (word, elapsed, tokens, cost),
        (word, elapsed, tokens),
        (word, elapsed),
        (word,),
        (state.value,),
    ):
        yield " ".join(part for part in parts if part)
    yield state.value.removeprefix("needs ")
