"""Markdown that grows: finished blocks are laid out once, the open end again and again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.render.layout import Row, redraw, wrap
from codextui.console.render.markdown import (
    MAX_BLOCK,
    MAX_TEXT,
    Block,
    find_blocks,
    markdown_rows,
    plain_rows,
)
from codextui.console.render.palette import Palette
from codextui.text.figures import format_count
from codextui.text.sanitize import sanitize

OPEN_LAID_OUT = 3_000
"""Characters of an open end above which it is shown as its source until it is finished."""

OPEN_SHOWN = 3_000
"""Characters of such an end that are shown at least; twice as many at most."""


class StreamingMarkdown:
    """Lays out Markdown as it comes. However the text is cut into deltas, the end is the same.

    Nothing can be fed after `finish`.

    A block is finished when another has begun below it: no later text changes it then (see
    `codextui.console.render.markdown`). Only whole lines count for that.

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
        self._is_source = False

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
            self._finish_blocks(rows, len(self._open) if final else self._open.rfind("\n") + 1)
        finished = len(rows)
        self._add(rows, self._open_rows(final=final))
        first = redraw(self.rows, self._drawn, rows)
        self._drawn = rows[finished:]
        self._finished = self._finished or finished > 0
        return first

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

    def _finish_blocks(self, rows: list[Row], whole: int) -> None:
        """Lay out for good all blocks in `whole` characters (whole lines) but the last.

        No more is looked at at once than one block may have. What shows that a block is longer
        is therefore the same text at whatever time it is looked at.
        """
        window = MAX_BLOCK
        while not self._is_source:
            end = self._open.find("\n", window, whole) + 1 or whole
            blocks = find_blocks(sanitize(self._open[:end]))
            if len(blocks) > 1:
                # Behind a long block of code, look again: the next one may be too long.
                closed = blocks if window == MAX_BLOCK else blocks[:2]
                offset = self._offset(closed)
                self._finish_before(offset, rows)
                whole -= offset
                window = MAX_BLOCK
            elif end > MAX_BLOCK and blocks and not blocks[0].is_code:
                self._is_source = True
            elif end < whole:
                window *= 4
            else:
                self._searched = end
                return

    def _offset(self, blocks: Sequence[Block]) -> int:
        """Where the last block begins, or the first one after all that is laid out."""
        starts = {block.line for block in blocks[1:]}
        offset = begin = 0
        for line, text in enumerate(self._open.split("\n", max(starts))):
            if line in starts:
                begin = offset
                if self._finished_size + begin > MAX_TEXT:
                    self._is_source = True
                    break
            offset += len(text) + 1
        return begin

    def _finish_before(self, offset: int, rows: list[Row]) -> None:
        self._add(rows, markdown_rows(sanitize(self._open[:offset]), self._width, self._palette))
        self._open = self._open[offset:]
        self._finished_size += offset
        self._searched = 0
