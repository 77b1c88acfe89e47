"""The head of a pane."""

from __future__ import annotations

from textual.strip import Strip

from codextui.model.thread_view import ThreadView
from codextui.render.palette import Palette
from codextui.wire.thread import ThreadState


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
    raise NotImplementedError
