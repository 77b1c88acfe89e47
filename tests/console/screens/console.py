"""A console on a fake server: updates go in, calls come out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from console.screens.dialog_host import on_screen
from msgspec import structs
from textual import events
from textual.geometry import Region
from textual.keys import _character_to_key, key_to_character
from textual.pilot import Pilot
from textual.widget import Widget

from codextui.client.updates import (
    ApprovalOffered,
    CaughtUp,
    Connected,
    ConnectionUpdate,
    Disconnected,
    EventReceived,
)
from codextui.config.schema import Config, UiConfig
from codextui.console.app import ConsoleApp
from codextui.console.drafts import Drafts
from codextui.console.first_steps import Inspect
from codextui.console.widgets.drawing import FRAME_INTERVAL
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, Asked, CommandAsked
from codextui.protocol.decisions import Decision
from codextui.protocol.frames import Frame
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

NOW = 1_780_000_000.0
"""Unix seconds at which every test happens."""


@dataclass
class FakeServer:
    """A server on which only happens what the test makes happen.

    Attributes:
        calls: every tool called, with its arguments.
        answers: every decision.
        results: what a tool returns, by name.
        failures: what a tool, or `answer`, raises, by name.
        gates: what a tool or a request of MCP waits for, by name.
    """

    on_update: Callable[[ConnectionUpdate], None]
    calls: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    answers: list[tuple[str, Decision]] = field(default_factory=list)
    results: dict[str, dict[str, object]] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    threads: dict[str, ThreadInfo] = field(default_factory=dict)
    retries: int = 0
    requests: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    on_frames: Callable[[Sequence[Frame], int], None] | None = None
    clock: float = NOW
    ran: asyncio.Event = field(default_factory=asyncio.Event)
    _seq: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def run(self) -> None:
        self.ran.set()
        await asyncio.Event().wait()

    async def call(self, tool: str, arguments: JsonObject) -> Mapping[str, object]:
        self.calls.append((tool, dict(arguments)))
        if tool in self.gates:
            await self.gates[tool].wait()
        if tool in self.failures:
            raise self.failures[tool]
        if tool in self.gates:
            await self.gates[tool].wait()
        return self.results.get(tool, {})

    async def answer(self, approval_id: str, decision: Decision) -> None:
        self.answers.append((approval_id, decision))
        if "answer" in self.failures:
            raise self.failures["answer"]

    def retry(self) -> None:
        self.retries += 1

    async def inspect(self, on_frames: Callable[[Sequence[Frame], int], None]) -> None:
        """Hand over what the test sends with `frames`, until the inspector is closed."""
        if "inspect" in self.failures:
            raise self.failures["inspect"]
        self.on_frames = on_frames
        on_frames((), 0)
        try:
            await asyncio.Event().wait()
        finally:
            self.on_frames = None

    async def request(self, method: str, params: JsonObject) -> Mapping[str, object]:
        self.requests.append((method, dict(params)))
        if method in self.failures:
            raise self.failures[method]
        if method in self.gates:
            await self.gates[method].wait()
        return self.results.get(method, {})

    # What happens on the server.

    def connect(self, *, fresh: bool = True) -> None:
        self.on_update(Connected("epoch", "codextui 0.1.0", fresh))

    def catch_up(self) -> None:
        self.on_update(CaughtUp(0))

    def disconnect(
        self, reason: str = "the server went away", retry_in: float = 1.0, *, ended: bool = False
    ) -> None:
        self.on_update(Disconnected(reason, retry_in, ended))

    def say(self, thread_id: str, msg: ev.Msg, turn_id: str = "u1") -> None:
        self.on_update(
            EventReceived(ev.Event(next(self._seq), thread_id, turn_id, self.clock, msg))
        )

    def thread(self, handle: str, state: ThreadState = ThreadState.IDLE, **more: object) -> str:
        """Add or change a thread, and return its id, which is `t-` and the handle."""
        thread_id = f"t-{handle}"
        info = self.threads.get(thread_id) or ThreadInfo(
            thread_id,
            handle,
            state,
            cwd="/home/ada/shop",
            branch="main",
            model="gpt-5.5",
            sandbox="workspace-write",
            approval_policy="on-request",
            created_at=NOW - 600,
        )
        started = NOW - 42 if state.has_turn else None
        info = structs.replace(info, state=state, turn_started_at=started, **more)  # type: ignore[arg-type]
        self.threads[thread_id] = info
        self.say(thread_id, ev.ThreadChanged(info), "")
        return thread_id

    def running(self, handle: str, **more: object) -> str:
        """Add a thread with a running turn and a message that has started."""
        thread_id = self.thread(handle, ThreadState.RUNNING, turn_id="u1", **more)
        self.say(thread_id, ev.TurnStarted())
        self.say(thread_id, ev.ItemStarted({"type": "agentMessage", "id": "m1", "text": ""}))
        return thread_id

    def text(self, thread_id: str, delta: str, item_id: str = "m1") -> None:
        self.say(thread_id, ev.TextDelta(item_id, delta))

    def item(self, thread_id: str, item: Mapping[str, object], turn_id: str = "u1") -> None:
        self.say(thread_id, ev.ItemCompleted(item), turn_id)

    def ask(self, thread_id: str, approval_id: str, asked: Asked | None = None) -> Approval:
        """Open an approval of a thread, and offer it to the console."""
        approval = Approval(
            approval_id,
            thread_id,
            "u1",
            f"item-{approval_id}",
            self.threads[thread_id].handle,
            NOW - 14,
            asked or CommandAsked("pytest -q tests", cwd="/home/ada/shop"),
        )
        self.thread(approval.handle, ThreadState.NEEDS_INPUT, waits_for="approval")
        self.say(thread_id, ev.ApprovalAsked(approval))
        self.on_update(ApprovalOffered(approval))
        return approval

    def resolve(self, approval: Approval, outcome: str = "approved", by: str = "other") -> None:
        resolved = ev.ApprovalResolved(approval.approval_id, outcome, by=by, waited=14)
        self.say(approval.thread_id, resolved)
        self.thread(approval.handle, ThreadState.RUNNING, waits_for="")


@dataclass
class Console:
    """An app and its fake server."""

    app: ConsoleApp
    server: FakeServer

    @asynccontextmanager
    async def open(
        self, size: tuple[int, int] = (160, 45), *, toasts: bool = False
    ) -> AsyncIterator[Pilot[int]]:
        """Run the app, connected to a server without threads."""
        async with self.app.run_test(size=size, notifications=toasts) as pilot:
            async with asyncio.timeout(60):
                await self.server.ran.wait()
            self.server.connect()
            self.server.catch_up()
            await self.settle()
            yield pilot

    async def settle(self) -> None:
        """Wait until everything is drawn."""
        pilot = Pilot(self.app)
        async with asyncio.timeout(60):
            await pilot.pause()
            while self.app.main._pacer._queue:
                await pilot.pause(FRAME_INTERVAL)
            await pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys, and wait for their effects."""
        for key in keys:
            await Pilot(self.app).press(key)
            await self.settle()

    async def swiftly(self, *keys: str) -> None:
        """Press keys, and wait until all messages are handled, but for nothing that takes time."""
        for key in keys:
            name = key if len(key) > 1 or key.isalnum() else _character_to_key(key)
            self.app.post_message(events.Key(name, key_to_character(name)))
            await self.handled()
        await self.handled()

    async def handled(self) -> None:
        """Wait until all messages are handled, and draw what is due."""
        for _ in range(3):
            await Pilot(self.app)._wait_for_screen(60)
            self.app.main._pacer.tick()

    async def until(self, words: str) -> None:
        """Wait until a text is on the screen."""
        async with asyncio.timeout(60):
            while words not in self.shown():
                await asyncio.sleep(0.05)
                await self.settle()

    async def when_shown(self, words: str) -> None:
        """Wait until a text is on the screen, and all messages are handled."""
        await self.when(lambda: words in self.shown())

    async def when(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, and all messages are handled."""
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.01)
                await self.handled()
        await self.handled()

    def shown(self) -> str:
        """Return the screen, a line per row."""
        return on_screen(self.app)

    def pane(self, thread_id: str) -> TranscriptPane:
        """Return the pane of a thread."""
        pane = self.app.main.workbench.grid.pane_of(thread_id)
        assert pane is not None, f"{thread_id} has no pane"
        return pane

    def panes(self) -> list[str]:
        """Return the ids of the threads with a visible pane, in order."""
        return [place.thread_id for place in self.app.main.workbench.grid.tiles if place.display]

    @property
    def current(self) -> str:
        """The id of the current thread."""
        return self.app.main.workbench.current

    def notices(self) -> list[str]:
        """Return the texts of all notices."""
        return [notification.message for notification in self.app._notifications]

    def called(self, tool: str) -> list[dict[str, object]]:
        return [arguments for name, arguments in self.server.calls if name == tool]


def build_console(
    *,
    layout: int = 9,
    theme: str = "harbour",
    config: Config | None = None,
    folder: str = "",
    drafts: Drafts | None = None,
    config_path: Path | None = None,
    inspect: Inspect | None = None,
    is_first_time: bool = False,
) -> Console:
    """Build a console with a fixed clock."""
    servers: list[FakeServer] = []

    def connect(on_update: Callable[[ConnectionUpdate], None]) -> FakeServer:
        servers.append(FakeServer(on_update))
        return servers[0]

    app = ConsoleApp(
        "default",
        connect,
        config=config or Config(ui=UiConfig(theme=theme, layout=layout, bell=False)),
        now=lambda: NOW,
        home="/home/ada",
        folder=folder,
        drafts=drafts,
        config_path=config_path,
        inspect=inspect,
        is_first_time=is_first_time,
        typing_pause=3600,  # no dialog may open because the machine is slow
        notice_delay=0,
    )
    return Console(app, servers[0])


def text_of(widget: Widget) -> str:
    """Return the content of a widget, a line per row, without trailing spaces."""
    strips = widget.render_lines(Region(0, 0, widget.size.width, widget.size.height))
    return "\n".join(strip.text.rstrip() for strip in strips)


def usage(total: int) -> Usage:
    return Usage(total=total, input=total // 2, output=total // 2)
