"""What needs a person, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

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
    """A line for each approval and each failed thread, as many as fit; one where none is."""

    MOST_LINES: ClassVar[int] = 3

    class ApprovalChosen(Message):
        """A person wants to decide this approval."""

        def __init__(self, approval_id: str) -> None:
            super().__init__()
            self.approval_id = approval_id

    class ThreadChosen(Message):
        """A person wants to look at this failed thread."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    class MoreChosen(Message):
        """A person wants to see all of them."""

    def __init__(self) -> None:
        super().__init__()
        self._calm = ""
        self._wanting: list[Approval | ThreadView] = []
        self._pane_context: PaneContext | None = None

    def show(
        self,
        approvals: Sequence[Approval],
        failed: Sequence[ThreadView],
        context: PaneContext,
        *,
        lost: bool,
    ) -> None:
        """Show these; with `lost`, nothing is claimed that nobody can know now."""
        self._pane_context = context
        self._calm = "~ shown as it was last known" if lost else "○ nothing needs you"
        self._wanting = [*approvals, *failed]
        lines = max(1, min(self.MOST_LINES, len(self._wanting)))
        if self.styles.height is None or self.styles.height.value != lines:
            self.styles.height = lines
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        if event.y >= len(self._wanting):
            return
        if self._hidden and event.y == self.MOST_LINES - 1:
            self.post_message(self.MoreChosen())
            return
        chosen = self._wanting[event.y]
        if isinstance(chosen, Approval):
            self.post_message(self.ApprovalChosen(chosen.approval_id))
        else:
            self.post_message(self.ThreadChosen(chosen.thread_id))

    def line(self, y: int) -> Strip:
        """The line at `y`."""
        context, width = self._pane_context, self.size.width
        if context is None:
            return Strip.blank(width, self.rich_style)
        if not self._wanting:
            palette = context.looks.bar
            return self._fill([Segment(f" {self._calm}", palette.muted)], palette)
        palette = context.looks.asking
        if self._hidden and y == self.MOST_LINES - 1:
            more = f" … {self._hidden} more"
            return self._fill([Segment(more, palette.strong)], palette)
        if y >= len(self._wanting):
            return Strip.blank(width, palette.text)
        wanting = self._wanting[y]
        if isinstance(wanting, Approval):
            # Not for the first frame, in which nothing is asked yet.
            from codextui.console.render.approval import render_approval_row  # noqa: PLC0415

            row = render_approval_row(wanting, width - 2, palette, now=context.now())
            return self._fill([Segment(" ", palette.text), *row], palette)
        return self._fill(_failure(wanting, palette), palette)

    @property
    def _hidden(self) -> int:
        """How many there is no line for."""
        extra = len(self._wanting) - self.MOST_LINES
        return extra + 1 if extra > 0 else 0

    def _fill(self, segments: list[Segment], palette: Palette) -> Strip:
        return fit_row(segments, self.size.width, palette.text)


def _failure(view: ThreadView, palette: Palette) -> list[Segment]:
    mark = state_label(ThreadState.FAILED, palette)
    return [
        Segment(f" {mark.glyph} {one_line(view.info.handle, 40)} {mark.word} ", mark.style),
        Segment(one_line(view.info.note), palette.text),
    ]
