"""The console: wires the screen, the board and the shared server together."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker, WorkerState

from codextui.client import updates
from codextui.config import paths
from codextui.config import schema as configuration
from codextui.console import connection as operations
from codextui.console.approvals import ApprovalPresenter
from codextui.console.bindings import APP_BINDINGS, KeyGroup, show_keys
from codextui.console.connection import ConsoleConnection, Link, check_codex
from codextui.console.model.state import Changes, ConsoleState, ServerNotice
from codextui.console.notifications import Notifications
from codextui.console.problems import Answer, ProblemPresenter, codex_unusable, unreachable
from codextui.console.render.thread import cost_formatter
from codextui.console.screens import messages as requests
from codextui.console.screens.main import MainScreen
from codextui.console.screens.messages import ApprovalDecided, ThreadOpened
from codextui.console.screens.thread_actions import MainOptions
from codextui.console.themes import VARIABLE_DEFAULTS, register_themes, save_theme
from codextui.errors import ApprovalGone, CodextuiError, ConfigInvalid
from codextui.protocol.approvals import Approval
from codextui.protocol.events import CodexReady
from codextui.text.sanitize import one_line, sanitize

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from codextui.console.screens.approval import ApprovalScreen

TYPING_PAUSE = 1.5
"""Seconds without a key after which somebody with the composer open is not typing any more."""

NOTICE_S = 10
"""Seconds that something about the whole server is shown."""

NUDGE = 0.25
"""Seconds between two looks at whether the approval dialog may open now."""

Attach = Callable[[Callable[[updates.ConnectionUpdate], None]], Link]
"""Makes the attachment to the server, given who hears what happens."""


class ConsoleApp(App[int]):
    """Facts of the connection change the board, the board the screen; requests go back.

    Nothing on the screen waits for the server.
    """

    TITLE = "codextui"
    # Textual reads the stylesheets of pushed screens only, and this one is there from the start.
    CSS_PATH = Path(__file__).with_name("screens") / "main.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_BINDINGS

    def __init__(
        self,
        server: str,
        attach: Attach,
        *,
        config: configuration.Config | None = None,
        config_path: Path | None = None,
        now: Callable[[], float] = time.time,
        home: str = "",
        folder: str = "",
        leaving: str = "detach",
        first: str = "",
    ) -> None:
        """Make the console of a server.

        Args:
            server: the server's name.
            attach: makes the attachment.
            config: the person's configuration.
            config_path: its file, for messages, and to save the theme in; None saves nothing.
            now: unix seconds.
            home: the person's home folder, shown as `~`.
            folder: where new threads work unless the person says otherwise.
            leaving: what leaving does, in a word or two.
            first: the thread to go to at once, or as soon as it is known; empty for none.

        Raises:
            ConfigInvalid: the keymap or the theme's name cannot be used.
        """
        super().__init__()
        self.board = ConsoleState()
        self._settings = config or configuration.Config()
        self._settings_path = config_path
        self._link = attach(self._hear)
        self._keys = _check_keys(self._settings.ui.keys, config_path)
        self._theme_problems = register_themes(self, self._settings.ui.theme, config_path)
        self._main_options = MainOptions(
            server=server,
            most_panes=self._settings.ui.layout,
            home=home,
            folder=folder,
            start_key=show_keys(self._keys.get("thread.new", "n")),
            now=now,
            help_groups=partial(_group_keys, self._keys),
            cost_of=cost_formatter(self._settings.prices),
            leaving=leaving,
        )
        self._server = server
        self._desk = ApprovalPresenter(self._open_approvals, may_open=self._may_interrupt)
        self._trouble = ProblemPresenter(self, self._trouble_answered)
        self._first = first
        self._was_connected = False
        self._last_key_at = 0.0
        self._herald = Notifications(self.board, ring=self._ring, tell=self._tell)

    def get_default_screen(self) -> Screen[None]:
        """The main screen: it is always there, below every dialog."""
        return self.main

    @cached_property
    def main(self) -> MainScreen:
        """The main screen."""
        return MainScreen(self.board, self._main_options)

    # Starting.

    def on_mount(self) -> None:
        """Set the keys; everything slow starts after the first frame."""
        self.set_keymap(self._keys)
        self.set_interval(NUDGE, self._desk.nudge)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        if self._first:
            self.main.open_thread(self._first)
        for problem in self._theme_problems:
            self.notify(sanitize(problem), severity="warning", timeout=15, markup=False)
        self.theme_changed_signal.subscribe(self.main, self._save_theme)
        self._import_later("codextui.console.widgets.pane_tile")
        self.run_worker(self._link.run(), group="connection", name="connection")
        # What exists now stays for good: the collector, off until here, need not look at it.
        gc.freeze()
        gc.enable()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colours, for themes that do not have them."""
        return VARIABLE_DEFAULTS

    def _save_theme(self, theme: Theme) -> None:
        try:
            save_theme(theme.name, self._settings_path)
        except ConfigInvalid as error:
            self._complain("The theme could not be saved", error)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything that has a key, and the themes."""
        if screen is self.main:
            for binding in self.main.BINDINGS:
                if isinstance(binding, Binding) and binding.show:
                    run = partial(self.main.run_action, binding.action)
                    yield SystemCommand(binding.description, f"key: {binding.key}", run)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    # What the connection tells.

    def _hear(self, update: updates.ConnectionUpdate) -> None:
        """Take an update, in the order of the wire; never waits."""
        board = self.board
        match update:
            case updates.Connected(fresh=fresh):
                if not self._was_connected:
                    self._was_connected = True
                    self._import_later("codextui.console.binding_places")  # the dialogs
                self._take(board.set_connected(fresh=fresh))
                self.call_later(self._trouble.clear)
                self._look_at_codex()
            case updates.CaughtUp():
                self._herald.catch_up()
                self._take(board.set_caught_up())
            case updates.Disconnected(reason, retry_in):
                self._take(board.set_disconnected(reason, retry_in))
                if not self._was_connected:
                    self.call_later(self._trouble.show, unreachable(self._server, reason))
            case updates.EventReceived(event):
                self._take(board.apply(event))
                if isinstance(event.msg, CodexReady) and board.connection.caught_up:
                    self._look_at_codex()
            case updates.ApprovalOffered(approval):
                self._take(board.add_approval(approval))
            case updates.ApprovalWithdrawn(approval_id):
                self._take(board.remove_approval(approval_id))

    def _import_later(self, module: str) -> None:
        """Have a module at hand that the first frame, or the connection, does not wait for."""
        self.run_worker(partial(import_module, module), group="imports", thread=True)

    def _take(self, changes: Changes) -> None:
        if not changes:
            return
        self.main.take(changes)
        if not self.board.connection.connected:
            self.call_later(self._update_desk)
        if not self.board.connection.caught_up:
            return
        if changes.approvals or changes.server:
            self.call_later(self._update_desk)
        if changes.approvals or changes.threads or changes.server:
            self.call_later(self._herald.look)

    def _update_desk(self) -> None:
        board = self.board
        clients = {view.thread_id: view.info.client for view in board.threads.values()}
        approvals = list(board.approvals.values()) if board.connection.connected else []
        self._desk.update(approvals, clients, board.outcomes)

    def _ring(self) -> None:
        if self._settings.ui.bell:
            self.bell()

    def _tell(self, notice: ServerNotice) -> None:
        severity: SeverityLevel = "error" if notice.severity == "error" else "warning"
        self.notify(one_line(notice.text), severity=severity, timeout=NOTICE_S, markup=False)

    def _look_at_codex(self) -> None:
        check = check_codex(self._link, self._say_problem)
        self.run_worker(check, group="report", exclusive=True, exit_on_error=False)

    def _say_problem(self, problem: str) -> None:
        self.main.say_problem(problem)
        if problem and not self.board.threads:
            self._trouble.show(codex_unusable(problem))

    def _trouble_answered(self, answer: Answer) -> None:
        if answer == "quit":
            self.exit(1)
        elif self.board.connection.connected:
            self._look_at_codex()
        else:
            self._link.retry()

    # Approvals.

    async def on_event(self, event: events.Event) -> None:
        """Take keys in the order in which they were pressed."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._last_key_at = time.monotonic()
            if self.screen is self.main and self.main.is_watching():
                await self._take_key(event)
                return
        await super().on_event(event)

    async def _take_key(self, event: events.Key) -> None:
        """Do what a key is bound to at once, as no widget wants it for itself.

        Textual hands a key up from the focused widget, and looks for its binding when it has
        arrived. By then an earlier key may have opened the composer, and a letter of the prompt
        would be taken for a command.
        """
        if await self._check_bindings(event.key, priority=True):
            return
        if (composer := self.main.bench.opening) is not None:
            composer.take_key(event)
        else:
            await self._check_bindings(event.key)

    def _may_interrupt(self) -> bool:
        if self.screen is not self.main or not self.board.connection.caught_up:
            return False
        pause = time.monotonic() - self._last_key_at
        return not self.main.is_writing() or pause >= TYPING_PAUSE

    def _open_approvals(self, approvals: Sequence[Approval], first: str) -> ApprovalScreen:
        from codextui.console.screens.approval import ApprovalScreen  # noqa: PLC0415

        board = self.board
        screen = ApprovalScreen(
            approvals,
            clients={view.thread_id: view.info.client for view in board.threads.values()},
            first=first,
            quiet=self._settings.approvals.quiet,
            now=self._main_options.now,
        )
        self.push_screen(screen, lambda _: self._desk.closed())
        return screen

    @on(requests.OpenApprovals)
    def _approvals_wanted(self, request: requests.OpenApprovals) -> None:
        if not self.board.connection.connected:
            self.notify("Nothing can be decided: the server is out of reach.", severity="warning")
        elif not self._desk.open(request.approval_id):
            self.notify("Nothing needs a decision.", severity="warning")

    @on(ApprovalDecided)
    def _approval_decided(self, message: ApprovalDecided) -> None:
        self._desk.decide(message.approval_id)
        self.run_worker(self._decide(message), group="decisions", exit_on_error=False)

    async def _decide(self, message: ApprovalDecided) -> None:
        try:
            await self._link.answer(message.approval_id, message.decision)
        except ApprovalGone as error:
            self.notify(sanitize(str(error)), markup=False)
        except CodextuiError as error:
            self._desk.reject(message.approval_id, one_line(str(error)))
            self._complain("The decision did not reach the server", error)

    @on(ThreadOpened)
    def _thread_opened(self, message: ThreadOpened) -> None:
        self.main.open_thread(message.thread_id)

    # What the person asks for.

    @on(requests.StartThread)
    @on(requests.ForkThread)
    @on(requests.SendPrompt)
    @on(requests.InterruptTurn)
    @on(requests.KillThread)
    @on(requests.DirectRole)
    @on(requests.StopServer)
    def _asked_for(self, request: requests.ServerRequest) -> None:
        self.run_worker(self._perform(request), group="operations", exit_on_error=False)

    async def _perform(self, request: requests.ServerRequest) -> None:
        """Have the server do it; a thread that begins is shown, and what fails is said."""
        try:
            began = await operations.perform(self._link, request)
        except CodextuiError as error:
            self._complain(f"Could not {request.what}", error)
            self.main.keep(request)
            return
        if began is not None:
            self.main.open_thread(began.thread_id)
        if isinstance(request, requests.StopServer):
            self.exit(0)

    @on(requests.RetryConnection)
    def _retry_wanted(self) -> None:
        self._link.retry()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what nobody expected to go wrong: it must not be silent."""
        if event.state is WorkerState.ERROR:
            error = one_line(repr(event.worker.error))
            self.notify(f"Something broke: {error}", severity="error", markup=False)

    def _complain(self, what: str, error: CodextuiError) -> None:
        message = f"{what}: {one_line(str(error))}"
        self.notify(message, severity="error", timeout=NOTICE_S, markup=False)


def _check_keys(keys: Mapping[str, str], path: Path | None) -> dict[str, str]:
    if not keys:
        return {}
    from codextui.console.binding_places import checked_keys  # noqa: PLC0415 - has the dialogs

    return checked_keys(keys, path)


def _group_keys(keymap: Mapping[str, str]) -> tuple[KeyGroup, ...]:
    from codextui.console.binding_places import grouped_keys  # noqa: PLC0415 - has the dialogs

    return grouped_keys(keymap)


def run(
    server: str, *, config: Path | None = None, leaving: str = "detach", first: str = ""
) -> int:
    """Open the console on the shared server `server`, and return the process's exit code.

    Args:
        server: the server's name; it is started where it does not run.
        config: the configuration file; None is the person's own.
        leaving: what leaving does, as the footer says it.
        first: the thread to go to at once, or as soon as it is known; empty for none.

    Raises:
        ConfigInvalid: the configuration cannot be used.
    """
    path = config or paths.config_path()
    app = ConsoleApp(
        server,
        partial(ConsoleConnection, server, config),
        config=configuration.load(path),
        config_path=path,
        home=str(Path.home()),
        folder=str(Path.cwd()),
        leaving=leaving,
        first=first,
    )
    result = app.run()
    return app.return_code or result or 0
