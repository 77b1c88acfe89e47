"""Frames in a line each, and lines of JSON."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from codextui.console.model.frames import Entry, FrameLog
from codextui.console.model.json_tree import json_lines
from codextui.console.render.frames import (
    describe_frame,
    describe_line,
    describe_outcome,
    describe_way,
    format_size,
    format_wait,
    render_frame,
    render_json_line,
)
from codextui.console.render.layout import row_width
from codextui.console.render.palette import palette_from
from codextui.protocol.frames import APP_SERVER, MCP, Frame, FrameKind

PALETTE = palette_from({})


def frame(kind: FrameKind = FrameKind.NOTIFICATION, **about: Any) -> Frame:
    known: dict[str, Any] = {
        "number": 1,
        "at": 100.0,
        "link": 4,
        "protocol": MCP,
        "peer": "claude-code",
        "sent": False,
        "kind": kind,
        "size": 1234,
    }
    return Frame(**(known | about))


def entries(*frames: Frame) -> list[Entry]:
    return FrameLog().add(frames)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            frame(FrameKind.REQUEST, method="tools/call", tool="codex", id=5),
            "? tools/call codex #5",
        ),
        (frame(method="item/started", detail="plan"), "· item/started plan"),
        (frame(FrameKind.ANSWER, id="a-1"), "= a request that was not seen #a-1"),
        (frame(FrameKind.ERROR, id=5), "✗ a request that was not seen #5"),
        (frame(FrameKind.CLOSED, body="gone"), "∅ the connection has ended: gone"),
        (frame(FrameKind.INVALID, body="hello"), "✗ no message: hello"),
        (frame(method="a\x1b[31mb"), "· ab"),
    ],
)
def test_what_a_frame_is_in_words(one: Frame, words: str):
    [entry] = entries(one)
    assert describe_frame(entry) == words


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "mcp ← claude-code"),
        ({"sent": True}, "mcp → claude-code"),
        ({"protocol": APP_SERVER, "peer": "codex"}, "app ← codex"),
        ({"peer": ""}, "mcp ← client 4"),
    ],
)
def test_who_sent_it_to_whom(about: dict[str, Any], words: str):
    assert describe_way(entries(frame(**about))[0]) == words


REQUEST = frame(FrameKind.REQUEST, id=1)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "… waits 20s"),
        (frame(FrameKind.ANSWER, id=1, sent=True, at=100.25), "✓ 250ms"),
        (frame(FrameKind.ERROR, id=1, sent=True, at=103), "✗ 3.0s"),
        (frame(FrameKind.CLOSED, at=101), "∅ cut off after 1.0s"),
    ],
)
def test_what_became_of_a_request(end: Frame | None, words: str):
    [request, *_] = entries(REQUEST, *([end] if end is not None else []))
    assert describe_outcome(request, 120.0) == words


def test_nothing_becomes_of_a_notification():
    assert describe_outcome(entries(frame())[0], 120.0) == ""


def test_a_line_for_a_shell():
    request, answer = entries(
        frame(FrameKind.REQUEST, id=1, method="turn/start", thread="t1"),
        frame(FrameKind.ANSWER, id=1, sent=True, at=101.5),
    )
    line = describe_line(request, {"t1": "tester"}.__getitem__, 120.0)
    assert line.split("  ")[1:] == [
        "mcp ← claude-code",
        "? turn/start #1",
        "tester",
        "1.2 kB",
        "✓ 1.5s",
    ]
    assert describe_line(answer, str, 120.0).endswith("= turn/start #1  t1  1.2 kB  1.5s")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 96, 120, 200])
@pytest.mark.parametrize("selected", [True, False])
def test_a_row_is_exactly_as_wide_as_it_must_be(width: int, selected: bool):
    waits, *_ = entries(
        frame(FrameKind.REQUEST, id=1, method="漢字/" * 20, peer="wide 漢字 name", thread="t")
    )
    strip = render_frame(waits, width, PALETTE, str, now=999.0, selected=selected)
    assert strip.cell_length == width


def test_what_matters_stands_at_80_columns():
    [waits] = entries(
        frame(FrameKind.REQUEST, id=0, method="item/commandExecution/requestApproval", thread="t1")
    )
    text = render_frame(waits, 80, PALETTE, lambda _: "backend", now=141.0).text
    for words in ("item/commandExecution", "backend", "… waits 41s", "mcp ← claude-co"):
        assert words in text


@pytest.mark.parametrize("width", [12, 30, 80])
def test_lines_of_json_wrap_within_their_width(width: int):
    value = {
        "a": ["x" * 100, {"b": "words and words " * 10, "漢字": "漢字" * 30}],
        "e\x1b[0m": "\x07",
    }
    for line in json_lines(value):
        for row in render_json_line(line, width, PALETTE):
            assert row_width(row) <= width
            text = "".join(segment.text for segment in row)
            assert "\x1b" not in text
            assert "\x07" not in text
            assert cell_len(text) == row_width(row)


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1_250, "1.2 kB"), (3_400_000, "3.4 MB")]
)
def test_sizes(size: int, words: str):
    assert format_size(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0412, "41ms"), (3.2, "3.2s"), (41, "41s"), (250, "4m 10s")]
)
def test_waits(seconds: float, words: str):
    assert format_wait(seconds) == words
