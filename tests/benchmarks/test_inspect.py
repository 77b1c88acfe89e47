"""What the inspector costs: closed ÷ without its taps, and open ÷ closed."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator

import pytest
from benchmarks.conftest import Figures
from benchmarks.test_jsonrpc import Nowhere, notification

from codextui.jsonrpc.endpoint import Endpoint
from codextui.protocol.frames import MCP
from codextui.server.events.frames import FrameHub
from codextui.server.transports.stream import StreamChannel
from codextui.text.secrets import mask_text

pytestmark = pytest.mark.benchmark

FRAMES = 4_000
ROUNDS = 60
MOST_CLOSED, MOST_OPEN = 2.0, 20.0
"""Ratios that no busy machine makes of those that are aimed at."""
"""Short rounds, and many: other programs disturb some of them."""

LINES = [notification(number).rstrip() for number in range(FRAMES)]


@pytest.fixture(autouse=True)
def without_garbage_collection() -> Iterator[None]:
    """Keep collections from falling into the rounds of one side only."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class UntappedEndpoint(Endpoint):
    """An endpoint without the checks for a watcher."""

    def receive(self, line: bytes) -> None:
        if self.closed.done():
            return
        self.frames_received += 1
        try:
            self._dispatch(line)
        except Exception:  # noqa: BLE001 - as in Endpoint
            pytest.fail("a handler failed")

    def _send(self, frame: bytes) -> bool:
        return not self.closed.done() and self._transport.send(frame)


class UntappedChannel(StreamChannel):
    """A channel without the checks for a watcher."""

    def _watch(self, data: bytes, *, sent: bool) -> None:
        return


class NoWriter:
    """A stream that takes everything."""

    def write(self, data: bytes) -> None:
        return

    async def drain(self) -> None:
        return


def endpoint(kind: type[Endpoint], hub: FrameHub | None) -> Endpoint:
    return kind(
        Nowhere(),
        on_notification=lambda *_: None,
        on_request=pytest.fail,
        on_invalid=pytest.fail,
        wire=hub.tap.wire(MCP, lambda: "benchmark") if hub is not None else None,
    )


def channel(kind: type[StreamChannel], hub: FrameHub | None) -> StreamChannel:
    made = kind(asyncio.StreamReader(), NoWriter())  # type: ignore[arg-type] # all that it needs
    made.wire = hub.tap.wire(MCP, lambda: "benchmark") if hub is not None else None
    return made


def through_endpoint(one: Endpoint) -> float:
    """Return the seconds of a core for frames in both directions, as app-server's go."""
    began = time.process_time()
    for line in LINES:
        one.receive(line)
        one.notify("item/started", {"n": 1})
    return time.process_time() - began


async def through_channel(one: StreamChannel) -> float:
    """Return the seconds of a core for notifications to a client."""
    began = time.process_time()
    for number in range(FRAMES):
        await one.notify("codex/event", {"n": number})
    return time.process_time() - began


def ratio(times: list[tuple[float, float]]) -> float:
    """Return the median of the quotients of rounds that followed each other."""
    return statistics.median(first / second for first, second in times)


async def test_a_closed_inspector_costs_an_app_server_nothing(figures: Figures) -> None:
    hub, times = FrameHub(), []
    for _ in range(ROUNDS):
        without = through_endpoint(endpoint(UntappedEndpoint, None))
        times.append((through_endpoint(endpoint(Endpoint, hub)), without))
    figures("inspector closed ÷ without taps, app-server", f"{ratio(times):.3f}", "~1.0, <= 1.2")
    assert ratio(times) <= MOST_CLOSED


async def test_a_closed_inspector_costs_a_client_nothing(figures: Figures) -> None:
    hub, times = FrameHub(), []
    for _ in range(ROUNDS):
        without = await through_channel(channel(UntappedChannel, None))
        times.append((await through_channel(channel(StreamChannel, hub)), without))
    figures("inspector closed ÷ without taps, MCP clients", f"{ratio(times):.3f}", "~1.0, <= 1.2")
    assert ratio(times) <= MOST_CLOSED


async def test_a_closed_inspector_costs_a_call_nothing(figures: Figures) -> None:
    """A call is rare: what it costs to remember that it waits is measured with its answer."""

    async def through_calls(one: Endpoint) -> float:
        began = time.process_time()
        for number in range(1, FRAMES // 8):
            call = asyncio.ensure_future(one.call("turn/start", {"n": number}))
            await asyncio.sleep(0)
            one.receive(b'{"id":%d,"result":{}}' % number)
            await call
        return time.process_time() - began

    hub, times = FrameHub(), []
    for _ in range(ROUNDS):
        without = await through_calls(endpoint(UntappedEndpoint, None))
        times.append((await through_calls(endpoint(Endpoint, hub)), without))
    figures("inspector closed ÷ without taps, calls", f"{ratio(times):.3f}", "~1.0, <= 1.3")
    assert ratio(times) <= MOST_CLOSED


async def test_an_inspector_that_reads_nothing_slows_nobody_for_long(figures: Figures) -> None:
    hub = FrameHub()
    times = []
    for _ in range(ROUNDS):
        ring = hub.subscribe()
        opened = through_endpoint(endpoint(Endpoint, hub))
        hub.unsubscribe(ring)
        times.append((opened, through_endpoint(endpoint(Endpoint, hub))))
    frames, lost = await ring.next_batch(mask_text)
    figures("inspector open, reading nothing ÷ closed", f"{ratio(times):.2f}", "<= 5")
    figures("  frames that it lost and was told of", f"{lost:,}")
    assert lost + ring.limits.frames == 2 * FRAMES
    assert frames[0].number == (ROUNDS - 1) * 2 * FRAMES + lost + 1
    assert ratio(times) <= MOST_OPEN
