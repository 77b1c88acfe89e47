"""A pane: the head of a thread, and what it says and does, as it happens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile, zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import NULL_SIZE, Region
from textual.selection import Selection
from textual.strip import Strip

from codextui.console.model.state import ThreadView
from codextui.console.render.layout import fit_row
from codextui.console.render.thread import render_pane_header, render_plan_line
from codextui.console.widgets.drawing import LineWidget
from codextui.console.widgets.pane_context import Looks, PaneContext
from codextui.console.widgets.transcript_rows import MARGIN, TranscriptRows
from codextui.protocol.runs import ThreadKind
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line

ROOMY = 12
"""Rows from which a pane has room for the brief and the plan in its head."""

CLIMB_ROWS = 200
"""Rows drawn at once on the way to the beginning of a long past."""

WHEEL_ROWS = 3
"""Rows that a notch of the wheel scrolls."""


class TranscriptPane(LineWidget, can_focus=True):
    """The head in fixed rows, below it the transcript, which follows its end.

    Scrolled up it stays where it is, and says how much is below. It draws its own lines: no
    border, no scroll bar, no child widgets, so that many can stream at once.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_rows(1)", "Scroll down", id="pane.down", show=False),
        Binding("k", "scroll_rows(-1)", "Scroll up", id="pane.up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", id="pane.page_down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", id="pane.page_up", show=False),
        Binding("home", "top", "To the beginning", id="pane.top", show=False),
        Binding("end,G", "follow", "To the end, and follow it", id="pane.follow", show=False),
    ]

    ALLOW_SELECT = True

    def __init__(self, context: PaneContext, view: ThreadView, number: int) -> None:
        """Show a thread in the pane of this number."""
        super().__init__()
        self.view = view
        self.number = number
        self.is_current = False
        self.note = ""
        self.follow = True
        self._pane_context = context
        self._is_climbing = False
        self._selection: Selection | None = None
        self._top = 0
        self._drawn_size = NULL_SIZE
        self._head: list[Strip] = []
        self._rows = TranscriptRows(view.transcript, 0, context.looks.pane)

    def show(self, view: ThreadView, number: int) -> None:
        """Show another thread, from its end."""
        if view is not self.view:
            self.view = view
            self.follow = True
            self._redraw()
        if number != self.number:
            self.number = number
            self.refresh_head()

    def restyle(self, context: PaneContext) -> None:
        """Draw everything again in other styles."""
        self._pane_context = context
        self._redraw()

    def mark_current(self, is_current: bool) -> None:
        """Say in the head whether keys go to this pane."""
        if is_current != self.is_current:
            self.is_current = is_current
            self.refresh_head()

    def set_note(self, note: str) -> None:
        """Say something in the head, such as that there is a draft; empty says nothing."""
        if note != self.note:
            self.note = note
            self.refresh_head()

    def refresh_head(self) -> None:
        """Draw the head again: its thread's row, plan or clock changed."""
        if self._catch_up():
            height = len(self._head)
            self._head = self._render_head()
            if len(self._head) != height:
                self._settle()
                self.refresh()
            else:
                self.refresh(Region(0, 0, self.size.width, height))

    def flush(self) -> None:
        """Draw what the transcript has become. Called by the pacer."""
        if not self._catch_up():
            return
        top, below, before = self._top, self.rows_below, self._in_sight()
        self._top = self._rows.update(top)
        self._settle()
        after = self._in_sight()
        # Rows come and go above as well, so that the same place may show others.
        same = _count_same(before, after)
        if self._top != top:
            self.refresh(self._body())
        elif same < max(len(before), len(after)):
            self._refresh_from(len(self._head) + same)
        elif below != self.rows_below:
            self._refresh_from(self.size.height - 1)

    @property
    def rows_below(self) -> int:
        """Rows below the last one on the screen."""
        return max(0, len(self._rows.rows) - self._top - self._height)

    def on_resize(self) -> None:
        """Fit the new size."""
        self._catch_up()

    def on_show(self) -> None:
        """Draw what came while it was hidden."""
        self._catch_up()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self.action_scroll_rows(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self.action_scroll_rows(-WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        if self.rows_below and event.y == self.size.height - 1:
            self.action_follow()

    def action_scroll_rows(self, rows: int) -> None:
        """Scroll by some rows; at the end it follows again."""
        self._is_climbing = False
        if rows < 0 and self._top + rows < 0:
            self._top += self._rows.fill(len(self._rows.rows) + self._height - rows)
        last = max(0, len(self._rows.rows) - self._height)
        self._top = max(0, min(last, self._top + rows))
        self.follow = self._top >= last
        self.refresh(self._body())

    def action_page(self, direction: int) -> None:
        """Scroll by a pane's height, less two rows to keep one's place."""
        self.action_scroll_rows(direction * max(1, self._height - 2))

    def action_top(self) -> None:
        """Go to the first row there is; a long past is drawn bit by bit on the way."""
        self.action_scroll_rows(-len(self._rows.rows))
        if not self._rows.is_complete:
            self._is_climbing = True
            self.call_later(self._climb)

    def _climb(self) -> None:
        if self._is_climbing:
            self._rows.fill(len(self._rows.rows) + CLIMB_ROWS)
            self._is_climbing = not self._rows.is_complete
            self._top = 0
            self.refresh(self._body())
            self.call_later(self._climb)

    def action_follow(self) -> None:
        """Go to the end, and follow it."""
        self._is_climbing = False
        self.follow = True
        self._settle()
        self.refresh(self._body())

    def line(self, y: int) -> Strip:
        """The line at `y`."""
        if y < len(self._head):
            return self._head[y]
        if self.rows_below and y == self.size.height - 1:
            return self._more_below()
        row = self._top + y - len(self._head)
        if row >= len(self._rows.rows):
            return Strip.blank(self.size.width, self._looks.pane.text)
        strip = self._rows.rows[row]
        span = self._selection.get_span(row) if self._selection else None
        return strip if span is None else select(strip, span, self._looks.pane.selected)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region of the pane.

        Textual tells of a place on the screen by `Resize` and `Show`, but of a widget whose
        place was looked up between its mount and the layout it takes that to be known.
        """
        self._catch_up()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The line at `y` with the places of its characters, for selecting with the mouse."""
        strip = self.line(y)
        row = self._top + y - len(self._head)
        in_text = len(self._head) <= y and row < len(self._rows.rows)
        return strip.apply_offsets(0, row) if in_text else strip

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self._selection = selection
        self.refresh(self._body())

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text without the spaces around it, and what ends it."""
        text = selection.extract("\n".join(strip.text for strip in self._rows.rows))
        first, *more = (line.rstrip() for line in text.split("\n"))
        return "\n".join([first, *(line[MARGIN:] for line in more)]), "\n"

    def _more_below(self) -> Strip:
        palette = self._looks.side
        lines = "line" if self.rows_below == 1 else "lines"
        row = [
            Segment(" ↓ ", palette.accent),
            Segment(f"{format_count(self.rows_below)} more {lines} below", palette.strong),
            Segment("   end follows", palette.muted),
        ]
        return fit_row(row, self.size.width, palette.text)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - len(self._head))

    def _in_sight(self) -> list[Strip]:
        return self._rows.rows[self._top : self._top + self._height]

    def _body(self) -> Region:
        head = len(self._head)
        return Region(0, head, self.size.width, self.size.height - head)

    def _refresh_from(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, self.size.height - y))

    def _catch_up(self) -> bool:
        """Draw all of it where it was drawn for another size, or not; say whether it is drawn."""
        if not self._is_drawn:
            self._drawn_size = NULL_SIZE
        elif self._drawn_size != self.size:
            self._redraw()
        return self._is_drawn

    def _redraw(self) -> None:
        self._drawn_size = self.size if self._is_drawn else NULL_SIZE
        if not self._is_drawn:
            return
        place = None if self.follow else self._rows.place_of(self._top)
        palette = self._looks.pane
        self._rows = TranscriptRows(self.view.transcript, self.size.width, palette)
        self._head = self._render_head()
        if place is not None:
            self._top = self._rows.row_of(place)
        self._settle()
        self.refresh()

    def _settle(self) -> None:
        """Draw enough rows to fill the pane, and go to the end if it follows."""
        self._top += self._rows.fill(self._height)
        if self.follow:
            self._rows.trim(self._height)
        last = max(0, len(self._rows.rows) - self._height)
        self._top = last if self.follow else min(self._top, last)

    def _render_head(self) -> list[Strip]:
        head = self._render_title()
        palette = self._looks.head
        is_run = self.view.info.kind is ThreadKind.RUN  # Its title has the task already.
        if self.size.height >= ROOMY and self.view.info.brief and not is_run:
            head.append(self._labelled("brief", self.view.info.brief))
        if self.size.height >= ROOMY and self.view.plan is not None:
            width = self.size.width - 2 * MARGIN
            row = [*render_plan_line(self.view.plan, width, palette)]
            head.append(
                fit_row([Segment(" " * MARGIN, palette.text), *row], width + 2, palette.text)
            )
        if self.note:
            head.append(self._labelled("draft", self.note))
        return head

    def _render_title(self) -> list[Strip]:
        palette = self._looks.head_current if self.is_current else self._looks.head
        title = render_pane_header(
            self.view,
            self._pane_context.state_of(self.view.thread_id),
            self.size.width - 2 * MARGIN,
            palette,
            now=self._pane_context.now(),
            number=self.number,
            home=self._pane_context.home,
            summary=self._pane_context.standing_of(self.view.thread_id),
        )
        mark = Segment("▌" if self.is_current else " ", palette.accent)
        return [fit_row([mark, *strip], self.size.width, palette.text) for strip in title]

    def _labelled(self, label: str, text: str) -> Strip:
        palette = self._looks.head
        row = [Segment(f" {label}  ", palette.faint), Segment(one_line(text), palette.muted)]
        return fit_row(row, self.size.width - MARGIN, palette.text).adjust_cell_length(
            self.size.width, palette.text
        )

    @property
    def _is_drawn(self) -> bool:
        """Whether there is anything to draw on: hidden panes cost nothing."""
        parent = self.parent
        return self.is_attached and self.size.width > 0 and bool(parent and parent.display)

    @property
    def _looks(self) -> Looks:
        return self._pane_context.looks


def _count_same(before: Sequence[Strip], after: Sequence[Strip]) -> int:
    """How many rows at the start are the same ones; rows that stay keep their strips."""
    pairs = zip_longest(before, after)
    return sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))


def select(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """The strip with the characters from `span[0]` to `span[1]` (-1: to the end) marked."""
    start, end = span
    text = strip.text
    first = cell_len(text[:start])
    last = strip.cell_length if end < 0 else cell_len(text[:end])
    before, marked, after = (strip.crop(0, first), strip.crop(first, last), strip.crop(last))
    return Strip.join([before, Strip([Segment(s.text, style) for s in marked]), after])
