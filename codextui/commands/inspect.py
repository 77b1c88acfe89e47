"""`codextui inspect`: the frames of the server's connections as they flow."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

from codextui.client.capture import CaptureWriter, capture_header, frame_to_json
from codextui.client.session import ClientSession
from codextui.client.spawn import open_socket
from codextui.commands.call import CLIENT_NAME, find_socket
from codextui.commands.output import print_json, print_line, print_note
from codextui.console.model.frames import (
    FilterInvalid,
    FrameFilter,
    FrameLog,
    Term,
    parse_filter,
)
from codextui.console.render.frames import describe_line
from codextui.errors import ConfigInvalid, MessageInvalid, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.extensions import FRAMES_METHOD
from codextui.protocol.frames import Frame
from codextui.protocol.threads import ThreadInfo

_Batch: TypeAlias = tuple[Sequence[Frame], int]


def inspect_frames(options: argparse.Namespace) -> int:
    """Print frames until interrupted."""
    try:
        wanted = parse_filter(options.filter or "")
    except FilterInvalid as error:
        raise ConfigInvalid(f"--filter: {error}") from error
    return asyncio.run(_inspect(options, wanted))


async def _inspect(options: argparse.Namespace, wanted: FrameFilter) -> int:
    path = await find_socket(options, start=False)
    batches: asyncio.Queue[_Batch] = asyncio.Queue()

    def take(method: str, params: JsonObject) -> None:
        if method == FRAMES_METHOD:
            batches.put_nowait(_read_batch(params))

    try:
        streams = await open_socket(path)
    except OSError as error:
        raise ServerUnreachable(f"the server cannot be reached: {error}") from error
    async with ClientSession(streams, on_notification=take) as session:
        await session.initialize(CLIENT_NAME, supervise=True, decide=False)
        names = await _thread_names(session, options)
        if options.thread:
            wanted = FrameFilter((*wanted.terms, Term("thread", next(iter(names)))))
        with ExitStack() as stack:
            printer = _Printer(options, wanted, names, stack.enter_context(_saving(options)))
            tasks = {
                asyncio.create_task(session.inspect()),
                asyncio.create_task(printer.print_all(batches)),
            }
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            for task in done:
                task.result()
    return 0


async def _thread_names(session: ClientSession, options: argparse.Namespace) -> dict[str, str]:
    """Return the handles of threads by id: of the one that is asked for, or of all."""
    arguments: JsonObject = {"thread": options.thread} if options.thread else {"all": True}
    result = await session.call_tool("codex-threads", arguments)
    threads = [ThreadInfo.from_json(row) for row in fields.objects(result, "threads")]
    return {thread.thread_id: thread.handle for thread in threads}


@contextmanager
def _saving(options: argparse.Namespace) -> Iterator[CaptureWriter | None]:
    """Write a capture where that is wanted, and say how much it has."""
    path: Path | None = options.save
    if path is None:
        yield None
        return
    try:
        writer = CaptureWriter(path, options.server)
    except FileExistsError as error:
        raise ConfigInvalid(f"{path} exists already; a capture is a new file") from error
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error.strerror or error}") from error
    with writer:
        try:
            yield writer
        finally:
            print_note(f"{writer.count} frames saved in {path}")


class _Printer:
    """Prints the frames that fit, and writes them to a capture."""

    def __init__(
        self,
        options: argparse.Namespace,
        wanted: FrameFilter,
        names: dict[str, str],
        writer: CaptureWriter | None,
    ) -> None:
        self._options = options
        self._wanted = wanted
        self._names = names
        self._writer = writer
        self._log = FrameLog()

    async def print_all(self, batches: asyncio.Queue[_Batch]) -> None:
        """Print batches until cancelled."""
        if self._options.json:
            print_json(capture_header(self._options.server))
        while True:
            frames, lost = await batches.get()
            self._print(frames, lost)

    def _print(self, frames: Sequence[Frame], lost: int) -> None:
        if lost:
            print_note(f"{lost} frames were lost: they came faster than they could be read")
        shown: list[Frame] = []
        for entry in self._log.add(frames, lost):
            if not self._wanted.fits(entry, self._name_of):
                continue
            shown.append(entry.frame)
            if self._options.json:
                print_json(frame_to_json(entry.frame))
            else:
                print_line(describe_line(entry, self._name_of, time.time()))
        if self._writer is not None:
            self._writer.write(shown)
        sys.stdout.flush()

    def _name_of(self, thread_id: str) -> str:
        return self._names.get(thread_id, thread_id)


def _read_batch(params: JsonObject) -> _Batch:
    try:
        frames = [Frame.from_json(frame) for frame in fields.objects(params, "frames")]
        return frames, fields.integer_or(params, "lost")
    except MessageInvalid:
        return (), 1
