"""What a person can ask of the thread, role or run that keys are meant for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.screen import Screen

from codextui.console.bindings import KeyGroup
from codextui.console.model.run import FINISHED_STATES, CostFormatter, RunView
from codextui.console.model.state import ConsoleState
from codextui.console.screens import messages as requests
from codextui.console.screens.refusals import Wish, refusal
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.workbench import Workbench
from codextui.protocol.runs import RoleAction, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from codextui.console.screens.fork import ForkChosen
    from codextui.console.screens.new_thread import NewThread


def purpose(board: ConsoleState, thread_id: str) -> str:
    """What sending from the composer of a thread will do."""
    if why := refusal(Wish.SEND, board, thread_id):
        return f"not now: {why}"
    info = board.threads[thread_id].info
    handle = one_line(info.handle)
    match info.kind:
        case ThreadKind.CODEX if info.state.has_turn:
            return f"steer {handle}: it reads this in the turn that runs"
        case ThreadKind.CODEX:
            return f"reply to {handle}: starts its next turn"
        case ThreadKind.ROLE:
            return f"write to {handle}: {_read_when(info)}"
        case ThreadKind.RUN:
            return f"write to {handle}: who is at work reads this before the next step"


def _read_when(info: ThreadInfo) -> str:
    if info.state is ThreadState.PAUSED:
        return "it reads this before its next step, when it goes on"
    if info.state is ThreadState.WAITING:
        return "it reads this when it begins"
    if info.state in FINISHED_STATES:
        return "it reads this when it is its turn again"
    return "it reads this before its next step"


@dataclass(frozen=True, slots=True)
class MainOptions:
    """How to show a server, and when and where.

    Attributes:
        server: the shared server's name.
        most_panes: 1 to 9.
        home: the person's home folder, shown as `~`.
        folder: where new threads work unless a person says otherwise.
        start_key: the key that starts a thread, as people read it.
        now: unix seconds.
        help_groups: the keys of every place, for the help screen.
        cost_of: what tokens cost; None where no prices are configured.
        leaving: what leaving does, in a word or two.
    """

    server: str
    most_panes: int
    home: str
    folder: str
    start_key: str
    now: Callable[[], float]
    help_groups: Callable[[], Sequence[KeyGroup]]
    cost_of: CostFormatter | None = None
    leaving: str = "detach"


class ThreadActions(Screen[None]):
    """Turns keys into requests (`codextui.console.screens.messages`); what cannot be done says why.

    Attributes:
        board: what there is.
        bench: knows what keys are meant for.
    """

    bench: Workbench

    def __init__(self, board: ConsoleState, options: MainOptions) -> None:
        """Act on the rows of a board."""
        super().__init__()
        self.board = board
        self._options = options
        self._last_new: NewThread | None = None

    def keep(self, request: requests.ServerRequest) -> None:
        """Keep what a person wrote for something that could not be done."""
        match request:
            case requests.SendPrompt(thread_id=thread_id, prompt=text):
                self.bench.keep_draft(thread_id, text)
            case requests.DirectRole(thread_id=thread_id, text=text) if text:
                self.bench.keep_draft(thread_id, text)
            case requests.StartThread(new=new):
                self._last_new = new
            case _:
                pass

    def action_new_thread(self) -> None:
        """Ask what the new thread is to be."""
        from codextui.console.screens.new_thread import (  # noqa: PLC0415
            NewThread,
            NewThreadScreen,
        )

        if self._may(Wish.START):
            last = self._last_new or NewThread(cwd=self._options.folder)
            self.app.push_screen(NewThreadScreen(last), self._start)

    def action_reply(self) -> None:
        """Write to the thread: a reply where it rests, a steer where it runs; or to a role."""
        if self._may(Wish.SEND):
            thread_id = self.bench.current
            self.bench.write(thread_id, purpose(self.board, thread_id))

    def action_fork(self) -> None:
        """Fork the thread as it is now."""
        if self._may(Wish.FORK):
            self.post_message(requests.ForkThread(self.bench.current))

    def action_fork_through(self) -> None:
        """Ask through which turn to fork."""
        from codextui.console.screens.fork import ForkPoint, ForkScreen  # noqa: PLC0415 - not before the first frame

        if self._may(Wish.FORK_THROUGH):
            view = self.board.threads[self.bench.current]
            turns = [ForkPoint(t.turn_id, t.prompt, t.state) for t in view.transcript.turns]
            asked = partial(self._fork_through, view.thread_id)
            self.app.push_screen(ForkScreen(view.info.handle, turns), asked)

    def action_interrupt(self) -> None:
        """Stop the running turn, or a role; a whole run only after asking."""
        if not self._may(Wish.INTERRUPT):
            return
        info = self._current
        stop = requests.DirectRole(info.thread_id, RoleAction.STOP)
        match info.kind:
            case ThreadKind.CODEX:
                self.post_message(requests.InterruptTurn(info.thread_id))
            case ThreadKind.ROLE:
                self.post_message(stop)
            case ThreadKind.RUN:
                message = (
                    "All its roles end where they are, and so do the turns of their Codex threads. "
                    "Files that they have written stay, and the run can be resumed."
                )
                self._confirm(f"Stop the run {info.handle}?", message, "Stop it", stop)

    def action_pause(self) -> None:
        """Hold a role before its next step, or let it go on; on a run's row all its roles."""
        if self._may(Wish.PAUSE):
            info = self._current
            is_held = info.state is ThreadState.PAUSED
            action = RoleAction.RESUME if is_held else RoleAction.PAUSE
            self.post_message(requests.DirectRole(info.thread_id, action))

    def action_rerun(self) -> None:
        """Run a role again from its start, after asking."""
        if self._may(Wish.RERUN):
            info = self._current
            message = (
                f"{info.handle} is {info.state}. It begins again with what it was given at first, "
                "and forgets what it has thought since. Files that it has written stay."
            )
            again = requests.DirectRole(info.thread_id, RoleAction.RERUN)
            self._confirm(f"Run {info.handle} again from its start?", message, "Run it", again)

    def action_kill(self) -> None:
        """End the thread for good; asks first where a turn runs, and before a run is killed."""
        if not self._may(Wish.KILL):
            return
        info = self._current
        kill = requests.KillThread(info.thread_id)
        if info.kind is ThreadKind.RUN:
            message = (
                f"The run is {info.state}. Killing it stops its roles and what they ask, and puts "
                "them away. Files that they have written stay."
            )
            self._confirm(f"Kill the run {info.handle}?", message, "Kill it", kill)
        elif info.state.has_turn:
            message = (
                f"{info.handle} is {info.state}. Killing it stops its turn and its commands, "
                "withdraws what it asks, and archives it. Files that it has written stay."
            )
            self._confirm(f"Kill {info.handle}?", message, "Kill it", kill)
        else:
            self.post_message(kill)

    def action_diff(self) -> None:
        """Show what the running or last turn has changed."""
        from codextui.console.screens.diff import DiffScreen  # noqa: PLC0415 - not before the first frame

        if self._may(Wish.DIFF):
            view = self.board.threads[self.bench.current]
            title = f"{view.info.handle}: changes of its last turn"
            self.app.push_screen(DiffScreen(title, view.diff))

    def action_gates(self) -> None:
        """Show which gates of the run are met."""
        from codextui.console.screens.gates import GatesScreen  # noqa: PLC0415 - not before the first frame

        if self._may(Wish.GATES):
            run_id = self.board.run_id_of(self.bench.current)
            run = partial(self._run_view, run_id)
            self.app.push_screen(GatesScreen(self._handle(run_id), run, self._options.now))

    def action_timeline(self) -> None:
        """Show where the time of the run's roles went."""
        from codextui.console.screens.timeline import TimelineScreen  # noqa: PLC0415 - not before the first frame

        if self._may(Wish.TIMELINE):
            run_id = self.board.run_id_of(self.bench.current)
            run = partial(self._run_view, run_id)
            roles = partial(self.board.role_names, run_id)
            handle, now = self._handle(run_id), self._options.now
            self.app.push_screen(TimelineScreen(handle, run, now, roles))

    def action_stop_server(self) -> None:
        """Leave and end the server; asks first."""
        if not self._may(Wish.STOP):
            return
        infos = [view.info for view in self.board.threads.values()]
        running = sum(info.kind is ThreadKind.CODEX and info.state.has_turn for info in infos)
        turns = {0: "no turn is running", 1: "one turn is running and stops"}.get(
            running, f"{running} turns are running and stop"
        )
        teams = any(
            info.kind is ThreadKind.RUN and info.state not in FINISHED_STATES for info in infos
        )
        message = (
            f"The shared server {self._options.server!r} ends: {turns}. "
            f"{'Teams lose their Codex. ' if teams else ''}Every other program that uses it is "
            "cut off. Threads and their history are kept. q leaves without this."
        )
        self._confirm("Stop the server?", message, "Stop it", requests.StopServer())

    # Within.

    @property
    def _current(self) -> ThreadInfo:
        return self.board.threads[self.bench.current].info

    def _handle(self, thread_id: str) -> str:
        view = self.board.threads.get(thread_id)
        return thread_id if view is None else view.info.handle

    def _run_view(self, run_id: str) -> RunView:
        """What a run has told beside its transcript, as far as the board knows it now."""
        return self.board.runs.get(run_id) or RunView()

    def _may(self, wish: Wish) -> bool:
        """Whether a wish can be granted; says why where it cannot."""
        why = refusal(wish, self.board, self.bench.current)
        if why:
            self._explain(why)
        return not why

    def _explain(self, why: str) -> None:
        self.notify(one_line(why), severity="warning", markup=False)

    def _confirm(self, title: str, message: str, yes: str, request: requests.ServerRequest) -> None:
        """Ask, and have the server do it only where the person says yes."""
        from codextui.console.screens.confirm import ConfirmScreen  # noqa: PLC0415 - not before the first frame

        def answered(agreed: bool | None) -> None:
            if agreed:
                self.post_message(request)

        self.app.push_screen(ConfirmScreen(title, message, yes=yes), answered)

    def _start(self, new: NewThread | None) -> None:
        if new is not None:
            self._last_new = replace(new, prompt="", handle="")
            self.post_message(requests.StartThread(new))

    def _fork_through(self, thread_id: str, chosen: ForkChosen | None) -> None:
        if chosen is not None:
            self.post_message(requests.ForkThread(thread_id, chosen.turn_id, chosen.prompt))

    @on(Composer.Sent)
    def _send(self, message: Composer.Sent) -> None:
        thread_id, text = message.thread_id, message.text
        if why := refusal(Wish.SEND, self.board, thread_id):
            self._explain(why)
            return
        self.bench.drafts.pop(thread_id, None)
        self.bench.stop_writing(thread_id)
        view = self.board.threads.get(thread_id)
        if view is not None and view.info.kind is not ThreadKind.CODEX:
            self.post_message(requests.DirectRole(thread_id, RoleAction.MESSAGE, text))
        else:
            self.post_message(requests.SendPrompt(thread_id, text))
