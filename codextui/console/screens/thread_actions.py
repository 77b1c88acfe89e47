"""The actions on the current thread, role or run, as the base class of the main screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs
from textual.screen import Screen

from codextui.console.bindings import KeyGroup
from codextui.console.drafts import Drafts
from codextui.console.model.run import FINISHED_STATES, CostFormatter, RunView
from codextui.console.model.state import ConsoleState
from codextui.console.model.suggestions import as_text
from codextui.console.model.tree import group_of
from codextui.console.screens import messages
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.workbench import Workbench
from codextui.jsonrpc.fields import Json
from codextui.protocol.runs import RoleAction, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from codextui.console.model.working_tree import TreeRequest, WorkingTree
    from codextui.console.screens.fork import ForkChoice


MAX_QUEUE_LINES = 3
"""Queued messages that are listed above the composer."""


class MainOptions(msgspec.Struct, frozen=True):
    """Settings of the main screen.

    Attributes:
        server: the shared server's name.
        max_panes: 1 to 9; None for as many as read well.
        home: the user's home folder, shown as `~`.
        folder: the default working folder of new threads.
        new_thread_key: the key that starts a thread, formatted.
        now: returns unix seconds.
        key_groups: returns the keys of every place, for the help screen.
        read_tree: asks the server what differs on the disk.
        cost_of: formats the cost of tokens; None if no prices are configured.
        detach_label: what leaving the console does, in a word or two.
        drafts: what was typed and not sent.
        follow_note_of: returns why a thread of another program is not shown live.
        archive_after: seconds after which a run that is over is put away; 0 for never.
    """

    server: str
    max_panes: int | None
    home: str
    folder: str
    new_thread_key: str
    now: Callable[[], float]
    key_groups: Callable[[], Sequence[KeyGroup]]
    read_tree: Callable[[TreeRequest], Awaitable[WorkingTree]]
    cost_of: CostFormatter | None = None
    detach_label: str = "detach"
    drafts: Drafts = msgspec.field(default_factory=Drafts)
    follow_note_of: Callable[[str], str] = lambda _: ""
    archive_after: float = 0.0


class ThreadActions(Screen[None]):
    """Turns keys into requests (`codextui.console.screens.messages`).

    An action that is unavailable shows the reason.

    Attributes:
        state: what the screen shows.
        workbench: knows the current thread.
    """

    workbench: Workbench

    def __init__(self, state: ConsoleState, options: MainOptions) -> None:
        """Act on the threads of `state`."""
        super().__init__()
        self.state = state
        self._options = options
        self._last_new_thread: messages.NewThread | None = None

    def save_unsent(self, request: messages.ServerRequest) -> None:
        """Save the text of a request that failed or was cut short, for the next attempt."""
        match request:
            case messages.SendReview():
                request.is_over = True  # its comments are still there
            case messages.EditQueued(settle=settle):
                settle(False)
            case messages.MoveQueued():
                request.is_over = True
            case messages.ForkEdited() | messages.StartEdited():
                pass  # their drafts are still there
            case messages.SendPrompt(thread_id=thread_id, prompt=text):
                self.workbench.save_draft(thread_id, as_text(text))
            case messages.DirectRole(thread_id=thread_id, text=text) if text:
                self.workbench.save_draft(thread_id, text)
            case messages.StartThread(new_thread=new_thread):
                self._last_new_thread = new_thread
                self._keep_new_thread(new_thread)
            case messages.ForkThread(thread_id=thread_id, prompt=prompt) if prompt:
                self._keep_unsent_fork(thread_id, prompt)
            case _:
                pass

    # Codex threads.

    def action_new_thread(self) -> None:
        """Ask for the settings of a new thread, and start it."""
        from codextui.console.screens.new_thread import NewThreadScreen  # noqa: PLC0415

        if self._check_available(Action.START):
            last = self._last_new_thread or messages.NewThread(cwd=self._options.folder)
            if draft := self._options.drafts.new_thread:
                last = _new_thread_from(draft)
            self.app.push_screen(NewThreadScreen(last, self._keep_new_thread), self._start)

    def action_history(self) -> None:
        """Open the picker of Codex's history."""
        if self._check_available(Action.HISTORY):
            self.post_message(messages.OpenHistory())

    def action_decisions(self) -> None:
        """Open the history of decisions."""
        if self._check_available(Action.DECISIONS):
            self.post_message(messages.OpenDecisions())

    def action_reply(self) -> None:
        """Open the composer: to reply to a thread, steer its turn, or write to a role."""
        if self._check_available(Action.SEND):
            thread_id = self.workbench.current
            self.workbench.open_composer(thread_id, describe_composer(self.state, thread_id))

    def action_settings(self) -> None:
        """Ask for other settings of the thread."""
        from codextui.console.screens.settings import SettingsScreen  # noqa: PLC0415

        if self._check_available(Action.SETTINGS):
            info = self.state.threads[self.workbench.current].info
            change = partial(self._change_settings, info.thread_id)
            self.app.push_screen(SettingsScreen(info), change)

    def action_review(self) -> None:
        """Ask what to review, and review it."""
        from codextui.console.screens.review import ReviewScreen  # noqa: PLC0415

        if self._check_available(Action.REVIEW):
            info = self.state.threads[self.workbench.current].info
            self.app.push_screen(ReviewScreen(info), partial(self._review, info.thread_id))

    def action_usage(self) -> None:
        """Show the limits of Codex's login, and what the thread has cost."""
        if self._check_available(Action.USAGE):
            arguments: dict[str, Json] = {"thread": self.workbench.current}
            self.post_message(messages.CallTool("read the usage", "codex-usage", arguments))

    def action_fork(self) -> None:
        """Fork the thread as it is now."""
        if self._check_available(Action.FORK):
            self.post_message(messages.ForkThread(self.workbench.current))
            self._tell_sharing(f"A fork of {self._current.handle} is made", self._current)

    def action_fork_through(self) -> None:
        """Ask for the last turn of a fork, and fork the thread."""
        from codextui.console.screens.fork import ForkPoint, ForkScreen  # noqa: PLC0415

        if self._check_available(Action.FORK_THROUGH):
            view = self.state.threads[self.workbench.current]
            turns = [ForkPoint(t.turn_id, t.prompt, t.state) for t in view.transcript.turns]
            fork = partial(self._fork_through, view.thread_id)
            keep = partial(self._keep_fork_prompt, view.thread_id)
            draft = self._options.drafts.forks.get(view.thread_id, "")
            screen = ForkScreen(view.info.handle, turns, draft, keep, folder=view.info.cwd)
            self.app.push_screen(screen, fork)

    def action_open_in_codex(self) -> None:
        """Open the thread in Codex's own TUI."""
        if self._check_available(Action.OPEN):
            self.post_message(messages.OpenInCodex(self.workbench.current))

    # Threads, roles and runs.

    def action_interrupt(self) -> None:
        """Interrupt the running turn, or stop a role; ask before stopping a whole run."""
        if not self._check_available(Action.INTERRUPT):
            return
        info = self._current
        stop = messages.DirectRole(info.thread_id, RoleAction.STOP)
        match info.kind:
            case ThreadKind.CODEX:
                self.post_message(messages.InterruptTurn(info.thread_id))
                self._tell_sharing(f"The turn of {info.handle} is interrupted", info)
            case ThreadKind.ROLE:
                self.post_message(stop)
            case ThreadKind.RUN:
                message = (
                    "All its roles end where they are, and so do the turns of their Codex threads. "
                    "Files that they have written stay, and the run can be resumed."
                )
                self._confirm(f"Stop the run {info.handle}?", message, "Stop it", stop)

    def action_kill(self) -> None:
        """Kill the thread; ask first if a turn is running, or before killing a run."""
        if not self._check_available(Action.KILL):
            return
        info = self._current
        kill = messages.KillThread(info.thread_id)
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

    # Roles and runs.

    def action_pause(self) -> None:
        """Pause a role before its next step, or resume it; on a run, all its roles."""
        if self._check_available(Action.PAUSE):
            info = self._current
            is_paused = info.state is ThreadState.PAUSED
            action = RoleAction.RESUME if is_paused else RoleAction.PAUSE
            self.post_message(messages.DirectRole(info.thread_id, action))

    def action_rerun(self) -> None:
        """Ask, then run a role again from its start."""
        if self._check_available(Action.RERUN):
            info = self._current
            message = (
                f"{info.handle} is {info.state}. It begins again with what it was given at first, "
                "and forgets what it has thought since. Files that it has written stay."
            )
            rerun = messages.DirectRole(info.thread_id, RoleAction.RERUN)
            self._confirm(f"Run {info.handle} again from its start?", message, "Run it", rerun)

    def action_gates(self) -> None:
        """Show the gates of the run."""
        from codextui.console.screens.gates import GatesScreen  # noqa: PLC0415

        if self._check_available(Action.GATES):
            run_id = self.state.run_id_of(self.workbench.current)
            run = partial(self._run_view, run_id)
            self.app.push_screen(GatesScreen(self._handle_of(run_id), run, self._options.now))

    def action_timeline(self) -> None:
        """Show the timeline of the run, or of a plain thread and its forks."""
        from codextui.console.screens.timeline import TimelineScreen  # noqa: PLC0415

        if not self._check_available(Action.TIMELINE):
            return
        thread_id, now = self.workbench.current, self._options.now
        if run_id := self.state.run_id_of(thread_id):
            thread_id, run = run_id, partial(self._run_view, run_id)
            roles = partial(self.state.role_names, run_id)
        else:
            from codextui.console.model import thread_timeline as plain  # noqa: PLC0415

            run = partial(plain.thread_timeline, self.state, thread_id, now)
            roles = partial(plain.lane_names, self.state, thread_id)
        self.app.push_screen(TimelineScreen(self._handle_of(thread_id), run, now, roles))

    # The server.

    def action_stop_server(self) -> None:
        """Ask, then stop the server and exit."""
        if not self._check_available(Action.STOP):
            return
        infos = [view.info for view in self.state.threads.values()]
        running = sum(
            info.kind is ThreadKind.CODEX and info.ours and info.state.has_turn for info in infos
        )
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
        self._confirm("Stop the server?", message, "Stop it", messages.StopServer())

    # Private helpers.

    @property
    def _current(self) -> ThreadInfo:
        return self.state.threads[self.workbench.current].info

    def _handle_of(self, thread_id: str) -> str:
        view = self.state.threads.get(thread_id)
        return thread_id if view is None else view.info.handle

    def _run_view(self, run_id: str) -> RunView:
        return self.state.runs.get(run_id) or RunView()

    def _check_available(self, action: Action) -> bool:
        """Return whether an action is available; show the reason if not."""
        reason = unavailable_reason(action, self.state, self.workbench.current)
        if reason:
            self._explain(reason)
        return not reason

    def _tell_sharing(self, what: str, info: ThreadInfo) -> None:
        """Say that another program sees what is done to its thread."""
        if shared := _describe_sharing(info):
            self.notify(one_line(f"{what}{shared}."), markup=False)

    def _explain(self, reason: str) -> None:
        self.notify(one_line(reason), severity="warning", markup=False)

    def _confirm(
        self, title: str, message: str, yes: str, *requests: messages.ServerRequest
    ) -> None:
        """Ask, and post the requests if the user agrees."""
        from codextui.console.screens.confirm import ConfirmScreen  # noqa: PLC0415

        def post_if(agreed: bool | None) -> None:
            for request in requests if agreed else ():
                self.post_message(request)

        self.app.push_screen(ConfirmScreen(title, message, yes=yes), post_if)

    def _keep_new_thread(self, new_thread: messages.NewThread) -> None:
        is_begun = bool(new_thread.prompt.strip() or new_thread.handle.strip())
        self._options.drafts.new_thread = structs.asdict(new_thread) if is_begun else {}

    def _keep_fork_prompt(self, thread_id: str, prompt: str) -> None:
        if prompt.strip():
            self._options.drafts.forks[thread_id] = prompt
        else:
            self._options.drafts.forks.pop(thread_id, None)

    def _keep_unsent_fork(self, thread_id: str, prompt: str) -> None:
        """Keep the prompt of a fork that failed above what was written for another one."""
        draft = self._options.drafts.forks.get(thread_id, "")
        if not draft.startswith(prompt):
            text = f"{prompt}\n\n{draft}" if draft else prompt
            self._options.drafts.forks[thread_id] = text

    def _start(self, new_thread: messages.NewThread | None) -> None:
        if new_thread is not None:
            self._options.drafts.new_thread = {}
            self._last_new_thread = structs.replace(new_thread, prompt="", handle="")
            self.post_message(messages.StartThread(new_thread))

    def _change_settings(self, thread_id: str, changes: dict[str, Json] | None) -> None:
        if changes:
            arguments = {"thread": thread_id, **changes}
            self.post_message(messages.CallTool("change the settings", "codex-settings", arguments))

    def _review(self, thread_id: str, choice: dict[str, Json] | None) -> None:
        if choice is not None:
            arguments = {"thread": thread_id, **choice}
            self.post_message(
                messages.CallTool("start the review", "codex-review", arguments, opens=True)
            )

    def _fork_through(self, thread_id: str, choice: ForkChoice | None) -> None:
        if choice is not None:
            self._options.drafts.forks.pop(thread_id, None)
            self.post_message(messages.ForkThread(thread_id, choice.turn_id, choice.prompt))

    def _send(self, message: Composer.Sent) -> None:
        thread_id, text = message.thread_id, message.text
        if reason := unavailable_reason(Action.SEND, self.state, thread_id):
            self._explain(reason)
            return
        self.workbench.drafts.pop(thread_id, None)
        self.workbench.close_composer(thread_id)
        view = self.state.threads.get(thread_id)
        if view is not None and view.info.kind is not ThreadKind.CODEX:
            self.post_message(messages.DirectRole(thread_id, RoleAction.MESSAGE, text))
        else:
            queued = message.queued and can_queue(self.state, thread_id)
            self.post_message(messages.SendPrompt(thread_id, text, queued=queued))


