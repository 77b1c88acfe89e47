"""What streaming costs, and what a key waits for: at 20 panes, and at 100 threads of the console.

Each is a process that writes its output to a pty. Figures are ratios to those of a bare Textual
app, which is measured in the same way just before.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from benchmarks.conftest import Figures
from benchmarks.live_screens import DELTAS_S, PANES, THREADS
from benchmarks.screens import Measured

pytestmark = pytest.mark.benchmark

SECONDS = float(os.environ.get("CODEXTUI_BENCHMARK_SECONDS", "4"))
COLUMNS, LINES = 160, 45


def measure(module: str, arguments: list[str], seconds: float, folder: Path) -> Measured:
    """Run a program of this folder on a pty, and read all of its output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    result = folder / "measured.json"
    program = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with (
        subprocess.Popen(
            [*program, str(seconds), str(result)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "HOME": str(folder), "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        os.close(theirs)
        reader = threading.Thread(target=drain, args=[ours])
        reader.start()
        _, errors = process.communicate(timeout=150 + seconds)
        reader.join()
    os.close(ours)
    assert process.returncode == 0, errors.decode(errors="replace")[-2_000:]
    return Measured(**json.loads(result.read_text(encoding="utf-8")))


def drain(pty_fd: int) -> None:
    """Read until the other side is closed."""
    with contextlib.suppress(OSError):
        while os.read(pty_fd, 65_536):
            pass


def report(what: str, live: Measured, bare: Measured, figures: Figures) -> None:
    """Tell the figures, and hold bounds that a machine with other work stays below as well."""
    frames = live.frames / bare.frames
    wait = live.wait(0.5) / bare.wait(0.5)
    first_frame = live.first_frame / bare.first_frame
    memory = live.memory / (bare.memory or 1)
    p95 = f"p95 {live.wait(0.95):.0f} ms ≤ 30 ms"
    figures(f"{what}: frames ÷ a bare app's", f"{frames:.2f}", f"≥ 0.8; {live.frames:.0f}/s")
    figures("  key → screen ÷", f"{wait:.1f}", f"p50 {live.wait(0.5):.0f} ms, {p95}")
    figures("  first frame ÷, in time of a core", f"{first_frame:.2f}", "≤ 2.5")
    figures("  memory ÷", f"{memory:.2f}", f"≤ 2; {live.memory:.0f} MiB")
    written = f"{live.written:.0f} KiB/s written to the terminal"
    figures("  part of a core", f"{live.core:.0%}", f"≤ 60 %; {written}")
    assert live.is_complete
    assert live.sent > 0
    assert live.written > 0
    assert frames > 0.02
    assert wait < 200
    assert first_frame < 8
    assert memory < 4


def test_what_streams_is_drawn_at_twenty_panes_and_at_a_hundred_threads(
    figures: Figures, tmp_path: Path
) -> None:
    bare = measure("screens", [], SECONDS / 2, tmp_path)
    panes = measure("live_screens", ["panes"], SECONDS, tmp_path)
    report(f"{PANES} panes, {DELTAS_S} deltas/s", panes, bare, figures)
    threads = measure("live_screens", ["threads"], SECONDS, tmp_path)
    report(f"{THREADS} threads, {DELTAS_S} deltas/s", threads, bare, figures)
