"""The console's main screen: tree, panes, what needs a person, keys."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from codextui.console.bindings import is_unbound, show_keys
from codextui.console.model.state import Changes, ConsoleState, ThreadView
from codextui.console.screens import messages as requests
from codextui.console.screens.refusals import Wish, refusal
from codextui.console.screens.thread_actions import MainOptions, ThreadActions, purpose
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.drawing import FRAME, LineWidget, Pacer
from codextui.console.widgets.key_line import KeyHint, KeyLine
from codextui.console.widgets.pane_context import PaneContext, looks_from
from codextui.console.widgets.status_line import ServerStatus, StatusLine
from codextui.console.widgets.workbench import Workbench
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState

MAIN_BINDINGS: list[BindingType] = [
    Binding("enter,r", "reply", "Reply, steer, or write to a role", id="thread.reply"),
    Binding("a", "approvals", "Decide what needs you", id="approvals.open"),
    Binding("n", "new_thread", "New thread", id="thread.new"),
    Binding("x", "interrupt", "Interrupt the turn, or stop a role", id="thread.interrupt"),
    Binding("p", "pause", "Pause a role or a run, or go on", id="role.pause"),
    Binding("R", "rerun", "Run a role again from its start", id="role.rerun"),
    Binding("g", "gates", "Gate board of the run", id="run.gates"),
    Binding("T", "timeline", "Timeline of the run", id="run.timeline"),
    Binding("f", "fork", "Fork", id="thread.fork"),
    Binding("F", "fork_through", "Fork through a turn", id="thread.fork_through"),
    Binding("d", "diff", "Diff of the turn", id="thread.diff"),
    Binding("z", "zoom", "Zoom the pane", id="pane.zoom"),
    Binding("escape", "zoom_out", "Back from the zoom", id="pane.zoom_out", show=False),
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
    Binding("question_mark", "help", "All keys", id="console.help"),
    Binding("q", "detach", "Detach: leave, the agents go on", id="console.detach"),
    Binding("Q", "stop_server", "Stop the server and leave", id="console.stop_server"),
    Binding("ctrl+r", "retry", "Try to connect now", id="server.retry"),
]


WRITING = {"send": "send", "newline": "new line", "leave": "keep as draft"}
"""What a person who writes can do: every other key writes."""

WATCHING = {
    "choose": "open",
    "reply": "reply",
    "approvals": "decide",
    "new_thread": "new",
    "interrupt": "interrupt",
    "pause": "pause",
    "gates": "gates",
    "timeline": "timeline",
    "rerun": "run again",
    "fork": "fork",
    "fork_through": "fork through",
    "diff": "diff",
    "zoom": "zoom",
    "kill": "kill",
    "retry": "connect now",
    "help": "help",
    "detach": "detach",
    "stop_server": "stop all",
}
"""What a person who watches can do, the most wanted first."""

PINNED = frozenset({"help", "detach", "send", "leave"})
"""What is shown even where there is little room: the way to the others, and the way out."""

_WISHES = {
    "reply": Wish.SEND,
    "new_thread": Wish.START,
    "interrupt": Wish.INTERRUPT,
    "fork": Wish.FORK,
    "fork_through": Wish.FORK_THROUGH,
    "diff": Wish.DIFF,
    "kill": Wish.KILL,
    "pause": Wish.PAUSE,
    "rerun": Wish.RERUN,
    "gates": Wish.GATES,
    "timeline": Wish.TIMELINE,
    "stop_server": Wish.STOP,
}


def key_hints(
    bindings: Iterable[Binding],
    board: ConsoleState,
    thread_id: str,
    *,
    writing: bool,
    leaving: str = WATCHING["detach"],
) -> list[KeyHint]:
    """The keys to show, with words for what they do to this thread now.

    Args:
        bindings: those that are active.
        board: what there is.
        thread_id: the thread that keys are meant for.
        writing: whether a person writes.
        leaving: what leaving does.
    """
    bound: dict[str, Binding] = {}
    for binding in bindings:
        if not is_unbound(binding):
            bound.setdefault(binding.action, binding)
    labels = WRITING if writing else WATCHING | {"detach": leaving}
    return [
        KeyHint(
            show_keys(bound[action].key),
            _label(action, label, board, thread_id),
            action,
            pinned=action in PINNED,
        )
        for action, label in labels.items()
        if action in bound and _does_something(action, board, thread_id)
    ]


def _does_something(action: str, board: ConsoleState, thread_id: str) -> bool:
    match action:
        case "approvals":
            return bool(board.approvals) and board.connection.connected
        case "retry":
            return not board.connection.connected and bool(board.connection.reason)
        case "zoom" | "choose":
            return bool(thread_id)
        case _:
            wish = _WISHES.get(action)
            return wish is None or not refusal(wish, board, thread_id)


def _label(action: str, label: str, board: ConsoleState, thread_id: str) -> str:
    view = board.threads.get(thread_id)
    if view is None:
        return label
    is_codex = view.info.kind is ThreadKind.CODEX
    match action:
        case "reply" if not is_codex:
            return "message"
        case "reply" if view.info.state.has_turn:
            return "steer"
        case "interrupt" if not is_codex:
            return "stop"
        case "pause" if view.info.state is ThreadState.PAUSED:
            return "go on"
        case _:
            return label


class MainScreen(ThreadActions):
    """Shows the board; what keys ask of the current thread is in `ThreadActions`."""

    AUTO_FOCUS = "ThreadTree"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual types it
        (0, "-narrow"),
        (100, "-medium"),
        (140, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS

    def __init__(self, board: ConsoleState, options: MainOptions) -> None:
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
        link = self.board.connection
        has_news = changes.threads or changes.tree or changes.approvals
        if changes.server or (has_news and (link.caught_up or not link.connected)):
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
            lost=self.board.connection.reason != "",
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
            lambda thread_id: self.board.summarize_run(thread_id, self._options.cost_of),
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
            board.connection,
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
        from codextui.console.screens.help import HelpScreen  # noqa: PLC0415 - not before the first frame

        self.app.push_screen(HelpScreen(self._options.help_groups()))

    def action_retry(self) -> None:
        """Try to connect now."""
        if self.board.connection.connected:
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
