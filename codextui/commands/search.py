"""`codextui search`: the items of all threads that have a text, from the journal."""

from __future__ import annotations

import argparse
import time

from codextui.commands.call import call_pages
from codextui.commands.output import print_json, print_note, print_table
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line

_HEADER = ("THREAD", "AGE", "KIND", "LINE")


def search(options: argparse.Namespace) -> int:
    """Print the items that have a text, the newest first."""
    matches = _find_matches(options)
    if options.json:
        for match in matches:
            print_json(match)
        return 0
    if not matches:
        print_note("nothing has that text")
        return 0
    now = time.time()
    print_table(_HEADER, [_format_match(match, now) for match in matches])
    print_note("`codextui read THREAD` prints one whole")
    return 0


def _find_matches(options: argparse.Namespace) -> list[JsonObject]:
    arguments: dict[str, Json] = {"text": options.text}
    if options.thread:
        arguments["thread"] = options.thread
    return call_pages(options, "codex-search", arguments, rows="matches", id_name="", start=True)


def _format_match(match: JsonObject, now: float) -> tuple[str, ...]:
    more = fields.integer_or(match, "lines", 1) - 1
    line = one_line(fields.text_or(match, "line"), 300)
    return (
        one_line(fields.text_or(match, "handle") or fields.text(match, "thread_id"), 40),
        format_running(max(0.0, now - fields.number_or(match, "at"))),
        one_line(fields.text_or(match, "kind"), 40),
        f"{line} (+{more})" if more else line,
    )
