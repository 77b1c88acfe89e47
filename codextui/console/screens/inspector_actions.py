"""The key of the main screen that opens the protocol inspector."""

from __future__ import annotations

from textual.binding import Binding, BindingType
from textual.screen import Screen

from codextui.console.screens import messages

INSPECTOR_BINDINGS: list[BindingType] = [
    Binding("i", "inspect", "Protocol inspector: the frames as they flow", id="inspector.open"),
]


class InspectorActions(Screen[None]):
    """Opens the inspector."""

    def action_inspect(self) -> None:
        """Show the frames of all connections."""
        self.post_message(messages.OpenInspector())
