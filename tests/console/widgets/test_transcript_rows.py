from __future__ import annotations

import random

import pytest

from codextui.console.model.state import ConsoleState
from codextui.console.model.transcript import Transcript
from codextui.console.render.palette import palette_from
from codextui.console.widgets.transcript_rows import MAX_ROWS, TranscriptRows
from codextui.protocol.events import Event, ItemCompleted, ItemStarted, Msg, OutputDelta, TextDelta

PALETTE = palette_from({})


class Thread:
    """A thread that receives events."""

    def __init__(self) -> None:
        self.state = ConsoleState()
        self.seq = 0
        self.say(ItemCompleted({"type": "agentMessage", "id": "first", "text": "the first"}))

    def say(self, msg: Msg) -> None:
        self.seq += 1
        self.state.apply(Event(self.seq, "t", "u", 0.0, msg))

    def message(self, item_id: str, text: str) -> None:
        self.say(ItemCompleted({"type": "agentMessage", "id": item_id, "text": text}))

    def messages(self, count: int) -> None:
        for number in range(count):
            self.message(f"m{number}", f"message {number}")

    @property
    def transcript(self) -> Transcript:
        return self.state.threads["t"].transcript

    def rows(self, width: int = 40, *, max_rows: int = MAX_ROWS) -> TranscriptRows:
        return TranscriptRows(self.transcript, width, PALETTE, max_rows=max_rows)


def text(rows: TranscriptRows) -> list[str]:
    return [strip.text.strip() for strip in rows.rows]


def complete(thread: Thread) -> list[str]:
    rows = thread.rows()
    rows.fill(10**9)
    return text(rows)


def test_nothing_is_rendered_before_fill() -> None:
    thread = Thread()
    thread.messages(50)
    assert thread.rows().rows == []


def test_fill_renders_only_as_many_rows_as_needed_from_the_end() -> None:
    thread = Thread()
    thread.messages(50)
    rows = thread.rows()
    rows.fill(10)
    assert 10 <= len(rows.rows) < 20
    assert "message 49" in text(rows)
    assert not rows.is_complete


def test_fill_returns_the_number_of_rows_added_above() -> None:
    thread = Thread()
    thread.messages(50)
    rows = thread.rows()
    rows.fill(10)
    before = text(rows)
    above = rows.fill(30)
    assert text(rows)[above:] == before


def test_every_row_is_as_wide_as_the_pane() -> None:
    thread = Thread()
    thread.message("m", "wörter 漢字 `code`\n\n```python\nprint('a long line of code')\n```\n" * 3)
    for width in (12, 13, 40, 41, 100):
        rows = thread.rows(width)
        rows.fill(10**9)
        assert {strip.cell_length for strip in rows.rows} == {width}


def test_unchanged_rows_keep_their_strips() -> None:
    thread = Thread()
    rows = thread.rows()
    rows.fill(10)
    before = list(rows.rows)
    thread.message("m", "more")
    assert rows.update(0) == 0
    assert "more" in text(rows)
    assert all(now is then for now, then in zip(rows.rows, before, strict=False))


def test_without_changes_nothing_is_rendered_again() -> None:
    thread = Thread()
    rows = thread.rows()
    rows.fill(10)
    before = list(rows.rows)
    assert rows.update(0) == 0
    assert [id(strip) for strip in rows.rows] == [id(strip) for strip in before]


def test_a_completed_message_replaces_the_streamed_text() -> None:
    thread = Thread()
    rows = thread.rows()
    rows.fill(10)
    thread.say(TextDelta("m", "taken back"))
    rows.update(0)
    thread.message("m", "")
    rows.update(0)
    assert "taken back" not in text(rows)
    assert text(rows) == complete(thread)


def test_rows_added_above_move_the_top_row() -> None:
    thread = Thread()
    command = {"type": "commandExecution", "id": "c", "command": "make", "cwd": "/"}
    thread.say(ItemStarted(command | {"status": "inProgress"}))
    thread.messages(20)
    rows = thread.rows()
    rows.fill(10**9)
    top = text(rows).index("message 10")
    thread.say(OutputDelta("c", "one\ntwo\nthree\n"))
    moved = rows.update(top)
    assert text(rows)[moved] == "message 10"


