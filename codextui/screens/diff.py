"""The screen that shows the diff of a turn."""

from __future__ import annotations

from textual.screen import ModalScreen


class DiffScreen(ModalScreen[None]):
    """A unified diff, scrollable."""

    def __init__(self, title: str, diff: str) -> None:
        """Take the heading and the unified diff."""
        super().__init__()
