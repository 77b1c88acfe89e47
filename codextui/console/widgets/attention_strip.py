"""The strip of what needs the user: approvals and failed threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widgets._toast import ToastRack

from codextui.console.model.fleet import over_since
from codextui.console.model.labels import UNKNOWN_ASKER, Asker, handle_label
from codextui.console.model.state import ThreadView
from codextui.console.render.layout import fit_row, truncate
from codextui.console.render.palette import Palette
from codextui.console.render.thread import state_label
from codextui.console.widgets.drawing import LineWidget
from codextui.console.widgets.pane_context import PaneContext
from codextui.protocol.approvals import Approval
from codextui.protocol.threads import ThreadState
from codextui.text.failures import error_in_words
from codextui.text.figures import format_age
from codextui.text.sanitize import one_line

WIDE_COLUMN, NARROW_COLUMN = 76, 38
"""Cells of a column of the strip: where there is room, and at least."""


class StripLayout(msgspec.Struct, frozen=True):
    """How the entries of the strip are laid out, column after column."""

    columns: int
    lines: int

    @property
    def room(self) -> int:
        """Number of entries that fit."""
        return self.columns * self.lines


def lay_out_strip(count: int, width: int, height: int) -> StripLayout:
    """Lay out the strip for a number of entries on a screen.

    It grows with the screen: up to a sixth of its height, and where that is not enough, in columns
    that still read well; then up to a quarter, and at last in narrow columns.
    """
    few, many = max(1, height // 6), max(1, height // 4)
    wide, narrow = max(1, min(3, width // WIDE_COLUMN)), max(1, min(4, width // NARROW_COLUMN))
    choices = ((1, few), (wide, few), (wide, many), (narrow, many))
    columns, most = next((one for one in choices if one[0] * one[1] >= count), choices[-1])
    return StripLayout(columns, max(1, min(most, -(-count // columns))))


class AttentionStrip(LineWidget):
    """Shows each approval and failed thread, or a line that there are none."""

    class ApprovalChosen(Message):
        """An approval was clicked."""

        def __init__(self, approval_id: str) -> None:
            super().__init__()
            self.approval_id = approval_id

    class ThreadChosen(Message):
        """A failed thread was clicked."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    class MoreChosen(Message):
        """The line that counts the hidden entries was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._empty_text = ""
        self._entries: list[Approval | ThreadView] = []
        self._askers: Mapping[str, Asker] = {}
        self._pane_context: PaneContext | None = None
        self._layout = StripLayout(1, 1)

    def show(
        self,
        approvals: Sequence[Approval],
        failed: Sequence[ThreadView],
        context: PaneContext,
        *,
        askers: Mapping[str, Asker],
        offline: bool,
    ) -> None:
        """Replace the entries.

        Args:
            approvals: the open ones, oldest first.
            failed: threads that failed and were not looked at since.
            context: how to draw.
            askers: thread id → whose thread it is.
            offline: whether the server is out of reach. What it asked then cannot be decided, and
                may have been withdrawn, so that it is only counted.
        """
        self._pane_context, self._askers = context, askers
        self._empty_text = _last_known(len(approvals)) if offline else "○ nothing needs you"
        self._entries = [*([] if offline else approvals), *failed]
        self._layout = lay_out_strip(len(self._entries), *self.screen.size)
        lines = self._layout.lines
        if self.styles.height is None or self.styles.height.value != lines:
            self.styles.height = lines
            for rack in self.screen.query(ToastRack):
                rack.styles.margin = (0, 0, lines + 1, 0)  # what needs the user stays in sight
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Post what was clicked."""
        column = min(self._layout.columns - 1, event.x // max(1, self._column_width))
        index = column * self._layout.lines + event.y
        if index >= len(self._entries):
            return
        chosen = self._entries[index]
        if self._hidden_count and index == self._layout.room - 1:
            self.post_message(self.MoreChosen())
        elif isinstance(chosen, Approval):
            self.post_message(self.ApprovalChosen(chosen.approval_id))
        else:
            self.post_message(self.ThreadChosen(chosen.thread_id))

    def visible_entries(self) -> list[tuple[int, Approval | ThreadView]]:
        """Return the approvals and threads of the first column, and the line of each."""
        last = self._layout.room - 1 if self._hidden_count else self._layout.room
        return list(enumerate(self._entries[: min(self._layout.lines, last)]))

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        context, width = self._pane_context, self.size.width
        if context is None:
            return Strip.blank(width, self.rich_style)
        if not self._entries:
            palette = context.palettes.bar
            return self._fill([Segment(f" {self._empty_text}", palette.muted)], palette)
        palette = context.palettes.attention
        width = self._column_width
        starts = range(y, self._layout.room, self._layout.lines)
        columns = [self._render_entry(index, width, context, palette) for index in starts]
        return self._fill([segment for column in columns for segment in column], palette)

    def _render_entry(
        self, index: int, width: int, context: PaneContext, palette: Palette
    ) -> Iterable[Segment]:
        is_last = index == self._layout.room - 1
        if self._hidden_count and is_last:
            more = f" … {self._hidden_count} more{self._describe_hidden()}"
            return fit_row([Segment(more, palette.strong)], width, palette.text)
        if is_last and (unshown := len(self._entries) - self._layout.room) > 0:
            more = f" … {unshown} failed "
            row = self._render_entry_row(index, width - len(more), context, palette)
            return [*row, Segment(more, palette.strong)]
        return self._render_entry_row(index, width, context, palette)

    def _render_entry_row(
        self, index: int, width: int, context: PaneContext, palette: Palette
    ) -> Iterable[Segment]:
        if index >= len(self._entries):
            return fit_row([], width, palette.text)
        entry, now = self._entries[index], context.now()
        if isinstance(entry, Approval):
            # The first frame has no approvals and need not wait for this import.
            from codextui.console.render.approval import render_approval_row  # noqa: PLC0415

            asker = self._askers.get(entry.thread_id, UNKNOWN_ASKER)
            row = render_approval_row(entry, width - 2, palette, now=now, asker=asker)
            return fit_row([Segment(" ", palette.text), *row], width, palette.text)
        return fit_row(_render_failure(entry, palette, now), width, palette.text)

    @property
    def _column_width(self) -> int:
        return self.size.width // self._layout.columns

    @property
    def _hidden_count(self) -> int:
        """Entries for which there is only a line that counts them.

        Where all approvals have just a line each, no line is spent on failed threads.
        """
        extra = len(self._entries) - self._layout.room
        if self._approval_count == self._layout.room:
            return 0
        return extra + 1 if extra > 0 else 0

    @property
    def _approval_count(self) -> int:
        return sum(isinstance(entry, Approval) for entry in self._entries)

    def _describe_hidden(self) -> str:
        """Return how many of the hidden entries ask, where others failed."""
        failed = len(self._entries) - self._approval_count
        asking = self._hidden_count - failed
        return f": {asking} ask, {failed} failed" if failed and asking > 0 else ""

    def _fill(self, segments: list[Segment], palette: Palette) -> Strip:
        return fit_row(segments, self.size.width, palette.text)


def _last_known(asked: int) -> str:
    known = "~ shown as it was last known"
    return f"{known}: {asked} waited for you" if asked else known


def _render_failure(view: ThreadView, palette: Palette, now: float) -> list[Segment]:
    mark = state_label(ThreadState.FAILED, palette)
    age = format_age(now - over_since(view))
    return [
        Segment(f" {mark.glyph} {truncate(handle_label(view.info), 40)} {mark.word} ", mark.style),
        Segment(f"{age} ago ", palette.muted),
        Segment(one_line(error_in_words(view.info.note)), palette.text),
    ]
