"""`codextui ps`."""

from __future__ import annotations

import argparse
import time

from codextui.commands.link import call_once
from codextui.commands.output import emit, note, show_table
from codextui.model.tree import tree_rows
from codextui.render.figures import format_elapsed, format_tokens
from codextui.render.sanitize import one_line
from codextui.wire import fields
from codextui.wire.thread import ThreadInfo

_HEADER = ("THREAD", "KIND", "STATE", "ELAPSED", "TOKENS", "WHERE", "WAITS FOR / BRIEF")

_DEEPEST = 12
"""Levels that are indented: forks of forks can be very many."""


def list_threads(options: argparse.Namespace) -> int:
    """List the server's threads."""
    answer = call_once(options, "codex-threads", {"all": True} if options.all else {})
    rows = fields.objects(answer, "threads")
    if options.json:
        for row in rows:
            emit(row)
        return 0
    threads = [ThreadInfo.parse(row) for row in rows]
    if not threads:
        note("there are no threads; `codextui new PROMPT` starts one")
        return 0
    by_id = {thread.thread_id: thread for thread in threads}
    now = time.time()
    tree = tree_rows(threads, killed=True)
    show_table(_HEADER, [thread_row(by_id[row.thread_id], row.depth, now) for row in tree])
    return 0


def thread_row(thread: ThreadInfo, depth: int, now: float) -> tuple[str, ...]:
    """The cells of a thread's row, safe to print.

    Args:
        thread: whose row it is.
        depth: under how many others it stands.
        now: unix seconds.
    """
    started = thread.turn_started_at
    where = f"{thread.cwd}@{thread.branch}" if thread.branch else thread.cwd
    last = f"waits for {thread.waits_for}" if thread.waits_for else thread.note or thread.brief
    return (
        "  " * min(depth, _DEEPEST) + one_line(thread.handle),
        thread.kind.value,
        thread.state.value,
        "-" if started is None else format_elapsed(now - started),
        format_tokens(thread.usage.total),
        one_line(where) or "-",
        one_line(last, 200),
    )
