"""Twenty panes, each with a hundred deltas a second: what it costs, and what a key waits for."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field

import pytest
from benchmarks.conftest import Figures
from benchmarks.counting_driver import CountingDriver
from console.model.events import find_item
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import Static

from codextui.console.model.items import AgentMessage
from codextui.console.model.state import ConsoleState
from codextui.console.widgets.drawing import FRAME_INTERVAL, Pacer
from codextui.console.widgets.pane_context import PaneContext, palettes_from
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.protocol.events import Event, ItemStarted, Msg, TextDelta, ThreadChanged, TurnStarted
from codextui.protocol.threads import ThreadInfo, ThreadState

pytestmark = pytest.mark.benchmark

PANES = 20
DELTAS_S = 100
WARM_UP_S = 1.0
SECONDS = float(os.environ.get("CODEXTUI_BENCHMARK_SECONDS", "4"))

TEXT = """\
## A heading of a part

A paragraph with **bold**, *italic* and `code`, long enough to be wrapped in every pane that is \
on the screen now.

- a point of a list
- another point, which is longer than the first one and will be wrapped as well

```python
def tally(text):
    return Counter(WORD.findall(text))
```

"""

DELTAS = [TEXT[at : at + 5] for at in range(0, len(TEXT), 5)]


@dataclass
class Feed:
    """Deltas for every pane, as the wire brings them."""

    board: ConsoleState = field(default_factory=ConsoleState)
    seq: int = 0
    sent: int = 0

    def apply(self, thread_id: str, msg: Msg) -> None:
        self.seq += 1
        self.board.apply(Event(self.seq, thread_id, "u", 0.0, msg))

    def open(self, thread_id: str) -> None:
        info = ThreadInfo(thread_id, thread_id, ThreadState.RUNNING, cwd="/w", model="m")
        self.apply(thread_id, ThreadChanged(info))
        self.apply(thread_id, TurnStarted())
        self.apply(thread_id, ItemStarted({"id": "i", "type": "agentMessage", "text": ""}))

    def stream(self, count: int) -> None:
        """Gives every thread its next deltas, of some five characters each."""
        for _ in range(count):
            delta = DELTAS[self.sent % len(DELTAS)]
            for thread_id in self.board.threads:
                self.apply(thread_id, TextDelta("i", delta))
            self.sent += 1


class Typed(App[None]):
    """Shows the count of a key that is pressed again as soon as its count was seen."""

    def __init__(self) -> None:
        super().__init__(driver_class=CountingDriver)
        self.typed = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="keys")

    def on_mount(self) -> None:
        self.set_interval(0.05, self.type)

    @property
    def driver(self) -> CountingDriver:
        assert isinstance(self._driver, CountingDriver)
        return self._driver

    def type(self) -> None:
        if not self.driver.expected:
            self.driver.press("p", f"key{self.typed:05}")

    def key_p(self) -> None:
        self.query_one("#keys", Static).update(f"key{self.typed:05}")
        self.typed += 1


class Bare(Typed):
    """What Textual itself does: one line that changes in every frame."""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Static("", id="tick")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(FRAME_INTERVAL, self.tick)

    def tick(self) -> None:
        self.query_one("#tick", Static).update(str(time.perf_counter()))


class Panes(Typed):
    """Twenty panes."""

    CSS = "Grid { grid-size: 5 4; } #keys { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed()
        for number in range(PANES):
            self.feed.open(f"t{number}")
        self.pacer = Pacer(resume=lambda: None, pause=lambda: None)

    def compose(self) -> ComposeResult:
        board = self.feed.board
        context = PaneContext(palettes_from(self.theme_variables), board.state_of, lambda: 0.0)
        self.panes = [
            TranscriptPane(context, view, number)
            for number, view in enumerate(board.threads.values(), start=1)
        ]
        yield Grid(*self.panes)
        yield from super().compose()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(FRAME_INTERVAL, self.pacer.tick)
        self.began = time.perf_counter()
        self.set_interval(1 / 50, self.stream)

    def stream(self) -> None:
        """Catches up with the clock, so that a slow app gets as many deltas as a fast one."""
        self.feed.stream(int((time.perf_counter() - self.began) * DELTAS_S) - self.feed.sent)
        for pane in self.panes:
            self.pacer.mark_dirty(pane)


@dataclass(frozen=True)
class Measured:
    """Frames a second, part of a core, and sorted waits from a key to the screen, in ms."""

    frames: float
    core: float
    waits: list[float]

    def wait(self, part: float) -> float:
        return self.waits[int(len(self.waits) * part)]


async def measure(app: Typed, seconds: float) -> Measured:
    """Runs an app for so long, and looks at it after its start."""
    measured: list[Measured] = []

    async def look() -> None:
        await asyncio.sleep(WARM_UP_S)
        driver = app.driver
        driver.seen_after.clear()
        frames, cpu, wall = driver.frames, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        wall = time.perf_counter() - wall
        cpu = time.process_time() - cpu
        waits = sorted(1000 * wait for wait in driver.seen_after)
        measured.append(Measured((driver.frames - frames) / wall, cpu / wall, waits))
        app.exit()

    app.call_later(lambda: app.run_worker(look()))
    async with asyncio.timeout(60 + seconds):
        await app.run_async(size=(160, 45))
    return measured[0]


async def test_twenty_panes_stream(figures: Figures):
    bare = await measure(Bare(), SECONDS / 2)
    app = Panes()
    panes = await measure(app, SECONDS)
    what = f"{PANES} panes x {DELTAS_S} deltas/s"
    of_bare = f"≥ 50; {panes.frames / bare.frames:.2f} of a bare app's"
    figures(f"{what}: frames/s", f"{panes.frames:.0f}", of_bare)
    figures("  part of a core", f"{panes.core:.0%}", "≤ 60 %")
    waits = f"{panes.wait(0.5):.0f} / {panes.wait(0.95):.0f} ms"
    bare_waits = f"{bare.wait(0.5):.0f} / {bare.wait(0.95):.0f} ms"
    figures("  key → screen, p50 / p95", waits, f"p95 ≤ 30 ms; a bare app's {bare_waits}")
    assert app.feed.sent >= SECONDS * DELTAS_S
    assert panes.frames > 1
    text = "".join(DELTAS[number % len(DELTAS)] for number in range(app.feed.sent))
    for view in app.feed.board.threads.values():
        item = find_item(view.transcript, "u", "i")
        assert item is not None
        assert isinstance(item.content, AgentMessage)
        assert item.content.text.text == text
