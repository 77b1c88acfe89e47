from __future__ import annotations

from codextui.console.widgets.key_line import KeyHint, KeyLine


def labels(line: KeyLine, width: int) -> list[str]:
    return [hint.label for _, hint in line.visible_hints(width)]


def line() -> KeyLine:
    result = KeyLine()
    hints = [KeyHint(key, f"does {key}", key) for key in "abcd"]
    result.show([*hints, KeyHint("?", "help", "help", pinned=True)])
    return result


def test_all_keys_are_shown_where_there_is_room() -> None:
    assert labels(line(), 80) == ["does a", "does b", "does c", "does d", "help"]


def test_where_there_is_little_room_the_last_ones_go_and_the_pinned_ones_stay() -> None:
    assert labels(line(), 31) == ["does a", "does b", "help"]
    assert labels(line(), 10) == ["help"]


def test_no_key_reaches_over_the_end_of_the_line() -> None:
    keys = line()
    for width in range(8, 80):
        for column, hint in keys.visible_hints(width):
            assert column + len(hint.key) + 1 + len(hint.label) <= width
