"""The actions that show what threads have changed, and threads beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from codextui.console.screens.availability import Action
from codextui.console.screens.thread_actions import ThreadActions, describe_send

if TYPE_CHECKING:
    from codextui.console.model.diff_scope import Scope

CHANGE_BINDINGS: list[BindingType] = [
    Binding("d", "diff", "Diff of a turn, thread, run, fork or folder", id="thread.diff"),
    Binding(
        "D",
        "side_by_side",
        "Marked threads, or forks, side by side; keep one",
        id="thread.side_by_side",
    ),
]


class ChangeActions(ThreadActions):
    """Opens the diff view and the comparison of threads."""

    def action_diff(self) -> None:
        """Show what the last turn has changed; the view chooses what else is compared."""
        from codextui.console.model.diff_scope import default_scope  # noqa: PLC0415

        if self._check_available(Action.DIFF):
            thread_id = self.workbench.current
            self._show_diff(thread_id, default_scope(self.state, thread_id))

    def action_side_by_side(self) -> None:
        """Show the marked threads beside each other; without, a fork and what it came from."""
        from codextui.console.model.side_by_side import first_threads  # noqa: PLC0415
        from codextui.console.screens.side_by_side import SideBySideScreen  # noqa: PLC0415

        current, marked = self.workbench.current, self.workbench.marked
        threads, left_out = first_threads(self.state, current, marked)
        if threads or self._check_available(Action.SIDE_BY_SIDE):
            screen = SideBySideScreen(
                self.state,
                threads,
                note=left_out,
                now=self._options.now,
                format_cost=self._options.cost_of,
                post=self.post_message,
                show_diff=self._show_forks,
                open_thread=self.workbench.open_thread,
            )
            self.app.push_screen(screen)

    def _show_forks(self, thread_id: str, other: str) -> None:
        from codextui.console.model.diff_scope import Scope, ScopeKind  # noqa: PLC0415

        self._show_diff(thread_id, Scope(ScopeKind.FORKS, thread_id, other))

    def _show_diff(self, thread_id: str, scope: Scope) -> None:
        from codextui.console.screens.diff import DiffScreen  # noqa: PLC0415
        from codextui.console.screens.diff_source import ThreadDiffs  # noqa: PLC0415

        source = ThreadDiffs(
            self.state,
            self._options.drafts,
            thread_id,
            scope,
            post=self.post_message,
            describe=describe_send,
            read_tree=self._options.read_tree,
            now=self._options.now,
        )
        self.app.push_screen(DiffScreen(source))
