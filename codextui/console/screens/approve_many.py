"""The dialog that shows several approvals in full before they are approved at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.labels import UNKNOWN_ASKER, Asker
from codextui.console.render.approval import approval_title, render_approval
from codextui.console.render.layout import fit_row
from codextui.console.render.lazy_rows import JoinedRows
from codextui.console.render.palette import Palette
from codextui.console.screens.approval_choices import (
    PASTE_NOTE,
    TYPING_NOTE,
    TypingGuard,
    approval_name,
)
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView
from codextui.protocol.approvals import Approval

_SHORT = 18
_UNREAD = "Not all of it has been on the screen: scroll to the end first."


class ApproveManyScreen(ModalScreen[tuple[Approval, ...]]):
    """Shows every marked approval in full; returns them if the user approves, else nothing.

    Approving works only once every row has been on the screen.

    Attributes:
        guard: knows the last key.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "approve_many.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "Approve all of them once", id="many.approve"),
        Binding("n,escape", "cancel", "Back, nothing is approved", id="many.cancel"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="many.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="many.up"),
    ]

    def __init__(
        self,
        approvals: Sequence[Approval],
        *,
        askers: Mapping[str, Asker] | None = None,
        quiet: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the dialog.

        Args:
            approvals: the marked ones; each can be approved once.
            askers: thread id → whose thread it is.
            quiet: seconds without a keystroke after which the decision key works.
            clock: returns monotonic seconds, for the typing guard.
        """
        super().__init__()
        self._approvals = tuple(approvals)
        self._askers = dict(askers or {})
        self.guard = TypingGuard(quiet, clock)
        self._was_ready: bool | None = None

    def compose(self) -> ComposeResult:
        """Yield the title, the approvals, the scroll position and the keys."""
        count = len(self._approvals)
        title = f"Approve these {count} once?" if count > 1 else "Approve this one once?"
        with Vertical(classes="dialog"):
            yield Static(title, classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            with Horizontal(id="status"):
                yield Static(id="position", markup=False)
                yield Static(id="guard", markup=False)
            yield Static(id="note", markup=False)
            yield DialogKeys("y approve all of them   n nothing   ↑ ↓ space scroll")

    def on_mount(self) -> None:
        """Start the timer of the guard."""
        self.query_one(StripView).focus()
        self.set_interval(0.1, self._show_guard)

    def on_resize(self, event: events.Resize) -> None:
        """Leave the empty lines out where there is little room."""
        self.set_class(event.size.height < _SHORT, "-short")

    def on_key(self, event: events.Key) -> None:
        """Record every keystroke for the guard."""
        self.guard.record_key(event.key)

    def on_paste(self, event: events.Paste) -> None:
        """Ignore pasted text, and wait for a quiet moment again."""
        self._show_note(PASTE_NOTE)
        self.guard.arm()
        event.stop()

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        """Show which rows are on the screen."""
        place = f"lines {event.first} to {event.last} of {event.total}"
        self.query_one("#position", Static).update(
            "all of it was shown" if self._is_read else place
        )

    def action_approve(self) -> None:
        """Approve all of them, if every row was shown and the guard is ready."""
        if not self.guard.is_ready:
            self._show_note(TYPING_NOTE)
        elif not self._is_read:
            self._show_note(_UNREAD)
        elif self.is_active:
            self.dismiss(self._approvals)

    def action_cancel(self) -> None:
        """Close and approve nothing."""
        if self.is_active:
            self.dismiss(())

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    @property
    def _is_read(self) -> bool:
        return self.query_one(StripView).is_seen

    def _show_note(self, note: str) -> None:
        self.query_one("#note", Static).update(note)

    def _show_guard(self) -> None:
        ready = self.guard.is_ready and self._is_read
        if ready == self._was_ready:
            return
        self._was_ready = ready
        guard = self.query_one("#guard", Static)
        guard.update("keys ready" if ready else "reading…")
        guard.set_class(ready, "-ready")

    def _render_rows(self, width: int, palette: Palette) -> JoinedRows:
        parts: list[Sequence[Strip]] = []
        titles: list[str] = []
        for number, approval in enumerate(self._approvals, 1):
            asker = self._askers.get(approval.thread_id, UNKNOWN_ASKER)
            title = f"{number}. {approval_title(approval, asker)} ({approval_name(approval)})"
            titles.append(title)
            heading = fit_row([Segment(title, palette.heading)], width, palette.text)
            rows = render_approval(approval, width, palette)
            parts += [[heading], rows, [Strip.blank(width, palette.text)]]
        return JoinedRows(parts, (titles, self._approvals, width))
