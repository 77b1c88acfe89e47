"""The panes, tiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Grid
from textual.message import Message
from textual.widgets import Static

from codextui.console.model.state import ThreadView
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.placement import capacity, tile

if TYPE_CHECKING:
    from codextui.console.widgets.pane_tile import PaneTile
    from codextui.console.widgets.transcript_pane import TranscriptPane


class EmptyPanes(Container):
    """A few lines that say why nothing is here, and what to do about it."""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Static(id="empty-text")

    def say(self, *, connected: bool, start_key: str) -> None:
        """Say that there are no threads, or that we do not know yet."""
        if not connected:
            text = "Connecting to the shared server …"
        else:
            text = (
                "[b]No threads yet[/b]\n\n"
                f"[b $accent]{start_key}[/]   starts one\n"
                "[b $accent]?[/]   lists every key\n\n"
                "[$text-quiet]In a shell, [b]codextui demo[/b] shows how it goes:\n"
                "three agents at work, without a key or an account.[/]"
            )
        self.query_one("#empty-text", Static).update(text)


class PaneGrid(Grid):
    """One to nine places, in a grid whose panes are never too small to read.

    Attributes:
        most: the most places that a person wants.
        capacity: how many there is room for.
        zoomed: the thread that has all the room, empty where none does.
        tiles: the places, first to last.
    """

    class CapacityChanged(Message):
        """There is room for another number of panes."""

    def __init__(self, most: int) -> None:
        """Have at most `most` places."""
        super().__init__()
        self.most = most
        self.capacity = 1
        self.zoomed = ""
        self.tiles: list[PaneTile] = []
        self.empty = EmptyPanes()

    def compose(self) -> ComposeResult:
        """The parts."""
        yield self.empty

    def on_resize(self) -> None:
        """Fit the new size."""
        self.recount()

    def recount(self) -> None:
        """Find out how many panes fit."""
        room = capacity(self.size.width, self.size.height, self.most)
        if room != self.capacity:
            self.capacity = room
            self.post_message(self.CapacityChanged())
        self._arrange()

    def show(self, views: Sequence[ThreadView], context: PaneContext) -> None:
        """Have exactly these threads in the places; who had a place keeps its pane."""
        spare = [t for t in self.tiles if all(t.thread_id != v.thread_id for v in views)]
        tiles, new = [], []
        for number, view in enumerate(views, start=1):
            place = self.tile_of(view.thread_id) or (spare.pop(0) if spare else None)
            if place is None:
                place = _new_tile(context, view, number)
                new.append(place)
            else:
                place.show(view, number)
            tiles.append(place)
        self.tiles = tiles
        for place in spare:
            place.remove()
        if new:
            self.mount(*new)
        self.empty.display = not tiles
        self._order()
        self.zoom(self.zoomed)

    def zoom(self, thread_id: str) -> None:
        """Give one thread all the room; empty, or one without a place, tiles them all."""
        self.zoomed = thread_id if self.tile_of(thread_id) else ""
        for place in self.tiles:
            place.display = self.zoomed in ("", place.thread_id)
        self._arrange()

    def pane_of(self, thread_id: str) -> TranscriptPane | None:
        """The pane of a thread, None where it has none."""
        place = self.tile_of(thread_id)
        return place.pane if place else None

    def tile_of(self, thread_id: str) -> PaneTile | None:
        """The place of a thread, None where it has none."""
        return next((t for t in self.tiles if t.thread_id == thread_id), None)

    def neighbour(self, thread_id: str, dx: int, dy: int) -> str | None:
        """The thread beside one, in a direction; None at the edge."""
        here = self.tile_of(thread_id)
        if here is None:
            return None
        x, y, width, height = here.region
        at = (x - 2 if dx < 0 else x + width + 1, y + 1)
        if dy:
            at = (x + width // 2, y - 2 if dy < 0 else y + height + 1)
        return next((t.thread_id for t in self.tiles if t.region.contains(*at)), None)

    def _order(self) -> None:
        places = {id(place): index for index, place in enumerate(self.tiles)}
        self.sort_children(key=lambda child: places.get(id(child), len(places)))

    def _arrange(self) -> None:
        if not self.size.width:
            return
        shown = [place for place in self.tiles if place.display]
        tiling = tile(max(1, len(shown)), self.size.width, self.size.height)
        self.styles.grid_size_columns = tiling.columns
        self.styles.grid_size_rows = tiling.rows
        for index, place in enumerate(shown):
            place.styles.row_span = tiling.first_span if index == 0 else 1


def _new_tile(context: PaneContext, view: ThreadView, number: int) -> PaneTile:
    # Brings all that draws a thread, which the first frame need not wait for.
    from codextui.console.widgets.pane_tile import PaneTile  # noqa: PLC0415

    return PaneTile(context, view, number)
