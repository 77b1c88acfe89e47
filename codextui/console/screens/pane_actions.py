"""The actions on panes and on the console itself, as a base class of the main screen."""

from __future__ import annotations

from textual import on
from textual.binding import Binding, BindingType

from codextui.console.screens import messages
from codextui.console.screens.thread_actions import ThreadActions
from codextui.console.widgets.pane_context import ZoomRequested
from codextui.console.widgets.workbench import Workbench

PANE_BINDINGS: list[BindingType] = [
    Binding("S", "preferences", "Settings of the console", id="console.settings"),
    Binding(
        "W", "first_steps", "First steps: Codex, its login, old entries", id="console.first_steps"
    ),
    Binding("full_stop", "pin", "Pin the thread to its pane, or unpin it", id="pane.pin"),
]
"""Bindings of `PaneActions`."""


class PaneActions(ThreadActions):
    """Arranges the panes. An action that is unavailable shows the reason."""

    def action_pin(self) -> None:
        """Pin the current thread to its pane, so that nothing replaces it, or unpin it."""
        if not self.workbench.toggle_pin():
            self._explain("Nothing to pin: no thread has a pane yet.")

    def action_first_steps(self) -> None:
        """Show what this machine has, and how to begin."""
        self.post_message(messages.OpenFirstSteps())

    def action_preferences(self) -> None:
        """Show and change the settings of the console."""
        self.post_message(messages.OpenPreferences())

    def action_toggle_tree(self) -> None:
        """Show or hide the tree; on a tiny screen it takes the place of the panes."""
        if self.has_class("-tiny"):
            self._toggle_tree_alone()
            return
        self.toggle_class("-no-tree")
        if self.has_class("-no-tree") and self.workbench.thread_tree.has_focus:
            self.workbench.focus_thread(self.workbench.current)

    def _toggle_tree_alone(self) -> None:
        if self.has_class("-tree-alone"):
            self.workbench.focus_thread(self.workbench.current)
        self.toggle_class("-tree-alone")
        if self.has_class("-tree-alone"):
            self.call_after_refresh(self.workbench.thread_tree.focus)

    @on(ZoomRequested)
    def _zoom_clicked(self, message: ZoomRequested) -> None:
        self.clear_selection()  # Textual has selected all that was under the mouse
        self.workbench.focus_thread(message.thread_id)
        is_zoomed = self.workbench.grid.zoomed == message.thread_id
        self.workbench.zoom("" if is_zoomed else message.thread_id)

    @on(Workbench.PaneChosen)
    def _leave_tree(self) -> None:
        self.remove_class("-tree-alone")

    @on(Workbench.AllPinned)
    def _explain_pins(self) -> None:
        self._explain("Every pane is pinned. Unpin one first, or show more panes.")
