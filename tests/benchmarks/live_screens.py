"""Panes and the console while threads stream, as programs on a pty.

    python -m benchmarks.live_screens panes|threads SECONDS RESULT

writes what was measured to the file RESULT, as JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.counting_driver import CountingDriver
from benchmarks.screens import FRAME_INTERVAL, KEY_INTERVAL, Subject, Typed, driver_of, run
from console.model.events import find_item
from console.screens.console import build_console
from textual.app import ComposeResult
from textual.containers import Grid

from codextui.client.updates import EventReceived
from codextui.console.model.items import AgentMessage
from codextui.console.model.state import ConsoleState
from codextui.console.widgets.drawing import Pacer
from codextui.console.widgets.pane_context import PaneContext, palettes_from
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.protocol.events import Event, ItemStarted, Msg, TextDelta, ThreadChanged, TurnStarted
from codextui.protocol.threads import ThreadInfo, ThreadState

PANES = 20
THREADS = 100
DELTAS_S = 2_000
"""Deltas a second, of all threads together."""

ALPHABET = "abcdefghjkmnopqrstuvwxyz"

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
    """Threads that stream, as the wire brings them, whatever the app manages to draw.

    Attributes:
        publish: gets the events.
        threads: the number of threads.
        sent: deltas that each thread has got.
    """

    publish: Callable[[Event], object]
    threads: int
    sent: int = 0
    began: float = 0.0
    _seq: int = 0

    def open(self) -> None:
        """Start the threads; each has a message that grows."""
        for number in range(self.threads):
            self._say(number, ThreadChanged(_thread(number)), "")
            self._say(number, TurnStarted())
            self._say(number, ItemStarted({"id": "i", "type": "agentMessage", "text": ""}))

    def stream(self) -> None:
        """Catch up with the clock, so that a slow app gets as many deltas as a fast one."""
        self.began = self.began or time.perf_counter()
        due = int((time.perf_counter() - self.began) * DELTAS_S / self.threads)
        for sent in range(self.sent, due):
            for number in range(self.threads):
                self._say(number, TextDelta("i", DELTAS[sent % len(DELTAS)]))
        self.sent = due

    def is_complete(self, state: ConsoleState) -> bool:
        """Return whether the state has all that was sent."""
        text = "".join(DELTAS[number % len(DELTAS)] for number in range(self.sent))
        messages = [find_item(view.transcript, "u", "i") for view in state.threads.values()]
        contents = [item.content for item in messages if item is not None]
        return len(contents) == self.threads and all(
            isinstance(content, AgentMessage) and content.text.text == text for content in contents
        )

    def _say(self, number: int, msg: Msg, turn_id: str = "u") -> None:
        self._seq += 1
        self.publish(Event(self._seq, f"t{number}", turn_id, 0.0, msg))


def _thread(number: int) -> ThreadInfo:
    thread_id = f"t{number}"
    return ThreadInfo(thread_id, thread_id, ThreadState.RUNNING, cwd="/w", model="m")


class Panes(Typed):
    """Twenty panes."""

    CSS = "Grid { grid-size: 5 4; } #keys { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.state = ConsoleState()
        self.feed = Feed(self.state.apply, PANES)
        self.feed.open()
        self.pacer = Pacer(resume=lambda: None, pause=lambda: None)

    def compose(self) -> ComposeResult:
        context = PaneContext(palettes_from(self.theme_variables), self.state.state_of, lambda: 0.0)
        self.panes = [
            TranscriptPane(context, view, number)
            for number, view in enumerate(self.state.threads.values(), start=1)
        ]
        yield Grid(*self.panes)
        yield from super().compose()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(FRAME_INTERVAL, self.pacer.tick)
        self.set_interval(1 / 50, self.stream)

    def stream(self) -> None:
        self.feed.stream()
        for pane in self.panes:
            self.pacer.mark_dirty(pane)


class LiveSubject(Subject):
    """An app with threads that stream.

    Attributes:
        state: the threads it shows.
        feed: what streams.
    """

    state: ConsoleState
    feed: Feed

    def describe(self) -> dict[str, Any]:
        return {"sent": self.feed.sent, "is_complete": self.feed.is_complete(self.state)}


class PanesSubject(LiveSubject):
    """Twenty panes."""

    def __init__(self) -> None:
        self.app = panes = Panes()
        self.state, self.feed = panes.state, panes.feed


class ThreadsSubject(LiveSubject):
    """The console itself with a hundred threads, in whose composer somebody types."""

    def __init__(self) -> None:
        self._console = build_console()
        self.app = self._console.app
        self.app.driver_class = CountingDriver
        self.state = self._console.app.state
        self.feed = Feed(self._publish, THREADS)
        self._typed = ""

    async def load(self) -> None:
        """Connect, start the threads, open the composer, and stream."""
        server = self._console.server
        await server.ran.wait()
        server.connect()
        server.catch_up()
        self.feed.open()
        driver = driver_of(self.app)
        driver.has_first_frame.clear()
        await asyncio.wait_for(driver.has_first_frame.wait(), 60)
        driver.press("r", "")
        self.app.set_interval(KEY_INTERVAL, self._type)
        self.app.set_interval(1 / 50, self.feed.stream)

    def _publish(self, event: Event) -> None:
        self._console.server.on_update(EventReceived(event))

    def _type(self) -> None:
        """Type the next letter when the last one is there; the last eight are nowhere else."""
        if not driver_of(self.app).expected:
            self._typed += ALPHABET[len(self._typed) % len(ALPHABET)]
            driver_of(self.app).press(self._typed[-1], self._typed[-8:])


SUBJECTS: dict[str, Callable[[], Subject]] = {"panes": PanesSubject, "threads": ThreadsSubject}

if __name__ == "__main__":
    run(SUBJECTS[sys.argv[1]], *sys.argv[2:])
