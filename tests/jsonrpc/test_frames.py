from __future__ import annotations

import contextlib
import json
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.frames import (
    decode_frame,
    decode_json,
    encode_frame,
    has_repeated_names,
    replace_json_surrogates,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Text with lone surrogates."""


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_frame_comes_back_as_it_was(message: JsonObject) -> None:
    line = encode_frame(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_frame(line[:-1]) == message
    assert json.loads(line) == message


@settings(deadline=None)
@given(st.dictionaries(ANY_TEXT, st.lists(ANY_TEXT, max_size=3), max_size=5))
def test_a_frame_is_always_valid_json_in_utf_8(message: JsonObject) -> None:
    decoded = json.loads(encode_frame(message).decode("utf-8"))
    assert str(decoded).encode("utf-8")
    assert decoded == replace_json_surrogates(message)


class Word(str):
    __slots__ = ()


class Name(StrEnum):
    FIRST = "first"


class Number(IntEnum):
    ONE = 1


class Count(int):
    pass


class Ratio(float):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Word("a"), b'"a"'),
        (Name.FIRST, b'"first"'),
        (Number.ONE, b"1"),
        (Count(7), b"7"),
        (Ratio(0.5), b"0.5"),
        ((1, (2,)), b"[1,[2]]"),
        (2**70, b"1180591620717411303424"),
        ([None, True, 1e300], b"[null,true,1e300]"),
    ],
)
def test_subclasses_and_tuples_are_written_as_what_they_are(value: object, text: bytes) -> None:
    assert encode_frame({"v": value}) == b'{"v":' + text + b"}\n"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        object(),
        {1, 2},
        b"bytes",
        Ratio("nan"),
        [{"deep": (float("-inf"),)}],
        {None: 1},
    ],
    ids=["nan", "infinity", "an object", "a set", "bytes", "a nan of its own", "deep", "a key"],
)
def test_what_json_cannot_express_is_not_encoded(value: object) -> None:
    with pytest.raises(MessageInvalid):
        encode_frame({"value": value})


def test_what_is_nested_too_deeply_is_not_encoded() -> None:
    value: list[object] = []
    for _ in range(1_000_000):
        value = [value]
    with pytest.raises(MessageInvalid):
        encode_frame({"value": value})
    while value:  # or the interpreter unwinds a million lists at once
        value = value.pop()  # type: ignore[assignment] # it holds lists


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_invalid(line: bytes) -> None:
    with contextlib.suppress(MessageInvalid):
        assert isinstance(decode_frame(line), dict)


@settings(deadline=None)
@given(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=5), st.booleans())
def test_what_was_read_can_be_written(message: dict[str, str], ascii_only: bool) -> None:
    text = json.dumps(message, ensure_ascii=ascii_only)
    read = decode_frame(text.encode("utf-8", "surrogatepass"))
    assert decode_frame(encode_frame(read)) == read


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
def test_what_is_no_json_is_not_read(number: bytes) -> None:
    with pytest.raises(MessageInvalid):
        decode_frame(b'{"value":%b}' % number)


@pytest.mark.parametrize("line", [b"[1]", b'"text"', b"null", b"7"])
def test_a_frame_is_an_object(line: bytes) -> None:
    with pytest.raises(MessageInvalid, match="not a JSON object"):
        decode_frame(line)


def test_json_of_any_kind_is_read() -> None:
    assert decode_json(b' [1, "\xc3\xa9", null] \r') == [1, "\u00e9", None]
    assert decode_json(b"1" * 1_000) == int("1" * 1_000)


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 9_999 + b"]" * 9_999])
def test_what_is_nested_too_deeply_is_invalid(line: bytes) -> None:
    with pytest.raises(MessageInvalid):
        decode_frame(line)


def test_lone_surrogates_are_replaced() -> None:
    message = decode_frame(b'{"a\\ud800": ["\\udc00", {"b": "\\ud83d\\ude00"}]}')
    assert message == {"a\ufffd": ["\ufffd", {"b": "\U0001f600"}]}


def test_invalid_utf_8_is_replaced() -> None:
    assert decode_frame(b'{"a": "\xff"}') == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("data", "repeats"),
    [
        (b'{"a": 1, "b": {"a": 2}}', False),
        (b'[{"a": 1}, {"a": 1}]', False),
        (b'{"a": 1, "a": 1}', True),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', True),
    ],
)
def test_members_that_are_said_twice_are_found(data: bytes, repeats: bool) -> None:
    assert has_repeated_names(data) is repeats
