"""A `codex app-server` process: its pipes, and its end with all processes of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

from codextui.codex.process_marks import THREAD_VARIABLE, find_marked, kill_marked, new_mark
from codextui.jsonrpc.lines import LineSplitter, LineTooLong
from codextui.protocol.threads import MARK_VARIABLE

GRACE_S = 3.0
"""Default of the seconds that a process gets to end before it is killed."""


class CodexProcess(asyncio.SubprocessProtocol):
    """A process in a session of its own, read as fast as it writes.

    It is a `codextui.jsonrpc.endpoint.Transport`.

    Args:
        mark: its mark (`process_marks.new_mark`).
        on_output: handles each chunk of its standard output.
        grace_s: seconds that it gets to end before it is killed.
        reads_input: whether it gets a standard input, and ends when that does.

    Attributes:
        mark: see above.
        was_given_up: whether it was killed because it had closed its output without ending.
    """

    def __init__(
        self,
        mark: str,
        on_output: Callable[[bytes], None],
        grace_s: float = GRACE_S,
        *,
        reads_input: bool = True,
    ) -> None:
        self.mark = mark
        self.was_given_up = False
        self._on_output = on_output
        self._grace_s = grace_s
        self._reads_input = reads_input
        self._transport: asyncio.SubprocessTransport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._exited = asyncio.Event()
        self._closed_output = asyncio.Event()
        self._closed_pipes = asyncio.Event()
        self._open = {_STDOUT, _STDERR}
        self._errors = LineSplitter(_STDERR_LINE)
        self._last_errors: deque[_ErrorLine] = deque(maxlen=_KEPT_LINES)
        self._in_backtrace = False
        self._ended_at: float | None = None

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        env: Mapping[str, str],
        on_output: Callable[[bytes], None],
        *,
        owner: str = "",
        grace_s: float = GRACE_S,
        reads_input: bool = True,
    ) -> CodexProcess:
        """Start a process for an owner (`process_marks.owner_of`).

        Raises:
            OSError: the binary cannot be run.
        """
        mark = new_mark(owner)
        inherited = {name: value for name, value in env.items() if name != THREAD_VARIABLE}
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(mark, on_output, grace_s, reads_input=reads_input),
            *argv,
            stdin=asyncio.subprocess.PIPE if reads_input else asyncio.subprocess.DEVNULL,
            env={**inherited, MARK_VARIABLE: mark},
            start_new_session=True,
        )
        return process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._transport.get_pid() if self._transport is not None else 0

    @property
    def takes_input(self) -> bool:
        """Whether it takes messages: it has not exited, as far as is known."""
        if self._exited.is_set() or self._transport is None:
            return False
        stdin = self._stdin()
        return not self._reads_input or (stdin is not None and not stdin.is_closing())

    @property
    def last_errors(self) -> tuple[str, ...]:
        """The last lines of its standard error, escaped and shortened for display."""
        return tuple(line.text for line in self._last_errors)

    @property
    def last_words(self) -> tuple[str, ...]:
        """Those of `last_errors` that it wrote in its last ten seconds."""
        end = monotonic() if self._ended_at is None else self._ended_at
        return tuple(line.text for line in self._last_errors if line.at > end - _NEAR_END)

    def send(self, data: bytes) -> bool:
        """Write to its standard input without waiting. False where it has ended."""
        stdin = self._stdin()
        if stdin is None or not self.takes_input:
            return False
        stdin.write(data)
        return True

    async def drain(self) -> None:
        """Wait until it has read enough of its input, or has ended."""
        await self._writable.wait()

    async def wait(self) -> int:
        """Wait until it has ended and its output was read, and return its exit code.

        The exit code is -N where signal N ended it. A process that closes its output without
        ending is killed. Output that its children hold open is not waited for.
        """
        await _first(self._exited, self._closed_output)
        if not await _within(self._grace_s, self._exited):
            self.was_given_up = True
            kill_group(self.pid, signal.SIGKILL)
            await self._exited.wait()
        await _within(_LAST_WORDS, self._closed_pipes)
        return self._close()

    async def exits_or(self, other: asyncio.Future[Any]) -> None:
        """Wait until it has exited, or something else is done."""
        exited = asyncio.ensure_future(self._exited.wait())
        try:
            await asyncio.wait((exited, other), return_when=asyncio.FIRST_COMPLETED)
        finally:
            exited.cancel()

    async def has_exited(self, within_s: float) -> bool:
        """Whether it exits within so many seconds."""
        return await _within(within_s, self._exited)

    def expect_end(self) -> None:
        """Note that it has closed its connection: it must end, or is killed by `wait`."""
        self._closed_output.set()

    async def end(self) -> None:
        """End it, by force if need be, and the processes it has started."""
        async with self.ending_commands():
            await self._end_itself()
            kill_group(self.pid, signal.SIGKILL)

    @asynccontextmanager
    async def ending_commands(self, thread_id: str = "") -> AsyncIterator[None]:
        """Kill what it has started at the end of the context, which ends what can end by itself.

        The processes are looked for before as well: those that have cleared their environment are
        found only while their parents live.

        Args:
            thread_id: restricts this to the commands of one thread; empty is all processes, and
                itself.
        """
        before = await asyncio.to_thread(find_marked, self.mark, thread_id)
        try:
            yield
        finally:
            await asyncio.to_thread(kill_marked, self.mark, thread_id, before)

    async def _end_itself(self) -> None:
        stdin = self._stdin()
        if stdin is not None:
            stdin.close()
        if not self._reads_input:
            # The first signal lets the running turns go on, the second does not.
            kill_group(self.pid, signal.SIGTERM)
            if not await _within(_DRAIN_S, self._exited):
                kill_group(self.pid, signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if await _within(self._grace_s, self._exited):
                break
            kill_group(self.pid, number)
        await self._exited.wait()

    async def kill_orphans(self) -> int:
        """Kill the processes it has left behind, and return their number."""
        kill_group(self.pid, signal.SIGKILL)
        return await asyncio.to_thread(kill_marked, self.mark)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport (asyncio)."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Handle output (asyncio)."""
        if fd == _STDOUT:
            self._on_output(data)
        else:
            self._record_errors(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note that a pipe is closed (asyncio)."""
        if fd == _STDIN:
            self._writable.set()
        elif fd == _STDOUT:
            self._closed_output.set()
        else:
            self._record_errors(b"\n")
        self._open.discard(fd)
        if not self._open:
            self._closed_pipes.set()

    def process_exited(self) -> None:
        """Note that it has ended (asyncio)."""
        self._ended_at = monotonic()
        self._exited.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """Note that it does not read as fast as we write (asyncio)."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that it has caught up (asyncio)."""
        self._writable.set()

    def _stdin(self) -> asyncio.WriteTransport | None:
        if self._transport is None:
            return None
        return cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(_STDIN))

    def _close(self) -> int:
        if self._transport is None:
            return 0
        code = self._transport.get_returncode()
        self._transport.close()
        return code or 0

    def _record_errors(self, data: bytes) -> None:
        for line in self._errors.feed(data):
            text = line.head if isinstance(line, LineTooLong) else line
            shown = printable(text.decode("utf-8", "replace"))
            if not self._is_backtrace(shown):
                self._last_errors.append(_ErrorLine(shown, monotonic()))

    def _is_backtrace(self, line: str) -> bool:
        """Return whether a line is empty or of a backtrace, which would displace the error."""
        if _BACKTRACE.match(line):
            self._in_backtrace = True
        elif line.strip() and not _FRAME.match(line):
            self._in_backtrace = False
        return self._in_backtrace or not line.strip()


