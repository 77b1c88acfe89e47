"""The panes in which one can write: their composers, and the drafts that these leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.widgets import TextArea

from codextui.console.drafts import Drafts
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.pane_grid import PaneGrid

if TYPE_CHECKING:
    from codextui.console.widgets.pane_tile import PaneTile


class ComposerPanes(Horizontal):
    """Opens and closes the composers of panes, and records what is written in them as drafts.

    Attributes:
        grid: the panes.
        opening_composer: the composer that was opened and does not have the focus yet.
    """

    def __init__(self, grid: PaneGrid, drafts: Drafts) -> None:
        """Write in the panes of `grid`; `drafts` is what was typed and not sent."""
        super().__init__()
        self.grid = grid
        self.opening_composer: Composer | None = None
        self._drafts = drafts
        self._closed_composers: dict[str, Composer] = {}

    def open_composer_in(self, tile: PaneTile, hint: str) -> None:
        """Open the composer of a tile with its thread's draft; `hint` says what sending does."""
        composer = tile.open_composer(self.drafts.get(tile.thread_id, ""), hint)
        if (closed := self._closed_composers.pop(tile.thread_id, None)) is not None:
            composer.resume(closed)
        self._show_draft(tile.thread_id)
        self.opening_composer = None if composer.has_focus else composer

    def update_composer_hints(self, hint_for: Callable[[str], str]) -> None:
        """Update the hints of all open composers; `hint_for` returns the hint of a thread."""
        for tile in self.grid.tiles:
            if tile.composer_box is not None:
                tile.composer_box.show_hint(hint_for(tile.thread_id))

    @property
    def drafts(self) -> dict[str, str]:
        """Thread id → unsent text."""
        return self._drafts.replies

    def save_draft(self, thread_id: str, text: str) -> None:
        """Save a text that could not be sent; what was written since follows it."""
        draft = self._drafts.keep_unsent(thread_id, text)
        tile = self.grid.tile_of(thread_id)
        if tile is not None and tile.composer_box is not None:
            tile.composer_box.composer.prepend(draft)
        self._show_draft(thread_id)

    def forget_draft(self, thread_id: str) -> None:
        """Forget the draft of a thread: it was sent, or was a command."""
        self.drafts.pop(thread_id, None)

    def replace_draft(self, thread_id: str, old: str, new: str) -> None:
        """Replace a text in a thread's composer, or in its draft where that is closed.

        What stands there beside the old text stays, as does all of a text without it.
        """
        text = self._replaced(thread_id, old, new)
        tile = self.grid.tile_of(thread_id)
        if tile is not None and tile.composer_box is not None:
            tile.composer_box.composer.replace_text(text)
        elif text.strip():
            self.drafts[thread_id] = text
        else:
            self.drafts.pop(thread_id, None)
        self._show_draft(thread_id)

    def _replaced(self, thread_id: str, old: str, new: str) -> str:
        tile = self.grid.tile_of(thread_id)
        if tile is not None and tile.composer_box is not None:
            text = tile.composer_box.composer.text
        else:
            text = self.drafts.get(thread_id, "")
        if text.endswith(old):
            return f"{text[: len(text) - len(old)]}{new}"
        return f"{text}\n\n{new}" if text.strip() else new

    def close_composer(self, thread_id: str) -> None:
        """Close the composer of a thread, and focus its pane."""
        self.opening_composer = None
        tile = self.grid.tile_of(thread_id)
        if tile is not None:
            if (closed := tile.close_composer()) is not None:
                self._closed_composers[thread_id] = closed
            tile.focus_content()
        self._show_draft(thread_id)

    @on(TextArea.Changed)
    def _update_draft(self, message: TextArea.Changed) -> None:
        if isinstance(message.text_area, Composer):
            composer = message.text_area
            if composer.text.strip():
                self.drafts[composer.thread_id] = composer.text
            else:
                self.drafts.pop(composer.thread_id, None)

    @on(Composer.Dismissed)
    def _dismiss_composer(self, message: Composer.Dismissed) -> None:
        message.stop()
        self.close_composer(message.thread_id)

    def _show_draft(self, thread_id: str) -> None:
        """Show a draft in the header of its pane, unless the composer shows it."""
        if (tile := self.grid.tile_of(thread_id)) is not None:
            is_written = tile.composer_box is not None
            tile.pane.set_draft("" if is_written else self.drafts.get(thread_id, ""))
