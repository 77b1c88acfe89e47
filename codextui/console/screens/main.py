"""The console's main screen: tree, panes, what needs attention, and the keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from codextui.console.model.changes import Changes
from codextui.console.model.fleet import Fleet
from codextui.console.model.state import ConsoleState
from codextui.console.screens import messages
from codextui.console.screens.availability import unavailable_reason
from codextui.console.screens.broadcast_actions import BROADCAST_BINDINGS, BroadcastActions
from codextui.console.screens.change_actions import CHANGE_BINDINGS, ChangeActions
from codextui.console.screens.fleet_actions import FLEET_BINDINGS, FleetActions
from codextui.console.screens.inspector_actions import INSPECTOR_BINDINGS, InspectorActions
from codextui.console.screens.key_hints import ACTIONS, FILTER_HINTS, key_hints
from codextui.console.screens.pane_actions import PANE_BINDINGS, PaneActions
from codextui.console.screens.prompt_actions import PROMPT_BINDINGS, PromptActions
from codextui.console.screens.queue_actions import QueueActions
from codextui.console.screens.reading import READING_BINDINGS, ReadingActions
from codextui.console.screens.thread_actions import (
    MainOptions,
    describe_composer,
)
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.drawing import FRAME_INTERVAL, LineWidget, Pacer
from codextui.console.widgets.key_line import KeyLine
from codextui.console.widgets.pane_context import FoldsChanged, PaneContext, palettes_from
from codextui.console.widgets.status_line import StatusLine
from codextui.console.widgets.thread_tree import FilterField, ThreadTree
from codextui.console.widgets.tree_edge import TINY_WIDTH
from codextui.console.widgets.workbench import Workbench

MAIN_BINDINGS: list[BindingType] = [
    Binding("enter,r", "reply", "Reply, steer, or write to a role", id="thread.reply"),
    Binding("u", "queue", "Queued messages: edit, move, remove, or go on", id="thread.queue"),
    Binding("s", "settings", "Settings and budget of the thread", id="thread.settings"),
    Binding("v", "review", "Review changes", id="thread.review"),
    Binding(
        "dollar_sign", "usage", "Usage: limits of the login, cost of the thread", id="thread.usage"
    ),
    Binding("a", "approvals", "Decide what needs you", id="approvals.open"),
    Binding("A", "decisions", "Decisions: who decided what, and when", id="decisions.open"),
    Binding("n", "new_thread", "New thread", id="thread.new"),
    Binding("H", "history", "History: find and resume any thread", id="history.open"),
    Binding("x", "interrupt", "Interrupt the turn, or stop a role", id="thread.interrupt"),
    Binding("p", "pause", "Pause a role or a run, or go on", id="role.pause"),
    Binding("R", "rerun", "Run a role again from its start", id="role.rerun"),
    Binding("g", "gates", "Gate board of the run", id="run.gates"),
    Binding("T", "timeline", "Timeline of the run or the thread", id="run.timeline"),
    Binding("f", "fork", "Fork", id="thread.fork"),
    Binding("F", "fork_through", "Fork through a turn", id="thread.fork_through"),
    *CHANGE_BINDINGS,
    Binding("c", "open_in_codex", "Open in Codex's own TUI", id="thread.open"),
    *READING_BINDINGS,
    Binding("z", "zoom", "Zoom the pane", id="pane.zoom"),
    Binding("escape", "zoom_out", "Back from the zoom", id="pane.zoom_out", show=False),
    *PANE_BINDINGS,
    Binding("X", "kill", "Kill the thread or the run", id="thread.kill"),
    Binding("t", "toggle_tree", "Show or hide the tree", id="view.tree"),
    Binding("plus,equals_sign", "panes(1)", "More panes", id="view.more_panes"),
    Binding("minus", "panes(-1)", "Fewer panes", id="view.fewer_panes"),
    Binding("tab", "cycle(1)", "Next pane", id="pane.next"),
    Binding("shift+tab", "cycle(-1)", "Previous pane", id="pane.previous"),
    Binding("left", "go(-1, 0)", "Pane to the left", id="pane.left"),
    Binding("right", "go(1, 0)", "Pane to the right", id="pane.right"),
    Binding("up", "go(0, -1)", "Pane above", id="pane.above"),
    Binding("down", "go(0, 1)", "Pane below", id="pane.below"),
    *(
        Binding(str(n), f"number({n})", f"Pane {n}", id=f"pane.go_{n}", show=False)
        for n in range(1, 10)
    ),
    *INSPECTOR_BINDINGS,
    Binding("question_mark", "help", "All keys", id="console.help"),
    Binding("q", "detach", "Detach: leave, the agents go on", id="console.detach"),
    Binding("Q", "stop_server", "Stop the server and leave", id="console.stop_server"),
    Binding("ctrl+r", "retry", "Try to connect now", id="server.retry"),
]

NO_PANES = "There is no pane yet: n starts a thread, ? lists every key."
"""Why a key that moves between panes does nothing."""


class MainScreen(
    PromptActions,
    QueueActions,
    BroadcastActions,
    InspectorActions,
    ChangeActions,
    ReadingActions,
    PaneActions,
    FleetActions,
):
    """Shows the console state. The actions on the current thread are in `ThreadActions`."""

    AUTO_FOCUS = "ThreadTree"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual's type
        (0, "-tiny"),
        (TINY_WIDTH, "-narrow"),
        (100, "-medium"),
        (140, "-wide"),
        (200, "-huge"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        *MAIN_BINDINGS,
        *FLEET_BINDINGS,
        *PROMPT_BINDINGS,
        *BROADCAST_BINDINGS,
    ]

    def __init__(self, state: ConsoleState, options: MainOptions) -> None:
        """Show `state`."""
        super().__init__(state, options)
        self._pacer = Pacer(resume=self._resume_frames, pause=self._pause_frames)
        self._frames: Timer | None = None
        self._problem = ""
        kept = options.drafts
        self.fleet = Fleet(
            state,
            archive_after=options.archive_after,
            away=kept.put_away,
            folds=kept.folds,
            choices=kept.tree,
            looked_at=kept.looked_at,
        )
        self._pane_context = self._build_context()
        # Held here: while the screen closes a frame may still come, and a query would fail.
        self._status_line = StatusLine(options.server)
        self._strip = AttentionStrip()
        self._key_line = KeyLine()
        self.workbench = Workbench(
            state,
            self._pacer,
            self._pane_context,
            max_panes=options.max_panes,
            new_thread_key=options.new_thread_key,
            drafts=options.drafts,
            fleet=self.fleet,
        )

    def compose(self) -> ComposeResult:
        """Yield the regions of the screen from top to bottom."""
        yield self._status_line
        yield self.workbench
        yield self._strip
        yield self._key_line

    def on_mount(self) -> None:
        """Start the timers."""
        self._frames = self.set_interval(FRAME_INTERVAL, self._pacer.tick)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._restyle())
        self._pacer.mark_dirty(self)
        self._pacer.tick()

    def on_resize(self) -> None:
        """Give the tree and the strip of what needs the user their shares of the screen."""
        self.workbench.thread_tree.fit_width()
        self._pacer.mark_dirty(self)

    # Changes of the state.

    def apply_changes(self, changes: Changes) -> None:
        """Schedule what changed for one of the next frames."""
        self.workbench.apply_changes(changes)
        self.rescue_queue_edits()
        connection = self.state.connection
        has_news = changes.threads or changes.tree or changes.approvals
        if changes.server or (has_news and (connection.caught_up or not connection.connected)):
            self._pacer.mark_dirty(self)

    def flush(self) -> None:
        """Update the lines around the panes. Called by the pacer."""
        if not self.is_mounted:
            return
        palettes = self._pane_context.palettes
        failed = self.unseen_failures()
        status = self.server_status(len(failed), self._problem)
        self._status_line.show(status, palettes.bar, palettes.offline)
        self._strip.show(
            list(self.state.approvals.values()),
            failed,
            self._pane_context,
            askers=self.state.askers(),
            offline=self.state.connection.reason != "",
        )
        self.workbench.update_composer_hints(partial(describe_composer, self.state))
        self._show_keys()

    def open_thread(self, thread_id: str) -> None:
        """Show a thread in a pane and focus it, now or as soon as the thread is known."""
        self.workbench.open_thread(thread_id)

    def show_arrived(self, thread_id: str, may_focus: Callable[[], bool]) -> None:
        """Show a thread that a request started; see `Workbench.show_arrived`."""
        self.workbench.show_arrived(thread_id, may_focus)

    def show_problem(self, problem: str) -> None:
        """Show why the server cannot start turns; an empty string removes it."""
        self._problem = problem
        self._pacer.mark_dirty(self)

    def keys_are_commands(self) -> bool:
        """Return whether the focused widget takes no text, so that keys are commands."""
        return self.focused is None or isinstance(self.focused, LineWidget)

    def is_composing(self) -> bool:
        """Return whether the composer has the focus."""
        return isinstance(self.focused, Composer)

    @property
    def attention_strip(self) -> AttentionStrip:
        """The strip of what needs the user."""
        return self._strip

    def unavailable_reason_of(self, action: str) -> str:
        """Return why an action of the main screen cannot act now; empty if it can."""
        if action in ACTIONS:
            return unavailable_reason(ACTIONS[action], self.state, self.workbench.current)
        if action == "approvals" and not self.state.approvals:
            return "Nothing needs a decision."
        return "The server is connected." if action == "retry" and self._is_online else ""

    @property
    def _is_online(self) -> bool:
        return self.state.connection.connected

    def mark_dirty(self) -> None:
        """Draw the lines around the panes again, in one of the next frames."""
        self._pacer.mark_dirty(self)

    @on(ThreadTree.Rearranged)
    def _handle_rearranged(self) -> None:
        self.mark_dirty()  # the cells of the header

    def _resume_frames(self) -> None:
        if self._frames is not None:
            self._frames.resume()

    def _pause_frames(self) -> None:
        if self._frames is not None:
            self._frames.pause()

    def refresh_clocks(self) -> None:
        """Redraw everything that shows elapsed time. Called once a second."""
        if not self.is_mounted:
            return
        self.workbench.refresh_clocks()
        self._strip.refresh()

    def _build_context(self) -> PaneContext:
        return PaneContext(
            palettes_from(self.app.theme_variables),
            self.state.state_of,
            self._options.now,
            self._options.home,
            lambda thread_id: self.state.summarize_run(thread_id, self._options.cost_of),
            self._options.follow_note_of,
        )

    def _restyle(self) -> None:
        self._pane_context = self._build_context()
        self.workbench.restyle(self._pane_context)
        self._pacer.mark_dirty(self)

    def _show_keys(self) -> None:
        if isinstance(self.focused, FilterField):
            self._key_line.show(FILTER_HINTS)
            return
        bindings = [active.binding for active in self.active_bindings.values()]
        hints = key_hints(
            bindings,
            self.state,
            self.workbench.current,
            composing=self.is_composing(),
            detach_label=self._options.detach_label,
            folded=self.workbench.is_hiding,
        )
        self._key_line.show(hints)

    @on(Workbench.CurrentChanged)
    @on(FoldsChanged)
    def _update_lines(self) -> None:
        self._pacer.mark_dirty(self)

    # Actions. Those on the current thread are in `ThreadActions`.

    def action_approvals(self) -> None:
        """Open the approval dialog."""
        self.post_message(messages.OpenApprovals())

    def action_zoom(self) -> None:
        """Give the current pane all the space, or tile the panes again."""
        grid = self.workbench.grid
        if grid.tile_of(self.workbench.current) is None:
            self.workbench.open_thread(self.workbench.current)
        if grid.tile_of(self.workbench.current) is None:
            self._explain("Nothing to zoom: no thread has a pane yet.")
            return
        self.workbench.zoom("" if grid.zoomed else self.workbench.current)
        self._pacer.mark_dirty(self)

    def action_zoom_out(self) -> None:
        """Tile the panes again, and clear the selection."""
        if self.workbench.grid.zoomed:
            self.action_zoom()
        elif not (self.clear_marks() or self.unmark_all()):
            self._explain("Nothing to go back from: nothing is zoomed, selected or marked.")

    def action_number(self, number: int) -> None:
        """Focus the pane of a number."""
        grid = self.workbench.grid
        is_there = number <= len(grid.tiles) and grid.tiles[number - 1].pane.has_focus
        if not self.workbench.focus_pane(number):
            self._explain(f"There is no pane {number}.")
        elif is_there:
            self._explain(f"This is pane {number}.")

    def action_cycle(self, step: int) -> None:
        """Focus the next or previous pane."""
        if not self.workbench.focus_next_pane(step):
            self._explain(NO_PANES)

    def action_go(self, dx: int, dy: int) -> None:
        """Focus the pane in a direction."""
        if not self.workbench.focus_neighbour(dx, dy):
            direction = {(-1, 0): "to the left", (1, 0): "to the right", (0, -1): "above"}
            where = direction.get((dx, dy), "below")
            self._explain(f"There is no pane {where}." if self.workbench.grid.tiles else NO_PANES)

    def action_panes(self, step: int) -> None:
        """Show more or fewer panes."""
        if self.workbench.grid.zoomed:
            self._explain("One pane has all the space: z shows the others again.")
        elif reason := self.workbench.change_pane_count(step):
            self._explain(reason)

    def action_retry(self) -> None:
        """Connect to the server now."""
        if self.state.connection.connected:
            self._explain("The server is connected.")
        else:
            self.post_message(messages.RetryConnection())

    def action_detach(self) -> None:
        """Exit; the server and its threads keep running."""
        self.app.exit(0)

    # Clicks.

    @on(StatusLine.ThreadChosen)
    def _open_cell(self, message: StatusLine.ThreadChosen) -> None:
        self.workbench.open_thread(message.thread_id)

    @on(AttentionStrip.ApprovalChosen)
    def _open_approval(self, message: AttentionStrip.ApprovalChosen) -> None:
        self.post_message(messages.OpenApprovals(message.approval_id))

    @on(AttentionStrip.MoreChosen)
    def _open_approvals(self) -> None:
        self.post_message(messages.OpenApprovals())

    @on(AttentionStrip.ThreadChosen)
    def _open_failed_thread(self, message: AttentionStrip.ThreadChosen) -> None:
        self.workbench.open_thread(message.thread_id)

    @on(KeyLine.Clicked)
    async def _run_clicked_key(self, message: KeyLine.Clicked) -> None:
        for active in self.active_bindings.values():
            if active.binding.action == message.action:
                await self.app.run_action(message.action, active.node)
                return
