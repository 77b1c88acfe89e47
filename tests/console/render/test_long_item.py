"""A long item in pieces looks as it does in one, and keeps few rows."""

from __future__ import annotations

import pytest
from console.render.looks import PALETTE
from hypothesis import given
from hypothesis import strategies as st
from textual.strip import Strip

from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    FileChanges,
    GrowingText,
    ItemContent,
    PlanText,
    TranscriptItem,
    UserMessage,
)
from codextui.console.render import long_item
from codextui.console.render.items import RenderedItem
from codextui.console.render.layout import WHOLE
from codextui.console.render.long_item import MAX_KEPT, PiecedRows, cut, item_pieces
from codextui.protocol.approvals import FileChange


def item(content: ItemContent) -> TranscriptItem:
    return TranscriptItem("u", "i", 0, content, 1, done=True)


LINES = "".join(f"line {number} of the output, which is long enough\n" for number in range(3000))
BLOCKS = "".join(
    f"## Part {number}\n\nSome **text** of it.\n\n```py\nx = {number}\n\ny = 1\n```\n\n- a\n\n  b\n"
    for number in range(900)
)
CONTENTS: dict[str, ItemContent] = {
    "output": CommandExecution("seq 9", "completed", GrowingText(LINES), exit_code=0),
    "no output": CommandExecution("true", "completed", exit_code=0),
    "only output": CommandExecution("", "inProgress", GrowingText(LINES)),
    "changes": FileChanges((FileChange("a", "add", LINES), FileChange("b", "delete", "x\n"))),
    "message": UserMessage(LINES[:9000]),
    "answer": AgentMessage(GrowingText("# Title\n\n- one\n- two\n\n" + BLOCKS)),
    "plan": PlanText(GrowingText(BLOCKS[: BLOCKS.index("## Part 150")])),
    "empty": AgentMessage(),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("width", [20, 77])
def test_the_pieces_of_an_item_are_its_rows(name: str, width: int) -> None:
    whole = RenderedItem(item(CONTENTS[name]), width, PALETTE, WHOLE).rows
    pieces = PiecedRows(item_pieces(item(CONTENTS[name]), width, PALETTE))
    shown = [strip.text.rstrip() for strip in pieces]
    wanted = [strip.text.rstrip() for strip in whole]
    if name == "changes":  # the pieces do not count the lines of all files above
        start = wanted.index("  A a  new file, +3,000 -0" if width > 30 else "  A a  new file,")
        wanted = wanted[start:]
        shown = shown[len(shown) - len(wanted) :]
    elif wanted and wanted[0] == "" and shown[0] != "":
        wanted = wanted[1:]
    assert shown == wanted


@pytest.mark.parametrize("kind", [AgentMessage, PlanText])
def test_no_text_of_a_very_long_answer_is_lost(kind: type[AgentMessage]) -> None:
    text = "".join(f"Line {number} of many.\n\n" for number in range(12_000))
    rows = PiecedRows(item_pieces(item(kind(GrowingText(text))), 60, PALETTE))
    shown = {strip.text.strip() for strip in rows}
    assert all(f"Line {number} of many." in shown for number in range(12_000))


def test_rows_are_rendered_when_they_are_looked_at_and_few_are_kept() -> None:
    rendered: list[int] = []

    def piece(number: int) -> list[Strip]:
        rendered.append(number)
        return [Strip.blank(number)] * 10

    rows = PiecedRows([lambda n=n: piece(n) for n in range(20)])  # type: ignore[misc]
    assert len(rows) == 200
    rendered.clear()
    assert rows[55].cell_length == 5
    assert rows[-1].cell_length == 19
    assert [row.cell_length for row in rows[58:62]] == [5, 5, 6, 6]
    assert rendered == [5, 19, 6]
    assert len(list(rows)) == 200
    assert len(rows._kept) == MAX_KEPT
    with pytest.raises(IndexError):
        rows[200]


def test_no_pieces_are_no_rows() -> None:
    assert len(PiecedRows([])) == 0


@given(st.text(alphabet="ab\n", max_size=60), st.integers(1, 9))
def test_a_text_is_cut_at_its_lines_and_whole(text: str, length: int) -> None:
    pieces = list(cut(text, length))
    assert "".join(pieces).replace("\n", "") == text.replace("\n", "")
    assert all(len(piece) <= length for piece in pieces)


def test_lines_stay_whole_where_they_fit() -> None:
    assert list(cut("aa\nbb\ncc\ndd", 6)) == ["aa\nbb", "cc\ndd"]
    assert list(cut("aaaaaaaa\nb", 4)) == ["aaaa", "aaaa", "b"] or long_item.PIECE_LENGTH
