"""The grid of panes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Grid
from textual.message import Message
from textual.widgets import Static

from codextui.console.model.state import ThreadView
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.tiling import PANE_COUNTS, pane_capacity, tile_panes

if TYPE_CHECKING:
    from codextui.console.widgets.pane_tile import PaneTile
    from codextui.console.widgets.transcript_pane import TranscriptPane


class EmptyPanes(Container):
    """A text shown while there are no panes: why, and what to do."""

    def compose(self) -> ComposeResult:
        """Yield the text, and what was found on this machine."""
        yield Static(id="empty-text")
        yield Static(id="findings")

    def show_findings(self, findings: Text) -> None:
        """Show what was found on this machine, below the text."""
        found = self.query_one("#findings", Static)
        found.update(findings)
        found.display = True

    def update_text(self, *, connected: bool, new_thread_key: str, others: int = 0) -> None:
        """Show why there are no panes: no connection, or no threads but those of other programs.

        Args:
            connected: whether all past events have come.
            new_thread_key: the key that starts a thread, formatted.
            others: threads of other programs.
        """
        if not connected:
            text = "Connecting to the shared server …"
        elif others:
            text = (
                f"[b]{others} of other programs[/b] in the tree\n\n"
                "[b $accent]⏎[/]   shows the one that is marked\n"
                f"[b $accent]{new_thread_key}[/]   starts one of your own\n"
                "[b $accent]?[/]   lists every key"
            )
        else:
            text = (
                "[b]No threads yet[/b]\n\n"
                f"[b $accent]{new_thread_key}[/]   starts one\n"
                "[b $accent]H[/]   continues one that Codex has\n"
                "[b $accent]W[/]   shows what this machine has, and the demo\n"
                "[b $accent]?[/]   lists every key\n\n"
                "[$text-quiet]In a shell, [b]codextui demo[/b] shows how it goes:\n"
                "three agents at work, without a key or an account.[/]"
            )
        self.query_one("#empty-text", Static).update(text)


class PaneGrid(Grid):
    """One to nine tiles, each large enough to read.

    Attributes:
        max_panes: the user's limit; None for as many as read well.
        capacity: how many panes fit.
        zoomed: id of the thread that fills the grid; empty for none.
        tiles: the tiles in order.
        empty: the text shown without tiles.
    """

    class CapacityChanged(Message):
        """Another number of panes fits."""

    def __init__(self, max_panes: int | None) -> None:
        """Create a grid of at most `max_panes` panes; None for as many as read well."""
        super().__init__()
        self.max_panes = max_panes
        self.capacity = 1
        self.zoomed = ""
        self.tiles: list[PaneTile] = []
        self.empty = EmptyPanes()

    def compose(self) -> ComposeResult:
        """Yield the text for an empty grid."""
        yield self.empty

    def on_resize(self) -> None:
        """Fit the panes to the new size."""
        self.update_capacity()

    def change_count(self, step: int) -> str:
        """Show more (1) or fewer (-1) panes; return why that is impossible, empty if done."""
        count = self.capacity if step > 0 else min(self.capacity, max(1, len(self.tiles)))
        wanted = next((n for n in PANE_COUNTS[::step] if (n - count) * step > 0), None)
        if wanted is None:
            return "Nine panes are the most." if step > 0 else "One pane is the least."
        capacity, max_panes = self.capacity, self.max_panes
        self.max_panes = wanted
        self.update_capacity()
        if self.capacity != capacity:
            return ""
        self.max_panes = max_panes
        return f"There is no room for {wanted} panes that could still be read."

    def update_capacity(self) -> None:
        """Calculate how many panes fit."""
        capacity = pane_capacity(self.size.width, self.size.height, self.max_panes)
        if capacity != self.capacity:
            self.capacity = capacity
            self.post_message(self.CapacityChanged())
        self._arrange()

    def show(self, views: Sequence[ThreadView], context: PaneContext) -> None:
        """Show exactly these threads; a thread that is shown already keeps its tile."""
        spare = [t for t in self.tiles if all(t.thread_id != v.thread_id for v in views)]
        tiles, new = [], []
        for number, view in enumerate(views, start=1):
            tile = self.tile_of(view.thread_id) or (spare.pop(0) if spare else None)
            if tile is None:
                tile = _create_tile(context, view, number)
                new.append(tile)
            else:
                tile.show(view, number)
            tiles.append(tile)
        self.tiles = tiles
        for tile in spare:
            tile.remove()
        if new:
            self.mount(*new)
        self.empty.display = not tiles
        self._sort_tiles()
        self.zoom(self.zoomed)

    def zoom(self, thread_id: str) -> None:
        """Fill the grid with a thread's tile; show all tiles if the thread has none."""
        self.zoomed = thread_id if self.tile_of(thread_id) else ""
        for tile in self.tiles:
            tile.display = self.zoomed in ("", tile.thread_id)
            tile.pane.set_zoomed(self.zoomed == tile.thread_id)
        self._arrange()

    def pane_of(self, thread_id: str) -> TranscriptPane | None:
        """Return the pane of a thread, None if it has none."""
        tile = self.tile_of(thread_id)
        return tile.pane if tile else None

    def tile_of(self, thread_id: str) -> PaneTile | None:
        """Return the tile of a thread, None if it has none."""
        return next((t for t in self.tiles if t.thread_id == thread_id), None)

    def neighbour(self, thread_id: str, dx: int, dy: int) -> str | None:
        """Return the id of the thread next to one in a direction, None at the edge."""
        tile = self.tile_of(thread_id)
        if tile is None:
            return None
        x, y, width, height = tile.region
        at = (x - 2 if dx < 0 else x + width + 1, y + 1)
        if dy:
            at = (x + width // 2, y - 2 if dy < 0 else y + height + 1)
        return next((t.thread_id for t in self.tiles if t.region.contains(*at)), None)

    def _sort_tiles(self) -> None:
        indexes = {id(tile): index for index, tile in enumerate(self.tiles)}
        self.sort_children(key=lambda child: indexes.get(id(child), len(indexes)))

    def _arrange(self) -> None:
        if not self.size.width:
            return
        shown = [tile for tile in self.tiles if tile.display]
        tiling = tile_panes(max(1, len(shown)), self.size.width, self.size.height)
        self.styles.grid_size_columns = tiling.columns
        self.styles.grid_size_rows = tiling.rows
        for index, tile in enumerate(shown):
            tile.styles.row_span = tiling.first_span if index == 0 else 1


def _create_tile(context: PaneContext, view: ThreadView, number: int) -> PaneTile:
    # Imports everything that draws a thread; the first frame need not wait for it.
    from codextui.console.widgets.pane_tile import PaneTile  # noqa: PLC0415

    return PaneTile(context, view, number)
