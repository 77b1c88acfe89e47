"""An item of a transcript as rows."""

from __future__ import annotations

from textual.strip import Strip

from codextui.model.transcript_item import TranscriptItem
from codextui.render.item_view import ItemView
from codextui.render.palette import Palette


def render_item(
    item: TranscriptItem, width: int, palette: Palette, *, full: bool = False
) -> list[Strip]:
    """All rows of an item, at most `width` (10 or more) cells wide; see `ItemView`."""
    return ItemView(item, width, palette, full=full).rows