def _new_thread_from(draft: Mapping[str, str]) -> messages.NewThread:
    """Return a stored draft as settings, without the fields of another version."""
    names = messages.NewThread.__struct_fields__
    return messages.NewThread(**{key: text for key, text in draft.items() if key in names})


def can_queue(state: ConsoleState, thread_id: str) -> bool:
    """Return whether a message to a thread can follow its running turn, or those in its queue."""
    view = state.threads.get(thread_id)
    if view is None or view.info.kind is not ThreadKind.CODEX:
        return False
    return view.info.state.has_turn or bool(view.info.queued)


def describe_composer(state: ConsoleState, thread_id: str) -> str:
    """Return the lines above a thread's composer: its queue, and what sending does."""
    view = state.threads.get(thread_id)
    queued = () if view is None else view.info.queued
    lines = [
        f"queued {number}: {one_line(message.text, 300)}"
        for number, message in enumerate(queued[:MAX_QUEUE_LINES], 1)
    ]
    if len(queued) > MAX_QUEUE_LINES:
        lines.append(f"and {len(queued) - MAX_QUEUE_LINES} more queued")
    return "\n".join([*lines, describe_send(state, thread_id)])


def describe_send(state: ConsoleState, thread_id: str) -> str:
    """Describe what sending from a thread's composer does now."""
    if reason := unavailable_reason(Action.SEND, state, thread_id):
        return f"not now: {reason}"
    info = state.threads[thread_id].info
    handle = one_line(info.handle)
    match info.kind:
        case ThreadKind.CODEX if info.state.has_turn:
            return f"steer {handle}: it reads this in the turn that runs{_describe_sharing(info)}"
        case ThreadKind.CODEX:
            return f"reply to {handle}: starts its next turn{_describe_sharing(info)}"
        case ThreadKind.ROLE:
            return f"write to {handle}: {_describe_delivery(info)}"
        case ThreadKind.RUN:
            return f"write to {handle}: who is at work reads this before the next step"


def _describe_sharing(info: ThreadInfo) -> str:
    """Return that another program sees it, too; empty for a thread of our own."""
    origin = one_line(group_of(info), 40)
    return f", and {origin} shows it" if origin else ""


def _describe_delivery(info: ThreadInfo) -> str:
    if info.state is ThreadState.PAUSED:
        return "it reads this before its next step, when it goes on"
    if info.state is ThreadState.WAITING:
        return "it reads this when it begins"
    if info.state in FINISHED_STATES:
        return "it reads this when it is its turn again"
    return "it reads this before its next step"