@dataclass(frozen=True, slots=True)
class _ErrorLine:
    text: str
    at: float


def select_last_words(lines: Sequence[str], limit: int = 3) -> tuple[str, ...]:
    """Return the lines, from what a process wrote last, that say why it ended.

    That is the beginning of its last error or panic; without one, the first lines that are no
    entries of its log, and in a log the last entries.
    """
    fatal = [number for number, line in enumerate(lines) if _FATAL.match(line)]
    if fatal:
        return tuple(lines[fatal[-1] :][:limit])
    plain = [line for line in lines if not _LOG_ENTRY.match(line)]
    return tuple(plain[:limit] or lines[-limit:])


def printable(text: str) -> str:
    """Return the beginning of a text of Codex's, escaped for display on one line."""
    plain = _COLOUR.sub("", text)[:_KEPT_CHARS]
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in plain)


def kill_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process group that we started, if it still exists."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


_STDIN, _STDOUT, _STDERR = 0, 1, 2
_KEPT_LINES = 20
_KEPT_CHARS = 500
_STDERR_LINE = 64 * 1024
_LAST_WORDS = 1.0
_DRAIN_S = 0.1
_NEAR_END = 10.0
_BACKTRACE = re.compile(r"(stack )?backtrace:", re.IGNORECASE)
_FRAME = re.compile(r"\s*(\d+:|at) ")
_FATAL = re.compile(r"(fatal )?error\b|thread '.*' .*panicked", re.IGNORECASE)
_LOG_ENTRY = re.compile(r"\d{4}-\d\d-\d\dT")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
