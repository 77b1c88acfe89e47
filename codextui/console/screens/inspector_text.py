"""The words of the inspector: its hints, its prompts and the heading of a frame."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal, TypeAlias

from textual.binding import Binding

from codextui.client.capture import Capture
from codextui.console.bindings import format_keys
from codextui.console.model.frames import Entry, FrameLog, NameOf
from codextui.console.render.frames import (
    describe_frame,
    describe_outcome,
    describe_way,
    format_size,
    format_time,
)
from codextui.jsonrpc.fields import Json
from codextui.jsonrpc.frames import decode_json
from codextui.protocol.frames import Frame
from codextui.text.sanitize import one_line, sanitize

Prompt: TypeAlias = Literal["filter", "search", "load"]
"""What is asked for below the frames."""

PLACEHOLDERS: dict[Prompt, str] = {
    "filter": "method:turn/ thread:tester dir:in proto:mcp client:NAME is:error is:outstanding "
    "-any text",
    "search": "a text in any frame; n and N go on",
    "load": "a capture; ↑ ↓ choose among the saved ones",
}

EMPTY = (
    "No frames yet.\n"
    "They appear as soon as a client calls a tool, or Codex says something: c calls one from here."
)
Hints: TypeAlias = tuple[tuple[str, str], ...]
"""Ids of bindings and what they do, the most important first."""

LIST_KEYS: Hints = (
    ("inspector.back", "close"),
    ("inspector.help", "help"),
    ("inspector.filter", "filter"),
    ("frames.open", "read"),
    ("inspector.call", "call a tool"),
    ("inspector.protocol", "protocol"),
    ("inspector.thread", "thread"),
    ("inspector.answer", "answer"),
    ("inspector.again", "call again"),
    ("inspector.search", "search"),
    ("inspector.save", "save"),
    ("inspector.load", "load"),
    ("inspector.live", "live"),
)
FRAME_KEYS: Hints = (
    ("inspector.back", "list"),
    ("inspector.help", "help"),
    ("frame.fold", "fold"),
    ("inspector.answer", "answer"),
    ("inspector.copy", "copy"),
    ("frame.copy_value", "copy the value"),
    ("inspector.again", "call again"),
    ("frame.unfold_all", "unfold all"),
    ("frame.fold_all", "fold all"),
)


def describe_heading(entry: Entry, name_of: NameOf, now: float) -> tuple[str, ...]:
    """Return the lines above a frame: what it is, its way, time and size, its thread."""
    frame, thread = entry.frame, entry.thread
    size = format_size(frame.size)
    size += ", of which this is a part" if frame.cut else ""
    name = one_line(name_of(thread), 60)
    of_thread = f"thread {name} {one_line(thread, 60)}" if name != thread else f"thread {name}"
    outcome = describe_outcome(entry, now)
    return (
        f" {describe_frame(entry)}",
        f" {describe_way(entry)}   {format_time(frame.at)}   {size}",
        f" {of_thread if thread else 'no thread'}   {outcome}".rstrip(),
        "",
    )


def describe_capture(capture: Capture) -> str:
    """Return the title of a capture: its file, its server and when it was made."""
    at = time.strftime("%d %b %H:%M", time.localtime(capture.at))
    name, server = one_line(capture.path.name, 60), one_line(capture.server, 30)
    return f"Inspector: CAPTURE {name} of {server}, {at} (l: live)"


def describe_log(log: FrameLog, shown: int, waiting: int, filter_text: str) -> list[str]:
    """Return the parts of the title that count frames.

    Args:
        log: the frames.
        shown: how many of them fit the filter.
        waiting: how many requests of those wait for an answer.
        filter_text: the filter; empty for none.
    """
    known = len(log.entries)
    count = f"{shown:,} of {known:,} frames" if shown != known else f"{known:,} frames"
    parts = [count, f"{waiting} outstanding"]
    parts += [f"{log.lost:,} lost"] if log.lost else []
    parts += [f"{log.dropped:,} forgotten"] if log.dropped else []
    parts += [f"filter: {one_line(filter_text, 60)}"] if filter_text else []
    return parts


def describe_empty(*, is_empty_capture: bool, has_frames: bool, problem: str) -> str:
    """Return what stands in place of the frames where none is shown."""
    if is_empty_capture:
        return "The capture has no frames."
    if has_frames:
        return "No frame fits the filter: / changes it."
    if problem:
        return f"No frames: {sanitize(problem)}\no loads a capture."
    return EMPTY


def read_body(frame: Frame) -> Json:
    """Return the JSON of a frame, or its text where that is none."""
    try:
        return decode_json(frame.body.encode())
    except (ValueError, RecursionError):
        return frame.body


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 frame` or `1,200 frames`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def fit_hints(hints: Hints, bindings: Iterable[Binding], width: int) -> str:
    """Return as many hints as fit into `width` cells, with the keys that are bound."""
    bound: dict[str | None, str] = {}
    for binding in bindings:
        bound.setdefault(binding.id, format_keys(binding.key))
    shown = ""
    for binding_id, label in hints:
        longer = f"{shown}   {bound.get(binding_id, '')} {label}".lstrip()
        if bound.get(binding_id) and len(longer) <= width:
            shown = longer
    return shown
