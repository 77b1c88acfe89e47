"""What is copied from an item, and what is searched in it."""

from __future__ import annotations

import pytest

from codextui.console.model.item_text import MAX_CODE_BLOCKS, ItemPart, item_parts, item_texts
from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    FileChanges,
    GrowingText,
    Handoff,
    ItemContent,
    Reasoning,
    ToolCall,
    TurnEnd,
    TurnStart,
    UserMessage,
)
from codextui.protocol.approvals import FileChange

ANSWER = "Try this:\n\n```python\nif a:\n\tb()\n```\n\nor\n\n~~~\nplain\n~~~\n"


def answer(text: str) -> AgentMessage:
    return AgentMessage(GrowingText(text))


def test_an_answer_is_copied_whole_or_by_its_code() -> None:
    assert item_parts(answer(ANSWER)) == [
        ItemPart("answer", ANSWER.strip("\n")),
        ItemPart("code, python", "if a:\n\tb()"),
        ItemPart("code", "plain"),
    ]


def test_code_without_an_end_goes_to_the_end_and_a_longer_fence_holds_a_shorter() -> None:
    names = [part.text for part in item_parts(answer("a\n````md\n```\nx\n```\n"))]
    assert names[1] == "```\nx\n```"


def test_few_code_blocks_can_be_chosen() -> None:
    parts = item_parts(answer("a\n" + "```\nx\n```\n" * 50))
    assert len(parts) == MAX_CODE_BLOCKS + 1


def test_a_command_is_copied_without_its_shell_and_its_output_without_its_escapes() -> None:
    run = CommandExecution(
        "bash -lc 'ls -l'", "completed", GrowingText("10%\r100%\n\x1b[31mred\x1b[0m\n")
    )
    assert item_parts(run) == [
        ItemPart("command and output", "$ ls -l\n100%\nred"),
        ItemPart("command", "ls -l"),
        ItemPart("output", "100%\nred"),
    ]


def test_changes_are_copied_as_diffs() -> None:
    changes = FileChanges((FileChange("a.py", "update", "@@ -1 +1 @@\n-\tx\n+\ty\n"),))
    whole, one = item_parts(changes)
    assert whole.text.startswith("update a.py\n@@")
    assert one == ItemPart("diff of a.py", "@@ -1 +1 @@\n-\tx\n+\ty")


def test_what_has_one_part_only_is_offered_once() -> None:
    assert item_parts(UserMessage("hi")) == [ItemPart("message", "hi")]
    assert item_parts(FileChanges()) == []
    call = ToolCall("db", "ask", {"q": 1}, result="42")
    assert [part.name for part in item_parts(call)] == ["call and result", "arguments", "result"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (answer("hi"), ["hi"]),
        (Reasoning([GrowingText("one"), GrowingText("two")]), ["one", "two"]),
        (CommandExecution("ls", output=GrowingText("x")), ["ls", "x"]),
        (FileChanges((FileChange("a", "add", "+x"),)), ["a", "+x"]),
        (Handoff("a", "b"), ["a → b"]),
        (TurnStart(2), []),
        (TurnEnd(1, "completed"), []),
        (TurnEnd(1, "failed", "why"), ["why"]),
    ],
)
def test_every_text_of_an_item_is_searched(content: ItemContent, texts: list[str]) -> None:
    assert list(item_texts(content)) == texts
