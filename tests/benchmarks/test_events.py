"""20,000 events as fast as they come: Codex → server → socket → client → board."""

from __future__ import annotations

import asyncio
import functools

import pytest
from benchmarks.conftest import Figures
from benchmarks.reader import Reader
from console.model.events import find_item
from e2e.conftest import Served

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.config import paths
from codextui.console.model.items import AgentMessage

pytestmark = pytest.mark.benchmark

EVENTS = 20_000
PATIENCE_S = 120


async def test_20000_events_arrive_all_and_in_order(serve_fake: Served, figures: Figures):
    reader = Reader()
    connect = functools.partial(open_socket, paths.socket_path(serve_fake.name))
    async with (
        asyncio.timeout(PATIENCE_S),
        Connection(connect, name="benchmark", on_update=reader.take) as connection,
    ):
        await reader.caught_up.wait()
        started = await connection.call("codex-start", {"prompt": "flood"})
        await reader.finished.wait()
    through_s = reader.ended - reader.began
    texts = {item: "".join(parts) for item, parts in reader.deltas.items()}
    lost = EVENTS - sum(len(text.split()) for text in texts.values())
    figures(f"{EVENTS:,} events: lost / out of order", f"{lost} / {reader.disorder}", "0 / 0")
    figures("  events/s through the server to the board", f"{EVENTS / through_s:,.0f}")
    assert reader.disorder == 0
    assert texts == expected_texts()
    [thread] = [v for v in reader.board.threads.values() if find_item(v.transcript, "turn-1", "i0")]
    assert started["thread"]["thread_id"] == thread.thread_id
    for item_id, text in expected_texts().items():
        item = find_item(thread.transcript, "turn-1", item_id)
        assert item is not None
        assert isinstance(item.content, AgentMessage)
        assert item.content.text.text == text


def expected_texts() -> dict[str, str]:
    return {f"i{i}": "".join(f"{n} " for n in range(i, EVENTS, 20)) for i in range(20)}
