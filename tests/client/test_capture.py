"""Captures: written, read, and refused with the line of what is wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.client.capture import CaptureWriter, capture_name, read_capture
from codextui.errors import ConfigInvalid
from codextui.protocol.frames import APP_SERVER, MCP, Frame, FrameKind

SECRET = "sk-proj-1234567890abcdef"

FRAMES = [
    Frame(
        *(1, 12.5, 3, APP_SERVER, "codex", True, FrameKind.REQUEST, 60),
        method="turn/start",
        id=7,
        thread="t",
        body='{"id":7,"method":"turn/start","params":{"threadId":"t"}}',
    ),
    Frame(*(2, 13.0, 4, MCP, "client", False, FrameKind.INVALID, 5), body="hello"),
    Frame(*(3, 13.0, 4, MCP, "", False, FrameKind.CLOSED, 0), body="gone"),
]
HEADER = '{"codextui_capture": 1, "server": "default", "at": 5}\n'


def write(path: Path, frames: list[Frame]) -> None:
    with CaptureWriter(path, "default", now=5.0) as writer:
        writer.write(frames)


def test_a_capture_is_read_as_it_was_written(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    write(path, FRAMES)
    capture = read_capture(path)
    assert (capture.server, capture.at, capture.frames) == ("default", 5.0, FRAMES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[1]["message"]["method"] == "turn/start"


def test_a_capture_replaces_no_file(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        CaptureWriter(path, "default")
    assert path.read_text() == "mine"


def test_secrets_are_masked_when_written_and_when_read(tmp_path: Path):
    body = json.dumps({"params": {"text": f"use {SECRET}", "env": {"KEY": "plain"}}})
    frame = Frame(*(1, 1.0, 1, MCP, "client", False, FrameKind.NOTIFICATION, 9), body=body)
    path = tmp_path / "a.jsonl"
    write(path, [frame])
    text = path.read_text()
    assert SECRET not in text
    assert "plain" not in text
    line = {**frame.to_json(), "message": json.loads(body), "peer": f"x {SECRET}"}
    del line["body"]
    foreign = tmp_path / "b.jsonl"
    foreign.write_text(HEADER + json.dumps(line))
    [read] = read_capture(foreign).frames
    assert SECRET not in repr(read)
    assert "plain" not in read.body


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", r"a\.jsonl:1: this is no capture"),
        ("hello\n", r"a\.jsonl:1: this is no capture"),
        ('{"resourceLogs": []}\n', r"a\.jsonl:1: this is no capture"),
        ('{"codextui_capture": 2}\n', r"a\.jsonl:1: the capture has version 2, .* version 1"),
        ('{"codextui_capture": 1, "at": "noon"}\n', r"a\.jsonl:1: at must be a number"),
        (HEADER + "\n{", r"a\.jsonl:3: this is no frame: not JSON"),
        (HEADER + '{"number": 1}\n', r"a\.jsonl:2: this is no frame: .*missing"),
        (HEADER + "[]\n", r"a\.jsonl:2: this is no frame: not a JSON object"),
        (HEADER + "x" * 2_000_000, r"a\.jsonl:2: the line is too long"),
    ],
)
def test_a_broken_or_foreign_file_is_refused_with_its_line(
    tmp_path: Path, content: str, complaint: str
):
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigInvalid, match=complaint):
        read_capture(path)


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(ConfigInvalid, match="cannot be read: No such file"):
        read_capture(tmp_path / "none.jsonl")


def test_a_capture_is_named_after_its_server_and_time():
    assert capture_name("default", 0.0).startswith("default-19")
    assert capture_name("default", 0.0).endswith(".jsonl")


@given(
    frames=st.lists(
        st.builds(
            Frame,
            number=st.integers(0, 2**40),
            at=st.floats(0, 2e9),
            link=st.integers(0, 1000),
            protocol=st.sampled_from([MCP, APP_SERVER]),
            peer=st.text("abc é\u202e", max_size=5),
            sent=st.booleans(),
            kind=st.sampled_from(FrameKind),
            size=st.integers(0, 2**30),
            method=st.text("abc/", max_size=5),
            id=st.none() | st.integers(-5, 5) | st.text("abc", max_size=5),
            cut=st.booleans(),
            body=st.sampled_from(['{"a":1}', "not json", "", '"text"', "[1,2]", '{"a":""}']),
        ),
        max_size=5,
    )
)
def test_any_capture_is_read_as_it_was_written(frames: list[Frame]):
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        write(path, frames)
        read = read_capture(path).frames
    assert [structs.replace(f, id=f.id or None) for f in read] == [
        structs.replace(f, id=f.id or None) for f in frames
    ]
