from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.errors import MessageInvalid
from codextui.jsonrpc.lines import LineReader, LineSplitter, LineTooLong

CHUNKS = st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"\n")), max_size=20)


@settings(deadline=None)
@given(CHUNKS)
def test_lines_do_not_depend_on_the_chunks(chunks: list[bytes]) -> None:
    lines = LineSplitter()
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    whole = b"".join(chunks).split(b"\n")[:-1]
    assert found == [line for line in whole if line.strip()]


@settings(deadline=None)
@given(CHUNKS, st.integers(min_value=1, max_value=20))
def test_a_line_above_the_limit_is_reported_once_and_the_next_one_is_read(
    chunks: list[bytes], limit: int
) -> None:
    lines = LineSplitter(limit)
    found = [line for chunk in [*chunks, b"\nn\n"] for line in lines.feed(chunk)]
    whole = b"".join(chunks).split(b"\n")
    too_long = [line for line in whole if len(line) > limit]
    kept = [line for line in whole if len(line) <= limit and line.strip()]
    assert len([line for line in found if isinstance(line, LineTooLong)]) == len(too_long)
    assert [line for line in found if isinstance(line, bytes)] == [*kept, b"n"]


def test_a_line_that_is_too_long_is_reported_before_it_ends() -> None:
    lines = LineSplitter(limit=10)
    assert lines.feed(b"0123456789") == []
    assert lines.feed(b"abc") == [LineTooLong(10, b"0123456789abc")]
    assert lines.feed(b"more of it") == []
    assert lines.feed(b"\nok\n") == [b"ok"]


def test_the_head_of_a_line_that_is_too_long_is_short() -> None:
    (dropped,) = LineSplitter(limit=10_000).feed(b"x" * 10_001)
    assert dropped == LineTooLong(10_000, b"x" * 200)


async def read_all(data: bytes, chunks: list[int], limit: int = 1_000) -> list[bytes]:
    """The lines that a reader finds in data that arrives in chunks of these sizes."""
    stream = asyncio.StreamReader()
    feeding = asyncio.create_task(feed(stream, data, chunks))
    reader = LineReader(stream, limit)
    found = []
    async with asyncio.timeout(60):
        while (line := await reader.read_line()) is not None:
            found.append(line)
        await feeding
    return found


async def read_all_batches(data: bytes, chunks: list[int]) -> list[bytes]:
    stream = asyncio.StreamReader()
    feeding = asyncio.create_task(feed(stream, data, chunks))
    reader = LineReader(stream)
    found = []
    async with asyncio.timeout(60):
        while lines := await reader.read_lines():
            found += lines
        await feeding
    return found


async def feed(stream: asyncio.StreamReader, data: bytes, chunks: list[int]) -> None:
    position = 0
    for size in chunks:
        stream.feed_data(data[position : position + size])
        position += size
        await asyncio.sleep(0)
    stream.feed_data(data[position:])
    stream.feed_eof()


@given(
    texts=st.lists(st.binary(max_size=50).filter(lambda b: b.strip() == b and b"\n" not in b)),
    chunks=st.lists(st.integers(1, 40), max_size=20),
)
def test_lines_come_out_as_they_went_in_wherever_the_stream_is_cut(
    texts: list[bytes], chunks: list[int]
) -> None:
    data = b"".join(text + b"\n" for text in texts)
    expected = [text for text in texts if text]
    assert asyncio.run(read_all(data, chunks)) == expected
    assert asyncio.run(read_all_batches(data, chunks)) == expected


async def test_a_last_line_without_an_end_is_dropped() -> None:
    assert await read_all(b"whole\nhalf", []) == [b"whole"]


async def test_carriage_returns_and_empty_lines_are_dropped() -> None:
    assert await read_all(b"one\r\n\r\n\ntwo\n", []) == [b"one", b"two"]
    assert await read_all(b"one\r\n\r\n\ntwo\n", [4, 1]) == [b"one", b"two"]


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_line_that_is_too_long_is_an_error_before_it_ends(end: bytes) -> None:
    with pytest.raises(MessageInvalid, match="more than 10 bytes"):
        await read_all(b"x" * 11 + end, [3, 3], limit=10)


async def test_a_line_of_exactly_the_limit_passes() -> None:
    assert await read_all(b"x" * 10 + b"\n" + b"y" * 10 + b"\n", [], 10) == [b"x" * 10, b"y" * 10]


async def test_other_tasks_run_while_lines_keep_coming() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"line\n" * 1_000)
    stream.feed_eof()
    reader = LineReader(stream, turn_s=0)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    async with asyncio.timeout(60):
        while await reader.read_line() is not None:
            pass
    other.cancel()
    assert turns >= 1_000
