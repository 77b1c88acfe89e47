"""The console's main screen: tree, panes, what needs a person, keys."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer

from codextui.model.board import Board
from codextui.model.changes import Changes
from codextui.model.thread_view import ThreadView
from codextui.render.sanitize import one_line
from codextui.screens import requests
from codextui.screens.key_hints import key_hints
from codextui.screens.main_bindings import MAIN_BINDINGS
from codextui.screens.main_options import MainOptions
from codextui.screens.refusal import Wish, refusal
from codextui.widgets.attention_strip import AttentionStrip
from codextui.widgets.composer import Composer
from codextui.widgets.key_line import KeyLine
from codextui.widgets.line_widget import LineWidget
from codextui.widgets.looks import looks_from
from codextui.widgets.pacer import FRAME, Pacer
from codextui.widgets.pane_context import PaneContext
from codextui.widgets.status_line import ServerStatus, StatusLine
from codextui.widgets.workbench import Workbench
from codextui.wire.thread import ThreadState

if TYPE_CHECKING:
    from codextui.screens.fork import ForkChosen
    from codextui.screens.new_thread import NewThread


class MainScreen(Screen[None]):
    """Shows the board and turns keys into requests (`codextui.screens.requests`)."""

    AUTO_FOCUS = "ThreadTree"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual types it
        (0, "-narrow"),
        (100, "-medium"),
        (140, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS

    def __init__(self, board: Board, options: MainOptions) -> None:
        """Show a board."""
        super().__init__()
        self.board = board
        self._options = options
        self._pacer = Pacer(wake=self._wake, rest=self._rest)
        self._frames: Timer | None = None
        self._last_new: NewThread | None = None
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
        self.bench.say_purposes(self._purpose)
        self._show_keys()

    def open_thread(self, thread_id: str) -> None:
        """Show a thread in a pane and go to it; as soon as it is known, if it is not yet."""
        self.bench.open(thread_id)

    def say_problem(self, problem: str) -> None:
        """Say why the server can start no turns, as long as that is so; empty where it can."""
        self._problem = problem
        self._pacer.mark(self)

    def keep_draft(self, thread_id: str, text: str) -> None:
        """Keep a prompt that did not reach the server."""
        self.bench.keep_draft(thread_id, text)

    def keep_new(self, new: NewThread) -> None:
        """Keep what could not be started, to start from when a person tries again."""
        self._last_new = new

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
        )

    def _restyle(self) -> None:
        self._pane_context = self._build_context()
        self.bench.restyle(self._pane_context)
        self._pacer.mark(self)

    def _status(self) -> ServerStatus:
        board = self.board
        states = [view.info.state for view in board.threads.values()]
        working = (ThreadState.RUNNING, ThreadState.STARTING)
        return ServerStatus(
            self._options.server,
            board.link,
            board.codex_version,
            board.codex_problem or self._problem,
            running=sum(state in working for state in states),
            asking=states.count(ThreadState.NEEDS_INPUT),
            tokens=sum(view.info.usage.total for view in board.threads.values()),
        )

    def _failed(self) -> list[ThreadView]:
        """Threads that failed and were not looked at since."""
        failed = [v for v in self.board.threads.values() if v.info.state is ThreadState.FAILED]
        self._seen_failures &= {view.thread_id for view in failed}
        if self.bench.current and not self.bench.threads.has_focus:
            self._seen_failures.add(self.bench.current)
        return [view for view in failed if view.thread_id not in self._seen_failures]

    def _purpose(self, thread_id: str) -> str:
        """What sending from the composer of a thread will do."""
        if why := refusal(Wish.SEND, self.board, thread_id):
            return f"not now: {why}"
        info = self.board.threads[thread_id].info
        if info.state.has_turn:
            return f"steer {one_line(info.handle)}: it reads this in the turn that runs"
        return f"reply to {one_line(info.handle)}: starts its next turn"

    def _show_keys(self) -> None:
        bindings = [active.binding for active in self.active_bindings.values()]
        hints = key_hints(bindings, self.board, self.bench.current, writing=self.is_writing())
        self.query_one(KeyLine).show(hints)

    @on(Workbench.CurrentChanged)
    def _current_changed(self) -> None:
        self._pacer.mark(self)

    # What a person asks for.

    def action_new_thread(self) -> None:
        """Ask what the new thread is to be."""
        from codextui.screens.new_thread import (  # noqa: PLC0415 - not before the first frame
            NewThread,
            NewThreadScreen,
        )

        if self._may(Wish.START):
            last = self._last_new or NewThread(cwd=self._options.folder)
            self.app.push_screen(NewThreadScreen(last), self._start)

    def action_reply(self) -> None:
        """Write to the thread: a reply where it rests, a steer where it runs."""
        if self._may(Wish.SEND):
            thread_id = self.bench.current
            self.bench.write(thread_id, self._purpose(thread_id))

    def action_fork(self) -> None:
        """Fork the thread as it is now."""
        if self._may(Wish.FORK):
            self.post_message(requests.ForkThread(self.bench.current))

    def action_fork_through(self) -> None:
        """Ask through which turn to fork."""
        from codextui.screens.fork import ForkPoint, ForkScreen  # noqa: PLC0415 - not before the first frame

        if self._may(Wish.FORK_THROUGH):
            view = self.board.threads[self.bench.current]
            turns = [ForkPoint(t.turn_id, t.prompt, t.state) for t in view.transcript.turns]
            asked = partial(self._fork_through, view.thread_id)
            self.app.push_screen(ForkScreen(view.info.handle, turns), asked)

    def action_interrupt(self) -> None:
        """Stop the running turn."""
        if self._may(Wish.INTERRUPT):
            self.post_message(requests.InterruptTurn(self.bench.current))

    def action_kill(self) -> None:
        """End the thread for good; asks first where a turn runs."""
        from codextui.screens.confirm import ConfirmScreen  # noqa: PLC0415 - not before the first frame

        if not self._may(Wish.KILL):
            return
        info = self.board.threads[self.bench.current].info
        if not info.state.has_turn:
            self.post_message(requests.KillThread(info.thread_id))
            return
        message = (
            f"{info.handle} is {info.state}. Killing it stops its turn and its commands, withdraws "
            "what it asks, and archives it. Files that it has written stay."
        )
        dialog = ConfirmScreen(f"Kill {info.handle}?", message, yes="Kill it")
        self.app.push_screen(dialog, partial(self._kill, info.thread_id))

    def action_diff(self) -> None:
        """Show what the running or last turn has changed."""
        from codextui.screens.diff import DiffScreen  # noqa: PLC0415 - not before the first frame

        if self._may(Wish.DIFF):
            view = self.board.threads[self.bench.current]
            title = f"{view.info.handle}: changes of its last turn"
            self.app.push_screen(DiffScreen(title, view.diff))

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

    def action_stop_server(self) -> None:
        """Leave and end the server; asks first."""
        from codextui.screens.confirm import ConfirmScreen  # noqa: PLC0415 - not before the first frame

        if not self._may(Wish.STOP):
            return
        running = sum(view.info.state.has_turn for view in self.board.threads.values())
        turns = {0: "no turn is running", 1: "one turn is running and stops"}.get(
            running, f"{running} turns are running and stop"
        )
        message = (
            f"The shared server {self._options.server!r} ends: {turns}. Every other program that "
            "uses it is cut off. Threads and their history are kept. q leaves without this."
        )
        dialog = ConfirmScreen("Stop the server?", message, yes="Stop it")
        self.app.push_screen(dialog, self._stop)

    def _may(self, wish: Wish) -> bool:
        """Whether a wish can be granted; says why where it cannot."""
        why = refusal(wish, self.board, self.bench.current)
        if why:
            self._explain(why)
        return not why

    def _explain(self, why: str) -> None:
        self.notify(one_line(why), severity="warning", markup=False)

    def _start(self, new: NewThread | None) -> None:
        if new is not None:
            self._last_new = replace(new, prompt="", handle="")
            self.post_message(requests.StartThread(new))

    def _fork_through(self, thread_id: str, chosen: ForkChosen | None) -> None:
        if chosen is not None:
            self.post_message(requests.ForkThread(thread_id, chosen.turn_id, chosen.prompt))

    def _kill(self, thread_id: str, agreed: bool | None) -> None:
        if agreed:
            self.post_message(requests.KillThread(thread_id))

    def _stop(self, agreed: bool | None) -> None:
        if agreed:
            self.post_message(requests.StopServer())

    @on(Composer.Sent)
    def _send(self, message: Composer.Sent) -> None:
        if why := refusal(Wish.SEND, self.board, message.thread_id):
            self._explain(why)
            return
        self.bench.drafts.pop(message.thread_id, None)
        self.bench.stop_writing(message.thread_id)
        self.post_message(requests.SendPrompt(message.thread_id, message.text))

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
