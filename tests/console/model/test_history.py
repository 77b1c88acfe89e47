"""The picker's rows, and which page is asked for when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.history import (
    History,
    HistoryPage,
    HistoryQuery,
    HistoryRequest,
    PastThread,
)
from codextui.console.model.paging import PAGE_AHEAD, PAGE_SIZE
from codextui.errors import MessageInvalid


def page(*ids: str, cursor: str = "") -> tuple[list[PastThread], str]:
    return [PastThread(thread_id) for thread_id in ids], cursor


def ids(history: History) -> list[str]:
    return [thread.thread_id for thread in history.rows]


def test_the_first_page_is_due_at_once_and_only_once() -> None:
    history = History()
    assert history.is_loading
    assert history.take_request() == HistoryRequest(HistoryQuery())
    assert history.take_request() is None
    history.add_rows(*page("a", "b"))
    assert ids(history) == ["a", "b"]
    assert history.take_request() is None
    assert history.is_complete


def test_the_next_page_is_due_near_the_end_of_the_rows() -> None:
    history = History()
    history.take_request()
    history.add_rows(*page(*(f"t{n}" for n in range(PAGE_SIZE)), cursor="next"))
    history.look_at(0)
    assert history.take_request() is None
    history.look_at(PAGE_SIZE - PAGE_AHEAD)
    assert history.take_request() == HistoryRequest(HistoryQuery(), "next")
    history.add_rows(*page("t49", "new"))
    assert len(ids(history)) == PAGE_SIZE + 1
    assert history.is_complete


def test_a_cursor_that_leads_to_itself_ends_the_rows() -> None:
    history = History()
    history.take_request()
    history.add_rows(*page("a", cursor="1"))
    history.look_at(0)
    history.take_request()
    history.add_rows(*page("a", cursor="1"))
    assert history.is_complete
    assert history.take_request() is None


def test_the_answer_to_an_earlier_query_is_dropped_and_the_newest_is_asked_for() -> None:
    history = History()
    history.take_request()
    history.look_for(HistoryQuery("f"))
    history.look_for(HistoryQuery("fo"))
    assert history.take_request() is None
    history.add_rows(*page("old"))
    assert ids(history) == []
    assert history.take_request() == HistoryRequest(HistoryQuery("fo"))
    history.add_rows(*page("new"))
    assert ids(history) == ["new"]


def test_an_error_of_an_earlier_query_is_dropped_too() -> None:
    history = History()
    history.take_request()
    history.look_for(HistoryQuery(archived=True))
    history.on_error("slow")
    assert history.error == ""
    assert history.take_request() == HistoryRequest(HistoryQuery(archived=True))


def test_what_failed_is_asked_for_again_on_request_or_by_another_query() -> None:
    history = History()
    history.take_request()
    history.on_error("no")
    assert (history.error, history.is_loading, history.take_request()) == ("no", False, None)
    history.retry()
    assert history.take_request() is not None
    history.on_error("no")
    history.look_for(HistoryQuery("x"))
    assert history.take_request() == HistoryRequest(HistoryQuery("x"))


def test_rows_are_loaded_again_on_request() -> None:
    history = History()
    history.take_request()
    history.add_rows(*page("a"))
    history.retry()
    assert history.take_request() == HistoryRequest(HistoryQuery())
    history.add_rows(*page("b"))
    assert ids(history) == ["b"]


def test_the_arguments_leave_out_what_is_empty() -> None:
    assert HistoryRequest(HistoryQuery()).arguments == {"limit": PAGE_SIZE, "archived": False}
    assert HistoryRequest(HistoryQuery("x", True), "c").arguments == {
        "limit": PAGE_SIZE,
        "archived": True,
        "search": "x",
        "cursor": "c",
    }


def test_a_page_is_read_without_what_cannot_be() -> None:
    row = {"thread_id": "a", "name": None, "recent_at": None, "created_at": 5, "loaded": True}
    read = HistoryPage.read({"threads": [row, {"name": "no id"}, {"thread_id": 7}], "cursor": None})
    assert read == HistoryPage([PastThread("a", at=5.0, loaded=True)])
    with pytest.raises(MessageInvalid):
        HistoryPage.read({"threads": "none"})


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("type"), st.sampled_from(["", "a", "ab"])),
            st.tuples(st.just("look"), st.integers(0, 30)),
            st.tuples(st.just("answer"), st.booleans()),
            st.tuples(st.just("retry"), st.none()),
        ),
        max_size=40,
    )
)
def test_at_rest_the_rows_are_those_of_what_was_typed_last(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    picker = Picker()
    for kind, value in steps:
        picker.step(kind, value)
    picker.finish()
    assert picker.history.is_complete
    search = picker.history.query.search
    assert sorted(ids(picker.history)) == [f"{search}:{n}" for n in range(4)]


class Picker:
    """A history, and a server with four pages of a thread each for every search."""

    def __init__(self) -> None:
        self.history = History()
        self.sent: list[HistoryRequest] = []

    def step(self, kind: str, value: object) -> None:
        match kind, value:
            case "type", str(text):
                self.history.look_for(HistoryQuery(text))
            case "look", int(index):
                self.history.look_at(index)
            case "answer", works:
                self.answer(works=bool(works))
            case _:
                self.history.retry()
        self.send()

    def send(self) -> None:
        if (request := self.history.take_request()) is not None:
            assert not self.sent, "one request at a time"
            self.sent.append(request)

    def answer(self, *, works: bool) -> None:
        if not self.sent:
            return
        request = self.sent.pop()
        number = int(request.cursor or 0)
        first = f"{request.query.search}:0"
        if works:
            more = "" if number >= 3 else str(number + 1)
            self.history.add_rows(*page(f"{request.query.search}:{number}", first, cursor=more))
        else:
            self.history.on_error("no")

    def finish(self) -> None:
        self.history.retry()
        self.send()
        while self.sent:
            self.answer(works=True)
            self.history.look_at(0)
            self.send()
