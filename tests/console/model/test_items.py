from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model import items
from codextui.console.model.items import MAX_TEXT_LENGTH, GrowingText, clip, content_size
from codextui.protocol.approvals import FileChange


@given(st.lists(st.text()))
def test_growing_text_joins_its_deltas(deltas: list[str]) -> None:
    text = GrowingText()
    for delta in deltas:
        text.append(delta)
    assert text.text == "".join(deltas)
    assert len(text) == len("".join(deltas))


@given(st.lists(st.text(alphabet="ab\n", max_size=30)), st.integers(1, 50))
def test_growing_text_drops_its_start_and_counts_what_it_dropped(
    deltas: list[str], limit: int
) -> None:
    text = GrowingText(limit=limit)
    for delta in deltas:
        text.append(delta)
    whole = "".join(deltas)
    assert whole.endswith(text.text)
    assert text.dropped + len(text) == len(whole)
    assert text.newlines == text.text.count("\n")
    assert text.dropped_lines == whole[: text.dropped].count("\n")
    assert len(text) <= limit + limit // 4


def test_growing_text_is_cut_at_a_newline() -> None:
    text = GrowingText(limit=10)
    text.append("aaaa\nbbbb\ncccc\n")
    assert text.text == "bbbb\ncccc\n"


def test_empty_growing_text_is_false() -> None:
    assert not GrowingText()
    assert GrowingText("a")


def test_clipped_text_says_how_many_characters_are_missing() -> None:
    assert clip("x" * MAX_TEXT_LENGTH) == "x" * MAX_TEXT_LENGTH
    assert clip("x" * (MAX_TEXT_LENGTH + 1234)).endswith(
        "\n… 1,234 more characters are not kept here"
    )


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (items.UserMessage("four"), 4),
        (items.AgentMessage(GrowingText("four")), 4),
        (items.Reasoning([GrowingText("a")], [GrowingText("bc")]), 3),
        (items.CommandExecution("ls", output=GrowingText("abc")), 5),
        (items.FileChanges((FileChange("ab", "add", "cd"),)), 4),
        (items.ErrorMessage("four"), 4),
        (items.ToolCall("s", "t", {"a": 1}, result="four"), 12),
        (items.UnknownItem("k", {"a": 1}), 8),
        (items.ContextCompaction(), 0),
    ],
)
def test_content_size_counts_characters(content: items.ItemContent, size: int) -> None:
    assert content_size(content) == size
