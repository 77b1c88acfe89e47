"""The items of a pane one by one: marked by a cursor, folded, gone to, and found again."""

from __future__ import annotations

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip

from codextui.console.model.items import TranscriptItem
from codextui.console.model.state import ThreadView
from codextui.console.widgets.drawing import LineWidget, NothingDone
from codextui.console.widgets.looks import PanePosition
from codextui.console.widgets.transcript_rows import TranscriptRows

ITEM_BINDINGS: list[BindingType] = [
    Binding("J", "item(1)", "Next item", id="pane.next_item", show=False),
    Binding("K", "item(-1)", "Previous item", id="pane.previous_item", show=False),
]
"""Keys that move the mark."""


class MarkedItems(LineWidget):
    """Marks, folds and scrolls to single items. `TranscriptPane` draws them.

    Attributes:
        view: the shown thread.
        follow: whether the pane scrolls with the end of the transcript.
    """

    view: ThreadView
    follow: bool
    _rows: TranscriptRows
    _header: list[Strip]
    _top: int
    _unfolded: set[int]
    _collapsed: set[int]
    _cursor: int | None
    """The ordinal of the marked item."""
    _wanted: tuple[int, bool, str] | None
    """The item to show once the pane has a size, and whether it is unfolded."""
    _is_backfilling: bool

    @property
    def is_hiding(self) -> bool:
        """Whether something is left out of a visible item."""
        return self._rows.folded_in(self._top, self._top + self._height)

    @property
    def item_to_read(self) -> TranscriptItem | None:
        """The marked item; or else the last visible one, rather one that is folded."""
        return self.marked_item or self._rows.item_in(self._top, self._top + self._height)

    @property
    def item_to_copy(self) -> TranscriptItem | None:
        """The marked item; or else the last visible one that has a text to copy."""
        from codextui.console.model.item_text import item_parts  # noqa: PLC0415 - on first use

        if self.marked_item is not None:
            return self.marked_item
        items = [item for _, item in self.visible_items()]
        return next((item for item in reversed(items) if item_parts(item.content)), None)

    @property
    def marked_item(self) -> TranscriptItem | None:
        """The item that the cursor is on, None without a cursor."""
        items = self.view.transcript.items
        index = -1 if self._cursor is None else self._cursor - self.view.transcript.dropped
        return items[index] if 0 <= index < len(items) else None

    def visible_items(self) -> list[tuple[int, TranscriptItem]]:
        """Return the visible items, and the line of the pane at which each begins."""
        above = len(self._header) - self._top
        items = self._rows.items_in(self._top, self._top + self._height)
        starts = ((self._skip_blank(row), item) for row, item in items)
        last = self.size.height - 1
        return [(min(last, max(row + above, len(self._header))), item) for row, item in starts]

    def _skip_blank(self, row: int) -> int:
        """Return the first row of an item that has text, given the first one."""
        return row if self._rows.rows[row].text.strip() else row + 1

    def toggle_folds(self) -> bool:
        """Unfold the marked item, or all visible ones; or fold them again.

        Returns:
            False if there is nothing to fold.
        """
        if self.marked_item is not None and self._cursor is not None:
            row = self._rows.toggle_item(self._cursor)
        else:
            row = self._rows.toggle_folds(self._top, self._top + self._height)
        if row is None:
            return False
        self._is_backfilling = False
        self._go_to(row)
        return True

    def show_item(self, ordinal: int, *, unfold: bool, text: str = "") -> None:
        """Mark an item, and scroll to its first row, or to its first one that has a text."""
        if not self._redraw_if_resized():
            self._wanted = ordinal, unfold, text  # shown once the pane has a size
            return
        self._rows.row_of((ordinal, 0))
        if self._rows.place_of(ordinal) is None:
            return
        if unfold:
            self._rows.unfold_item(ordinal)
        self._cursor = ordinal
        self._go_to(self._row_with(ordinal, text))

    def _row_with(self, ordinal: int, text: str) -> int:
        """Return the row to scroll to: a third of the pane above the text, or the item's first."""
        first, count = self._rows.place_of(ordinal) or (self._rows.row_of((ordinal, 0)), 0)
        rows = self._rows.rows[first : first + count]
        wanted = text.lower()
        at = next((at for at, row in enumerate(rows) if wanted and wanted in row.text.lower()), 0)
        return first + max(0, at - self._height // 3)

    @property
    def position(self) -> PanePosition:
        """How far the pane is scrolled, and what is marked and folded."""
        return PanePosition(
            self.follow,
            self._rows.anchor_at(self._top),
            self._cursor,
            frozenset(self._unfolded),
            frozenset(self._collapsed),
        )

    def return_to(self, position: PanePosition) -> None:
        """Scroll, mark and fold as the pane did before."""
        self._unfolded, self._collapsed = set(position.unfolded), set(position.collapsed)
        self._cursor, self.follow = position.cursor, position.follow
        self._redraw()
        if not self.follow and self._can_draw:
            self._go_to(self._rows.row_of(position.anchor))

    def clear_cursor(self) -> bool:
        """Take the mark off its item; return whether there was one."""
        had_cursor, self._cursor = self._cursor is not None, None
        self.refresh(self._body_region())
        return had_cursor

    def action_item(self, step: int) -> None:
        """Mark the next or the previous item; at first the last visible one."""
        marked = self.marked_item
        if marked is None or self._cursor is None:
            items = [item for _, item in self.visible_items()]
            item = items[-1 if step < 0 else 0] if items else None
        else:
            item = self._rows.item_beside(self._cursor, step)
        if item is None:
            end = "last" if step > 0 else "first"
            reason = f"This is the {end} item." if marked else "Nothing has been said here yet."
            self.post_message(NothingDone(reason))
            return
        self.mark_item(item.ordinal)

    def mark_item(self, ordinal: int) -> None:
        """Mark an item, and scroll as little as shows it."""
        self._cursor = ordinal
        self._scroll_to_item(ordinal)

    def _scroll_to_item(self, ordinal: int) -> None:
        """Scroll as little as shows an item, its beginning at least."""
        place = self._rows.place_of(ordinal)
        if place is None:
            return
        start, count = place
        height = self._height - (1 if self.rows_below else 0)
        self._go_to(max(min(self._top, start), min(start, start + count - height)))

    def _go_to(self, row: int) -> None:
        """Scroll to a row; follow if that shows the end."""
        row += self._rows.fill(self._height)
        last = max(0, len(self._rows.rows) - self._height)
        self._top = min(row, last)
        self.follow = self._top >= last
        self.refresh(self._body_region())
        self._report_folds()

    def _is_marked(self, row: int) -> bool:
        place = None if self._cursor is None else self._rows.place_of(self._cursor)
        return place is not None and self._skip_blank(place[0]) <= row < sum(place)

    # What the pane does.

    @property
    def rows_below(self) -> int:
        """Rows below the last visible one."""
        raise NotImplementedError

    @property
    def _height(self) -> int:
        raise NotImplementedError

    @property
    def _can_draw(self) -> bool:
        raise NotImplementedError

    def _body_region(self) -> Region:
        raise NotImplementedError

    def _redraw(self) -> None:
        raise NotImplementedError

    def _redraw_if_resized(self) -> bool:
        raise NotImplementedError

    def _report_folds(self) -> None:
        raise NotImplementedError
