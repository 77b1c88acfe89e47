from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from protocol import shapes

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields

READERS: list[tuple[Callable[..., Any], object, object]] = [
    # reader, a value that fits, what stands in for a missing one
    (fields.text_or, "a", ""),
    (fields.maybe_text, "a", None),
    (fields.integer_or, 7, 0),
    (fields.maybe_integer, 7, None),
    (fields.number_or, 1.5, 0.0),
    (fields.maybe_number, 1.5, None),
    (fields.flag, True, False),
    (fields.texts, ("a", "b"), ()),
    (fields.objects, ({"a": 1},), ()),
]


@pytest.mark.parametrize(("read", "value", "missing"), READERS)
def test_a_fitting_value_is_read_and_a_missing_one_has_a_stand_in(
    read: Callable[..., Any], value: object, missing: object
) -> None:
    assert read({"key": value}, "key") == value
    assert read({"key": None}, "key") == missing
    assert read({}, "key") == missing


@given(shapes.json_value)
def test_any_value_is_read_as_its_type_or_refused_by_name(value: object) -> None:
    for read in (fields.text, *(read for read, _, _ in READERS)):
        complaint = ""
        try:
            read({"some_key": value}, "some_key")
        except MessageInvalid as error:
            complaint = str(error)
        assert not complaint or complaint.startswith("some_key must ")


@pytest.mark.parametrize(
    ("read", "value", "complaint"),
    [
        (fields.text, None, "key must be a string, not null"),
        (fields.text, 1, "key must be a string, not a number"),
        (fields.integer_or, True, "key must be an integer, not a boolean"),
        (fields.integer_or, 1.5, "key must be an integer, not a number"),
        (fields.number_or, "1", "key must be a number, not a string"),
        (fields.number_or, False, "key must be a number, not a boolean"),
        (fields.flag, 1, "key must be true or false, not a number"),
        (fields.texts, "abc", "key must be an array, not a string"),
        (fields.texts, ["a", 1], "key must hold strings, not a number"),
        (fields.objects, [[]], "key must be an object, not an array"),
        (fields.objects, {}, "key must be an array, not an object"),
    ],
)
def test_a_wrong_type_is_named(read: Callable[..., Any], value: object, complaint: str) -> None:
    with pytest.raises(MessageInvalid, match=complaint):
        read({"key": value}, "key")


def test_no_one_is_taken_for_a_boolean_nor_true_for_one() -> None:
    with pytest.raises(MessageInvalid):
        fields.flag({"key": 1}, "key")
    with pytest.raises(MessageInvalid):
        fields.maybe_integer({"key": True}, "key")
