"""The rows of a transcript at one width, drawn as far back as somebody looks. No Textual app."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.items import TranscriptItem
from codextui.console.model.transcript import Transcript
from codextui.console.render.items import RenderedItem
from codextui.console.render.palette import Palette

MARGIN = 1
"""Cells left free on both sides."""

MOST_ROWS = 6000
"""Rows above which those far above a reader at the end are forgotten."""

NARROWEST = 10
"""Cells that an item needs at least."""


@dataclass(slots=True)
class _Block:
    """An item and how many of the rows are its."""

    view: RenderedItem
    count: int = 0


class TranscriptRows:
    """The end of a transcript as rows of one width; older items are drawn when asked for.

    Attributes:
        rows: each exactly as wide as `width`.
        width: in cells.
    """

    def __init__(self, transcript: Transcript, width: int, palette: Palette) -> None:
        """Draw nothing yet; see `fill`."""
        self.rows: list[Strip] = []
        self.width = width
        self._transcript = transcript
        self._palette = palette
        self._inner = max(NARROWEST, width - 2 * MARGIN)
        self._left = [Segment(" " * MARGIN, palette.text)]
        self._blocks: list[_Block] = []
        self._first = self._next = self._end()
        self._version = transcript.version

    @property
    def is_complete(self) -> bool:
        """Whether the oldest item is among the rows."""
        return self._first <= self._start()

    def fill(self, least: int) -> int:
        """Draw older items until there are `least` rows; return how many came above."""
        before = len(self.rows)
        above: list[list[Strip]] = []
        count = before
        while count < least and not self.is_complete:
            self._first -= 1
            block = _Block(RenderedItem(self._item(self._first), self._inner, self._palette))
            strips = [self._pad(strip) for strip in block.view.rows]
            block.count = len(strips)
            self._blocks.insert(0, block)
            above.append(strips)
            count += len(strips)
        if above:
            self.rows[:0] = [strip for strips in reversed(above) for strip in strips]
        return len(self.rows) - before

    def update(self, top: int) -> int:
        """Take in what has changed; rows that did not keep their strips.

        Args:
            top: the first row that somebody looks at.

        Returns:
            the row that `top` has become.
        """
        top = max(0, top - self._forget_dropped())
        for item in self._transcript.changed_since(self._version):
            if item.ordinal >= self._next:
                self._append(item)
            elif item.ordinal >= self._first:
                top = self._redraw(item.ordinal - self._first, top)
        self._version = self._transcript.version
        return top

    def trim(self, least: int) -> int:
        """Forget rows far above the end, but leave `least` of them; return how many."""
        gone = 0
        while len(self.rows) - gone > MOST_ROWS:
            count = self._blocks[0].count
            if len(self.rows) - gone - count < least:
                break
            gone += count
            self._blocks.pop(0)
            self._first += 1
        del self.rows[:gone]
        return gone

    def place_of(self, row: int) -> tuple[int, int]:
        """The item at a row, by ordinal, and the row within it: a place at any width."""
        start = 0
        for index, block in enumerate(self._blocks):
            if row < start + block.count:
                return self._first + index, row - start
            start += block.count
        return self._next, 0

    def row_of(self, place: tuple[int, int]) -> int:
        """The row of a place, drawing back to it where need be."""
        ordinal, offset = place
        while self._first > ordinal and not self.is_complete:
            self.fill(len(self.rows) + 1)
        index = max(0, ordinal - self._first)
        start = sum(block.count for block in self._blocks[:index])
        count = self._blocks[index].count if index < len(self._blocks) else 1
        return start + min(offset, max(0, count - 1))

    def _append(self, item: TranscriptItem) -> None:
        block = _Block(RenderedItem(item, self._inner, self._palette))
        block.count = len(block.view.rows)
        self.rows += [self._pad(strip) for strip in block.view.rows]
        self._blocks.append(block)
        self._next = item.ordinal + 1

    def _redraw(self, index: int, top: int) -> int:
        block = self._blocks[index]
        start = len(self.rows) - sum(other.count for other in self._blocks[index:])
        end = start + block.count
        changed = block.view.update()
        self.rows[start + changed : end] = [self._pad(strip) for strip in block.view.rows[changed:]]
        grown = len(block.view.rows) - block.count
        block.count = len(block.view.rows)
        return top + grown if end <= top else top

    def _forget_dropped(self) -> int:
        gone = 0
        while self._blocks and self._first < self._start():
            gone += self._blocks.pop(0).count
            self._first += 1
        del self.rows[:gone]
        self._first = max(self._first, self._start())
        self._next = max(self._next, self._first)
        return gone

    def _start(self) -> int:
        items = self._transcript.items
        return items[0].ordinal if items else 0

    def _end(self) -> int:
        items = self._transcript.items
        return items[-1].ordinal + 1 if items else 0

    def _item(self, ordinal: int) -> TranscriptItem:
        return self._transcript.items[ordinal - self._start()]

    def _pad(self, strip: Strip) -> Strip:
        """The strip as a whole row; made at once, because making strips is what costs most."""
        room = self.width - MARGIN - strip.cell_length
        if room < 0:
            return Strip([*self._left, *strip]).crop(0, self.width)
        return Strip([*self._left, *strip, Segment(" " * room, self._palette.text)], self.width)
