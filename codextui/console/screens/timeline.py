"""The screen that shows the timeline of a run, or of a thread and its forks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from codextui.console.model.run import RunView
from codextui.console.screens.picture import PictureActions
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.timeline_view import TimelineView
from codextui.text.sanitize import one_line

UPDATE_INTERVAL = 0.5
"""Seconds between updates."""

_KEYS = "↑ ↓ role   ← → step   + - zoom   , . scroll   home all   end now   s save   esc close"


class TimelineScreen(ModalScreen[None], PictureActions):
    """Shows a lane for each role of a run, or for a thread and its forks, and follows them."""

    CSS_PATH: ClassVar = ["dialog.tcss", "timeline.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,T,q", "close", "Close", id="timeline.close"),
        Binding("s", "save_picture", "Save a picture (SVG)", id="timeline.save"),
    ]

    def __init__(
        self,
        handle: str,
        run: Callable[[], RunView],
        now: Callable[[], float],
        roles: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Create the screen.

        Args:
            handle: the handle of the run or the thread.
            run: returns the run as it is now.
            now: returns unix seconds.
            roles: returns the run's roles in the order of the tree.
        """
        super().__init__()
        self.picture_name = f"{handle}-timeline"
        self._handle = handle
        self._timeline = TimelineView(run, now, roles)

    def compose(self) -> ComposeResult:
        """Yield the title, the lanes, and the keys."""
        title = f"{one_line(self._handle, 60)}: where the time went"
        with Vertical(classes="dialog"):
            with Horizontal(id="heading"):
                yield Static(title, classes="dialog-title", markup=False)
                yield Static(id="place", markup=False)
            yield self._timeline
            yield DialogKeys(_KEYS, id="keys")

    def on_mount(self) -> None:
        """Start the timer of the updates."""
        self._timeline.focus()
        self.set_interval(UPDATE_INTERVAL, self._timeline.update)

    @on(TimelineView.Redrawn)
    def _show_range(self) -> None:
        self.query_one("#place", Static).update(self._timeline.range_text)

    def action_close(self) -> None:
        """Close the screen."""
        if self.is_active:
            self.dismiss(None)
