"""The console application: wires the shared server, the console state and the screens together."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from codextui.client import updates
from codextui.config.schema import Config
from codextui.console.alerts import NOTICE_DELAY, Alerts
from codextui.console.approval_dialog import ApprovalsApp
from codextui.console.approvals import correction_notice
from codextui.console.bindings import APP_BINDINGS, KeyGroup, format_keys
from codextui.console.codex_tui import TuiPresenter
from codextui.console.connection import CodexReport, ServerConnection, check_codex, read_tree
from codextui.console.drafts import Drafts, DraftSaver
from codextui.console.editor import EditorPresenter
from codextui.console.first_steps import Inspect
from codextui.console.following import PaneFollower
from codextui.console.key_dispatch import TYPING_PAUSE
from codextui.console.model.changes import Changes, thread_changes
from codextui.console.model.state import ConsoleState, ServerNotice
from codextui.console.notifications import Notifier
from codextui.console.problems import ProblemPresenter, codex_unusable, server_unreachable
from codextui.console.programs import NOTICE_TIMEOUT
from codextui.console.render.thread import cost_formatter
from codextui.console.screens.main import MainScreen
from codextui.console.screens.thread_actions import MainOptions
from codextui.console.widgets.workbench import Workbench
from codextui.protocol.events import (
    ApprovalCorrected,
    ApprovalResolved,
    CodexReady,
    Event,
    ThreadLeft,
)
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from codextui.console.screens.problem import ProblemAnswer

APPROVAL_CHECK_INTERVAL = 0.25
"""Seconds between checks whether the approval dialog may open."""

DRAFTS_INTERVAL = 1.0
"""Seconds between saves of the drafts that have changed."""

_HOUR_S = 3600.0
_LEAVING = {"console.detach": "q", "thread.interrupt": "x", "console.stop_server": "Q"}

Connect = Callable[[updates.UpdateHandler], ServerConnection]
"""Creates the connection to the server, given the callback for its updates."""


class ConsoleApp(ApprovalsApp):
    """The console.

    Updates of the connection change the state, changes of the state update the screen, and messages
    of the screen become calls to the server. Nothing on the screen waits for the server.

    Attributes:
        state: everything that the screens show.
    """

    TITLE = "codextui"
    # Textual loads the stylesheets of pushed screens only; the main screen is the default one.
    CSS_PATH = Path(__file__).with_name("screens") / "main.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_BINDINGS
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]  # noqa: RUF012 - Textual's type

    def __init__(
        self,
        server: str,
        connect: Connect,
        *,
        config: Config | None = None,
        config_path: Path | None = None,
        now: Callable[[], float] = time.time,
        home: str = "",
        folder: str = "",
        detach_label: str = "detach",
        first_thread: str = "",
        drafts: Drafts | None = None,
        typing_pause: float = TYPING_PAUSE,
        notice_delay: float = NOTICE_DELAY,
        inspect: Inspect | None = None,
        is_first_time: bool = False,
    ) -> None:
        """Create the console of a server.

        Args:
            server: the server's name.
            connect: creates the connection.
            config: the user's configuration.
            config_path: the configuration file, named in messages and used to save the theme;
                None saves nothing.
            now: returns unix seconds.
            home: the user's home folder, shown as `~`.
            folder: the default working folder of new threads.
            detach_label: what leaving the console does, in a word or two.
            first_thread: id of the thread to open as soon as it is known; empty for none.
            drafts: what was typed and not sent; None keeps it in memory only.
            typing_pause: seconds without a key after which the approval dialog may open over an
                open composer.
            notice_delay: seconds that an approval waits before its alert.
            inspect: looks at this machine; None looks for nothing.
            is_first_time: whether to show what was found while there are no threads.

        Raises:
            ConfigInvalid: the keymap or the theme's name cannot be used.
        """
        super().__init__(typing_pause)
        self.state = ConsoleState()
        self._server, self._first_thread, self._is_first_time = server, first_thread, is_first_time
        self._was_connected = False
        self._config, self._config_path = config or Config(), config_path
        self._connection = connect(self._handle_update)
        self._keys = _check_keys(self._config.ui.keys, config_path)
        self.set_up_comfort(self._config, config_path, now, inspect)
        self._create_presenters(notice_delay)
        ui = self._config.ui
        self._main_options = MainOptions(
            server=server,
            max_panes=ui.layout,
            home=home,
            folder=folder,
            new_thread_key=format_keys(self._keys.get("thread.new", "n")),
            now=now,
            key_groups=partial(_group_keys, self._keys),
            read_tree=partial(read_tree, self._connection),
            cost_of=cost_formatter(self._config.prices),
            detach_label=detach_label,
            drafts=drafts or Drafts(),
            follow_note_of=self._follower.note_of,
            archive_after=ui.archive_after * _HOUR_S,
        )
        self._draft_saver = DraftSaver(self, self._main_options.drafts)

    def _create_presenters(self, notice_delay: float) -> None:
        self._follower = PaneFollower(
            self.state,
            self._follow,
            run=self._run_follow,
            show=self._show_follow,
            report=self._notify_error,
        )
        self._alerts = Alerts(self, self._config, self._server, delay=notice_delay)
        self._notifier = Notifier(self.state, ring=self._ring, notify=self._notify)
        self._problems = ProblemPresenter(self, self._handle_problem_answer)
        self.tui = TuiPresenter(self, self._config, may_step_aside=self._may_step_aside)
        self.editor = EditorPresenter(
            self, self._config.ui.terminal, may_step_aside=lambda: not self._is_aside
        )

    def get_driver_class(self) -> type[Driver]:
        """Return a driver that takes pastes out of the input before keys are parsed."""
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        from codextui.console.driver import ConsoleDriver  # noqa: PLC0415 - not on every platform

        return ConsoleDriver

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen, which stays below every dialog."""
        return self.main

    @cached_property
    def main(self) -> MainScreen:
        """The main screen."""
        return MainScreen(self.state, self._main_options)

    # Startup.

    def on_mount(self) -> None:
        """Apply the keymap, and defer everything slow until after the first frame."""
        self.set_keymap(self._keys)
        self.set_interval(1, self._refresh_clocks)
        self.set_interval(DRAFTS_INTERVAL, self._draft_saver.save_in_background)
        self.set_interval(APPROVAL_CHECK_INTERVAL, self._toasts.show_waiting)
        self.set_interval(APPROVAL_CHECK_INTERVAL, self._approvals.open_if_allowed)
        self._alerts.start()
        self.call_after_refresh(self._start)

    def _refresh_clocks(self) -> None:
        """Redraw the screen's clocks and the dialog's together, so that they show the same."""
        self.main.refresh_clocks()
        self._approvals.refresh_clock()

    def _start(self) -> None:
        if self._first_thread:
            self.main.show_arrived(self._first_thread, self._build_may_focus())
        self.start_comfort(is_first_time=self._is_first_time)
        self._import_in_background("codextui.console.widgets.pane_tile")
        self.run_worker(self._connection.run(), group="connection", name="connection")
        # The objects that exist now live as long as the app. The garbage collector, disabled
        # until here, can skip them.
        gc.freeze()
        gc.enable()

    def on_unmount(self) -> None:
        """Save the drafts."""
        self.save_drafts()

    def save_drafts(self) -> None:
        """Save the drafts, if that is possible."""
        self._draft_saver.save()

    def _import_in_background(self, module: str) -> None:
        """Import a module that neither the first frame nor the connection should wait for."""
        self.run_worker(partial(import_module, module), group="imports", thread=True)

    def apply_config(self, config: Config) -> None:
        """Apply a changed configuration, as far as it does not need another start."""
        if config.ui.layout != self._config.ui.layout:
            self.main.workbench.limit_panes(config.ui.layout)
        self.apply_keys(config)
        self._config = config
        self.main.fleet.archive_after = config.ui.archive_after * _HOUR_S
        self.tui.choice = config.ui.terminal
        self._alerts.configure(config)
        self.call_later(self._update_approvals)

    def action_command_palette(self) -> None:
        """Find anything on the main screen; over a dialog, Textual's own palette opens."""
        if self.screen is self.main:
            self.main.open_palette()
        else:
            super().action_command_palette()

    def get_system_commands(self, _: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the command that a dialog has: another theme."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Picture", "Save the screen as an SVG", self.action_save_picture)

    def action_help_quit(self) -> None:
        """Say what leaves and what stops: Ctrl-C, which does both elsewhere, was pressed."""
        keys = {name: format_keys(self._keys.get(name, key)) for name, key in _LEAVING.items()}
        self.notify(
            f"Ctrl-C stops nothing here. {keys['console.detach']}: "
            f"{self._main_options.detach_label}. {keys['thread.interrupt']}: interrupt the turn. "
            f"{keys['console.stop_server']}: stop the server.",
            markup=False,
        )

    # Updates of the connection.

    def _handle_update(self, update: updates.ConnectionUpdate) -> None:
        """Apply an update; called in wire order, never blocks."""
        state = self.state
        match update:
            case updates.Connected(fresh=fresh):
                if not self._was_connected:
                    self._was_connected = True
                    self._import_in_background("codextui.console.binding_places")  # the dialogs
                self._apply_changes(state.set_connected(fresh=fresh))
                self.call_later(self._problems.clear)
                self._check_codex()
            case updates.CaughtUp():
                self._notifier.mark_seen()
                self._apply_changes(state.set_caught_up(self._main_options.now()))
            case updates.Disconnected(reason, retry_in, ended):
                self._apply_changes(state.set_disconnected(reason, retry_in, ended=ended))
                if not self._was_connected:
                    self.call_later(self._problems.show, server_unreachable(self._server, reason))
            case updates.EventReceived(event):
                self._apply_event(event)
            case updates.ApprovalOffered(approval):
                self._offered_ids.add(approval.approval_id)
                self._apply_changes(state.add_approval(approval) or Changes(approvals=True))
            case updates.ApprovalWithdrawn(approval_id):
                self._offered_ids.discard(approval_id)
                self._apply_changes(state.remove_approval(approval_id))

    def _apply_event(self, event: Event) -> None:
        if isinstance(event.msg, ThreadLeft) and event.thread_id in self._follower.panes:
            self._tell_of_left(event.thread_id)
        self._apply_changes(self.state.apply(event))
        match event.msg:
            case CodexReady() if self.state.connection.caught_up:
                self._check_codex()
            case ApprovalResolved(approval_id):
                self._main_options.drafts.answers.pop(f"{event.thread_id}/{approval_id}", None)
            case ApprovalCorrected() as correction if self.state.connection.caught_up:
                view = self.state.threads.get(event.thread_id)
                self._notify(correction_notice(event, correction, view))
            case _:
                pass

    def _apply_changes(self, changes: Changes) -> None:
        if not changes:
            return
        self.main.apply_changes(changes)
        if not self.state.connection.connected:
            self._follower.reset()
            self.call_later(self._update_approvals)
        if not self.state.connection.caught_up:
            return
        if changes.approvals or changes.server:
            self.call_later(self._update_approvals)
        if changes.approvals or changes.threads or changes.server:
            self.call_later(self._notifier.update)
            self.call_later(self._follower.update)

    def _may_step_aside(self) -> bool:
        """Return whether nothing has come up meanwhile that takes keys."""
        return self.screen is self.main and not self.main.is_composing()

    def _ring(self) -> None:
        if self._config.ui.bell:
            self.bell()

    def _notify(self, notice: ServerNotice) -> None:
        severity: SeverityLevel = "error" if notice.severity == "error" else "warning"
        text = one_line(notice.text)
        self.notify(text, severity=severity, timeout=NOTICE_TIMEOUT, markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report the unexpected failure of a worker."""
        if event.state is WorkerState.ERROR:
            error = one_line(repr(event.worker.error))
            self.notify(f"Something broke: {error}", severity="error", markup=False)

    # Problems that stop everything.

    def _check_codex(self) -> None:
        check = check_codex(self._connection, self._handle_codex_report)
        self.run_worker(check, group="report", exclusive=True, exit_on_error=False)

    def _handle_codex_report(self, report: CodexReport) -> None:
        self._apply_changes(self.state.set_codex(report.version, report.attached))
        problem = report.problem
        self.main.show_problem(problem)
        self.first_steps.follow(problem)
        if not problem:
            self._problems.clear()
        elif not self.state.threads:
            self._problems.show(codex_unusable(problem, has_demo=self.first_steps.has_demo))

    def _handle_problem_answer(self, answer: ProblemAnswer) -> None:
        if answer == "quit":
            self.exit(1)
        elif answer == "demo":
            self.first_steps.begin("demo")
        elif self.state.connection.connected:
            self._check_codex()
        else:
            self._connection.retry()

    # Threads of other programs.

    @on(Workbench.PanesChanged)
    def _handle_panes_changed(self, message: Workbench.PanesChanged) -> None:
        self._follower.panes = message.panes
        self._follower.update()

    @on(Workbench.ThreadOpened)
    def _handle_thread_opened(self, message: Workbench.ThreadOpened) -> None:
        self._follower.retry(message.thread_id)

    def _tell_of_left(self, thread_id: str) -> None:
        """Say why a pane closes: no program has its thread open any more."""
        view = self.state.threads.get(thread_id)
        if view is not None and self.state.connection.caught_up:
            handle = one_line(view.info.handle, 60)
            self.notify(f"{handle} was closed; the history has it.", markup=False)

    def _run_follow(self, call: Coroutine[object, object, None]) -> None:
        self.run_worker(call, group="following", exit_on_error=False)

    def _show_follow(self, thread_id: str) -> None:
        self.main.apply_changes(thread_changes(thread_id))

    async def _follow(self, thread_id: str, follow: bool) -> None:  # the follower's callback
        await self._connection.call("codex-follow", {"thread": thread_id, "follow": follow})


def _check_keys(keys: Mapping[str, str], path: Path | None) -> dict[str, str]:
    if not keys:
        return {}
    from codextui.console.binding_places import checked_keys  # noqa: PLC0415 - imports the dialogs

    return checked_keys(keys, path)


def _group_keys(keymap: Mapping[str, str]) -> tuple[KeyGroup, ...]:
    from codextui.console.binding_places import grouped_keys  # noqa: PLC0415 - imports the dialogs

    return grouped_keys(keymap)
