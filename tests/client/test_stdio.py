"""Standard input and output as the wire: in a process of its own, with every kind of file."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

ECHO = """
import asyncio, os, sys
from codextui.client.stdio import standard_streams

async def main():
    async with standard_streams() as (reader, writer):
        print("a stray print", flush=True)
        os.write(1, b"a stray write\\n")
        assert os.read(0, 1) == b""
        async for line in reader:
            writer.write(line.upper())
            await writer.drain()

asyncio.run(main())
"""
LINES = b"".join(b'{"number": %d, "text": "%s"}\n' % (n, b"x" * (n % 900)) for n in range(5_000))
STRAY = b"a stray print\na stray write\n"


def echo(**files: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", ECHO], stderr=subprocess.PIPE, **files)  # type: ignore[call-overload] # the files are given by name


def test_pipes_carry_every_line_and_stray_output_goes_to_standard_error() -> None:
    process = echo(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, err = process.communicate(LINES, timeout=60)
    assert (process.returncode, out, err) == (0, LINES.upper(), STRAY)


def test_regular_files_work_too(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(LINES)
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as sink:
        process = echo(stdin=source, stdout=sink)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, STRAY)
    assert (tmp_path / "out").read_bytes() == LINES.upper()


def test_sockets_work_too() -> None:
    """As a program gets them that node starts."""
    (into, stdin), (out_of, stdout) = socket.socketpair(), socket.socketpair()
    process = echo(stdin=stdin, stdout=stdout)
    stdin.close()
    stdout.close()
    into.sendall(b"one\ntwo\n")
    into.shutdown(socket.SHUT_WR)
    out_of.settimeout(60)
    with into, out_of, out_of.makefile("rb") as answers:
        assert answers.read() == b"ONE\nTWO\n"
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_nothing_to_read_and_nowhere_to_write_to_is_an_end() -> None:
    process = echo(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_terminal_stays_as_it_is_for_the_others_on_it() -> None:
    ours, theirs = pty.openpty()
    process = echo(stdin=theirs, stdout=theirs)
    os.write(ours, b"by hand\n")
    seen = b""
    while b"BY HAND" not in seen:
        seen += os.read(ours, 1000)
    assert os.get_blocking(theirs)
    os.write(ours, b"\x04")
    process.communicate(timeout=60)
    assert process.returncode == 0
    os.close(ours)
    os.close(theirs)
