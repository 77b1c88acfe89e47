"""A place in the grid: a pane, and the composer below it while somebody writes."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from codextui.model.thread_view import ThreadView
from codextui.widgets.composer import ComposerBox
from codextui.widgets.pane_context import PaneContext
from codextui.widgets.transcript_pane import TranscriptPane


class PaneTile(Vertical):
    """A pane and its composer. The composer exists only while it is used."""

    def __init__(self, context: PaneContext, view: ThreadView, number: int) -> None:
        """Show a thread in the place of this number."""
        super().__init__()
        self.pane = TranscriptPane(context, view, number)
        self.box: ComposerBox | None = None

    def compose(self) -> ComposeResult:
        """The parts."""
        yield self.pane

    @property
    def thread_id(self) -> str:
        """The thread that is shown."""
        return self.pane.view.thread_id

    def show(self, view: ThreadView, number: int) -> None:
        """Show another thread; what was being written belongs to the one before."""
        if view.thread_id != self.thread_id:
            self.stop_writing()
        self.pane.show(view, number)

    def write(self, draft: str, purpose: str) -> None:
        """Open the composer and go to it."""
        if self.box is None:
            self.box = ComposerBox(self.thread_id, draft, purpose)
            self.mount(self.box)
        self.take_focus()

    def take_focus(self) -> None:
        """Go to the composer where it is open, else to the pane."""
        target = self.box.composer if self.box else self.pane
        if target.is_mounted:
            target.focus()
        else:
            # Runs when it has been mounted: until then it cannot have the focus.
            target.call_after_refresh(target.focus)

    def stop_writing(self) -> None:
        """Close the composer."""
        if self.box is not None:
            self.box.remove()
            self.box = None
