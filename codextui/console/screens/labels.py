"""Jump labels: letters appear on everything that can be gone to, and typing one goes there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""The letters of labels, those under the fingers first."""


class Target(msgspec.Struct, frozen=True):
    """Something to go to.

    Attributes:
        x: its column on the screen.
        y: its row on the screen.
        go: goes there.
    """

    x: int
    y: int
    go: Callable[[], object]


class LabelsScreen(ModalScreen[Target]):
    """Shows labels over the main screen, and returns the target whose label is typed."""

    CSS_PATH: ClassVar = "labels.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Go nowhere", id="labels.close"),
        Binding("backspace", "forget", "Forget the letter typed", id="labels.forget"),
    ]

    def __init__(self, targets: Sequence[Target]) -> None:
        """Label targets, the most important first."""
        super().__init__()
        self._targets = dict(zip(make_labels(len(targets)), targets, strict=False))
        self._typed = ""
        self._shown: dict[str, Static] = {}

    def compose(self) -> ComposeResult:
        """Yield a label at the place of each target."""
        for label, target in self._targets.items():
            static = Static(label, markup=False)
            static.styles.offset = (target.x, target.y)
            self._shown[label] = static
            yield static

    def on_key(self, event: events.Key) -> None:
        """Narrow the labels to those that begin with what was typed, and go to the last one."""
        if event.character is None or not event.character.isalpha():
            return
        event.stop()
        typed = self._typed + event.character.lower()
        if typed in self._targets and self.is_active:
            self.dismiss(self._targets[typed])
        elif any(label.startswith(typed) for label in self._targets):
            self._narrow(typed)
        else:
            self.app.bell()

    def action_forget(self) -> None:
        """Show all labels again."""
        self._narrow("")

    def action_close(self) -> None:
        """Go nowhere."""
        if self.is_active:
            self.dismiss(None)

    def on_resize(self) -> None:
        """Close: everything has moved."""
        size = self.app.size
        if any(t.x >= size.width or t.y >= size.height for t in self._targets.values()):
            self.action_close()

    def _narrow(self, typed: str) -> None:
        self._typed = typed
        for label, static in self._shown.items():
            static.display = label.startswith(typed)
            static.update(label[len(typed) :])


def make_labels(count: int, letters: str = LETTERS) -> list[str]:
    """Return labels of one or two letters, of which none begins another; the shortest first.

    Returns:
        `count` labels, or as many as there are.
    """
    size = len(letters)
    singles = next((s for s in range(size, -1, -1) if s + (size - s) * size >= count), 0)
    pairs = (first + second for first in letters[singles:] for second in letters)
    return [*letters[:singles], *pairs][:count]
