"""The screen that shows where the time of a run's roles went."""

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
from codextui.console.widgets.timeline_view import TimelineView
from codextui.text.sanitize import one_line

LOOK = 0.5
"""Seconds between two looks at how the run stands."""


class TimelineScreen(ModalScreen[None]):
    """A lane for each role, brought up to date while it is open."""

    CSS_PATH: ClassVar = ["dialog.tcss", "timeline.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,T,q", "close", "Close", id="timeline.close"),
    ]

    def __init__(
        self,
        handle: str,
        run: Callable[[], RunView],
        now: Callable[[], float],
        roles: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Take the run's handle.

        Args:
            handle: the run's.
            run: tells how it stands.
            now: unix seconds.
            roles: its roles in the order of the tree.
        """
        super().__init__()
        self._handle = handle
        self._view = TimelineView(run, now, roles)

    def compose(self) -> ComposeResult:
        """The heading, the lanes, the keys."""
        title = f"{one_line(self._handle, 60)}: where the time went"
        with Vertical(classes="dialog"):
            with Horizontal(id="heading"):
                yield Static(title, classes="dialog-title", markup=False)
                yield Static(id="place", markup=False)
            yield self._view
            yield Static(
                "↑ ↓ role  ← → step  + - zoom  , . scroll  home all  end now  esc close",
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Keep it up to date."""
        self._view.focus()
        self.set_interval(LOOK, self._view.update)

    @on(TimelineView.Moved)
    def _say_place(self) -> None:
        self.query_one("#place", Static).update(self._view.place)

    def action_close(self) -> None:
        """Back to where it was opened."""
        if self.is_active:
            self.dismiss(None)
