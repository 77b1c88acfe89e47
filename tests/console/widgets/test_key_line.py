from __future__ import annotations

from codextui.console.widgets.key_line import KeyHint, KeyLine


def labels(line: KeyLine, width: int) -> list[str]:
    return [hint.label for _, hint in line.visible_hints(width)]


def line() -> KeyLine:
    result = KeyLine()
    hints = [KeyHint(key, f"does {key}", key) for key in "abcd"]
    result.show([*hints, KeyHint("?", "help", "help", pinned=True)])
    return result


def test_all_keys_are_shown_if_they_fit() -> None:
    assert labels(line(), 80) == ["does a", "does b", "does c", "does d", "help"]


def test_in_a_narrow_line_the_last_unpinned_keys_are_left_out() -> None:
    assert labels(line(), 31) == ["does a", "does b", "help"]
    assert labels(line(), 10) == ["help"]


def test_no_key_exceeds_the_line() -> None:
    keys = line()
    for width in range(8, 80):
        for column, hint in keys.visible_hints(width):
            assert column + len(hint.key) + 1 + len(hint.label) <= width
