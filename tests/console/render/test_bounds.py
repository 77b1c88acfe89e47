"""However long an item is, few rows are laid out for each of its events. No clock is looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.render.looks import PALETTE, lines

from codextui.console.model import items
from codextui.console.model.items import GrowingText, TranscriptItem
from codextui.console.render import layout
from codextui.console.render.items import RenderedItem
from codextui.console.render.layout import Row

MIB = 1_048_576
WIDTH = 80
FOLDED_ROWS = 4_000
UNFOLDED_ROWS = 12_000
DELTA = 131_072

PROSE = "A paragraph with **bold**, *italic* and `code`, too long for one row of a narrow pane.\n\n"
TEXTS = {
    "paragraphs": PROSE,
    "list": "- a point of a list\n",
    "one line of words": "word ",
    "one word": "x",
    "wide characters": "語",
    "quotes": "> a quote\n\n",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
}
"""What a long text consists of."""
CODE = "```python\n" + "print(1)\n" * (MIB // 9)
SOURCES = {name: unit * (MIB // len(unit)) for name, unit in TEXTS.items()} | {
    "open code": CODE,
    "closed code": f"{CODE}```\n\nThat was it.\n",
    "many blocks of code": ("```python\n" + "print(1)\n" * 2_000 + "```\n\n") * 58,
}
SHORT_LINES_AND_LONG = ("quotes", "one line of words", "one word")

Make = Callable[[str], items.ItemContent]
KINDS: dict[str, Make] = {
    "answer": lambda text: items.AgentMessage(GrowingText(text)),
    "plan": lambda text: items.PlanText(GrowingText(text)),
    "reasoning": lambda text: items.Reasoning([GrowingText(text)]),
    "prompt": items.UserMessage,
    "command": items.CommandExecution,
    "output": lambda text: items.CommandExecution("ls", output=GrowingText(text)),
    "tool": lambda text: items.ToolCall("s", "t", {"a": text}, "failed", text, text),
    "error": items.ErrorMessage,
    "warning": items.WarningMessage,
    "remark": items.Remark,
    "end of a turn": lambda text: items.TurnEnd(1, "failed", text, None, None),
    "event of a run": lambda text: items.RunNote("role_said", "coder", text),
    "unknown": lambda text: items.UnknownItem("new", {"text": text, "list": [text]}),
}


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the numbers of rows that are laid out."""
    numbers: list[int] = []
    wrap_line = layout._wrap_line

    def spy(line: Row, width: int, *, keep_spaces: bool, hang: bool) -> list[Row]:
        rows = wrap_line(line, width, keep_spaces=keep_spaces, hang=hang)
        numbers.append(len(rows))
        return rows

    monkeypatch.setattr(layout, "_wrap_line", spy)
    return numbers


def item(content: items.ItemContent, *, done: bool = True) -> TranscriptItem:
    return TranscriptItem("u", "i", 0, content, 1, done=done)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mebibyte_that_arrives_at_once_is_laid_out_in_part(
    kind: str, laid_out: list[int]
) -> None:
    make = KINDS[kind]
    for name in SOURCES if kind == "answer" else SHORT_LINES_AND_LONG:
        source = SOURCES[name]
        laid_out.clear()
        rendered = RenderedItem(item(make(source)), WIDTH, PALETTE)
        assert sum(laid_out) <= FOLDED_ROWS, name
        assert len(rendered.rows) <= FOLDED_ROWS, name
        assert rendered.fold.is_hiding, name
        assert " more " in " ".join(" ".join(lines(rendered.rows)).split()), name
        laid_out.clear()
        rendered.refold(500)
        assert sum(laid_out) <= UNFOLDED_ROWS, name


@pytest.mark.parametrize("name", SOURCES)
def test_a_mebibyte_that_streams_is_laid_out_in_part_with_each_delta(
    name: str, laid_out: list[int]
) -> None:
    text = GrowingText()
    entry = item(items.AgentMessage(text), done=False)
    rendered = RenderedItem(entry, WIDTH, PALETTE)
    source = SOURCES[name]
    for start in range(0, len(source) + DELTA, DELTA):
        laid_out.clear()
        text.append(source[start : start + DELTA])
        entry.version += 1
        entry.done = start >= len(source)
        rendered.update()
        assert sum(laid_out) <= FOLDED_ROWS
    assert lines(rendered.rows) == lines(RenderedItem(entry, WIDTH, PALETTE).rows)


def test_a_long_answer_shows_its_start_and_its_end() -> None:
    source = "".join(f"paragraph {number}\n\n" for number in range(60_000))
    rendered = RenderedItem(item(KINDS["answer"](source)), WIDTH, PALETTE)
    rows = lines(rendered.rows)
    assert rows[1] == "paragraph 0"
    assert rows[-1] == "paragraph 59999"
    [note] = [row for row in rows if "more characters" in row]
    shown = sum(len(row) + 1 for row in rows if row is not note)
    hidden = int(note.split()[1].replace(",", ""))
    assert hidden == pytest.approx(len(source) - shown, abs=100)


def test_an_answer_below_the_limit_is_shown_whole() -> None:
    source = PROSE * (30_000 // len(PROSE))
    rendered = RenderedItem(item(KINDS["answer"](source)), WIDTH, PALETTE)
    assert not rendered.fold.is_hiding
    shown = "\n".join(lines(rendered.rows))
    assert shown.count("A paragraph") == 30_000 // len(PROSE)
