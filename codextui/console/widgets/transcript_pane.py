"""A pane: the header of a thread, and its transcript as it streams."""

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
from codextui.console.render.layout import clip_row, fit_row, plain_text
from codextui.console.render.palette import Palette
from codextui.console.render.thread import Frame, frame_of, render_pane_header, render_plan_line
from codextui.console.widgets.drawing import NothingDone
from codextui.console.widgets.marked_items import ITEM_BINDINGS, MarkedItems
from codextui.console.widgets.pane_context import FoldsChanged, Palettes, PaneContext, ZoomRequested
from codextui.console.widgets.transcript_rows import MARGIN, TranscriptRows
from codextui.protocol.runs import ThreadKind
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line

MIN_ROWS_FOR_DETAILS = 12
"""Rows from which a pane shows the brief and the plan in its header."""

ROWS_AROUND_OUTPUT = 8
"""Rows that a zoomed pane leaves for what is around the output of a command."""

BACKFILL_ROWS = 200
"""Rows rendered at a time on the way to the start of a long transcript."""

WHEEL_ROWS = 3
"""Rows per notch of the mouse wheel."""


class TranscriptPane(MarkedItems, can_focus=True):
    """Shows a header in fixed rows, and below it the transcript, which follows its end.

    Scrolled up, the pane keeps its position and counts the rows below. It draws its lines itself,
    without border, scroll bar or child widgets, so that many panes can stream at once.

    Attributes:
        view: the shown thread.
        number: the pane's number, from 1.
        is_current: whether keys act on this thread.
        draft: the unsent text, shown in the header; empty for none.
        note: why the thread has the pane, shown in the header; empty for nothing.
        follow: whether the pane scrolls with the end of the transcript.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_rows(1)", "Scroll down", id="pane.down", show=False),
        Binding("k", "scroll_rows(-1)", "Scroll up", id="pane.up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", id="pane.page_down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", id="pane.page_up", show=False),
        Binding("home", "top", "To the beginning", id="pane.top", show=False),
        *ITEM_BINDINGS,
        Binding("end,G", "follow", "To the end, and follow it", id="pane.follow", show=False),
    ]

    ALLOW_SELECT = True

    def __init__(self, context: PaneContext, view: ThreadView, number: int) -> None:
        """Show a thread in the pane with this number."""
        super().__init__()
        self.view = view
        self.number = number
        self.is_current = False
        self.draft = ""
        self.note = ""
        self.follow = True
        self._pane_context = context
        self._is_backfilling = False
        self._is_zoomed = False
        self._was_hiding = False
        self._unfolded = set()
        self._collapsed = set()
        self._cursor = None
        self._wanted = None
        self._new_rows = 0
        self._selection: Selection | None = None
        self._top = 0
        self._drawn_size = NULL_SIZE
        self._header: list[Strip] = []
        self._rows = TranscriptRows(view.transcript, 0, context.palettes.pane)

    def show(self, view: ThreadView, number: int) -> None:
        """Show a thread; another one is shown from its end."""
        if view is not self.view:
            self.view = view
            self.follow = True
            self._unfolded, self._collapsed = set(), set()
            self._cursor = None
            self._redraw()
        if number != self.number:
            self.number = number
            self.refresh_header()

    def restyle(self, context: PaneContext) -> None:
        """Redraw everything in other styles."""
        self._pane_context = context
        self._redraw()

    def set_current(self, is_current: bool) -> None:
        """Show in the header whether keys act on this thread."""
        if is_current != self.is_current:
            self.is_current = is_current
            self.refresh_header()
            self._report_folds()

    def set_zoomed(self, is_zoomed: bool) -> None:
        """Unfold what fits if the pane has all the space."""
        if is_zoomed != self._is_zoomed:
            self._is_zoomed = is_zoomed
            self._redraw()

    def set_draft(self, draft: str) -> None:
        """Show a draft in the header; empty for none."""
        if draft != self.draft:
            self.draft = draft
            self.refresh_header()

    def set_note(self, note: str) -> None:
        """Show in the header why the thread has the pane; empty for nothing."""
        if note != self.note:
            self.note = note
            self.refresh_header()

    def refresh_header(self) -> None:
        """Redraw the header, as the thread's row, plan or clock changed."""
        if self._redraw_if_resized():
            height = len(self._header)
            self._header = self._render_header()
            if len(self._header) != height:
                self._scroll_to_content()
                self.refresh()
            else:
                self.refresh(Region(0, 0, self.size.width, height))

    def flush(self) -> None:
        """Draw the changes of the transcript. Called by the pacer."""
        if not self._redraw_if_resized():
            return
        top, below, before = self._top, self.rows_below, self._visible_rows()
        rows = len(self._rows.rows)
        self._top = self._rows.update(top)
        self._new_rows += max(0, len(self._rows.rows) - rows)
        self._scroll_to_content()
        after = self._visible_rows()
        # Rows are added and removed above as well, so the same position may show others.
        same = _count_same(before, after)
        if self._top != top:
            self.refresh(self._body_region())
        elif same < max(len(before), len(after)):
            self._refresh_from(len(self._header) + same)
        elif below != self.rows_below:
            self._refresh_from(self.size.height - 1)
        self._report_folds()

    def _report_folds(self) -> None:
        is_hiding = self.is_current and self.is_hiding
        if is_hiding != self._was_hiding:
            self._was_hiding = is_hiding
            self.post_message(FoldsChanged())

    @property
    def rows_below(self) -> int:
        """Rows below the last visible one."""
        return max(0, len(self._rows.rows) - self._top - self._height)

    def on_resize(self) -> None:
        """Redraw at the new size."""
        self._redraw_if_resized()

    def on_show(self) -> None:
        """Draw what changed while the pane was hidden."""
        self._redraw_if_resized()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._scroll_rows(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._scroll_rows(-WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        """Follow the end if the line below was clicked; a double click zooms."""
        if event.chain == 2:
            self.post_message(ZoomRequested(self.view.thread_id))
        elif self.rows_below and event.y == self.size.height - 1:
            self.action_follow()

    def action_scroll_rows(self, rows: int) -> None:
        """Scroll by rows; follow again at the end."""
        if not self._scroll_rows(rows):
            self._explain_edge(rows)

    def _scroll_rows(self, rows: int) -> bool:
        """Scroll by rows; return whether anything has moved."""
        before = self._top, self.follow
        self._is_backfilling = False
        if rows < 0 and self._top + rows < 0:
            self._top += self._rows.fill(len(self._rows.rows) + self._height - rows)
        last = max(0, len(self._rows.rows) - self._height)
        self._top = max(0, min(last, self._top + rows))
        self.follow = self._top >= last
        self.refresh(self._body_region())
        self._report_folds()
        return (self._top, self.follow) != before

    def _explain_edge(self, rows: int) -> None:
        if not self._rows.rows:
            reason = "Nothing has been said here yet."
        elif rows > 0:
            reason = "This is the end, and the pane follows it."
        else:
            reason = "This is the beginning."
        self.post_message(NothingDone(reason))

    def action_page(self, direction: int) -> None:
        """Scroll by the pane's height, less two rows of overlap."""
        self.action_scroll_rows(direction * max(1, self._height - 2))

    def action_top(self) -> None:
        """Scroll to the first row; a long transcript is rendered in steps on the way."""
        has_moved = self._scroll_rows(-len(self._rows.rows))
        if self._rows.is_complete and not has_moved:
            self._explain_edge(-1)
        elif not self._rows.is_complete:
            self._is_backfilling = True
            self.call_later(self._backfill)

    def _backfill(self) -> None:
        if self._is_backfilling:
            self._rows.fill(len(self._rows.rows) + BACKFILL_ROWS)
            self._is_backfilling = not self._rows.is_complete
            self._top = 0
            self.refresh(self._body_region())
            self.call_later(self._backfill)

    def action_follow(self) -> None:
        """Scroll to the end, and follow it."""
        if self.follow:
            self._explain_edge(1)
            return
        self._is_backfilling = False
        self.follow = True
        self._scroll_to_content()
        self.refresh(self._body_region())
        self._report_folds()

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        if y < len(self._header):
            return self._header[y]
        if self.rows_below and y == self.size.height - 1:
            return self._render_more_below()
        row = self._top + y - len(self._header)
        if row >= len(self._rows.rows):
            return Strip.blank(self.size.width, self._palettes.pane.text)
        strip = self._rows.rows[row]
        if self._cursor is not None and self._is_marked(row):
            strip = Strip([Segment("▎", self._palettes.pane.accent), *strip.crop(1)])
        span = self._selection.get_span(row) if self._selection else None
        return strip if span is None else highlight_span(strip, span, self._palettes.pane.selected)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render the lines of a region of the pane.

        Textual announces the layout of a widget by `Resize` and `Show`, but not if the widget's
        region was looked up between its mount and the layout.
        """
        self._redraw_if_resized()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Render the line at `y` with offsets, for selection by mouse."""
        strip = self.draw_line(y)
        row = self._top + y - len(self._header)
        in_text = len(self._header) <= y and row < len(self._rows.rows)
        return strip.apply_offsets(0, row) if in_text else strip

    def selection_updated(self, selection: Selection | None) -> None:
        """Show the selection."""
        self._selection = selection
        self.refresh(self._body_region())

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, as it was before it was laid out, and its ending."""
        spans = ((strip, selection.get_span(row)) for row, strip in enumerate(self._rows.rows))
        text = plain_text(clip_row(strip, *span) for strip, span in spans if span)
        return "\n".join(line.rstrip(" ") for line in text.split("\n")), "\n"

    def _render_more_below(self) -> Strip:
        palette = self._palettes.tree
        lines = "line" if self.rows_below == 1 else "lines"
        new = min(self._new_rows, self.rows_below)
        news = f", {format_count(new)} new" if new else ""
        row = [
            Segment(" ↓ ", palette.accent),
            Segment(f"{format_count(self.rows_below)} more {lines} below", palette.strong),
            Segment(news, palette.accent),
            Segment("   end follows", palette.muted),
        ]
        return fit_row(row, self.size.width, palette.text)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - len(self._header))

    def _visible_rows(self) -> list[Strip]:
        return self._rows.rows[self._top : self._top + self._height]

    def _body_region(self) -> Region:
        height = len(self._header)
        return Region(0, height, self.size.width, self.size.height - height)

    def _refresh_from(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, self.size.height - y))

    def _redraw_if_resized(self) -> bool:
        """Redraw if the size has changed; return whether the pane can be drawn."""
        if not self._can_draw:
            self._drawn_size = NULL_SIZE
        elif self._drawn_size != self.size:
            self._redraw()
        return self._can_draw

    def _redraw(self) -> None:
        self._drawn_size = self.size if self._can_draw else NULL_SIZE
        if not self._can_draw:
            return
        anchor = None if self.follow else self._rows.anchor_at(self._top)
        palette = self._palettes.pane
        self._header = self._render_header()
        room = max(0, self._height - ROWS_AROUND_OUTPUT) if self._is_zoomed else 0
        self._rows = TranscriptRows(
            self.view.transcript,
            self.size.width,
            palette,
            room=room,
            unfolded=self._unfolded,
            collapsed=self._collapsed,
        )
        if anchor is not None:
            self._top = self._rows.row_of(anchor)
        self._scroll_to_content()
        if self._wanted is not None:
            (ordinal, unfold, text), self._wanted = self._wanted, None
            self.show_item(ordinal, unfold=unfold, text=text)
        self.refresh()
        self._report_folds()

    def _scroll_to_content(self) -> None:
        """Render enough rows to fill the pane, and scroll to the end if it follows."""
        self._top += self._rows.fill(self._height)
        if self.follow:
            self._rows.trim(self._height)
        last = max(0, len(self._rows.rows) - self._height)
        self._top = last if self.follow else min(self._top, last)
        if self.follow:
            self._new_rows = 0

    def _render_header(self) -> list[Strip]:
        header = self._render_title()
        palette = self._palettes.header
        if note := self._pane_context.follow_note_of(self.view.thread_id):
            row = [Segment(f" ◌ {note}", palette.warning)]
            header.append(fit_row(row, self.size.width, palette.text))
        is_run = self.view.info.kind is ThreadKind.RUN  # Its title has the task.
        if self.size.height >= MIN_ROWS_FOR_DETAILS and self.view.info.brief and not is_run:
            header.append(self._render_labelled("brief", self.view.info.brief))
        if self.size.height >= MIN_ROWS_FOR_DETAILS and self.view.plan is not None:
            width = self.size.width - 2 * MARGIN
            row = [*render_plan_line(self.view.plan, width, palette)]
            header.append(
                fit_row([Segment(" " * MARGIN, palette.text), *row], width + 2, palette.text)
            )
        if self.draft:
            header.append(self._render_labelled("draft", self.draft))
        return header

    @property
    def frame(self) -> Frame:
        """The frame around the pane; the title is in its first line."""
        return self._frame_on(self._palettes.pane)

    def _frame_on(self, palette: Palette) -> Frame:
        state = self._pane_context.state_of(self.view.thread_id)
        return frame_of(state, palette, is_current=self.is_current)

    def _render_title(self) -> list[Strip]:
        palettes = self._palettes
        palette = palettes.header_current if self.is_current else palettes.header
        title_palette = palettes.header_current if self.is_current else palettes.pane
        frame = self._frame_on(title_palette)
        first, second = render_pane_header(
            self.view,
            self._pane_context.state_of(self.view.thread_id),
            self.size.width - 2 * MARGIN,
            palette,
            now=self._pane_context.now(),
            number=self.number,
            home=self._pane_context.home,
            summary=self._pane_context.run_summary_of(self.view.thread_id),
            note=self.note,
            title=title_palette,
            frame=frame,
        )
        ends = ("▌", "▐") if self.is_current else (" ", frame.line)
        title = Strip([Segment(ends[0], frame.style), *first, Segment(ends[1], frame.style)])
        below = [Segment(" ", palette.text), *second]
        width = self.size.width
        return [
            title.adjust_cell_length(width, frame.style),
            fit_row(below, width, palette.text),
        ]

    def _render_labelled(self, label: str, text: str) -> Strip:
        palette = self._palettes.header
        row = [Segment(f" {label}  ", palette.muted), Segment(one_line(text), palette.muted)]
        return fit_row(row, self.size.width - MARGIN, palette.text).adjust_cell_length(
            self.size.width, palette.text
        )

    @property
    def _can_draw(self) -> bool:
        """Whether the pane is visible and has a size; hidden panes are not drawn."""
        parent = self.parent
        return self.is_attached and self.size.width > 0 and bool(parent and parent.display)

    @property
    def _palettes(self) -> Palettes:
        return self._pane_context.palettes


def _count_same(before: Sequence[Strip], after: Sequence[Strip]) -> int:
    """Count the equal rows at the start; unchanged rows keep their strip objects."""
    pairs = zip_longest(before, after)
    return sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))


def highlight_span(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """Return the strip with the characters `span[0]` to `span[1]` (-1 for the end) in `style`."""
    start, end = span
    text = strip.text
    first = cell_len(text[:start])
    last = strip.cell_length if end < 0 else cell_len(text[:end])
    before, marked, after = (strip.crop(0, first), strip.crop(first, last), strip.crop(last))
    return Strip.join([before, Strip([Segment(s.text, style) for s in marked]), after])
