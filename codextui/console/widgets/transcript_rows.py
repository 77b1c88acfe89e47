"""The rendered rows of a transcript, from its end as far back as needed. Needs no Textual app."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import msgspec
from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.items import TranscriptItem
from codextui.console.model.transcript import Transcript
from codextui.console.render.items import RenderedItem
from codextui.console.render.layout import Filler, fit_row
from codextui.console.render.palette import Palette
from codextui.text.figures import more_lines

MARGIN = 1
"""Empty cells on both sides."""

MAX_ROWS = 6000
"""Rows above which the oldest are dropped while the pane follows the end."""

UNFOLDED_ROOM = 500
"""Rows that each part of an unfolded item may have; the pager shows the rest."""

MIN_ITEM_WIDTH = 10
"""Least width of an item in cells."""


class _Block(msgspec.Struct):
    """A rendered item, and the number of its rows."""

    view: RenderedItem
    count: int = 0


class TranscriptRows:
    """The end of a transcript as rows of one width; older items are rendered on request.

    Attributes:
        rows: the rows, each exactly `width` wide.
        width: the width in cells.
    """

    def __init__(
        self,
        transcript: Transcript,
        width: int,
        palette: Palette,
        *,
        room: int = 0,
        unfolded: set[int] | None = None,
        collapsed: set[int] | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        """Create empty rows; `fill` renders the first ones.

        Args:
            transcript: the thread's transcript.
            width: the width in cells.
            palette: the colours.
            room: rows that each part of an item may have, if that is more than usual.
            unfolded: the ordinals of unfolded items; changed by `toggle_folds`.
            collapsed: the ordinals of items that are shown in a line; changed by `toggle_item`.
            max_rows: rows above which `trim` drops the oldest.
        """
        self.rows: list[Strip] = []
        self.width = width
        self._transcript = transcript
        self._palette = palette
        self._max_rows = max_rows
        self._room = room
        self._unfolded = set() if unfolded is None else unfolded
        self._collapsed = set() if collapsed is None else collapsed
        self._inner = max(MIN_ITEM_WIDTH, width - 2 * MARGIN)
        self._left = [Filler(" " * MARGIN, palette.text)]
        self._blocks: list[_Block] = []
        self._first = self._next = self._next_ordinal()
        self._version = transcript.version

    @property
    def is_complete(self) -> bool:
        """Whether the rows include the oldest item."""
        return self._first <= self._first_ordinal()

    def fill(self, min_rows: int) -> int:
        """Render older items until there are `min_rows` rows; return how many were added above."""
        before = len(self.rows)
        above: list[list[Strip]] = []
        count = before
        while count < min_rows and not self.is_complete:
            self._first -= 1
            block = _Block(self._render(self._item(self._first)))
            strips = self._strips(block)
            block.count = len(strips)
            self._blocks.insert(0, block)
            above.append(strips)
            count += len(strips)
        if above:
            self.rows[:0] = [strip for strips in reversed(above) for strip in strips]
        return len(self.rows) - before

    def update(self, top: int) -> int:
        """Apply the changes of the transcript; unchanged rows keep their strips.

        Args:
            top: the first visible row.

        Returns:
            the row that shows the same content as `top` did.
        """
        top = max(0, top - self._drop_removed())
        for item in self._transcript.changed_since(self._version):
            if item.ordinal >= self._next:
                self._append(item)
            elif item.ordinal >= self._first:
                top = self._redraw(item.ordinal - self._first, top)
        self._version = self._transcript.version
        return top

    def trim(self, min_rows: int) -> int:
        """Drop the oldest rows above the limit, but leave `min_rows`; return how many."""
        dropped = 0
        while len(self.rows) - dropped > self._max_rows:
            count = self._blocks[0].count
            if len(self.rows) - dropped - count < min_rows:
                break
            dropped += count
            self._blocks.pop(0)
            self._first += 1
        del self.rows[:dropped]
        return dropped

    def anchor_at(self, row: int) -> tuple[int, int]:
        """Return a position that holds at any width: an item's ordinal, and the row within it."""
        start = 0
        for index, block in enumerate(self._blocks):
            if row < start + block.count:
                return self._first + index, row - start
            start += block.count
        return self._next, 0

    def row_of(self, anchor: tuple[int, int]) -> int:
        """Return the row of an anchor, rendering older items up to it if necessary."""
        ordinal, offset = anchor
        while self._first > ordinal and not self.is_complete:
            self.fill(len(self.rows) + 1)
        index = max(0, ordinal - self._first)
        start = sum(block.count for block in self._blocks[:index])
        count = self._blocks[index].count if index < len(self._blocks) else 1
        return start + min(offset, max(0, count - 1))

    def folded_in(self, first: int, last: int) -> bool:
        """Return whether an item with a row from `first` to before `last` hides something."""
        return any(block.view.fold.is_hiding for _, block in self._blocks_in(first, last))

    def toggle_folds(self, first: int, last: int) -> int | None:
        """Unfold the items with a row from `first` to before `last`, or fold them if all are.

        Returns:
            the first row of the first item that changed, None if there is none.
        """
        blocks = self._blocks_in(first, last)
        folded = [(at, block) for at, block in blocks if block.view.fold.is_hiding]
        changed = [(at, block) for at, block in folded if self._first + at not in self._unfolded]
        if changed:
            self._unfolded.update(self._first + at for at, _ in changed)
        else:
            changed = [(at, one) for at, one in blocks if self._first + at in self._unfolded]
            self._unfolded.difference_update(self._first + at for at, _ in changed)
        for at, block in changed:
            block.view.refold(self._room_of(block.view.item))
            self._replace_rows(at)
        return sum(one.count for one in self._blocks[: changed[0][0]]) if changed else None

    def toggle_item(self, ordinal: int) -> int | None:
        """Unfold an item, fold it again, or collapse one that is short to a line.

        Returns:
            its first row, None if there is nothing to fold.
        """
        index = ordinal - self._first
        block = self._blocks[index]
        if ordinal in self._collapsed:
            self._collapsed.discard(ordinal)
        elif ordinal in self._unfolded:
            self._unfolded.discard(ordinal)
        elif block.view.fold.is_hiding:
            self._unfolded.add(ordinal)
        elif len(_content_rows(block.view.rows)) > 1:
            self._collapsed.add(ordinal)
        else:
            return None
        block.view.refold(self._room_of(block.view.item))
        self._replace_rows(index)
        return sum(one.count for one in self._blocks[:index])

    def unfold_item(self, ordinal: int) -> None:
        """Show as much of an item as a pane shows."""
        index = ordinal - self._first
        block = self._blocks[index]
        self._collapsed.discard(ordinal)
        if block.view.fold.is_hiding:
            self._unfolded.add(ordinal)
        block.view.refold(self._room_of(block.view.item))
        self._replace_rows(index)

    def item_in(self, first: int, last: int) -> TranscriptItem | None:
        """Return the last item with a row from `first` to before `last`, rather a folded one."""
        items = [(block.view.fold.is_hiding, at) for at, block in self._blocks_in(first, last)]
        return self._blocks[max(items)[1]].view.item if items else None

    def items_in(self, first: int, last: int) -> list[tuple[int, TranscriptItem]]:
        """Return the items with a row from `first` to before `last`, and their first rows."""
        blocks = self._blocks_in(first, last)
        row = sum(block.count for block in self._blocks[: blocks[0][0]]) if blocks else 0
        items: list[tuple[int, TranscriptItem]] = []
        for _, block in blocks:
            items.append((row, block.view.item))
            row += block.count
        return items

    def place_of(self, ordinal: int) -> tuple[int, int] | None:
        """Return the first row of an item that has rows, and their number."""
        index = ordinal - self._first
        if not 0 <= index < len(self._blocks):
            return None
        if 2 * index < len(self._blocks):
            start = sum(block.count for block in self._blocks[:index])
        else:  # what is at the end is asked for with every row that is drawn
            start = len(self.rows) - sum(block.count for block in self._blocks[index:])
        return start, self._blocks[index].count

    def item_beside(self, ordinal: int, step: int) -> TranscriptItem | None:
        """Return the next (1) or the previous (-1) item with rows; None if there is none."""
        index = ordinal - self._first + step
        while index < len(self._blocks):
            if index < 0:
                if self.is_complete:
                    return None
                before = len(self._blocks)
                self.fill(len(self.rows) + 1)
                index += len(self._blocks) - before
                continue
            if self._blocks[index].count:
                return self._blocks[index].view.item
            index += step
        return None

    def _blocks_in(self, first: int, last: int) -> list[tuple[int, _Block]]:
        """Return the blocks with such a row, and their indexes; what is at the end costs least."""
        blocks: list[tuple[int, _Block]] = []
        end = len(self.rows)
        for at in range(len(self._blocks) - 1, -1, -1):
            block = self._blocks[at]
            if end <= first:
                break
            if block.count and end - block.count < last:
                blocks.append((at, block))
            end -= block.count
        return blocks[::-1]

    def _render(self, item: TranscriptItem) -> RenderedItem:
        return RenderedItem(item, self._inner, self._palette, self._room_of(item))

    def _room_of(self, item: TranscriptItem) -> int:
        return max(self._room, UNFOLDED_ROOM) if item.ordinal in self._unfolded else self._room

    def _strips(self, block: _Block, first: int = 0) -> list[Strip]:
        """Return the rows of a block from `first` on; one row and a count if it is collapsed."""
        rows = block.view.rows
        if block.view.item.ordinal not in self._collapsed:
            return [self._pad(strip) for strip in rows[first:]]
        own = _content_rows(rows)
        words = f"  … folded: {more_lines(max(0, len(own) - 1))}"
        note = fit_row([Segment(words, self._palette.muted)], self._inner, self._palette.text)
        above = rows[: len(rows) - len(own)]
        return [self._pad(strip) for strip in (*above, *own[:1], note)]

    def _replace_rows(self, index: int) -> None:
        block = self._blocks[index]
        start = sum(other.count for other in self._blocks[:index])
        strips = self._strips(block)
        self.rows[start : start + block.count] = strips
        block.count = len(strips)

    def _append(self, item: TranscriptItem) -> None:
        block = _Block(self._render(item))
        strips = self._strips(block)
        block.count = len(strips)
        self.rows += strips
        self._blocks.append(block)
        self._next = item.ordinal + 1

    def _redraw(self, index: int, top: int) -> int:
        block = self._blocks[index]
        start = len(self.rows) - sum(other.count for other in self._blocks[index:])
        end = start + block.count
        changed = block.view.update()
        if block.view.item.ordinal in self._collapsed:
            changed = 0
        strips = self._strips(block, changed)
        self.rows[start + changed : end] = strips
        grown = changed + len(strips) - block.count
        block.count += grown
        return top + grown if end <= top else top

    def _drop_removed(self) -> int:
        dropped = 0
        while self._blocks and self._first < self._first_ordinal():
            dropped += self._blocks.pop(0).count
            self._first += 1
        del self.rows[:dropped]
        self._first = max(self._first, self._first_ordinal())
        self._next = max(self._next, self._first)
        return dropped

    def _first_ordinal(self) -> int:
        items = self._transcript.items
        return items[0].ordinal if items else 0

    def _next_ordinal(self) -> int:
        items = self._transcript.items
        return items[-1].ordinal + 1 if items else 0

    def _item(self, ordinal: int) -> TranscriptItem:
        return self._transcript.items[ordinal - self._first_ordinal()]

    def _pad(self, strip: Strip) -> Strip:
        """Pad a strip to a whole row in one step, as creating strips is the main cost."""
        room = self.width - MARGIN - strip.cell_length
        if room < 0:
            return Strip([*self._left, *strip]).crop(0, self.width)
        return Strip([*self._left, *strip, Filler(" " * room, self._palette.text)], self.width)


def _content_rows(rows: Sequence[Strip]) -> Sequence[Strip]:
    """Return the rows of an item without the empty ones above it."""
    empty = takewhile(lambda strip: not strip.text.strip(), rows)
    return rows[sum(1 for _ in empty) :]