def test_an_anchor_holds_at_another_width() -> None:
    thread = Thread()
    for number in range(40):
        thread.message(f"m{number}", f"message {number} with some words that are wrapped " * 2)
    wide, narrow = thread.rows(100), thread.rows(30)
    wide.fill(60)
    row = next(i for i, line in enumerate(text(wide)) if line.startswith("message 25"))
    found = narrow.row_of(wide.anchor_at(row))
    assert text(narrow)[found].startswith("message 25")


def test_the_oldest_rows_are_dropped_while_the_end_is_shown() -> None:
    thread = Thread()
    thread.messages(100)
    rows = thread.rows(max_rows=30)
    rows.fill(10**9)
    count = len(rows.rows)
    gone = rows.trim(20)
    assert 20 <= len(rows.rows) == count - gone <= 30
    assert not rows.is_complete
    rows.fill(10**9)
    assert text(rows) == complete(thread)


def test_an_item_longer_than_the_limit_stays_above_a_short_one() -> None:
    thread = Thread()
    thread.message("long", "x" * 10_000)
    thread.message("short", "y")
    rows = thread.rows(max_rows=30)
    rows.fill(20)
    rows.trim(20)
    assert text(rows)[-20:] == complete(thread)[-20:]


@pytest.mark.parametrize("seed", range(20))
def test_updated_rows_equal_freshly_rendered_ones(seed: int) -> None:
    chance = random.Random(seed)
    thread = Thread()
    rows = thread.rows()
    rows.fill(10**9)
    open_items: list[str] = []
    for number in range(60):
        match chance.randrange(5):
            case 0:
                item = {"type": "agentMessage", "id": f"s{number}", "text": ""}
                thread.say(ItemStarted(item))
                open_items.append(f"s{number}")
            case 1 | 2 if open_items:
                delta = chance.choice(["word ", "\n\n", "- a\n", "`c` ", "```\n", "漢字 " * 20])
                thread.say(TextDelta(chance.choice(open_items), delta))
            case 3 if open_items:
                thread.message(open_items.pop(), "it is **done**\n\nreally")
            case _:
                thread.message(f"m{number}", f"message {number}")
        if chance.random() < 0.5:
            rows.update(0)
    rows.update(0)
    assert text(rows) == complete(thread)


def check_places(rows: TranscriptRows) -> None:
    """Check that every item is where its rows are."""
    items = rows.items_in(0, len(rows.rows))
    places = [rows.place_of(item.ordinal) for _, item in items]
    assert [place[0] for place in places if place] == [start for start, _ in items]
    assert sum(place[1] for place in places if place) == len(rows.rows)


@pytest.mark.parametrize("seed", range(8))
def test_items_fold_and_collapse_one_by_one_whatever_happens_meanwhile(seed: int) -> None:
    chance = random.Random(seed)
    thread = Thread()
    rows = thread.rows(30, max_rows=200)
    rows.fill(20)
    for step in range(150):
        match chance.randrange(6):
            case 0:
                thread.message(f"s{step}", "a\n\nb\n\nc" * chance.randrange(4))
            case 1:
                command = {"type": "commandExecution", "id": f"c{step}", "command": "x"}
                output = "\n".join(map(str, range(chance.randrange(40))))
                thread.say(ItemCompleted(command | {"aggregatedOutput": output}))
            case 2:
                thread.say(TextDelta("growing", "more of it\n\n"))
            case 3:
                rows.fill(len(rows.rows) + 5)
            case 4 if rows.trim(20):
                pass
            case _:
                items = rows.items_in(0, len(rows.rows))
                ordinal = chance.choice(items)[1].ordinal if items else -1
                if ordinal >= 0 and (row := rows.toggle_item(ordinal)) is not None:
                    assert rows.place_of(ordinal) is not None
                    assert row == (rows.place_of(ordinal) or (0, 0))[0]
        rows.update(0)
        check_places(rows)


def test_a_collapsed_item_says_how_much_it_hides_and_an_item_of_one_line_stays() -> None:
    thread = Thread()
    thread.message("m", "one\n\ntwo\n\nthree")
    rows = thread.rows()
    rows.fill(100)
    ordinal = thread.transcript.items[-1].ordinal
    assert rows.toggle_item(ordinal) is not None
    assert text(rows)[-2:] == ["one", "… folded: 4 more lines"]
    assert rows.toggle_item(ordinal) is not None
    assert text(rows)[-1] == "three"
    assert rows.toggle_item(0) is None
