"""`codextui read`."""

from __future__ import annotations

import argparse

from codextui.commands.link import call_once
from codextui.commands.output import emit, event_line, show
from codextui.commands.transcript_text import item_text
from codextui.model.board import Board
from codextui.render.sanitize import one_line
from codextui.wire import fields
from codextui.wire.event_json import parse_event
from codextui.wire.fields import JsonObject
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo


def read_thread(options: argparse.Namespace) -> int:
    """Print what a thread said and did."""
    answer = call_once(options, "codex-read", {"thread": options.thread}, start=True)
    row = fields.as_object(answer.get("thread"), "thread")
    events = fields.objects(answer, "events")
    if options.json:
        emit({"thread": row})
        for event in events:
            emit(event_line(event))
        return 0
    thread = ThreadInfo.parse(row)
    kind = "" if thread.kind is ThreadKind.CODEX else f"{thread.kind}, "
    name = f"{one_line(thread.handle)} ({one_line(thread.thread_id)})"
    show(f"{name}  {kind}{thread.state}")
    for block in _transcript(thread.thread_id, events):
        show()
        show(block)
    return 0


def _transcript(thread_id: str, events: tuple[JsonObject, ...]) -> list[str]:
    board = Board()
    for event in events:
        board.apply(parse_event(event))
    view = board.threads.get(thread_id)
    return [] if view is None else [item_text(item) for item in view.transcript.items]
