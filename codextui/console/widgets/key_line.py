"""The footer: the keys that work now, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class KeyHint(msgspec.Struct, frozen=True):
    """A key and what it does.

    Attributes:
        key: the key, formatted.
        label: what it does, in a word or two.
        action: the action that a click runs.
        pinned: whether it is shown at any width.
    """

    key: str
    label: str
    action: str
    pinned: bool = False


class KeyLine(Widget):
    """Shows keys in a line; leaves out the last unpinned ones if not all fit."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--label"}

    class Clicked(Message):
        """A key was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__()
        self._hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Replace the keys."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.refresh()

    def visible_hints(self, width: int) -> list[tuple[int, KeyHint]]:
        """Return the hints that fit into `width` cells, each with its column."""
        room = width - 1 - sum(_size(hint) + 2 for hint in self._hints if hint.pinned)
        column, placed = 1, []
        for hint in self._hints:
            size = _size(hint) + 2
            if not hint.pinned:
                if size > room:
                    room = 0
                    continue
                room -= size
            placed.append((column, hint))
            column += size
        return placed

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """Return the only line."""
        base = self.rich_style
        key = self.get_component_rich_style("key-line--key")
        label = self.get_component_rich_style("key-line--label")
        segments, at = [], 0
        for column, hint in self.visible_hints(self.size.width):
            segments += [
                Segment(" " * (column - at), base),
                Segment(hint.key, key),
                Segment(f" {hint.label}", label),
            ]
            at = column + _size(hint)
        return Strip(segments, at).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        """Post the clicked key."""
        for column, hint in self.visible_hints(self.size.width):
            if column <= event.x < column + _size(hint):
                self.post_message(self.Clicked(hint.action))


def _size(hint: KeyHint) -> int:
    return cell_len(hint.key) + 1 + cell_len(hint.label)
