"""JSON as lines that fold."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.json_tree import (
    FOLD_ABOVE,
    JsonKind,
    all_parts,
    json_lines,
    long_parts,
)

VALUE = {"id": 1, "params": {"a": [1, "two", None], "b": {}}, "ok": True}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def shown(value: Any, folded: set[Any] | None = None) -> list[str]:
    return [
        "  " * line.depth + (f"{line.key}: " if line.key else "") + line.text + line.end
        for line in json_lines(value, folded or set())
    ]


def test_a_value_is_shown_as_indented_json():
    assert shown(VALUE) == json.dumps(VALUE, indent=2).splitlines()


@given(values)
def test_the_lines_of_any_value_are_json(value: Any):
    assert json.loads("\n".join(shown(value))) == value


def test_folded_parts_are_a_line():
    assert shown(VALUE, {("params", "a")}) == [
        "{",
        '  "id": 1,',
        '  "params": {',
        '    "a": [ 3 values ],',
        '    "b": {}',
        "  },",
        '  "ok": true',
        "}",
    ]
    assert '  "params": { a, b },' in shown(VALUE, all_parts(VALUE))
    assert all_parts(VALUE) == {("params",), ("params", "a")}


def test_long_parts_are_folded_at_first():
    value = {"params": {"short": [1, 2], "long": list(range(FOLD_ABOVE))}}
    assert long_parts(value) == {("params", "long")}


def test_the_lines_are_bounded():
    lines = json_lines(list(range(100)), limit=10)
    assert len(lines) == 11
    assert lines[-1].kind is JsonKind.MORE


def test_what_is_nested_too_deeply_stays_folded():
    value: Any = 1
    for _ in range(500):
        value = [value]
    assert json_lines(value)[60].kind is JsonKind.FOLDED
    assert len(all_parts(value)) < 500
