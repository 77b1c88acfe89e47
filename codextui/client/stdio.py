"""Standard input and output as asyncio streams that carry a protocol and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from codextui.jsonrpc.lines import READ_AHEAD, Streams


@asynccontextmanager
async def standard_streams() -> AsyncIterator[Streams]:
    """Yield standard input and output as streams.

    Meanwhile and afterwards, other code reads nothing from standard input, and what it prints goes
    to standard error. At the end, waits up to five seconds for what was written to be read.
    """
    source, sink = os.dup(0), os.dup(1)
    _divert()
    threads: list[threading.Thread] = []
    if not _is_pipe(source):
        source = _copy_from(source)
    if not _is_pipe(sink):
        sink, thread = _copy_to(sink)
        threads.append(thread)
    reader, read_end = await _open_reader(source)
    writer = await _open_writer(sink)
    try:
        yield reader, writer
    finally:
        read_end.close()
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await writer.wait_closed()
                for thread in threads:
                    await asyncio.to_thread(thread.join)


def _divert() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)


def _is_pipe(descriptor: int) -> bool:
    """Return whether asyncio can poll a descriptor.

    A terminal counts as none: making it non-blocking would affect every other program on it.
    """
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


async def _open_reader(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader(limit=READ_AHEAD)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport


async def _open_writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
        os.fdopen(descriptor, "wb", buffering=0),
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)


def _copy_from(source: int) -> int:
    """Return a pipe into which a thread copies a file or terminal."""
    read_end, write_end = os.pipe()
    threading.Thread(target=_copy, args=(source, write_end), daemon=True).start()
    return read_end


def _copy_to(sink: int) -> tuple[int, threading.Thread]:
    read_end, write_end = os.pipe()
    thread = threading.Thread(target=_copy, args=(read_end, sink), daemon=True)
    thread.start()
    return write_end, thread


def _copy(source: int, target: int) -> None:
    """Copy until the source ends or the target is closed."""
    with contextlib.suppress(OSError):
        while data := os.read(source, _CHUNK):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(target, rest) :]
    os.close(source)
    os.close(target)


_CHUNK = 64 * 1024
_FLUSH_S = 5.0
