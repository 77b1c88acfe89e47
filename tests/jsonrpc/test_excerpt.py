"""The beginnings of JSON texts, read as values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.jsonrpc.excerpt import CUT, decode_excerpt, shorten

TEXT = '{"id": 12, "params": {"a": [1, "two", {"b": null}], "secret": "half of it"}}'

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("size", "value"),
    [
        (1, {}),
        (8, {}),
        (9, {}),
        (10, {"id": 12}),
        (40, {"id": 12, "params": {"a": [1, "two", {}]}}),
        (66, {"id": 12, "params": {"a": [1, "two", {"b": None}]}}),
        (len(TEXT), json.loads(TEXT)),
    ],
)
def test_what_is_complete_of_a_text_is_read(size: int, value: Any):
    assert decode_excerpt(TEXT[:size].encode()) == value


@pytest.mark.parametrize("text", ["", "}", "]", '"half'])
def test_what_is_no_beginning_of_json_is_refused(text: str):
    with pytest.raises(ValueError, match=r".*"):
        decode_excerpt(text.encode())


@pytest.mark.parametrize(("text", "value"), [("[1, 2}", [1, 2]), ('{"a": 1]', {"a": 1})])
def test_what_breaks_off_by_a_mistake_is_read_up_to_it(text: str, value: Any):
    assert decode_excerpt(text.encode()) == value


def test_deep_nesting_is_cut_off():
    value = decode_excerpt(b"[" * 100_000)
    assert json.dumps(value).count("[") == 200


@given(value=st.dictionaries(st.text(max_size=8), values, min_size=1, max_size=5), data=st.data())
def test_every_beginning_of_an_object_is_part_of_it(value: dict[str, Any], data: st.DataObject):
    text = json.dumps(value).encode()
    size = data.draw(st.integers(1, len(text)))
    assert is_part(decode_excerpt(text[:size]), value)
    assert decode_excerpt(text) == value


@given(value=values, limit=st.integers(300, 900))
def test_a_shortened_value_is_within_its_limit(value: Any, limit: int):
    value = {"a": value, "b": "x" * 500}
    shown, text, is_cut = shorten(value, limit)
    assert len(text) <= limit
    assert json.loads(text) == shown
    assert is_cut == (shown != value)


def test_a_long_string_is_cut_before_the_structure():
    shown, _, is_cut = shorten({"text": "x" * 10_000, "after": [1, 2]}, 1_000)
    assert is_cut
    assert shown == {"text": f"{'x' * 250}{CUT} (9,750 characters more)", "after": [1, 2]}


def is_part(part: Any, whole: Any) -> bool:
    if isinstance(whole, dict):
        return isinstance(part, dict) and all(is_part(v, whole[k]) for k, v in part.items())
    if isinstance(whole, list):
        return isinstance(part, list) and all(map(is_part, part, whole))
    return bool(part == whole)
