"""Codex's own daemon: the app-server that `codex`, `codex agents` and IDEs share.

It belongs to a CODEX_HOME and listens on a control socket there. Codex starts it where the feature
`daemon_auto_start` is on; so may codextui, and it never stops, restarts or updates it.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from codextui.codex.binary import CodexBinary
from codextui.codex.process_marks import THREAD_VARIABLE
from codextui.errors import CodexUnreachable
from codextui.protocol.threads import MARK_VARIABLE

START_HINT = "codex app-server daemon start"
"""What people type to start the daemon."""

_SOCKET = Path("app-server-control", "app-server-control.sock")
_STATE = Path("app-server-daemon")
_NOTES = ("daemon.pid", "loaded-threads.json")
_FEATURE = "daemon_auto_start"
_MAX_ERROR = 300


@dataclass(frozen=True, slots=True)
class DaemonLimits:
    """Times that Codex may take.

    Attributes:
        features_s: seconds to list its features.
        start_s: seconds to start the daemon. The first time it copies 200 to 450 MB.
        restart_s: seconds until the daemon that has gone is back, if it is restarted or updated.
        restart_poll_s: seconds between checks whether it is back.
        stop_s: seconds after which a daemon that the user has stopped is not waited for.
        look_s: seconds between checks whether it runs, while a Codex of our own is used.
        retry_s: seconds after which a daemon that could not be started is started again.
    """

    features_s: float = 10.0
    start_s: float = 90.0
    restart_s: float = 5.0
    restart_poll_s: float = 0.1
    stop_s: float = 1.0
    look_s: float = 2.0
    retry_s: float = 120.0


DAEMON_LIMITS = DaemonLimits()


@dataclass(frozen=True, slots=True)
class Daemon:
    """The daemon of a CODEX_HOME, whether it runs or not.

    Attributes:
        home: the CODEX_HOME that was configured; None for the environment's.
        env: the whole environment of Codex; None for our own.
        limits: see DaemonLimits.
    """

    home: Path | None = None
    env: Mapping[str, str] | None = None
    limits: DaemonLimits = DAEMON_LIMITS

    @property
    def codex_home(self) -> Path:
        """The CODEX_HOME in use, as Codex finds it."""
        env = os.environ if self.env is None else self.env
        if self.home is not None:
            return self.home
        if env.get("CODEX_HOME"):
            return Path(env["CODEX_HOME"])
        return Path(env.get("HOME") or Path.home()) / ".codex"

    @property
    def address(self) -> str:
        """The address of its control socket."""
        return f"unix://{(self.codex_home / _SOCKET).absolute()}"

    @property
    def socket(self) -> tuple[int, int, int] | None:
        """What its socket is known by, another one after each start; None where there is none."""
        try:
            status = (self.codex_home / _SOCKET).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_mtime_ns

    @property
    def pid(self) -> int | None:
        """The process that Codex has noted as its daemon; None where it has noted none."""
        try:
            note = json.loads((self.codex_home / _STATE / _NOTES[0]).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        pid = note.get("pid") if isinstance(note, dict) else None
        return pid if isinstance(pid, int) and pid > 0 else None

    @property
    def is_registered(self) -> bool:
        """Whether Codex has noted that it runs, or is restarted.

        What stops it (`codex app-server daemon stop`) removes the note; a crash leaves it.
        """
        folder = self.codex_home / _STATE
        return any((folder / name).exists() for name in _NOTES)

    async def would_start(self, binary: CodexBinary) -> bool:
        """Return whether this Codex would start the daemon by itself, for its own screens.

        The user's configuration is respected. False also where Codex does not say so in time.
        """
        try:
            code, output, _ = await self._run(binary, self.limits.features_s, "features", "list")
        except (OSError, TimeoutError):
            return False
        rows = (line.split() for line in output.splitlines())
        return code == 0 and any(row[:1] == [_FEATURE] and row[-1] == "true" for row in rows)

    async def start(self, binary: CodexBinary) -> None:
        """Start the daemon, unless it runs.

        Raises:
            CodexUnreachable: it does not start; the message has what Codex says.
        """
        seconds = self.limits.start_s
        try:
            code, _, errors = await self._run(binary, seconds, "app-server", "daemon", "start")
        except TimeoutError as error:
            why = f"Codex has not started its daemon within {seconds:g} s"
            raise CodexUnreachable(why) from error
        except OSError as error:
            raise CodexUnreachable(f"{binary.path} cannot be run: {error}") from error
        if code:
            raise CodexUnreachable(f"Codex cannot start its daemon: {_first_error(errors)}")

    async def _run(
        self, binary: CodexBinary, seconds: float, *arguments: str
    ) -> tuple[int, str, str]:
        """Run Codex, and return its exit code and what it wrote.

        Files take what it writes, so that a command which outlives us is not disturbed.
        """
        environ = dict(os.environ if self.env is None else self.env)
        environ.pop(THREAD_VARIABLE, None)
        environ[MARK_VARIABLE] = ""  # the daemon is not of the agent that may have started us
        if self.home is not None:
            environ["CODEX_HOME"] = str(self.home)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = await asyncio.create_subprocess_exec(
                str(binary.path),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environ,
                start_new_session=True,
            )
            async with asyncio.timeout(seconds):
                code = await process.wait()
            return code, _read(output), _read(errors)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _first_error(text: str) -> str:
    """Return in one line the error of a Rust program and its causes, without the backtrace."""
    lines = [line.strip() for line in text.partition("Stack backtrace:")[0].splitlines()]
    start = next((number for number, line in enumerate(lines) if line.startswith("Error:")), 0)
    parts = [line for line in lines[start:] if line and line != "Caused by:"]
    return ": ".join(parts).removeprefix("Error: ")[:_MAX_ERROR] or "it does not say why"
