"""The screen that lists every key."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import ModalScreen

from codextui.keymap import KeyGroup


class HelpScreen(ModalScreen[None]):
    """Every key that is bound, with its description, grouped by where it works."""

    def __init__(self, groups: Sequence[KeyGroup]) -> None:
        """Take the groups, from `codextui.keymap.key_groups`."""
        super().__init__()
