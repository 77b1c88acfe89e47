"""The fleet on the main screen: its summary, and actions that filter, group and put away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.binding import Binding, BindingType

from codextui.console.model.fleet import CLEARED, Fleet
from codextui.console.model.labels import format_counts, handle_label
from codextui.console.model.state import ThreadView
from codextui.console.screens.thread_actions import ThreadActions
from codextui.console.widgets.status_line import FleetCell, ServerStatus
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.sanitize import one_line

FLEET_BINDINGS: list[BindingType] = [
    Binding("slash", "filter", "Filter the threads", id="view.filter"),
    Binding("G", "group", "In the tree: group by state, folder, program, model", id="view.group"),
    Binding("h", "hide", "Hide a thread or a run at rest, or bring it back", id="view.hide"),
    Binding("asterisk", "show_away", "Show what was put away, or not", id="view.away"),
    Binding("less_than_sign", "widen_tree(-4)", "Narrower tree", id="view.narrower", show=False),
    Binding("greater_than_sign", "widen_tree(4)", "Wider tree", id="view.wider", show=False),
    Binding("ctrl+x", "clear_over", "Put away all that is over", id="view.clear"),
]
"""Keys that arrange the tree."""


class FleetActions(ThreadActions):
    """Arranges the tree. Nothing is ever deleted: what is put away can be shown again.

    Attributes:
        fleet: how the tree is arranged.
    """

    fleet: Fleet

    def server_status(self, failed: int, problem: str) -> ServerStatus:
        """Sum up all threads and roles for the header; runs do not count beside their roles.

        Args:
            failed: threads that failed and were not looked at since.
            problem: why the server cannot start turns; empty if it can.
        """
        state = self.state
        infos = [view.info for view in state.threads.values()]
        infos = [info for info in infos if info.kind is not ThreadKind.RUN]
        states = [info.state for info in infos]
        working = (ThreadState.RUNNING, ThreadState.STARTING)
        return ServerStatus(
            self._options.server,
            state.connection,
            state.codex_version,
            state.attached,
            None if all(info.ours for info in infos) else _count_followed(infos),
            state.codex_problem or problem,
            running=sum(state in working for state in states),
            waiting=states.count(ThreadState.NEEDS_INPUT),
            failed=failed,
            cells=tuple(
                FleetCell(info.thread_id, state.state_of(info.thread_id), begins)
                for info, begins in self.fleet.cells()
            ),
            tokens=sum(info.usage.total for info in infos),
        )

    def unseen_failures(self) -> list[ThreadView]:
        """Return our own failed threads that were not current since they failed."""
        current = "" if self.workbench.thread_tree.has_focus else self.workbench.current
        if self.fleet.news.update(self.state.threads, current):
            self.workbench.thread_tree.update()
        return self.fleet.failures(self._options.now())

    def action_filter(self) -> None:
        """Write a filter for the tree."""
        self._uncover_tree()
        self.workbench.thread_tree.open_filter()

    def action_group(self) -> None:
        """Group the tree by the next thing."""
        self._uncover_tree()
        grouping = self.fleet.next_grouping()
        self.workbench.thread_tree.update()
        self.notify(f"The tree is grouped by {grouping.value}.", markup=False)

    def _uncover_tree(self) -> None:
        """Show the tree; on a tiny screen it takes the place of the panes."""
        self.remove_class("-no-tree")
        self.set_class(self.has_class("-tiny"), "-tree-alone")

    def action_widen_tree(self, cells: int) -> None:
        """Make the tree wider, or narrower."""
        if self.has_class("-tiny") or self.has_class("-no-tree"):
            self._explain("The tree is not beside the panes: there is nothing to widen.")
        else:
            self.workbench.thread_tree.widen(cells)

    def action_show_away(self) -> None:
        """Show what was put away among the others, or leave it out again."""
        fleet, now = self.fleet, self._options.now()
        if not fleet.shows_away and not fleet.away_ids(now):
            self._explain("Nothing is put away: h hides a thread, ^x all that is over.")
            return
        fleet.shows_away = not fleet.shows_away
        self.workbench.thread_tree.update()

    def action_hide(self) -> None:
        """Hide the current thread or run with all below it, or bring it back."""
        view = self.state.threads.get(self.workbench.current)
        if view is None:
            self._explain("Nothing to hide: no thread is chosen.")
            return
        label, now = handle_label(view.info), self._options.now()
        if self.fleet.is_away(view.thread_id, now):
            self.fleet.bring_back(view.thread_id)
            self._show_arranged(f"{label} is in the tree again.")
            return
        if self.fleet.is_kept(view.thread_id):
            needs_you = view.info.state is ThreadState.NEEDS_INPUT
            why = "needs you" if needs_you else "works, or something below it does"
            self._explain(f"{label} {why}: it can be hidden once it rests.")
            return
        self.workbench.thread_tree.leave([view.thread_id])
        self.fleet.hide(view.thread_id)
        self._show_arranged(f"{label} is hidden: * shows it, h brings it back.")

    def action_clear_over(self) -> None:
        """Put away all runs and threads that are over; ask where something would be lost."""
        ids = self.fleet.over_ids(self._options.now())
        if not ids:
            self._explain("Nothing is over: no run has ended, and no thread failed or was killed.")
            return
        losses = self._losses(ids)
        if not losses:
            self._clear(ids)
            return
        from codextui.console.screens.confirm import ConfirmScreen  # noqa: PLC0415

        message = f"{'; '.join(losses)}. Nothing is deleted: * shows it again, and H has it all."
        title = f"Put away {self._count(ids)}?"

        def clear_if(answer: bool | None) -> None:
            if answer:
                self._clear(ids)

        self.app.push_screen(ConfirmScreen(title, message, yes="Put away"), clear_if)

    def _losses(self, ids: Sequence[str]) -> list[str]:
        """Return what the user would lose sight of."""
        news, threads = self.fleet.news, self.state.threads
        unseen = [handle_label(threads[i].info) for i in ids if news.has_failed(threads[i].info)]
        drafts = [handle_label(threads[i].info) for i in ids if i in self.workbench.drafts]
        queued = [handle_label(threads[i].info) for i in ids if threads[i].info.queued]
        return [
            f"{text} {_name_some(found)}"
            for text, found in (
                ("Failed, and you have not looked at it:", unseen),
                ("You wrote something that is not sent to", drafts),
                ("Messages are queued for", queued),
            )
            if found
        ]

    def _clear(self, ids: Sequence[str]) -> None:
        self.workbench.thread_tree.leave(ids)
        for thread_id in ids:
            self.fleet.hide(thread_id, CLEARED)
        self._show_arranged(f"{self._count(ids)} put away: * shows what was, and H has it all.")

    def _count(self, ids: Sequence[str]) -> str:
        runs = sum(self.state.threads[i].info.kind is ThreadKind.RUN for i in ids)
        return format_counts(runs, len(ids) - runs)

    def _show_arranged(self, said: str) -> None:
        self.workbench.release_put_away()
        self.notify(one_line(said), markup=False)

    @on(ThreadTree.FilterClosed)
    def _keep_focus(self) -> None:
        self.workbench.thread_tree.focus()


def _count_followed(infos: Iterable[ThreadInfo]) -> int:
    """Count the threads of other programs whose events the server gets."""
    return sum(info.followed and not info.ours for info in infos)


def _name_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(one_line(name, 40) for name in names[:3]) + more
