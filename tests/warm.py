"""Our program, started out of a process that has imported it already.

It runs in a process of its own all the same, with an environment, a working folder and standard
streams of its own. Only its imports, which are most of what its start costs, are those of a process
that stays: for tests that start it again and again.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import reduction
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "codextui.client.relay",
        "codextui.commands.mcp_server",
        "codextui.commands.run",
        "codextui.server.run",
        "codextui.server.run",
        "codextui.teams.codex.server",
        "codextui.teams.runner.run",
    ]
)

LIMIT = 64 * 1024 * 1024
"""Bytes that a line of its output may have."""


class Warm:
    """A started program, as asyncio's Process.

    Attributes:
        stdin: a pipe to it.
        stdout: a pipe from it.
        stderr: a pipe from it where that was asked for.
    """

    def __init__(
        self,
        process: Any,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        stderr: asyncio.StreamReader | None,
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self._process = process

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def returncode(self) -> int | None:
        code = self._process.exitcode
        return None if code is None else int(code)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        return int(self._process.exitcode)

    async def communicate(self) -> tuple[bytes, bytes]:
        self.stdin.close()
        reading = [stream.read() for stream in (self.stdout, self.stderr) if stream is not None]
        output, *errors = await asyncio.gather(*reading)
        await self.wait()
        return output, b"".join(errors)


async def start_warm(*arguments: str, env: Mapping[str, str], stderr: int | None = None) -> Warm:
    """Runs `codextui` with these arguments.

    Its standard error is this process's, or nowhere with `subprocess.DEVNULL`, or a pipe with
    `subprocess.PIPE`.
    """
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    ours_err = None
    if stderr == subprocess.PIPE:
        ours_err, theirs_err = os.pipe()
    else:
        theirs_err = os.dup(2) if stderr is None else os.open(os.devnull, os.O_WRONLY)
    theirs = (theirs_in, theirs_out, theirs_err)
    streams = [_Descriptor(fd) for fd in theirs]
    options = (list(arguments), dict(env), str(Path.cwd()), streams)
    process = _CONTEXT.Process(target=_run, args=options)
    try:
        process.start()
    finally:
        for fd in theirs:
            os.close(fd)
    errors = None if ours_err is None else await _reader(ours_err)
    return Warm(process, await _writer(ours_in), await _reader(ours_out), errors)


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    return reader


async def _writer(fd: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(fd, "wb", 0)
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)


class _Descriptor:
    """A descriptor that goes to the new process, where it is a number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _detach, (reduction.DupFd(self.number),)


def _detach(duplicate: Any) -> int:
    return int(duplicate.detach())


def _run(arguments: list[str], env: dict[str, str], cwd: str, streams: list[int]) -> None:
    """In the new process: become the program."""
    from codextui.cli import main  # noqa: PLC0415 - not in the process that asks for it

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(0, "r", closefd=False),
        os.fdopen(1, "w", closefd=False),
        os.fdopen(2, "w", closefd=False),
    )
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.exit(main(arguments))
