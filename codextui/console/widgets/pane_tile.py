"""A tile of the grid: a pane, and the composer below it while the user writes."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from codextui.console.model.image_marks import restore_images
from codextui.console.model.state import ThreadView
from codextui.console.model.suggestions import as_text
from codextui.console.render.thread import Frame
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.composer_box import ComposerBox
from codextui.console.widgets.drawing import LineWidget
from codextui.console.widgets.pane_context import PaneContext, ZoomRequested
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.protocol.runs import ThreadKind
from codextui.text.sanitize import clean_paste


class PaneTile(LineWidget):
    """A pane and its composer, which exists only while it is open, in a frame.

    The frame's first line is the title, which the pane draws; the tile draws the rest of it.

    Attributes:
        pane: the pane.
        composer_box: the composer; None while it is closed.
    """

    def __init__(self, context: PaneContext, view: ThreadView, number: int) -> None:
        """Show a thread in the tile with this number."""
        super().__init__()
        self.pane = TranscriptPane(context, view, number)
        self.composer_box: ComposerBox | None = None
        self._frame: Frame | None = None
        self._footnote = ""

    def compose(self) -> ComposeResult:
        """Yield the pane."""
        yield self.pane

    @property
    def thread_id(self) -> str:
        """The id of the shown thread."""
        return self.pane.view.thread_id

    def show(self, view: ThreadView, number: int) -> None:
        """Show a thread; the composer of another one is closed."""
        if view.thread_id != self.thread_id:
            self.close_composer()
        self.pane.show(view, number)

    def update_frame(self, footnote: str = "") -> None:
        """Redraw the frame if it has changed; `footnote` stands in its last line."""
        frame = self.pane.frame
        if (frame, footnote) != (self._frame, self._footnote):
            self._frame, self._footnote = frame, footnote
            width, height = self.outer_size
            self.refresh(
                Region(0, 0, 1, height),
                Region(width - 1, 0, 1, height),
                Region(0, height - 1, width, 1),
            )

    def draw_line(self, y: int) -> Strip:
        """Return the line of the frame at `y`."""
        frame = self._frame or self.pane.frame
        return frame.draw_row(y, self.outer_size.width, self.outer_size.height, self._footnote)

    def on_click(self, event: events.Click) -> None:
        """Focus what is in the frame, if the frame itself was clicked; a double click zooms."""
        if not self.content_region.contains(event.screen_x, event.screen_y):
            self.focus_content()
            if event.chain == 2:
                self.post_message(ZoomRequested(self.thread_id))

    def open_composer(self, draft: str, hint: str) -> Composer:
        """Open and return the composer, which takes the focus as soon as it is mounted."""
        if self.composer_box is None:
            view = self.pane.view
            past = _past_prompts(view)
            self.composer_box = ComposerBox(
                self.thread_id,
                draft,
                hint,
                folder=view.info.cwd,
                past=past,
                has_commands=view.info.kind is ThreadKind.CODEX,
            )
            if self.is_mounted:
                self.mount(self.composer_box)
            else:
                self.call_after_refresh(self._mount_box, self.composer_box)
        elif self.composer_box.composer.is_mounted:
            self.composer_box.composer.focus()
        return self.composer_box.composer

    def focus_content(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Focus the composer if it is open, else the pane.

        A pane that is not mounted yet gets the focus once it is, if `is_wanted` returns true then.
        """
        if self.composer_box is not None:
            self.composer_box.composer.focus()
        elif self.pane.is_mounted:
            self.pane.focus()
        else:
            self.pane.call_after_refresh(self._focus_mounted, is_wanted)

    def _focus_mounted(self, is_wanted: Callable[[], bool]) -> None:
        if is_wanted():
            self.pane.focus()

    def close_composer(self) -> Composer | None:
        """Close the composer, and return the closed one."""
        box, self.composer_box = self.composer_box, None
        if box is not None and box.is_attached:
            box.remove()
        return None if box is None else box.composer

    def _mount_box(self, box: ComposerBox) -> None:
        if self.composer_box is box:
            self.mount(box)


def _past_prompts(view: ThreadView) -> list[str]:
    """Return the prompts of a thread, oldest first, as they could be written."""
    prompts = (turn.prompt for turn in view.transcript.turns if turn.prompt)
    return [as_text(restore_images(clean_paste(prompt))) for prompt in prompts]
