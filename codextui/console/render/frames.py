"""Frames of the inspector in a line each, in words that need no colour."""

from __future__ import annotations

import time

from codextui.console.model.frames import Entry, NameOf, Outcome
from codextui.protocol.frames import MCP, FrameKind
from codextui.text.figures import format_elapsed
from codextui.text.sanitize import one_line

MAX_NAME = 80
"""Characters of a name on a line."""


def format_time(at: float) -> str:
    """Return the time of day with milliseconds."""
    whole = time.strftime("%H:%M:%S", time.localtime(at))
    return f"{whole}.{int(at * 1000) % 1000:03}"


def format_size(size: int) -> str:
    """Return a count of bytes as `312 B`, `1.2 kB` or `3.4 MB`."""
    if size < 1_000:
        return f"{size} B"
    if size < 999_500:
        return f"{size / 1_000:.1f} kB"
    return f"{size / 1_000_000:.1f} MB"


def format_wait(seconds: float) -> str:
    """Return how long an answer took: `41ms`, `3.2s`, `4m 10s`."""
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else format_elapsed(seconds)


def describe_way(entry: Entry) -> str:
    """Return who sent a frame to whom: `mcp ← claude-code`, `app → codex`."""
    frame = entry.frame
    protocol = "mcp" if frame.protocol == MCP else "app"
    peer = one_line(frame.peer, MAX_NAME) or f"client {frame.link}"
    return f"{protocol} {'→' if frame.sent else '←'} {peer}"


def describe_frame(entry: Entry) -> str:
    """Return what a frame is: `? turn/start #5`, `= turn/start #5`, `· item/started`."""
    frame = entry.frame
    if frame.kind is FrameKind.CLOSED:
        return f"∅ the connection has ended: {one_line(frame.body, MAX_NAME)}"
    if frame.kind is FrameKind.INVALID:
        return f"✗ no message: {one_line(frame.body, MAX_NAME)}"
    method = one_line(entry.method, MAX_NAME) or "a request that was not seen"
    tool = f" {one_line(entry.tool, MAX_NAME)}" if entry.tool else ""
    number = "" if frame.id is None else f" #{one_line(str(frame.id), 20)}"
    return f"{_MARKS[frame.kind]} {method}{tool}{number}"


def describe_outcome(entry: Entry, now: float) -> str:
    """Return what became of a request and after how long; of an answer, how long it took."""
    request = entry.partner if entry.outcome is None else entry
    if request is None:
        return ""
    wait = format_wait(request.age(now))
    if entry.outcome is None:
        return wait
    return f"{_OUTCOMES[entry.outcome]} {wait}"


def describe_line(entry: Entry, name_of: NameOf, now: float) -> str:
    """Return a frame in a line, for a shell."""
    parts = [
        format_time(entry.frame.at),
        describe_way(entry),
        describe_frame(entry),
        one_line(name_of(entry.thread) or entry.thread, MAX_NAME),
        format_size(entry.frame.size),
        describe_outcome(entry, now) if entry.outcome is not Outcome.OUTSTANDING else "",
    ]
    return "  ".join(part for part in parts if part)


_MARKS = {
    FrameKind.REQUEST: "?",
    FrameKind.ANSWER: "=",
    FrameKind.ERROR: "✗",
    FrameKind.NOTIFICATION: "·",
}
_OUTCOMES = {
    Outcome.OUTSTANDING: "… waits",
    Outcome.ANSWERED: "✓",
    Outcome.FAILED: "✗",
    Outcome.CANCELLED: "∅ cancelled after",
    Outcome.CLOSED: "∅ cut off after",
}
