"""What the panes show at a time, so that a search can return to it."""

from __future__ import annotations

import msgspec


class PanePosition(msgspec.Struct, frozen=True):
    """How far a pane is scrolled, and what is marked and folded in it.

    Attributes:
        follow: whether it follows the end.
        anchor: the first visible row, as `TranscriptRows.anchor_at` returns it.
        cursor: the ordinal of the marked item, None for none.
        unfolded: the ordinals of the unfolded items.
        collapsed: the ordinals of the items that are shown in a line.
    """

    follow: bool
    anchor: tuple[int, int]
    cursor: int | None
    unfolded: frozenset[int]
    collapsed: frozenset[int]


class Look(msgspec.Struct, frozen=True):
    """The threads with a pane, the current one, and the positions of the panes by thread.

    Attributes:
        shown: ids of the threads with a pane, in order.
        current: id of the current thread.
        zoomed: id of the zoomed thread, empty for none.
        in_tree: whether the tree has the focus.
        arranged: whether the user has arranged the panes.
        positions: positions of the panes by thread.
    """

    shown: tuple[str, ...]
    current: str
    zoomed: str
    in_tree: bool
    arranged: bool
    positions: dict[str, PanePosition]
