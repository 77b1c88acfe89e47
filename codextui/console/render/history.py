"""Renders a row of Codex's history."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.history import PastThread
from codextui.console.model.labels import says_the_same, short_folder
from codextui.console.render.layout import fit_row, truncate
from codextui.console.render.palette import Palette
from codextui.text.sanitize import one_line

OPEN_MARK, CLOSED_MARK = "●", "○"
"""Marks a thread that is loaded, and one that is not."""

MIN_TITLE_WIDTH = 24
"""Cells of a title for which anything else is left out first."""

_COLUMNS = {"state": 11, "origin": 11, "place": 20, "model": 12, "age": 4}
_GAP = 2


def render_past_thread(
    thread: PastThread, width: int, palette: Palette, *, now: float, selected: bool = False
) -> Strip:
    """Render a thread as one row of exactly `width` cells.

    From left to right: whether it is loaded, name or brief, state, origin, folder and branch,
    model, age. Where there is no room, the model is left out first, and the age last.

    Args:
        thread: the thread.
        width: in cells.
        palette: the styles.
        now: unix seconds, for the age.
        selected: whether the cursor is on it.
    """
    columns = _fitting_columns(width - 2)
    texts = {
        "state": one_line(thread.state, 40) or ("loaded" if thread.loaded else ""),
        "origin": one_line(thread.origin, 40) or "codextui",
        "place": _place(thread),
        "model": one_line(thread.model, 40),
        "age": format_age(now - thread.at) if thread.at else "",
    }
    title_width = width - 2 - sum(_COLUMNS[column] + _GAP for column in columns)
    mark = OPEN_MARK if thread.loaded else CLOSED_MARK
    row = [
        Segment(f"{mark} ", palette.running if thread.loaded else palette.faint),
        Segment(_cell(past_title(thread), title_width), palette.text),
    ]
    for column in columns:
        is_last = column == "age"
        cell = _cell(texts[column], _COLUMNS[column], right=is_last)
        row.append(Segment(f"{' ' * _GAP}{cell}", palette.muted))
    if selected:
        row = [Segment(segment.text, palette.selected) for segment in row]
    return fit_row(row, width, palette.text)


def past_title(thread: PastThread) -> str:
    """Return the name of a thread, else how its first prompt begins. Sanitized."""
    title = one_line(thread.name, 300) or one_line(thread.brief, 300)
    handle = one_line(thread.handle, 60)
    if handle and not (thread.name and says_the_same(thread.name, handle)):
        return f"{handle}  {title}" if title else handle
    return title or "(nothing was said)"


def format_age(seconds: float) -> str:
    """Format how long ago something was, in at most four cells: `now`, `12m`, `3h`, `5d`, `2y`."""
    for size, unit in ((31_536_000, "y"), (86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{min(999, int(seconds // size))}{unit}"
    return "now"


def _fitting_columns(room: int) -> list[str]:
    """Return the columns that fit beside a title, in their order on the screen."""
    fitting: set[str] = set()
    left = room - MIN_TITLE_WIDTH
    for column in _by_weight():
        if _COLUMNS[column] + _GAP <= left:
            left -= _COLUMNS[column] + _GAP
            fitting.add(column)
        else:
            break
    return [column for column in _COLUMNS if column in fitting]


def _by_weight() -> Iterator[str]:
    yield from ("age", "origin", "place", "state", "model")


def _place(thread: PastThread) -> str:
    folder, branch = short_folder(thread.cwd), one_line(thread.branch, 60)
    return f"{folder}@{branch}" if branch else folder


def _cell(text: str, width: int, *, right: bool = False) -> str:
    text = truncate(text, max(0, width))
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
