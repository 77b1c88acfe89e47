"""The strip of what needs the user: approvals and failed threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.labels import UNKNOWN_ASKER, Asker
from codextui.console.model.state import ThreadView
from codextui.console.render.layout import fit_row
from codextui.console.render.palette import Palette
from codextui.console.render.thread import state_label
from codextui.console.widgets.drawing import LineWidget
from codextui.console.widgets.pane_context import PaneContext
from codextui.protocol.approvals import Approval
from codextui.protocol.threads import ThreadState
from codextui.text.sanitize import one_line


class AttentionStrip(LineWidget):
    """Shows a line for each approval and failed thread, or a line that there are none."""

    MAX_LINES: ClassVar[int] = 3

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
            offline: whether the server is out of reach, so that the entries may be outdated.
        """
        self._pane_context, self._askers = context, askers
        self._empty_text = "~ shown as it was last known" if offline else "○ nothing needs you"
        self._entries = [*approvals, *failed]
        lines = max(1, min(self.MAX_LINES, len(self._entries)))
        if self.styles.height is None or self.styles.height.value != lines:
            self.styles.height = lines
        self.refresh()

    def visible_entries(self) -> list[tuple[int, Approval | ThreadView]]:
        """Return the approvals and threads that have a line, and the line of each."""
        shown = self.MAX_LINES - 1 if self._hidden_count else self.MAX_LINES
        return list(enumerate(self._entries[:shown]))

    def on_click(self, event: events.Click) -> None:
        """Post what was clicked."""
        if event.y >= len(self._entries):
            return
        if self._hidden_count and event.y == self.MAX_LINES - 1:
            self.post_message(self.MoreChosen())
            return
        chosen = self._entries[event.y]
        if isinstance(chosen, Approval):
            self.post_message(self.ApprovalChosen(chosen.approval_id))
        else:
            self.post_message(self.ThreadChosen(chosen.thread_id))

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        context, width = self._pane_context, self.size.width
        if context is None:
            return Strip.blank(width, self.rich_style)
        if not self._entries:
            palette = context.palettes.bar
            return self._fill([Segment(f" {self._empty_text}", palette.muted)], palette)
        palette = context.palettes.attention
        if self._hidden_count and y == self.MAX_LINES - 1:
            more = f" … {self._hidden_count} more"
            return self._fill([Segment(more, palette.strong)], palette)
        if y >= len(self._entries):
            return Strip.blank(width, palette.text)
        entry = self._entries[y]
        if isinstance(entry, Approval):
            # The first frame has no approvals and need not wait for this import.
            from codextui.console.render.approval import render_approval_row  # noqa: PLC0415

            asker = self._askers.get(entry.thread_id, UNKNOWN_ASKER)
            row = render_approval_row(entry, width - 2, palette, now=context.now(), asker=asker)
            return self._fill([Segment(" ", palette.text), *row], palette)
        return self._fill(_render_failure(entry, palette), palette)

    @property
    def _hidden_count(self) -> int:
        """Entries without a line."""
        extra = len(self._entries) - self.MAX_LINES
        return extra + 1 if extra > 0 else 0

    def _fill(self, segments: list[Segment], palette: Palette) -> Strip:
        return fit_row(segments, self.size.width, palette.text)


def _render_failure(view: ThreadView, palette: Palette) -> list[Segment]:
    mark = state_label(ThreadState.FAILED, palette)
    return [
        Segment(f" {mark.glyph} {one_line(view.info.handle, 40)} {mark.word} ", mark.style),
        Segment(one_line(view.info.note), palette.text),
    ]
