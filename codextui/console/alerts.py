"""Alerts a user who looks elsewhere to approvals: the bell, titles, notifications."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from textual.app import App
from textual.timer import Timer

from codextui.config.notices import Notice
from codextui.config.schema import Config
from codextui.console.model.alerts import Alert, Attention, describe_alert, describe_title
from codextui.console.model.labels import Asker
from codextui.console.terminal_notices import notice_sequences
from codextui.protocol.approvals import Approval
from codextui.text.sanitize import one_line

NOTICE_DELAY = 0.3
"""Seconds that an approval waits before its alert: what a policy decides is gone by then."""

COMMAND_TIMEOUT = 10.0
"""Seconds that the user's command may take."""

_LAST_WORDS = 300
_REST_S = 0.2


@runtime_checkable
class TitledTerminal(Protocol):
    """A driver that can set the terminal's title (`console.driver.ConsoleDriver`)."""

    def set_title(self, title: str) -> None:
        """Set the title, and restore it when the app leaves the terminal."""

    def write(self, data: str) -> None:
        """Write to the terminal."""


class Alerts:
    """Alerts the user to approvals, each once; see `codextui.console.model.alerts`.

    The terminal's title counts what waits, until it is decided or withdrawn. The bell rings in any
    case; the other notices are left out while the terminal says that it has the focus.
    """

    def __init__(
        self,
        app: App[int],
        config: Config,
        server: str,
        *,
        terminal: TitledTerminal | None = None,
        env: Mapping[str, str] = os.environ,
        delay: float = NOTICE_DELAY,
        timeout: float = COMMAND_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the alerts of an app.

        Args:
            app: rings, runs timers and the user's command, and shows why that failed, once.
            config: says which alerts are wanted.
            server: the server's name.
            terminal: the terminal; None for the app's own.
            env: the environment, which says which terminal this is.
            delay: seconds that an approval waits before its alert.
            timeout: seconds that the user's command may take.
            clock: returns monotonic seconds.
        """
        self._app = app
        self.configure(config)
        self._server = server
        self._given_terminal = terminal
        self._env, self._timeout, self._clock = env, timeout, clock
        self._attention = Attention(delay)
        self._approvals: tuple[Approval, ...] = ()
        self._askers: Mapping[str, Asker] = {}
        self._has_focus: bool | None = None
        self._has_failed = False
        self._is_running = False
        self._next: Alert | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        """Set the title, and follow whether the terminal has the focus, where it says so."""
        self._app.watch(self._app, "app_focus", self._set_focus, init=False)
        self._show_title()

    def configure(self, config: Config) -> None:
        """Tell from now on as a configuration says."""
        self._notify = frozenset(config.ui.notify)
        self._command = config.ui.notify_command
        self._has_bell = config.ui.bell

    def update(self, approvals: Sequence[Approval], askers: Mapping[str, Asker]) -> None:
        """Replace the approvals that wait for a person; tell of those that are due."""
        self._approvals, self._askers = tuple(approvals), askers
        self._check()

    @property
    def _terminal(self) -> TitledTerminal | None:
        driver: object = self._given_terminal or self._app._driver  # noqa: SLF001 # no other way
        return driver if isinstance(driver, TitledTerminal) else None

    def _set_focus(self, focus: bool) -> None:
        self._has_focus = focus

    def _check(self) -> None:
        fresh = self._attention.update(self._approvals, self._clock())
        self._show_title()
        if fresh:
            if self._has_bell:
                self._app.bell()
            if not self._has_focus:
                self._tell(describe_alert(fresh, self._attention.due, self._askers, self._server))
        if self._timer is not None:
            self._timer.stop()
        wait = self._attention.next_check(self._clock())
        self._timer = None if wait is None else self._app.set_timer(wait + 0.01, self._check)

    def _tell(self, alert: Alert) -> None:
        terminal = self._terminal
        data = notice_sequences(self._notify, alert.title, alert.body, self._env)
        if terminal is not None and data:
            terminal.write(data)
        if self._command:
            self._next = alert
            if not self._is_running:
                self._is_running = True
                self._app.run_worker(self._run_commands(), group="alerts", exit_on_error=False)

    def _show_title(self) -> None:
        terminal = self._terminal
        if terminal is not None and Notice.TITLE in self._notify:
            terminal.set_title(describe_title(len(self._attention.due), self._server))

    async def _run_commands(self) -> None:
        """Run the user's command for the newest alert, one at a time."""
        try:
            while (alert := self._next) is not None:
                self._next = None
                problem = await run_command(
                    fill_command(self._command, alert, self._server), self._timeout
                )
                if problem and not self._has_failed:
                    self._has_failed = True
                    text = f"[ui] notify_command: {problem}"
                    self._app.notify(text, severity="warning", timeout=10, markup=False)
        finally:
            self._is_running = False


def fill_command(command: Sequence[str], alert: Alert, server: str) -> list[str]:
    """Return the user's command with the texts of an alert in its arguments.

    A text that an argument begins with never looks like an option.
    """
    values = {
        "title": alert.title,
        "body": alert.body,
        "count": str(alert.count),
        "handle": alert.handle,
        "kind": alert.kind,
        "server": one_line(server, 60),
    }
    return [command[0], *(_fill(word, values) for word in command[1:])]


def _fill(word: str, values: Mapping[str, str]) -> str:
    filled = word.format_map(values)
    return f" {filled}" if filled.startswith("-") and word.startswith("{") else filled


async def run_command(args: Sequence[str], timeout: float) -> str:  # noqa: ASYNC109 # of the user's
    """Run a program without a shell, and return why it failed; empty if it did not.

    It is in a process group of its own, which is killed if it takes longer than `timeout` seconds.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return one_line(f"{args[0]} cannot be run: {error}", 200)
    kept = bytearray()
    reading = asyncio.create_task(_keep_last_words(process, kept))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await process.wait()
        if process.returncode is None:
            return one_line(f"{args[0]} took longer than {timeout:g} s, and was ended", 200)
        await asyncio.wait([reading], timeout=_REST_S)
    finally:
        reading.cancel()
        await _end(process)
        # What it has left in the background may hold the pipe open for good.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
    words = kept.decode(errors="replace")
    code = process.returncode
    return one_line(f"{args[0]} ended with exit code {code}: {words}", 300) if code else ""


async def _keep_last_words(process: asyncio.subprocess.Process, kept: bytearray) -> None:
    """Read what it writes to stderr, so that it never waits for that; keep the end of it."""
    while process.stderr is not None and (data := await process.stderr.read(4096)):
        kept += data
        del kept[:-_LAST_WORDS]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what still runs of it; what it has left in the background may go on."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await process.wait()
