"""A diff with a cursor: only the rows on the screen are rendered, and coloured in a thread."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codextui.console.model.diff_comments import Comment
from codextui.console.model.diff_document import (
    Document,
    Entry,
    EntryKind,
    Section,
    anchor_of,
    build_document,
    find_anchor,
)
from codextui.console.render.diff_entries import (
    MIN_SPLIT_WIDTH,
    DiffLook,
    EntryRenderer,
    digits_of,
)
from codextui.console.render.diff_syntax import CHUNK_LINES, SyntaxSpan, color_lines
from codextui.console.render.palette import Palette, palette_from
from codextui.protocol.diff import Hunk

MAX_RENDERED: Final = 400
"""Entries whose rows are kept."""

MAX_COLORED: Final = 60
"""Parts of hunks whose colours are kept."""

_Chunk = tuple[int, int]
_Colors = dict[int, tuple[SyntaxSpan, ...]]

EMPTY: Final = build_document((), lambda _: ())
"""A document without entries."""


class DiffView(ScrollView, can_focus=True):
    """Shows a document, unified or side by side, and moves a cursor through its entries."""

    DEFAULT_CSS = """
    DiffView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Line above", show=False, id="diff.up"),
        Binding("down,j", "move(1)", "Line below", show=False, id="diff.down"),
        Binding("left,h", "side(True)", "To the old side", show=False, id="diff.old_side"),
        Binding("right,l", "side(False)", "To the new side", show=False, id="diff.new_side"),
        Binding("pageup", "page(-1)", "Up a page", show=False, id="diff.page_up"),
        Binding("pagedown,space", "page(1)", "Down a page", show=False, id="diff.page_down"),
        Binding("home", "jump(False)", "To the beginning", show=False, id="diff.home"),
        Binding("end,G", "jump(True)", "To the end", show=False, id="diff.end"),
        Binding("right_square_bracket,n", "hunk(1)", "Next hunk", id="diff.next_hunk"),
        Binding("left_square_bracket,N", "hunk(-1)", "Hunk before", id="diff.previous_hunk"),
        Binding("J", "file(1)", "Next file", id="diff.next_file"),
        Binding("K", "file(-1)", "File before", id="diff.previous_file"),
    ]

    class Moved(Message):
        """The cursor is on another entry, or the document is another one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        """Show nothing at first."""
        super().__init__(id=id)
        self.document = EMPTY
        self.wants_sides = False
        self.is_left = False
        self.shows_blanks = False
        self.cursor = 0
        self._sections: tuple[Section, ...] = ()
        self._comments_of: Callable[[str], Sequence[Comment]] = lambda _: ()
        self._is_built_split = False
        self._renderer: EntryRenderer | None = None
        self._ends: list[int] = []
        self._strips: OrderedDict[int, list[Strip]] = OrderedDict()
        self._colors: OrderedDict[_Chunk, tuple[Hunk, _Colors]] = OrderedDict()
        self._wanted: dict[_Chunk, tuple[str, Hunk]] = {}
        self._is_coloring = False

    # The document.

    @property
    def is_split(self) -> bool:
        """Whether old and new lines stand side by side: it is wanted, and there is room."""
        return self.wants_sides and self._width >= MIN_SPLIT_WIDTH

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        entries = self.document.entries
        return entries[self.cursor] if self.cursor < len(entries) else None

    @property
    def file_number(self) -> int:
        """The index of the file at the cursor, -1 before the first."""
        return bisect_right(self.document.file_starts, self.cursor) - 1

    @property
    def hunk_number(self) -> int:
        """The index of the hunk at the cursor among all, -1 before the first."""
        return bisect_right(self.document.hunk_starts, self.cursor) - 1

    def show(
        self,
        sections: Sequence[Section],
        comments_of: Callable[[str], Sequence[Comment]],
        *,
        keeps_place: bool = True,
    ) -> None:
        """Show diffs; with `keeps_place`, the cursor and the screen stay where they were."""
        self._sections, self._comments_of = tuple(sections), comments_of
        self._rebuild(keeps_place=keeps_place)

    def _rebuild(self, *, keeps_place: bool = True) -> None:
        old = self.document
        row: int | None = self.row_of(self.cursor) - self.scroll_offset.y
        self._is_built_split = self.is_split
        document = build_document(
            self._sections, self._comments_of, side_by_side=self._is_built_split
        )
        self.document = document
        if keeps_place and old.entries and document.entries:
            self.cursor = _same_place(old, document, self.cursor)
        else:
            self.cursor, row = _first_stop(document), None
        self._layout(row)
        self.post_message(self.Moved())

    def row_of(self, index: int) -> int:
        """Return the first row of an entry."""
        return self._ends[index - 1] if 0 < index <= len(self._ends) else 0

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def _layout(self, row: int | None) -> None:
        """Find the place of every entry at the present width.

        The cursor stays in a row of the screen; without one the screen shows the beginning.
        """
        if self._width <= 0:
            self._renderer = None  # laid out once it is shown
            return
        palette: Palette = palette_from(self.app.theme_variables, surface="surface")
        look = DiffLook(
            self._width, palette, self._is_built_split, self.shows_blanks, digits_of(self.document)
        )
        self._renderer = EntryRenderer(self.document, look, self._syntax)
        self._ends = list(accumulate(map(self._renderer.height, self.document.entries)))
        self._strips.clear()
        self.virtual_size = Size(self._width, self._ends[-1] if self._ends else 0)
        top = 0 if row is None else max(0, self.row_of(self.cursor) - row)
        self.scroll_to(y=top, animate=False, force=True)
        self._show_cursor()
        self.refresh()

    def restyle(self) -> None:
        """Lay out again, with the cursor in the same row of the screen."""
        if self.is_split != self._is_built_split:
            self._rebuild()
        else:
            self._layout(self.row_of(self.cursor) - self.scroll_offset.y)
            self.post_message(self.Moved())

    # Events.

    def on_mount(self) -> None:
        """Follow changes of the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._change_theme())

    def _change_theme(self) -> None:
        self._colors.clear()
        self.restyle()

    def on_resize(self) -> None:
        """Lay out again at another width."""
        if self._renderer is None or self._renderer.look.width != self._width:
            self.restyle()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row."""
        index = bisect_right(self._ends, self.scroll_offset.y + event.y)
        if index < len(self.document.entries):
            if self.is_split:
                self.is_left = event.x < self._width // 2
            self.move_to(index)

    def render_line(self, y: int) -> Strip:
        """Render the line at `y` of the widget."""
        row = self.scroll_offset.y + y
        index = bisect_right(self._ends, row)
        if self._renderer is None or index >= len(self._ends):
            return Strip.blank(self.size.width, self.rich_style)
        strips = self._strips_of(index)
        strip = strips[min(row - self.row_of(index), len(strips) - 1)]
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def _strips_of(self, index: int) -> list[Strip]:
        strips = self._strips.get(index)
        if strips is None and self._renderer is not None:
            rows = self._renderer.rows(
                self.document.entries[index],
                is_current=index == self.cursor,
                is_left=self.is_left,
            )
            strips = self._strips[index] = [Strip(row) for row in rows]
            if len(self._strips) > MAX_RENDERED:
                self._strips.popitem(last=False)
        return strips or [Strip.blank(1)]

    # The cursor.

    def move_to(self, index: int, *, to_top: bool = False) -> None:
        """Move the cursor to an entry, and scroll as little as needed to show it."""
        if not self.document.entries:
            return
        self._strips.pop(self.cursor, None)
        self.cursor = max(0, min(len(self.document.entries) - 1, index))
        self._strips.pop(self.cursor, None)
        if to_top:
            self.scroll_to(y=max(0, self.row_of(self.cursor) - 1), animate=False)
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def _show_cursor(self) -> None:
        height = self.scrollable_content_region.height
        if height <= 0 or self.cursor >= len(self._ends):
            return
        first, last = self.row_of(self.cursor), self._ends[self.cursor] - 1
        top = self.scroll_offset.y
        if last >= top + height:
            top = last - height + 1
        top = min(top, first)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)

    def action_move(self, step: int) -> None:
        """Move the cursor by an entry, or scroll within one that is higher than the screen."""
        height = self.scrollable_content_region.height
        first, last = self.row_of(self.cursor), self.row_of(self.cursor + 1)
        top = self.scroll_offset.y
        if step > 0 and last > top + height and last - first > height:
            self.scroll_relative(y=1, animate=False)
        elif step < 0 and first < top and last - first > height:
            self.scroll_relative(y=-1, animate=False)
        else:
            self.move_to(self.cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        height = max(1, self.scrollable_content_region.height - 1)
        row = self.row_of(self.cursor) + step * height
        index = bisect_right(self._ends, max(0, row))
        self.scroll_relative(y=step * height, animate=False)
        self.move_to(index)

    def action_jump(self, to_end: bool) -> None:
        """Move the cursor to the first or the last entry."""
        self.move_to(len(self.document.entries) - 1 if to_end else 0)

    def action_side(self, to_left: bool) -> None:
        """Move the cursor to the old or the new side."""
        self.is_left = to_left
        self.move_to(self.cursor)

    def action_hunk(self, step: int) -> None:
        """Move the cursor to another hunk."""
        self._go(self.document.hunk_starts, step)

    def action_file(self, step: int) -> None:
        """Move the cursor to another file."""
        self._go(self.document.file_starts, step)

    def _go(self, starts: Sequence[int], step: int) -> None:
        at = bisect_right(starts, self.cursor) - 1
        if step < 0 and at >= 0 and starts[at] < self.cursor:
            step = 0  # first to the start of this one
        target = at + step
        if 0 <= target < len(starts):
            self.move_to(starts[target], to_top=True)

    # Colours.

    def _syntax(self, file: int, hunk: int, line: int) -> Sequence[SyntaxSpan]:
        """Return the colours of a line, or nothing and have a thread find them."""
        shown = self.document.files[file].file
        key = id(shown.hunks[hunk]), line // CHUNK_LINES
        known = self._colors.get(key)
        if known is not None:
            return known[1].get(line % CHUNK_LINES, ())
        if key not in self._wanted and len(self._wanted) < MAX_COLORED // 2:
            self._wanted[key] = shown.path, shown.hunks[hunk]
            if not self._is_coloring:
                self._is_coloring = True
                self.call_after_refresh(self._color_wanted)
        return ()

    def _color_wanted(self) -> None:
        wanted, self._wanted = self._wanted, {}
        if wanted and self._renderer is not None:
            work = partial(self._color, wanted, self._renderer.look.palette)
            self.run_worker(work, thread=True, group="syntax", exit_on_error=False)
        else:
            self._is_coloring = False

    def _color(self, wanted: dict[_Chunk, tuple[str, Hunk]], palette: Palette) -> None:
        """Colour parts of hunks. Runs in a thread."""
        colors: dict[_Chunk, tuple[Hunk, _Colors]] = {}
        for (key, number), (path, hunk) in wanted.items():
            lines = hunk.lines[number * CHUNK_LINES : (number + 1) * CHUNK_LINES]
            colors[key, number] = hunk, color_lines(path, lines, palette)
        self.app.call_from_thread(self._take_colors, colors)

    def _take_colors(self, colors: dict[_Chunk, tuple[Hunk, _Colors]]) -> None:
        self._colors.update(colors)
        while len(self._colors) > MAX_COLORED:
            self._colors.popitem(last=False)
        self._strips.clear()
        self.refresh()
        self._is_coloring = bool(self._wanted)
        if self._wanted:
            self._color_wanted()

    def comment_at_cursor(self) -> int:
        """Return the index of the comment at the cursor or below its line, -1 for none."""
        entries = self.document.entries
        for entry in entries[self.cursor : self.cursor + 2]:
            if entry.kind is EntryKind.COMMENT:
                return entry.comment
        return -1


def _same_place(old: Document, new: Document, cursor: int) -> int:
    """Return the entry of a new document that is the one at the cursor of an old one."""
    is_same = old.entries[: cursor + 1] == new.entries[: cursor + 1] and old.files == new.files
    return cursor if is_same else find_anchor(new, anchor_of(old, cursor))


def _first_stop(document: Document) -> int:
    return document.file_starts[0] if document.file_starts else 0
