"""Renders growing Markdown: finished blocks once, the open last block with each update."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.render.layout import WHOLE, Row, update_strips, wrap
from codextui.console.render.markdown import (
    DEFAULT_LIMITS,
    Block,
    MarkdownLimits,
    find_blocks,
    markdown_rows,
    source_rows,
)
from codextui.console.render.palette import Palette
from codextui.text.figures import format_count
from codextui.text.sanitize import sanitize


class StreamingMarkdown:
    """Renders Markdown from deltas; the final rows do not depend on how the text was cut.

    A block is finished when another block has started below it: no later text can change it
    (see `codextui.console.render.markdown`). Only whole lines count for that.

    Attributes:
        rows: as of the last `update` or `finish`.
        is_hiding: whether something is left out because the text is folded (`MarkdownLimits`).
    """

    def __init__(
        self, width: int, palette: Palette, *, limits: MarkdownLimits = DEFAULT_LIMITS
    ) -> None:
        self.rows: list[Strip] = []
        self.is_hiding = False
        self._width = width
        self._palette = palette
        self._limits = limits
        self._pending: list[str] = []
        self._open = ""  # the text from the start of the open block
        self._open_rows: list[Row] = []
        self._finished_length = self._finished_lines = 0
        self._has_finished_rows = False
        self._searched = 0  # characters of `_open` searched for blocks
        self._is_source = False  # a limit was exceeded: the rest is shown as source

    def feed(self, delta: str) -> None:
        """Add text; `update` renders it. Not allowed after `finish`."""
        self._pending.append(delta)

    def update(self) -> int:
        """Render the text fed; return the first changed row."""
        return self._render(final=False)

    def finish(self) -> int:
        """Render the text fed as the end; return the first changed row."""
        return self._render(final=True)

    def _render(self, *, final: bool) -> int:
        self._open = "".join((self._open, *self._pending))
        self._pending.clear()
        rows: list[Row] = []
        if final or self._is_search_due():
            self._finish_blocks(rows, len(self._open) if final else self._open.rfind("\n") + 1)
        finished = len(rows)
        self._append_block(rows, self._render_open_block(final=final))
        first = update_strips(self.rows, self._open_rows, rows)
        self._open_rows = rows[finished:]
        self._has_finished_rows = self._has_finished_rows or finished > 0
        return first

    def _append_block(self, rows: list[Row], block: list[Row]) -> None:
        """Append a block, after an empty row unless it is the first block."""
        if block and (rows or self._has_finished_rows):
            rows.append([])
        rows.extend(block)

    def _render_open_block(self, *, final: bool) -> list[Row]:
        if not self._is_source and (final or len(self._open) <= self._limits.open_block):
            return self._markdown_rows(self._open)
        is_folded = self._is_source and self._limits.is_folded
        if final and not is_folded:
            return self._source_rows(self._open)
        shown = self._limits.open_shown
        hidden = (len(self._open) - shown) // shown * shown
        if hidden <= 0:
            return self._source_rows(self._open)
        hidden = self._open.find("\n", hidden, hidden + shown // 2) + 1 or hidden
        rows = self._source_rows(self._open[hidden:])
        self.is_hiding = is_folded
        until = "" if is_folded else ", shown when this block is finished"
        words = f"… {format_count(hidden)} more characters{until}"
        return wrap([Segment(words, self._palette.muted)], self._width) + rows

    def _markdown_rows(self, source: str) -> list[Row]:
        return markdown_rows(sanitize(source), self._width, self._palette, limits=self._limits)

    def _source_rows(self, source: str) -> list[Row]:
        source = sanitize(source).strip("\n")
        return source_rows(source, self._width, self._palette) if source.strip() else []

    def _is_search_due(self) -> bool:
        """Return whether lines were added; in a long open block, whether many were added."""
        end = self._open.rfind("\n", self._searched) + 1
        is_long = end > self._limits.open_block
        return end > (self._searched * 3 // 2 if is_long else self._searched)

    def _finish_blocks(self, rows: list[Row], end: int) -> None:
        """Render all blocks but the last in the first `end` characters, which are whole lines.

        At most one maximal block is searched at once. Whether a block exceeds the limit
        therefore does not depend on when the search takes place.
        """
        window = self._limits.block
        longest = self._limits.text if self._limits.is_folded else WHOLE
        while not self._is_source:
            searched = self._open.find("\n", window, end) + 1 or end
            blocks = find_blocks(sanitize(self._open[:searched]))
            if len(blocks) > 1:
                # After a long block of code, search again: the next block may be too long.
                closed = blocks if window == self._limits.block else blocks[:2]
                length = self._start_of_last(closed)
                self._finish(length, rows)
                end -= length
                window = self._limits.block
            elif blocks and searched > (longest if blocks[0].is_code else self._limits.block):
                self._is_source = True
            elif searched < end:
                window = min(4 * window, longest) if blocks else 4 * window
            else:
                self._searched = searched
                return

    def _start_of_last(self, blocks: Sequence[Block]) -> int:
        """Return the offset of the last block, or of the first one beyond the text limit."""
        starts = {block.line for block in blocks[1:]}
        offset = start = 0
        first = self._finished_lines
        for line, text in enumerate(self._open.split("\n", max(starts))):
            if line in starts:
                start = offset
                self._finished_lines = first + line
                is_long = self._finished_length + start > self._limits.text
                if is_long or self._finished_lines > self._limits.lines:
                    self._is_source = True
                    break
            offset += len(text) + 1
        return start

    def _finish(self, length: int, rows: list[Row]) -> None:
        """Render the first `length` characters for good."""
        self._append_block(rows, self._markdown_rows(self._open[:length]))
        self._open = self._open[length:]
        self._finished_length += length
        self._searched = 0
