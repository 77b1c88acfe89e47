"""Everything that a thread said and did, in order."""

from __future__ import annotations

from codextui.model.transcript_item import TranscriptItem
from codextui.model.turn import Turn


class Transcript:
    """The items of one thread, in the order in which they began.

    Attributes:
        items: oldest first; `items[0].ordinal` is above 0 where old ones were dropped.
        version: grows with every change.
        dropped: items that were forgotten, from the start.
        turns: oldest first.
    """

    items: list[TranscriptItem]
    version: int
    dropped: int
    turns: list[Turn]

    def changed_since(self, version: int) -> list[TranscriptItem]:
        """The items that changed after `version`, by ordinal; its cost is their number."""
        raise NotImplementedError
