"""A row of the thread tree."""

from __future__ import annotations

from textual.strip import Strip

from codextui.model.thread_view import ThreadView
from codextui.model.tree import TreeRow
from codextui.render.palette import Palette
from codextui.wire.thread import ThreadState


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
) -> Strip:
    """One row, exactly `width` cells: guides, glyph, handle, state, elapsed, tokens, waits for.

    Args:
        row: its place in the tree.
        view: the thread.
        state: from `Board.state_of`.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the elapsed time.
        selected: whether it is the chosen row.
        pane: the number of the pane that shows it, None where none does.
    """
    raise NotImplementedError
