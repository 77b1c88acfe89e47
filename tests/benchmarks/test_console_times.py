"""How long a person waits: for the first frame, for a server with a long past, for a dialog."""

from __future__ import annotations

import asyncio
import functools
import statistics
import sys
import time
from pathlib import Path

import pytest
from benchmarks.conftest import Figures
from benchmarks.reader import Reader
from benchmarks.screens import memory_of
from e2e.conftest import PROGRAM, OpenTerminal, Serve, Served
from e2e.terminal import Terminal

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.config import paths
from codextui.demo import ModelRequest, Run, Say, Step

pytestmark = pytest.mark.benchmark

BARE = """
from textual.app import App
from textual.widgets import Footer, Label

class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Label("bare app")
        yield Footer()

Bare().run()
"""
RUNS = 5
ASKED = 4


def start_s(command: list[str], shows: str, env: dict[str, str] | None = None) -> float:
    """Seconds from the start of a program until it shows something."""
    began = time.perf_counter()
    with Terminal(command, env=env) as terminal:
        terminal.wait_for(shows, timeout=60)
        return time.perf_counter() - began


def test_the_first_frame_comes_soon(serve_fake: Served, figures: Figures, tmp_path: Path):
    """With cached bytecode, as after every installation."""
    console = [*PROGRAM, "-L", serve_fake.name]
    env = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    start_s(console, "connected", env)
    start_s([sys.executable, "-c", BARE], "bare app", env)
    bare, first, usable = [], [], []
    for _ in range(RUNS):
        bare.append(start_s([sys.executable, "-c", BARE], "bare app", env))
        first.append(start_s(console, "threads", env))
        usable.append(start_s(console, "connected", env))
    base = statistics.median(bare)
    ratio = statistics.median(first) / base
    connected = statistics.median(usable) / base
    figures("first frame ÷ a bare Textual app's", f"{ratio:.2f}", f"≤ 1.5; bare {base:.2f} s")
    figures("  connected ÷ a bare Textual app's first frame", f"{connected:.2f}")
    assert ratio < 10


def test_a_server_with_a_long_past_is_attached_to(
    serve_fake: Served, open_terminal: OpenTerminal, figures: Figures
):
    """100 threads of 200 items each."""
    began = time.perf_counter()
    empty = open_terminal("-L", serve_fake.name)
    empty.wait_for("connected")
    empty_s = time.perf_counter() - began
    empty_memory = memory_of(empty.process.pid)
    asyncio.run(make_history(serve_fake.name))
    began = time.perf_counter()
    terminal = open_terminal("-L", serve_fake.name)
    terminal.wait_for("threads  100", timeout=60)
    terminal.wait_for("item 199")
    seconds = time.perf_counter() - began
    memory = memory_of(terminal.process.pid)
    ratio, memory_ratio = seconds / empty_s, memory / (empty_memory or 1)
    more = f"≤ 2; {seconds - empty_s:.2f} s more"
    figures("100 threads of 200 items: all is there ÷ an empty server", f"{ratio:.2f}", more)
    figures("  the console's memory ÷", f"{memory_ratio:.2f}", f"≤ 2; {memory:.0f} MiB")
    assert ratio < 20
    assert memory_ratio < 4


async def make_history(server: str) -> None:
    reader = Reader()
    connect = functools.partial(open_socket, paths.socket_path(server))
    async with (
        asyncio.timeout(60),
        Connection(connect, name="benchmark", on_update=reader.take) as connection,
    ):
        for _ in range(100):
            reader.finished.clear()
            await connection.call("codex-start", {"prompt": "history"})
            await reader.finished.wait()


def test_an_approval_is_shown_and_answered_soon(
    serve: Serve, open_terminal: OpenTerminal, figures: Figures
):
    asked_again: list[float] = []

    def script(request: ModelRequest) -> list[Step]:
        if request.last_output is not None:
            asked_again.append(time.time())
        if request.number == ASKED:
            return [Say("Thank you.")]
        return [Run("true", escalate=True, justification=f"to be timed: {request.number}")]

    served = serve(script)
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("connected")
    served.start_thread("ask me")
    shown, pressed = [], []
    for number in range(ASKED):
        terminal.wait_for(f"to be timed: {number}")
        now = time.time()
        shown.append(1000 * (now - float(str(served.run("approvals")["asked_at"]))))
        terminal.wait_for("keys ready")
        pressed.append(time.time())
        terminal.press("y")
        terminal.wait_until(lambda: len(asked_again) == len(pressed), "Codex asks the model again")
    back = [1000 * (told - key) for told, key in zip(asked_again, pressed, strict=True)]
    first, rest = shown[0], statistics.median(shown[1:])
    what = "approval: the server is asked → the dialog is up"
    figures(what, f"{rest:.0f} ms", f"≤ 100 ms; the first one {first:.0f} ms")
    figures("  key → the command has run", f"{statistics.median(back):.0f} ms", "with Codex's part")
    assert max(*shown, *back) < 10_000
