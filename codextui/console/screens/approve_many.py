"""The dialog that shows all of several approvals before they are given at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.render.approval import approval_title, render_approval
from codextui.console.render.layout import fit_row
from codextui.console.render.palette import Palette
from codextui.console.screens.approval_choices import name
from codextui.console.screens.quiet_guard import QuietGuard
from codextui.console.widgets.strip_view import StripView
from codextui.protocol.approvals import Approval

_UNREAD = "Not all of it has been on the screen: scroll to the end first."
_TYPING = "Not taken as a decision: keys decide after a moment without typing."


class ApproveManyScreen(ModalScreen[tuple[Approval, ...]]):
    """Every marked approval in full, one below the other; returns them where a person says yes.

    Yes counts only when the last row has been in sight, with all above it before.
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
        quiet: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what was marked.

        Args:
            approvals: each of them can be approved once.
            quiet: seconds without a keystroke after which the decision key works.
            clock: monotonic seconds, for the quiet moment.
        """
        super().__init__()
        self._approvals = tuple(approvals)
        self._guard = QuietGuard(quiet, clock)
        self._seen_to = 0
        self._total = 1

    def compose(self) -> ComposeResult:
        """The heading, all that is asked, where the reader is, the keys."""
        title = f"Approve these {len(self._approvals)} once?"
        with Vertical(classes="dialog"):
            yield Static(title, classes="dialog-title", markup=False)
            yield StripView(self._draw, id="body")
            with Horizontal(id="status"):
                yield Static(id="position", markup=False)
                yield Static(id="guard", markup=False)
            yield Static(id="note", markup=False)
            yield Static(
                "y approve all of them   n nothing   ↑ ↓ space scroll",
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Keep the quiet moment up to date."""
        self.query_one(StripView).focus()
        self.set_interval(0.1, self._show_guard)

    def on_key(self) -> None:
        """Every keystroke counts for the quiet moment, whatever it does."""
        self._guard.note_key()

    def on_strip_view_moved(self, event: StripView.Moved) -> None:
        """Remember how far all of it has been in sight, from the beginning without a gap."""
        if not event.total:
            return  # Nothing has been laid out yet.
        if event.total != self._total:
            self._total, self._seen_to = event.total, 0  # Laid out anew: other rows.
        if event.first <= self._seen_to + 1:
            self._seen_to = max(self._seen_to, event.last)
        place = f"lines {event.first} to {event.last} of {event.total}"
        self.query_one("#position", Static).update(
            "all of it was shown" if self._is_read else place
        )

    def action_approve(self) -> None:
        """Approve all of them, if all of it was shown and nobody was typing."""
        if not self._guard.ready:
            self._say(_TYPING)
        elif not self._is_read:
            self._say(_UNREAD)
        elif self.is_active:
            self.dismiss(self._approvals)

    def action_cancel(self) -> None:
        """Approve nothing."""
        if self.is_active:
            self.dismiss(())

    def action_scroll(self, rows: int) -> None:
        """Move by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    @property
    def _is_read(self) -> bool:
        return self._seen_to >= self._total

    def _say(self, note: str) -> None:
        self.query_one("#note", Static).update(note)

    def _show_guard(self) -> None:
        ready = self._guard.ready and self._is_read
        guard = self.query_one("#guard", Static)
        guard.update("keys ready" if ready else "reading…")
        guard.set_class(ready, "-ready")

    def _draw(self, width: int, palette: Palette) -> list[Strip]:
        rows: list[Strip] = []
        for number, approval in enumerate(self._approvals, 1):
            title = f"{number}. {approval_title(approval)} ({name(approval)})"
            rows += [fit_row([Segment(title, palette.heading)], width, palette.text)]
            rows += [*render_approval(approval, width, palette), Strip.blank(width, palette.text)]
        return rows
