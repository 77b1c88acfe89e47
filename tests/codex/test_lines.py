"""Lines and frames out of bytes, whatever the bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.errors import CodexFailed, MessageInvalid
from codextui.jsonrpc.endpoint import MAX_IN_FLIGHT, JsonLines
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.frames import decode_frame, encode_frame
from codextui.jsonrpc.lines import LineBuffer, LineTooLong

CHUNKS = st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"\n")), max_size=20)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(CHUNKS)
def test_lines_do_not_depend_on_how_the_pipe_cuts_them(chunks: list[bytes]) -> None:
    lines = LineBuffer()
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    whole = b"".join(chunks).split(b"\n")[:-1]
    assert found == [line for line in whole if line.strip()]


@settings(deadline=None)
@given(CHUNKS, st.integers(min_value=1, max_value=20))
def test_a_line_above_the_limit_is_told_once_and_the_next_one_comes(
    chunks: list[bytes], limit: int
) -> None:
    lines = LineBuffer(limit)
    found = [line for chunk in [*chunks, b"\nn\n"] for line in lines.feed(chunk)]
    whole = b"".join(chunks).split(b"\n")
    too_long = [line for line in whole if len(line) > limit]
    kept = [line for line in whole if len(line) <= limit and line.strip()]
    assert len([line for line in found if isinstance(line, LineTooLong)]) == len(too_long)
    assert [line for line in found if isinstance(line, bytes)] == [*kept, b"n"]


def test_a_line_that_is_too_long_is_told_before_it_ends() -> None:
    lines = LineBuffer(limit=10)
    assert lines.feed(b"0123456789") == []
    assert lines.feed(b"abc") == [LineTooLong(10, b"0123456789abc")]
    assert lines.feed(b"more of it") == []
    assert lines.feed(b"\nok\n") == [b"ok"]


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_frame_comes_back_as_it_was(message: JsonObject) -> None:
    line = encode_frame(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_frame(line[:-1]) == message


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters()), st.text(st.characters()), max_size=5))
def test_a_frame_is_always_text_that_others_can_read(message: JsonObject) -> None:
    decoded = json.loads(encode_frame(message).decode("utf-8"))
    assert str(decoded).encode("utf-8")


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), {1, 2}],
    ids=["nan", "infinity", "an object", "a set"],
)
def test_what_json_cannot_say_is_not_sent(value: object) -> None:
    with pytest.raises(MessageInvalid):
        encode_frame({"value": value})


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_invalid(line: bytes) -> None:
    with contextlib.suppress(MessageInvalid):
        assert isinstance(decode_frame(line), dict)


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_json_is_not_read(constant: bytes) -> None:
    with pytest.raises(MessageInvalid):
        decode_frame(b'{"value":%b}' % constant)


def test_half_a_surrogate_pair_cannot_come_in() -> None:
    message = decode_frame(b'{"a\\ud800": ["\\udc00", {"b": "\\ud83d\\ude00"}]}')
    assert message == {"a\ufffd": ["\ufffd", {"b": "\U0001f600"}]}


class Nowhere:
    """A pipe that takes everything."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    async def drain(self) -> None:
        return


def conversation(told: list[tuple[str, JsonObject]], **options: Any) -> JsonLines:
    return JsonLines(
        Nowhere(),
        on_notification=lambda method, params: told.append((method, params)),
        on_request=lambda *_: None,
        **options,
    )


async def test_a_call_whose_answer_is_too_long_fails_and_a_warning_says_so() -> None:
    told: list[tuple[str, JsonObject]] = []
    rpc = conversation(told, max_line=1024 * 1024)
    call = asyncio.create_task(rpc.call("thread/turns/list", {}))
    await asyncio.sleep(0)
    rpc.feed(b'{"id":1,"result":{"text":"' + b"x" * 2 * 1024 * 1024)
    with pytest.raises(CodexFailed, match="above 1 MiB"):
        await call
    rpc.feed(b'"}}\n{"method":"thread/closed","params":{"threadId":"t"}}\n')
    assert [method for method, _ in told] == ["warning", "thread/closed"]


async def test_an_answer_that_explains_nothing_still_fails_its_call() -> None:
    rpc = conversation([])
    for number, error in enumerate((b"null", b"17", b'{"message": null}', b"{}"), start=1):
        call = asyncio.create_task(rpc.call("any", {}))
        await asyncio.sleep(0)
        rpc.feed(b'{"id":%d,"error":%b}\n' % (number, error))
        with pytest.raises(CodexFailed):
            await call


async def test_a_result_that_is_no_object_is_an_empty_one() -> None:
    rpc = conversation([])
    call = asyncio.create_task(rpc.call("any", {}))
    await asyncio.sleep(0)
    rpc.feed(b'{"id":1,"result":null}\n')
    assert await call == {}


async def test_a_call_that_json_cannot_say_is_not_forgotten_in_the_table() -> None:
    rpc = conversation([])
    with pytest.raises(MessageInvalid):
        await rpc.call("any", {"number": float("nan")})
    call = asyncio.create_task(rpc.call("any", {}))
    await asyncio.sleep(0)
    rpc.feed(b'{"id":2,"result":{}}\n')
    assert await call == {}


async def test_only_so_many_calls_are_under_way_at_once() -> None:
    pipe = Nowhere()
    rpc = JsonLines(pipe, on_notification=lambda *_: None, on_request=lambda *_: None)
    calls = [asyncio.create_task(rpc.call("any", {})) for _ in range(MAX_IN_FLIGHT + 10)]
    for number in range(1, len(calls) + 1):
        for _ in range(len(calls)):
            await asyncio.sleep(0)
        assert len(pipe.sent) == min(number + MAX_IN_FLIGHT - 1, len(calls))
        rpc.feed(b'{"id":%d,"result":{}}\n' % number)
    assert await asyncio.gather(*calls) == [{}] * len(calls)
