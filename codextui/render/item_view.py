"""An item as rows, kept and brought up to date as it grows."""

from __future__ import annotations

from textual.strip import Strip

from codextui.model.transcript_item import TranscriptItem
from codextui.render.palette import Palette


class ItemView:
    """The rows of one item at one width in one palette. Finished ones are drawn once.

    While a message streams, only its open end is drawn again; finished rows keep their `Strip`
    objects.

    Attributes:
        rows: as of the last `update`. None is wider than the width; fill up with
            `Strip.adjust_cell_length(width, palette.text)`.
    """

    rows: list[Strip]

    def __init__(
        self, item: TranscriptItem, width: int, palette: Palette, *, full: bool = False
    ) -> None:
        """Draw the item.

        Args:
            item: whose rows these are.
            width: in cells, 10 or more.
            palette: the styles.
            full: with every line of output and diff that the model has, rather than the end
                of each and a mark that says how much there is.
        """
        raise NotImplementedError

    def update(self) -> int:
        """Draw again what changed; return the first row that did, `len(rows)` where none."""
        raise NotImplementedError
