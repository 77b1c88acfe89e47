from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.errors import MessageInvalid
from codextui.jsonrpc import lines
from codextui.jsonrpc.lines import LineReader


async def read_all(data: bytes, chunks: list[int], max_line: int = 1_000) -> list[bytes]:
    stream = asyncio.StreamReader()
    reader = LineReader(stream, max_line)

    async def feed() -> None:
        position = 0
        for size in chunks:
            stream.feed_data(data[position : position + size])
            position += size
            await asyncio.sleep(0)
        stream.feed_data(data[position:])
        stream.feed_eof()

    feeding = asyncio.create_task(feed())
    found = []
    async with asyncio.timeout(10):
        while (line := await reader.read_line()) is not None:
            found.append(line)
        await feeding
    return found


@given(
    texts=st.lists(st.binary(max_size=50).filter(lambda b: b.strip() == b and b"\n" not in b)),
    chunks=st.lists(st.integers(1, 40), max_size=20),
)
def test_lines_come_out_as_they_went_in_wherever_the_stream_is_cut(
    texts: list[bytes], chunks: list[int]
) -> None:
    data = b"".join(text + b"\n" for text in texts)
    assert asyncio.run(read_all(data, chunks)) == [text for text in texts if text]


async def test_a_line_without_an_end_is_no_line() -> None:
    assert await read_all(b"whole\nhalf", []) == [b"whole"]


async def test_carriage_returns_and_empty_lines_are_nothing() -> None:
    assert await read_all(b"one\r\n\r\n\ntwo\n", []) == [b"one", b"two"]


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_line_that_is_too_long_is_an_error_before_it_ends(end: bytes) -> None:
    with pytest.raises(MessageInvalid, match="more than 10 bytes"):
        await read_all(b"x" * 11 + end, [3, 3], max_line=10)


async def test_a_line_of_exactly_the_limit_passes() -> None:
    assert await read_all(b"x" * 10 + b"\n" + b"y" * 10 + b"\n", [], 10) == [b"x" * 10, b"y" * 10]


async def test_others_get_their_turn_while_lines_keep_coming(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(lines.time, "perf_counter", lambda: next(clock))
    stream = asyncio.StreamReader()
    stream.feed_data(b"line\n" * 1_000)
    stream.feed_eof()
    reader = LineReader(stream)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    async with asyncio.timeout(10):
        while await reader.read_line() is not None:
            pass
    other.cancel()
    assert turns >= 1_000
