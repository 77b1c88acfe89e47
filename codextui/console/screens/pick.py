"""A list of which one entry is picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.text.sanitize import one_line


class PickScreen(ModalScreen[int | None]):
    """Lists entries; returns the index of the one that was picked, None if cancelled."""

    CSS_PATH: ClassVar = ["dialog.tcss", "fork.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", id="pick.cancel"),
        Binding("j", "move(1)", "Next entry", show=False, id="pick.next"),
        Binding("k", "move(-1)", "Previous entry", show=False, id="pick.previous"),
    ]

    def __init__(self, title: str, entries: Sequence[str], current: int = 0) -> None:
        """List entries under a title, with one of them highlighted."""
        super().__init__()
        self._title = title
        self._entries = tuple(entries)
        self._current = current

    def compose(self) -> ComposeResult:
        """Yield the list."""
        with Vertical(classes="dialog"):
            yield Static(one_line(self._title, 200), classes="dialog-title", markup=False)
            yield OptionList(
                *(Option(Content(one_line(entry, 300))) for entry in self._entries), compact=True
            )
            yield DialogKeys("↑ ↓ choose   ⏎ pick   esc cancel")

    def on_mount(self) -> None:
        """Highlight the current entry."""
        entries = self.query_one(OptionList)
        if self._entries:
            entries.highlighted = min(self._current, len(self._entries) - 1)
        entries.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the picked entry."""
        if self.is_active:
            self.dismiss(event.option_index)

    def action_move(self, step: int) -> None:
        """Highlight another entry."""
        entries = self.query_one(OptionList)
        if step > 0:
            entries.action_cursor_down()
        else:
            entries.action_cursor_up()

    def action_cancel(self) -> None:
        """Close without a choice."""
        if self.is_active:
            self.dismiss(None)
