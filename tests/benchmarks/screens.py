"""A bare Textual app as a program on a pty, and how it and others like it are measured there.

    python -m benchmarks.screens SECONDS RESULT

writes what was measured to the file RESULT, as JSON. Nothing of the console is imported here.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.counting_driver import CountingDriver
from textual.app import App, ComposeResult
from textual.widgets import Static

FRAME_INTERVAL = 1 / 60
KEY_INTERVAL = 0.05
WARM_UP_S = 1.0


@dataclass(frozen=True)
class Measured:
    """What a screen costs.

    Attributes:
        first_frame: seconds of a core from the start of the process to the first frame.
        frames: frames a second.
        core: part of a core.
        waits: sorted milliseconds from a key to its effect in the output.
        memory: the most memory that the process had, in MiB.
        written: KiB a second that were written to the terminal.
        sent: deltas that each thread got.
        is_complete: whether each thread has the text of all of its deltas.
    """

    first_frame: float
    frames: float
    core: float
    waits: list[float]
    memory: float
    written: float
    sent: int = 0
    is_complete: bool = True

    def wait(self, part: float) -> float:
        """Return the wait that this part of the keys did not exceed."""
        return self.waits[int(len(self.waits) * part)]


class Typed(App[None]):
    """Shows the count of a key that is pressed again as soon as its count was seen."""

    CSS = "#keys { height: 1; }"

    def __init__(self) -> None:
        super().__init__(driver_class=CountingDriver)
        self.typed = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="keys")

    def on_mount(self) -> None:
        self.set_interval(KEY_INTERVAL, self.type)

    def type(self) -> None:
        if not driver_of(self).expected:
            driver_of(self).press("p", f"key{self.typed:05}")

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


def driver_of(app: App[Any]) -> CountingDriver:
    """Return the driver of a running app."""
    assert isinstance(app._driver, CountingDriver)
    return app._driver


def memory_of(process: str | int = "self") -> float:
    """Return the most MiB that a process had; 0 where the system does not say."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


class Subject:
    """An app that is measured.

    Attributes:
        app: the app.
    """

    app: App[Any]

    async def load(self) -> None:
        """Show what is to be shown, once the app runs."""

    def describe(self) -> dict[str, Any]:
        """Return what else was measured, when the app has been looked at."""
        return {}


class BareSubject(Subject):
    """The bare app."""

    def __init__(self) -> None:
        self.app = Bare()


async def _measure(subject: Subject, seconds: float) -> Measured:
    measured: list[Measured] = []

    async def look() -> None:
        await subject.load()
        await asyncio.sleep(WARM_UP_S)
        driver = driver_of(subject.app)
        driver.forget_keys()
        frames, written = driver.frames, driver.written
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        await driver.has_keys.wait()
        wall = time.perf_counter() - wall
        measured.append(
            Measured(
                first_frame=driver.first_frame,
                frames=(driver.frames - frames) / wall,
                core=(time.process_time() - cpu) / wall,
                waits=sorted(1000 * wait for wait in driver.seen_after),
                memory=memory_of(),
                written=(driver.written - written) / wall / 1024,
                **subject.describe(),
            )
        )
        subject.app.exit()

    subject.app.call_later(lambda: subject.app.run_worker(look()))
    async with asyncio.timeout(120 + seconds):
        await subject.app.run_async()
    return measured[0]


def run(create: Callable[[], Subject], seconds: str, result: str) -> None:
    """Measure an app for so many seconds after its start, and write it to a file."""
    measured = asyncio.run(_measure(create(), float(seconds)))
    Path(result).write_text(json.dumps(asdict(measured)), encoding="utf-8")


if __name__ == "__main__":
    run(BareSubject, *sys.argv[1:])
