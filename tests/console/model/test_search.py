"""What a search finds in transcripts, and how its results are kept."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codextui.console.model.history import PastThread
from codextui.console.model.search import (
    Found,
    FoundPage,
    SearchResults,
    Source,
    find_item,
    found_in_codex,
    search_live,
)
from codextui.console.model.state import ConsoleState
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, ThreadState


def state_with(*texts: str, thread_id: str = "t") -> ConsoleState:
    state = ConsoleState()
    info = ThreadInfo(thread_id, "backend", ThreadState.IDLE)
    msgs: list[ev.Msg] = [ev.ThreadChanged(info), ev.TurnStarted(50.0)]
    for number, text in enumerate(texts):
        item = {"type": "agentMessage", "id": f"m{number}", "text": text}
        msgs.append(ev.ItemCompleted(item))
    for seq, msg in enumerate(msgs, 1):
        state.apply(ev.Event(seq, thread_id, "u", 60.0, msg))
    return state


def hits(state: ConsoleState, text: str) -> list[Found]:
    return [hit for hit in search_live(state, text) if hit is not None]


def found(number: int, at: float = 0.0, source: Source = Source.LIVE) -> Found:
    return Found(source, "t", "u", f"m{number}", "backend", at, "answer", f"line {number}")


def test_the_line_with_the_text_is_found_in_any_case() -> None:
    (hit,) = hits(state_with("no", "one\nThe Gate is shut\ngate\n"), "GATE")
    assert (hit.item_id, hit.line, hit.lines, hit.kind) == ("m1", "The Gate is shut", 2, "answer")
    assert (hit.handle, hit.at, hit.source) == ("backend", 50.0, Source.LIVE)


@pytest.mark.parametrize("text", ["İx needle", "ẞ\n\nneedle ß", "needle\x1b[31m red"])
def test_lines_are_found_whatever_lowering_does_to_them(text: str) -> None:
    (hit,) = hits(state_with(text), "needle")
    assert "needle" in hit.line
    assert "\x1b" not in hit.line


def test_a_long_line_is_cut_around_the_text() -> None:
    (hit,) = hits(state_with(f"{'x' * 5000} needle {'y' * 5000}"), "needle")
    assert "needle" in hit.line
    assert len(hit.line) < 310


@example("V\n", "V\n")
@given(st.text(max_size=80), st.text(min_size=1, max_size=5))
def test_whatever_is_found_has_the_text(text: str, wanted: str) -> None:
    assert bool(hits(state_with(text), wanted)) == (wanted.lower() in text.lower())


def test_a_found_item_is_found_again_in_its_transcript() -> None:
    state = state_with("a", "needle")
    (hit,) = hits(state, "needle")
    item = find_item(state.threads["t"], hit)
    assert item is not None
    assert item.item_id == "m1"
    assert find_item(None, hit) is None
    assert find_item(state.threads["t"], found(9)) is None


def test_results_are_sorted_by_time_and_listed_once() -> None:
    results = SearchResults()
    results.add([found(1, 10.0), found(2, 30.0)])
    results.add([found(2, 31.0, Source.JOURNAL), found(3, 20.0, Source.JOURNAL)])
    assert [one.item_id for one in results.found] == ["m2", "m3", "m1"]
    assert results.found[0].source is Source.LIVE


def test_the_cursor_stays_on_its_row_while_more_is_found() -> None:
    results = SearchResults()
    results.add([found(1, 10.0), found(2, 5.0)])
    assert results.move(1)
    results.add([found(3, 20.0)])
    assert results.current == found(2, 5.0)
    assert not results.move(1)
    assert results.move(-2)


def test_only_so_many_are_listed() -> None:
    results = SearchResults(max_found=2)
    results.add([found(1), found(2)])
    assert not results.is_full
    results.add([found(3)])
    assert results.is_full
    assert len(results.found) == 2


def test_a_page_of_the_journal_is_read_and_made_safe() -> None:
    rows = [
        {
            "thread_id": "t",
            "turn_id": "u",
            "item_id": "m",
            "at": 1,
            "kind": "commandExecution",
            "line": "a\x1b[31mb",
            "lines": 2,
            "handle": "",
        },
        {"no": "thread"},
    ]
    page = FoundPage.read({"matches": rows, "cursor": "7"})
    assert page.cursor == "7"
    (one,) = page.found
    assert (one.handle, one.kind, one.line, one.lines) == ("t", "command", "ab", 2)


def test_a_thread_of_codex_is_named_by_its_prompt() -> None:
    one = found_in_codex(PastThread("0123456789", brief="Fix\nit", at=3.0))
    assert (one.handle, one.source, one.item_id) == ("Fix ␊ it", Source.CODEX, "")
