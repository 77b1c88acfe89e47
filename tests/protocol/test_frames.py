"""Frames as they are read: what they are, whose they are, bounded, and without secrets."""

from __future__ import annotations

import json
import string
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.client.capture import CaptureWriter
from codextui.console.model.frames import FrameLog
from codextui.console.model.json_tree import json_lines
from codextui.console.render.frames import describe_line
from codextui.protocol.frames import (
    MAX_PARSED,
    MAX_SHOWN,
    MCP,
    Frame,
    FrameContent,
    FrameKind,
    read_content,
)
from codextui.text.secrets import mask_text


def read(message: Any) -> FrameContent:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return read_content(data[:MAX_SHOWN] if len(data) > MAX_PARSED else data, len(data), mask_text)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"id": 1, "method": "ping"}, FrameKind.REQUEST),
        ({"method": "initialized"}, FrameKind.NOTIFICATION),
        ({"id": 1, "result": {}}, FrameKind.ANSWER),
        ({"id": 0, "result": None}, FrameKind.ANSWER),
        ({"id": 1, "result": {"isError": True}}, FrameKind.ERROR),
        ({"id": 1, "error": {"code": 1, "message": "no"}}, FrameKind.ERROR),
        ({"id": None, "error": {}}, FrameKind.ERROR),
        ({}, FrameKind.INVALID),
        ([], FrameKind.INVALID),
        (b"hello", FrameKind.INVALID),
        (b"\xff\xfe{", FrameKind.INVALID),
        (b"[" * 100_000, FrameKind.INVALID),
    ],
)
def test_what_a_frame_is(message: Any, kind: FrameKind):
    assert read(message).kind is kind


@pytest.mark.parametrize(
    "message",
    [
        {"params": {"threadId": "t1"}},
        {"params": {"conversationId": "t1"}},
        {"params": {"thread": {"id": "t1"}}},
        {"result": {"thread": {"id": "t1"}}},
        {"params": {"_meta": {"threadId": "t1"}}},
        {"params": {"arguments": {"threadId": "t1"}}},
        {"params": {"arguments": {"thread": "t1"}}},
        {"result": {"structuredContent": {"threadId": "t1"}}},
        {"result": {"structuredContent": {"thread": {"thread_id": "t1"}}}},
        {"params": {"_meta": {"codextui/approval": {"thread_id": "t1"}}}},
    ],
)
def test_the_thread_of_a_frame(message: Any):
    assert read(message).thread == "t1"


def test_the_tool_and_the_type_of_an_item_or_event():
    assert read({"id": 1, "method": "tools/call", "params": {"name": "codex"}}).tool == "codex"
    assert read({"method": "x", "params": {"item": {"type": "plan"}}}).detail == "plan"
    assert read({"method": "codex/event", "params": {"msg": {"type": "warned"}}}).detail == "warned"


def test_a_long_frame_is_bounded_and_says_so():
    whole = read({"method": "m", "params": {"text": "x" * 100}})
    assert not whole.cut
    for size in (40_000, 1_000_000):
        cut = read({"method": "m", "params": {"threadId": "t", "text": "x" * size, "n": 1}})
        assert (cut.cut, cut.method, cut.thread) == (True, "m", "t")
        assert len(cut.body) <= MAX_SHOWN
        json.loads(cut.body)


PLACES = [
    lambda secret: {"params": {"api_key": secret}},
    lambda secret: {"params": {"config": {"mcp_servers.x.env": {"A": secret, "B": [secret]}}}},
    lambda secret: {"params": {"prompt": f"Use sk-{secret} now"}},
    lambda secret: {"result": {"stdout": f"OPENAI_API_KEY={secret}\nPATH=/usr/bin"}},
    lambda secret: {"params": {"headers": {"Authorization": f"Bearer {secret}"}}},
    lambda secret: {"params": {"command": ["curl", "-H", f"Authorization: Bearer {secret}"]}},
    lambda secret: {"error": {"message": f"401 for Bearer {secret}"}},
    lambda secret: {"result": {"tokens": {"access_token": secret, "refresh_token": secret}}},
    lambda secret: {"params": {"text": json.dumps({"password": secret})}},
    lambda secret: {"method": f"sk-{secret}", "id": f"sk-{secret}"},
    lambda secret: {"params": {"threadId": f"sk-{secret}"}},
    lambda secret: {f"sk-{secret}": 1},
]

secrets = st.text(string.ascii_letters + string.digits, min_size=20, max_size=60).map(
    lambda text: f"Q{text}"
)


@given(
    secret=secrets,
    place=st.sampled_from(PLACES),
    filler=st.integers(0, 3).map(lambda n: n * 20_000),
    first=st.booleans(),
    broken=st.integers(0, 30),
)
def test_a_secret_is_in_nothing_that_the_inspector_sends_shows_or_saves(
    *, secret: str, place: Any, filler: int, first: bool, broken: int
):
    padding = {"a": "word " * (filler // 5)}
    message = {**padding, **place(secret)} if first else {**place(secret), **padding}
    data = json.dumps({"jsonrpc": "2.0", **message}).encode()
    data = data[: len(data) - broken]
    content = read(data)
    frame = Frame(
        *(1, 1.0, 1, MCP, "client", False),
        content.kind,
        len(data),
        content.method,
        content.id,
        content.thread,
        content.tool,
        content.detail,
        content.cut,
        content.body,
    )
    assert secret not in json.dumps(frame.to_json())
    [entry] = FrameLog().add([frame])
    assert secret not in describe_line(entry, str, 2.0)
    shown = json.loads(frame.body) if frame.kind is not FrameKind.INVALID else frame.body
    assert all(secret not in line.text + line.key for line in json_lines(shown))
    with TemporaryDirectory() as folder:
        path = Path(folder, "capture.jsonl")
        with CaptureWriter(path, "default") as writer:
            writer.write([frame])
        assert secret not in path.read_text()
