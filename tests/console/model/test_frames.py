"""The inspector's model: pairing, filters, bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.frames import (
    Entry,
    FilterInvalid,
    FrameLog,
    FrameView,
    Outcome,
    find_next,
    parse_filter,
)
from codextui.protocol.frames import APP_SERVER, MCP, Frame, read_content
from codextui.text.secrets import mask_text


class Wire:
    """Makes the frames of connections, numbered and a second apart."""

    def __init__(self) -> None:
        self.count = 0

    def frame(self, message: Mapping[str, Any] | str, **about: Any) -> Frame:
        self.count += 1
        data = (message if isinstance(message, str) else json.dumps(message)).encode()
        content = read_content(data, len(data), mask_text)
        known: dict[str, Any] = {
            "number": self.count,
            "at": float(self.count),
            "link": 1,
            "protocol": MCP,
            "peer": "client",
            "sent": False,
            "size": len(data),
            "kind": content.kind,
            "method": content.method,
            "id": content.id,
            "thread": content.thread,
            "tool": content.tool,
            "detail": content.detail,
            "body": content.body,
        }
        return Frame(**{**known, **about})


def call(number: Any, tool: str = "codex", **more: Any) -> dict[str, Any]:
    return {"id": number, "method": "tools/call", "params": {"name": tool, **more}}


def answer(number: Any, **result: Any) -> dict[str, Any]:
    return {"id": number, "result": result}


def test_a_request_is_paired_with_its_answer():
    wire, log = Wire(), FrameLog()
    [request] = log.add([wire.frame(call(5))])
    assert request.outcome is Outcome.OUTSTANDING
    assert log.outstanding == [request]
    assert request.age(11.0) == 10.0
    [reply] = log.add(
        [wire.frame(answer(5, structuredContent={"threadId": "t1"}), sent=True, at=4.5)]
    )
    assert (request.partner, reply.partner) == (reply, request)
    assert (request.outcome, request.age(99.0)) == (Outcome.ANSWERED, 3.5)
    assert (reply.method, reply.tool, reply.thread) == ("tools/call", "codex", "t1")
    assert request.thread == "t1"
    assert log.outstanding == []


@pytest.mark.parametrize(
    ("reply", "about", "outcome"),
    [
        (answer("5"), {"sent": True}, Outcome.OUTSTANDING),  # another type of id
        (answer(5), {"sent": False}, Outcome.OUTSTANDING),  # of the side that asked
        (answer(5), {"sent": True, "link": 2}, Outcome.OUTSTANDING),  # of another connection
        (answer(6), {"sent": True}, Outcome.OUTSTANDING),
        (answer(5), {"sent": True}, Outcome.ANSWERED),
        (answer(5, isError=True), {"sent": True}, Outcome.FAILED),
        ({"id": 5, "error": {"code": -1, "message": "no"}}, {"sent": True}, Outcome.FAILED),
        (
            {"method": "notifications/cancelled", "params": {"requestId": 5}},
            {"sent": False},
            Outcome.CANCELLED,
        ),
        (
            {"method": "notifications/cancelled", "params": {"requestId": True}},
            {"sent": False},
            Outcome.OUTSTANDING,
        ),
    ],
)
def test_only_what_answers_a_request_ends_it(
    reply: dict[str, Any], about: dict[str, Any], outcome: Outcome
):
    wire, log = Wire(), FrameLog()
    [request] = log.add([wire.frame(call(5))])
    log.add([wire.frame(reply, **about)])
    assert request.outcome is outcome
    assert (request in log.outstanding) == (outcome is Outcome.OUTSTANDING)


def test_a_request_that_another_client_has_resolved_waits_no_more():
    wire, log = Wire(), FrameLog()
    asked = {"id": 0, "method": "item/fileChange/requestApproval", "params": {"threadId": "t"}}
    [request] = log.add([wire.frame(asked, protocol=APP_SERVER)])
    resolved = {"method": "serverRequest/resolved", "params": {"requestId": 0, "threadId": "t"}}
    log.add([wire.frame(resolved, protocol=APP_SERVER)])
    assert request.outcome is Outcome.CANCELLED


def test_the_end_of_a_connection_ends_its_requests():
    wire, log = Wire(), FrameLog()
    first, other = log.add([wire.frame(call(1)), wire.frame(call(1), link=2)])
    log.add([wire.frame("", kind="closed", body="gone")])
    assert first.outcome is Outcome.CLOSED
    assert log.outstanding == [other]


def test_what_waits_ends_with_the_server_and_is_not_paired_with_answers_of_the_next():
    wire, log = Wire(), FrameLog()
    [request] = log.add([wire.frame(call(5))])
    log.end_waiting(at=4.0)
    assert (request.outcome, request.age(99.0), log.outstanding) == (Outcome.CLOSED, 3.0, [])
    [reply] = log.add([wire.frame(answer(5), sent=True)])
    assert (request.partner, reply.partner) == (None, None)


def test_a_call_learns_its_thread_from_its_events_and_progress_from_the_call():
    wire, log = Wire(), FrameLog()
    [request] = log.add([wire.frame(call(9, _meta={"progressToken": 9}))])
    event = {"method": "codex/event", "params": {"_meta": {"requestId": 9, "threadId": "t7"}}}
    log.add([wire.frame(event, sent=True)])
    assert request.thread == "t7"
    progress = {"method": "notifications/progress", "params": {"progressToken": 9}}
    [told] = log.add([wire.frame(progress, sent=True)])
    assert told.thread == "t7"


def test_the_first_frames_of_a_client_get_its_name_when_it_is_known():
    wire, log = Wire(), FrameLog()
    [first] = log.add([wire.frame({"id": 1, "method": "initialize"}, peer="")])
    assert first.peer == ""
    log.add([wire.frame(call(2), peer="claude-code"), wire.frame(call(2), peer="", link=2)])
    assert first.peer == "claude-code"
    assert parse_filter("client:claude").fits(first, str)


def test_a_subscription_does_not_count_as_outstanding():
    wire, log = Wire(), FrameLog()
    log.add([wire.frame({"id": 3, "method": "codex/subscribe"})])
    assert log.outstanding == []


def filled() -> FrameLog:
    wire, log = Wire(), FrameLog()
    log.add(
        [
            wire.frame(call(1, arguments={"prompt": "Say hello"}), peer="claude-code"),
            wire.frame(
                {"id": 1, "method": "turn/start", "params": {"threadId": "t1"}},
                protocol=APP_SERVER,
                peer="codex",
                sent=True,
                link=2,
            ),
            wire.frame(
                {"id": 1, "error": {"code": -32600, "message": "too busy"}},
                protocol=APP_SERVER,
                peer="codex",
                link=2,
            ),
            wire.frame(
                {"method": "item/started", "params": {"threadId": "t2"}},
                protocol=APP_SERVER,
                peer="codex",
                link=2,
            ),
        ]
    )
    return log


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3, 4]),
        ("method:turn", [2, 3]),
        ("-method:turn", [1, 4]),
        ("tool:codex", [1]),
        ("proto:app", [2, 3, 4]),
        ("proto:mcp", [1]),
        ("dir:out", [2]),
        ("dir:in -is:error", [1, 4]),
        ("client:CLAUDE", [1]),
        ("thread:t1", [2, 3]),
        ("thread:tester", [4]),
        ("id:1", [1, 2, 3]),
        ("is:error", [2, 3]),
        ("is:outstanding", [1]),
        ("is:request", [1, 2]),
        ("is:answer", [3]),
        ("is:notification", [4]),
        ("hello", [1]),
        ('"say hello"', [1]),
        ("hello busy", []),
        ("item:started", []),
        ("HTTP://x", []),
    ],
)
def test_filters(text: str, numbers: list[int]):
    names = {"t2": "tester"}
    wanted = parse_filter(text)
    shown = [e for e in filled().entries if wanted.fits(e, lambda t: names.get(t, ""))]
    assert [entry.frame.number for entry in shown] == numbers


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("is:lost", "is: is one of error, outstanding"),
        ("dir:up", "dir: is one of in, out"),
        ("proto:http", "proto: is one of app, mcp"),
        ("method:", "method: wants a value"),
        ('"open', "quotation mark"),
    ],
)
def test_a_filter_that_cannot_be_understood_says_why(text: str, complaint: str):
    with pytest.raises(FilterInvalid, match=complaint):
        parse_filter(text)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_refused(text: str):
    try:
        wanted = parse_filter(text)
    except FilterInvalid:
        return
    for entry in filled().entries:
        wanted.fits(entry, str)


def test_what_is_remembered_is_bounded_and_counted():
    wire, log = Wire(), FrameLog(max_entries=10)
    [first, *_] = log.add([wire.frame(call(n)) for n in range(15)], lost=3)
    assert [e.frame.number for e in log.entries] == list(range(6, 16))
    assert (log.received, log.dropped, log.lost) == (15, 5, 3)
    assert first in log.outstanding
    small = FrameLog(max_chars=300)
    small.add([wire.frame(call(n, arguments={"prompt": "x" * 100})) for n in range(5)])
    assert 0 < len(small.entries) < 3


@pytest.mark.parametrize("text", ["", "dir:in", "is:request", "-is:outstanding", "codex"])
def test_a_view_that_follows_shows_what_a_new_one_does(text: str):
    wire, log = Wire(), FrameLog(max_entries=20)
    view = FrameView(log, str)
    view.set_filter(parse_filter(text))
    for number in range(60):
        log.add([wire.frame(call(number)), wire.frame(answer(number), sent=True)])
        view.update()
        fresh = FrameView(log, str)
        fresh.set_filter(view.filter)
        assert list(view.shown) == list(fresh.shown)
    log.clear()
    view.update()
    assert list(view.shown) == []


def test_a_search_goes_on_and_round():
    shown = list(filled().entries)
    assert find_next(shown, "codex", 0) == 1
    assert find_next(shown, "codex", 3) == 0
    assert find_next(shown, "codex", 0, step=-1) == 3
    assert find_next(shown, "nothing", 0) is None
    assert find_next([], "codex", 0) is None


@st.composite
def traffic(draw: st.DrawFn) -> list[Frame]:
    wire, frames = Wire(), []
    for _ in range(draw(st.integers(0, 40))):
        number = draw(st.integers(0, 3) | st.sampled_from(["0", "1"]))
        message = draw(
            st.sampled_from(
                [
                    call(number),
                    answer(number),
                    {"method": "notifications/cancelled", "params": {"requestId": number}},
                ]
            )
        )
        about = {"sent": draw(st.booleans()), "link": draw(st.integers(1, 2))}
        frames.append(wire.frame(message, **about))
    return frames


@given(traffic())
def test_pairs_are_mutual_and_what_waits_has_no_answer(frames: list[Frame]):
    log = FrameLog()
    entries: list[Entry] = log.add(frames)
    for entry in entries:
        if entry.partner is not None:
            assert entry.partner.partner is entry
            assert entry.partner.frame.id == entry.frame.id
            assert entry.partner.frame.link == entry.frame.link
            assert entry.partner.frame.sent != entry.frame.sent
    for entry in log.outstanding:
        assert entry.outcome is Outcome.OUTSTANDING
        assert entry.partner is None
