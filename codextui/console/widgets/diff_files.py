"""The files of a diff with their counts, beside the diff."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.diff_document import Document
from codextui.console.render.diff_entries import FILE_LETTERS
from codextui.console.render.layout import Row, fit_row, truncate, truncate_left
from codextui.console.render.palette import Palette
from codextui.console.widgets.drawing import ThemedLineWidget
from codextui.protocol.diff import FileDiff
from codextui.text.figures import format_count
from codextui.text.sanitize import one_revealed_line


class DiffFiles(ThemedLineWidget):
    """Lists the files under the titles of their sections; a click goes to a file."""

    GROUND: ClassVar[str] = "panel"

    class Chosen(Message):
        """A file was clicked."""

        def __init__(self, file: int) -> None:
            super().__init__()
            self.file = file

    def __init__(self) -> None:
        """List nothing at first."""
        super().__init__(id="files")
        self._document: Document | None = None
        self._rows: list[int | str] = []
        self._current = -1
        self._first = 0
        self._comments: Counter[int] = Counter()

    def show(self, document: Document, current: int) -> None:
        """List the files of a document, with one of them marked."""
        if document is not self._document:
            self._document = document
            self._rows = _list_rows(document)
            starts = [document.entries[start] for start in document.comment_starts]
            self._comments = Counter(entry.file for entry in starts if entry.file >= 0)
        self._current = current
        at = self._rows.index(current) if current in self._rows else 0
        height = max(1, self.size.height)
        if not self._first <= at < self._first + height:
            self._first = max(0, at - height // 2)
        self._first = max(0, min(self._first, len(self._rows) - height))
        self.refresh()

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        at, palette = self._first + y, self._palette
        if palette is None or self._document is None or at >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        row = self._rows[at]
        if isinstance(row, str):
            return fit_row([Segment(row, palette.muted)], self.size.width, palette.text)
        file = self._document.files[row].file
        return fit_row(self._file_row(row, file, palette), self.size.width, palette.text)

    def _file_row(self, number: int, file: FileDiff, palette: Palette) -> Row:
        is_current = number == self._current
        mark = "▌" if is_current else " "
        added = f" +{format_count(file.added)}" if file.added else ""
        removed = f" -{format_count(file.removed)}" if file.removed else ""
        comments = f" ✎{self._comments[number]}" if self._comments[number] else ""
        room = self.size.width - 4 - cell_len(added + removed + comments)
        path = truncate_left(one_revealed_line(file.path, 400), max(4, room))
        gap = " " * max(0, room - cell_len(path))
        return [
            Segment(mark, palette.accent),
            Segment(f"{FILE_LETTERS[file.kind]} ", palette.muted),
            Segment(path, palette.strong if is_current else palette.text),
            Segment(gap, palette.text),
            Segment(added, palette.success),
            Segment(removed, palette.error),
            Segment(comments, palette.accent),
        ]

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked file."""
        at = self._first + event.y
        if at < len(self._rows) and isinstance(row := self._rows[at], int):
            self.post_message(self.Chosen(row))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the list."""
        self._scroll(event, 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the list."""
        self._scroll(event, -3)

    def _scroll(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        last = max(0, len(self._rows) - self.size.height)
        self._first = max(0, min(last, self._first + rows))
        self.refresh()


def _list_rows(document: Document) -> list[int | str]:
    rows: list[int | str] = []
    section = -1
    for number, shown in enumerate(document.files):
        if shown.section != section:
            section = shown.section
            if title := document.sections[section].title:
                rows.append(truncate(one_revealed_line(title, 200), 200))
        rows.append(number)
    return rows
