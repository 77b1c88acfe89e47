"""JSON-RPC by itself: notifications through an endpoint, and a long line."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from benchmarks.conftest import Figures

from codextui.jsonrpc.endpoint import Endpoint
from codextui.jsonrpc.lines import LineReader, LineSplitter

pytestmark = pytest.mark.benchmark

NOTIFICATIONS = 100_000
MEGABYTE = 1024 * 1024
CHUNK = b"x" * 65_536


class Nowhere:
    """A transport that takes everything."""

    def send(self, data: bytes) -> bool:
        return True

    async def drain(self) -> None:
        return


def notification(number: int) -> bytes:
    meta = {"seq": number, "threadId": "019a1b2c-0000-7000-8000-000000000000", "at": 1.5}
    msg = {"type": "agent_message_delta", "item_id": "i1", "delta": "some words of a delta "}
    params = {"_meta": meta, "id": "0", "msg": msg}
    frame = {"jsonrpc": "2.0", "method": "codex/event", "params": params}
    return json.dumps(frame, separators=(",", ":")).encode() + b"\n"


async def test_notifications_go_through_an_endpoint_all_and_in_order(figures: Figures) -> None:
    seqs: list[int] = []

    def note(method: str, params: Any) -> None:
        seqs.append(params["_meta"]["seq"])

    endpoint = Endpoint(
        Nowhere(), on_notification=note, on_request=pytest.fail, on_invalid=pytest.fail
    )
    stream = asyncio.StreamReader()
    stream.feed_data(b"".join(map(notification, range(NOTIFICATIONS))))
    stream.feed_eof()
    lines = LineReader(stream)
    began = time.process_time()
    while (line := await lines.read_line()) is not None:
        endpoint.receive(line)
    rate = NOTIFICATIONS / (time.process_time() - began)
    figures("notifications in a second of a core through an endpoint", f"{rate:,.0f}", ">= 20,000")
    assert seqs == list(range(NOTIFICATIONS))
    assert rate >= 20_000


def test_a_line_of_20_megabytes_takes_four_times_as_long_as_one_of_5(figures: Figures) -> None:
    def seconds(megabytes: int) -> float:
        lines = LineSplitter()
        began = time.process_time()
        for _ in range(megabytes * MEGABYTE // len(CHUNK)):
            assert lines.feed(CHUNK) == []
        assert [len(line) for line in lines.feed(b"\n") if isinstance(line, bytes)] == [
            megabytes * MEGABYTE
        ]
        return time.process_time() - began

    ratio = min(seconds(20) for _ in range(5)) / min(seconds(5) for _ in range(5))
    figures("a line of 20 MB ÷ one of 5 MB", f"{ratio:.1f}", "<= 10, linear is 4")
    assert ratio <= 10
