"""A place in the grid: a pane, and the composer below it while somebody writes."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from codextui.console.model.state import ThreadView
from codextui.console.widgets.composer import Composer, ComposerBox
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.transcript_pane import TranscriptPane


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

    def write(self, draft: str, purpose: str) -> Composer:
        """Open the composer, which takes the focus as soon as it can; return it."""
        if self.box is None:
            self.box = ComposerBox(self.thread_id, draft, purpose)
            if self.is_mounted:
                self.mount(self.box)
            else:
                self.call_after_refresh(self._mount_box, self.box)
        elif self.box.composer.is_mounted:
            self.box.composer.focus()
        return self.box.composer

    def take_focus(self) -> None:
        """Go to the composer where it is open, else to the pane."""
        if self.box is not None:
            self.box.composer.focus()
        elif self.pane.is_mounted:
            self.pane.focus()
        else:
            # Runs when it has been mounted: until then it cannot have the focus.
            self.pane.call_after_refresh(self.pane.focus)

    def stop_writing(self) -> None:
        """Close the composer."""
        box, self.box = self.box, None
        if box is not None and box.is_attached:
            box.remove()

    def _mount_box(self, box: ComposerBox) -> None:
        if self.box is box:
            self.mount(box)
