"""Markdown that grows: finished blocks are laid out once, the open end again and again."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from codextui.render.figures import format_count
from codextui.render.layout import Row, redraw, wrap
from codextui.render.markdown import MAX_TEXT, block_lines, markdown_rows, plain_rows
from codextui.render.palette import Palette
from codextui.render.sanitize import sanitize

OPEN_LAID_OUT = 3_000
"""Characters of an open end above which it is shown as its source until it is finished."""

WINDOW = 32_768
"""Characters that are searched for finished blocks at once."""

OPEN_SHOWN = 3_000
"""Characters of such an end that are shown at least; twice as many at most."""


class StreamingMarkdown:
    """Lays out Markdown as it comes. However the text is cut into deltas, the end is the same.

    A block is finished when another has begun below it: no later text changes it then (see
    `codextui.render.markdown`). Only whole lines count for that.

    Attributes:
        rows: as of the last `update` or `finish`.
    """

    def __init__(self, width: int, palette: Palette) -> None:
        self.rows: list[Strip] = []
        self._width = width
        self._palette = palette
        self._open = ""
        self._pending: list[str] = []
        self._drawn: list[Row] = []
        self._finished = False
        self._finished_size = 0
        self._searched = 0

    def feed(self, delta: str) -> None:
        """Take more text; `update` draws it."""
        self._pending.append(delta)

    def update(self) -> int:
        """Draw what was fed; return the first row that changed."""
        return self._draw(final=False)

    def finish(self) -> int:
        """Draw the end as it stays; return the first row that changed."""
        return self._draw(final=True)

    def _draw(self, *, final: bool) -> int:
        self._open = "".join((self._open, *self._pending))
        self._pending.clear()
        rows: list[Row] = []
        if final or self._is_worth_searching():
            self._finish_blocks(rows)
        finished = len(rows)
        self._add(rows, self._open_rows(final=final))
        first = redraw(self.rows, self._drawn, rows)
        self._drawn = rows[finished:]
        self._finished = self._finished or finished > 0
        return first

    @property
    def _is_source(self) -> bool:
        """Whether so much has been laid out that the rest is shown as its source."""
        return self._finished_size > MAX_TEXT

    def _add(self, rows: list[Row], more: list[Row]) -> None:
        """Add a block's rows, below an empty one unless they are the first of all."""
        if more and (rows or self._finished):
            rows.append([])
        rows.extend(more)

    def _open_rows(self, *, final: bool) -> list[Row]:
        if not self._is_source and (final or len(self._open) <= OPEN_LAID_OUT):
            return markdown_rows(sanitize(self._open), self._width, self._palette)
        if final:
            return self._source_rows(self._open)
        hidden = (len(self._open) - OPEN_SHOWN) // OPEN_SHOWN * OPEN_SHOWN
        rows = self._source_rows(self._open[max(0, hidden) :])
        if hidden <= 0:
            return rows
        mark = f"… {format_count(hidden)} more characters, shown when this block is finished"
        return wrap([Segment(mark, self._palette.muted)], self._width) + rows

    def _source_rows(self, source: str) -> list[Row]:
        source = sanitize(source).strip("\n")
        return plain_rows(source, self._width, self._palette) if source.strip() else []

    def _is_worth_searching(self) -> bool:
        """Whether lines were added; where much is open, whether much was added."""
        whole = self._open.rfind("\n", self._searched) + 1
        enough = self._searched if whole <= OPEN_LAID_OUT else self._searched * 3 // 2
        return whole > enough

    def _finish_blocks(self, rows: list[Row]) -> None:
        """Lay out for good all blocks of whole lines but the last."""
        window = WINDOW
        while not self._is_source:
            end = self._open.rfind("\n", 0, window) + 1
            if not self._finish_blocks_before(end, rows):
                if window >= len(self._open):
                    self._searched = end
                    return
                window *= 4

    def _finish_blocks_before(self, end: int, rows: list[Row]) -> bool:
        """Look at whole lines alone; False where no block in them is finished."""
        lines = self._open[:end].split("\n")
        offset = line = 0
        for start in block_lines(sanitize(self._open[:end]))[1:]:
            offset += sum(len(text) + 1 for text in lines[line:start])
            line = start
            if self._finished_size + offset > MAX_TEXT:
                break
        if not line:
            return False
        self._add(rows, markdown_rows(sanitize(self._open[:offset]), self._width, self._palette))
        self._open = self._open[offset:]
        self._finished_size += offset
        self._searched = 0
        return True
