"""`codextui history`, `archive` and `unarchive`: all threads that Codex has, open or not."""

from __future__ import annotations

import argparse
import time

from codextui.commands.call import call_pages, call_tool
from codextui.commands.output import print_json, print_line, print_note, print_table
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line

_HEADER = ("ID", "AGE", "OPEN AS", "ORIGIN", "WHERE", "NAME / BRIEF")


def list_history(options: argparse.Namespace) -> int:
    """List the threads on Codex's disk, the newest first."""
    rows = _read_threads(options)
    if options.json:
        for row in rows:
            print_json(row)
        return 0
    if not rows:
        print_note("Codex has no such thread")
        return 0
    now = time.time()
    print_table(_HEADER, [_format_row(row, now) for row in rows])
    print_note("`codextui resume ID` opens one")
    return 0


def archive(options: argparse.Namespace) -> int:
    """Archive a thread at rest."""
    return _set_archived(options, archived=True)


def unarchive(options: argparse.Namespace) -> int:
    """Take a thread out of the archive."""
    return _set_archived(options, archived=False)


def _read_threads(options: argparse.Namespace) -> list[JsonObject]:
    arguments: dict[str, object] = {"archived": options.archived}
    if search := " ".join([*options.words, options.search]).strip():
        arguments["search"] = search
    return call_pages(
        options, "codex-history", arguments, rows="threads", id_name="thread_id", start=True
    )


def _format_row(row: JsonObject, now: float) -> tuple[str, ...]:
    at = fields.maybe_number(row, "recent_at") or fields.number_or(row, "created_at")
    cwd, branch = fields.text_or(row, "cwd"), fields.text_or(row, "branch")
    is_loaded = fields.flag(row, "loaded")
    title = fields.text_or(row, "name") or fields.text_or(row, "brief")
    return (
        one_line(fields.text(row, "thread_id"), 40),
        format_running(max(0.0, now - at)) if at else "-",
        one_line(fields.text_or(row, "handle")) or ("elsewhere" if is_loaded else "-"),
        one_line(fields.text_or(row, "origin"), 40) or "this server",
        one_line(f"{cwd}@{branch}" if branch else cwd) or "-",
        one_line(title, 200),
    )


def _set_archived(options: argparse.Namespace, *, archived: bool) -> int:
    arguments = {"thread": options.thread, "archived": archived}
    result = call_tool(options, "codex-archive", arguments, start=True)
    if options.json:
        print_json(result)
    else:
        done = "archived" if archived else "unarchived"
        print_line(f"{done} {one_line(fields.text(result, 'thread_id'), 40)}")
    return 0
