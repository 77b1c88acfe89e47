"""The console's main screen: tree, panes, what needs a person, keys."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer

from codextui.model.board import Board
from codextui.model.changes import Changes
from codextui.model.standing import standing_of
from codextui.model.thread_view import ThreadView
from codextui.screens import requests
from codextui.screens.key_hints import key_hints
from codextui.screens.main_bindings import MAIN_BINDINGS
from codextui.screens.main_options import MainOptions
from codextui.screens.purpose import purpose
from codextui.screens.thread_actions import ThreadActions
from codextui.widgets.attention_strip import AttentionStrip
from codextui.widgets.composer import Composer
from codextui.widgets.key_line import KeyLine
from codextui.widgets.line_widget import LineWidget
from codextui.widgets.looks import looks_from
from codextui.widgets.pacer import FRAME, Pacer
from codextui.widgets.pane_context import PaneContext
from codextui.widgets.status_line import ServerStatus, StatusLine
from codextui.widgets.workbench import Workbench
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadState


class MainScreen(ThreadActions):
    """Shows the board; what keys ask of the current thread is in `ThreadActions`."""

    AUTO_FOCUS = "ThreadTree"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual types it
        (0, "-narrow"),
        (100, "-medium"),
        (140, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS

    def __init__(self, board: Board, options: MainOptions) -> None:
        """Show a board."""
        super().__init__(board, options)
        self._pacer = Pacer(wake=self._wake, rest=self._rest)
        self._frames: Timer | None = None
        self._problem = ""
        self._seen_failures: set[str] = set()
        self._pane_context = self._build_context()
        self.bench = Workbench(
            board,
            self._pacer,
            self._pane_context,
            most=options.most_panes,
            start_key=options.start_key,
        )

    def compose(self) -> ComposeResult:
        """The parts."""
        yield StatusLine(self._options.server)
        yield self.bench
        yield AttentionStrip()
        yield KeyLine()

    def on_mount(self) -> None:
        """Start."""
        self._frames = self.set_interval(FRAME, self._pacer.tick)
        self.set_interval(1, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._restyle())
        self._pacer.mark(self)

    # What the board tells.

    def take(self, changes: Changes) -> None:
        """Take in what changed; it is drawn in one of the next frames."""
        self.bench.take(changes)
        link = self.board.link
        has_news = changes.rows or changes.tree or changes.approvals
        if changes.server or (has_news and (link.caught_up or not link.online)):
            self._pacer.mark(self)

    def flush(self) -> None:
        """Bring the lines around the panes up to date. Called by the pacer."""
        if not self.is_mounted:
            return
        looks = self._pane_context.looks
        self.query_one(StatusLine).show(self._status(), looks.bar, looks.lost)
        self.query_one(AttentionStrip).show(
            list(self.board.approvals.values()),
            self._failed(),
            self._pane_context,
            lost=self.board.link.reason != "",
        )
        self.bench.say_purposes(partial(purpose, self.board))
        self._show_keys()

    def open_thread(self, thread_id: str) -> None:
        """Show a thread in a pane and go to it; as soon as it is known, if it is not yet."""
        self.bench.open(thread_id)

    def say_problem(self, problem: str) -> None:
        """Say why the server can start no turns, as long as that is so; empty where it can."""
        self._problem = problem
        self._pacer.mark(self)

    def is_watching(self) -> bool:
        """Whether nothing that has the focus wants keys for itself."""
        return self.focused is None or isinstance(self.focused, LineWidget)

    def is_writing(self) -> bool:
        """Whether the composer has the focus."""
        return isinstance(self.focused, Composer)

    def _wake(self) -> None:
        if self._frames is not None:
            self._frames.resume()

    def _rest(self) -> None:
        if self._frames is not None:
            self._frames.pause()

    def _tick(self) -> None:
        self.bench.tick()
        self.query_one(AttentionStrip).refresh()

    def _build_context(self) -> PaneContext:
        return PaneContext(
            looks_from(self.app.theme_variables),
            self.board.state_of,
            self._options.now,
            self._options.home,
            lambda thread_id: standing_of(self.board, thread_id, self._options.cost_of),
        )

    def _restyle(self) -> None:
        self._pane_context = self._build_context()
        self.bench.restyle(self._pane_context)
        self._pacer.mark(self)

    def _status(self) -> ServerStatus:
        """What all threads and roles do together; a run is not counted beside its roles."""
        board = self.board
        infos = [view.info for view in board.threads.values()]
        infos = [info for info in infos if info.kind is not ThreadKind.RUN]
        states = [info.state for info in infos]
        working = (ThreadState.RUNNING, ThreadState.STARTING)
        return ServerStatus(
            self._options.server,
            board.link,
            board.codex_version,
            board.codex_problem or self._problem,
            running=sum(state in working for state in states),
            asking=states.count(ThreadState.NEEDS_INPUT),
            tokens=sum(info.usage.total for info in infos),
        )

    def _failed(self) -> list[ThreadView]:
        """Threads that failed and were not looked at since."""
        failed = [v for v in self.board.threads.values() if v.info.state is ThreadState.FAILED]
        self._seen_failures &= {view.thread_id for view in failed}
        if self.bench.current and not self.bench.threads.has_focus:
            self._seen_failures.add(self.bench.current)
        return [view for view in failed if view.thread_id not in self._seen_failures]

    def _show_keys(self) -> None:
        bindings = [active.binding for active in self.active_bindings.values()]
        hints = key_hints(
            bindings,
            self.board,
            self.bench.current,
            writing=self.is_writing(),
            leaving=self._options.leaving,
        )
        self.query_one(KeyLine).show(hints)

    @on(Workbench.CurrentChanged)
    def _current_changed(self) -> None:
        self._pacer.mark(self)

    # What a person asks for. See also `ThreadActions`.

    def action_approvals(self) -> None:
        """Open the dialog for what needs a person."""
        self.post_message(requests.OpenApprovals())

    def action_zoom(self) -> None:
        """Give the pane all the room, or take it back."""
        grid = self.bench.grid
        if grid.tile_of(self.bench.current) is None:
            self.bench.open(self.bench.current)
        if grid.tile_of(self.bench.current) is None:
            self._explain("Nothing to zoom: no thread has a pane yet.")
        grid.zoom("" if grid.zoomed else self.bench.current)
        self._pacer.mark(self)

    def action_zoom_out(self) -> None:
        """Give the room back, and let go of selected text."""
        self.clear_selection()
        if self.bench.grid.zoomed:
            self.action_zoom()

    def action_number(self, number: int) -> None:
        """Go to the pane of a number."""
        if not self.bench.focus_number(number):
            self._explain(f"There is no pane {number}.")

    def action_cycle(self, step: int) -> None:
        """Go to the next or previous pane."""
        self.bench.cycle(step)

    def action_go(self, dx: int, dy: int) -> None:
        """Go to the pane in a direction."""
        self.bench.go(dx, dy)

    def action_panes(self, step: int) -> None:
        """Have more or fewer panes."""
        if why := self.bench.change_count(step):
            self._explain(why)

    def action_toggle_tree(self) -> None:
        """Show or hide the tree."""
        self.toggle_class("-no-tree")
        if self.has_class("-no-tree") and self.bench.threads.has_focus:
            self.bench.focus_thread(self.bench.current)

    def action_help(self) -> None:
        """List every key."""
        from codextui.screens.help import HelpScreen  # noqa: PLC0415 - not before the first frame

        self.app.push_screen(HelpScreen(self._options.help_groups()))

    def action_retry(self) -> None:
        """Try to connect now."""
        if self.board.link.online:
            self._explain("The server is connected.")
        else:
            self.post_message(requests.RetryConnection())

    def action_detach(self) -> None:
        """Leave; the agents go on."""
        self.app.exit(0)

    @on(AttentionStrip.ApprovalChosen)
    def _approval_chosen(self, message: AttentionStrip.ApprovalChosen) -> None:
        self.post_message(requests.OpenApprovals(message.approval_id))

    @on(AttentionStrip.MoreChosen)
    def _more_chosen(self) -> None:
        self.post_message(requests.OpenApprovals())

    @on(AttentionStrip.ThreadChosen)
    def _failure_chosen(self, message: AttentionStrip.ThreadChosen) -> None:
        self.bench.open(message.thread_id)

    @on(KeyLine.Chosen)
    async def _key_clicked(self, message: KeyLine.Chosen) -> None:
        for active in self.active_bindings.values():
            if active.binding.action == message.action:
                await self.app.run_action(message.action, active.node)
                return
