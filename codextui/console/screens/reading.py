"""Reading and finding on the main screen: folds, the pager, and keys that explain themselves."""

from __future__ import annotations

from textual import events, on
from textual.binding import Binding, BindingType

from codextui.console.bindings import format_keys
from codextui.console.screens.dead_keys import explain_dead_key
from codextui.console.screens.thread_actions import ThreadActions
from codextui.console.widgets.drawing import NothingDone

READING_BINDINGS: list[BindingType] = [
    Binding("space", "unfold", "Unfold what is shown, or fold it", id="pane.unfold"),
    Binding("o", "read", "Read a long item whole", id="pane.read"),
]


class ReadingActions(ThreadActions):
    """The actions that change what is read, and nothing on the server."""

    def explain_key(self, event: events.Key) -> None:
        """Say why a key does nothing here."""
        groups = self._options.key_groups()
        help_keys = (row.keys for g in groups for row in g.keys if row.binding_id == "console.help")
        help_key = next(help_keys, "") or format_keys("question_mark")
        self._explain(explain_dead_key(event.key, groups, help_key=help_key.split()[0]))

    @on(NothingDone)
    def _explain_nothing(self, message: NothingDone) -> None:
        message.stop()
        self._explain(message.reason)

    # Folds and the pager.

    def action_unfold(self) -> None:
        """Unfold the items that the current pane shows, or fold them again."""
        pane = self.workbench.grid.pane_of(self.workbench.current)
        if pane is None or not pane.toggle_folds():
            self._explain("Nothing is folded here.")
        self.mark_dirty()

    def action_read(self) -> None:
        """Show an item of the current pane in the pager."""
        from codextui.console.screens.pager import PagerScreen  # noqa: PLC0415

        pane = self.workbench.grid.pane_of(self.workbench.current)
        item = None if pane is None else pane.item_to_read
        if pane is None or item is None:
            self._explain("There is nothing to read yet.")
        else:
            view = pane.view
            self.app.push_screen(PagerScreen(view.info.handle, view.transcript, item))

    # Help.

    def action_help(self) -> None:
        """List all keys, those of what has the focus first."""
        from codextui.console.screens.help import HelpScreen  # noqa: PLC0415

        place = "Threads" if self.workbench.thread_tree.has_focus else "Panes"
        self.app.push_screen(HelpScreen(self._options.key_groups(), first=place))

    def clear_marks(self) -> bool:
        """Clear the selected text; return whether there was any."""
        is_marked = bool(self.selections)
        self.clear_selection()
        return is_marked

    def mark_dirty(self) -> None:
        """Draw the lines around the panes again, in one of the next frames."""
        raise NotImplementedError
