"""The dialog that asks before something that cannot be undone."""

from __future__ import annotations

from textual.screen import ModalScreen


class ConfirmScreen(ModalScreen[bool]):
    """True only where the person said yes; esc and enter at the start are the safe choice."""

    def __init__(self, title: str, message: str, *, yes: str, no: str = "Cancel") -> None:
        """Take the question and the words of its two buttons."""
        super().__init__()
