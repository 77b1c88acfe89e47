"""Finds a recorded run by its id, the handle that `ps` shows, or the beginning of its id."""

from __future__ import annotations

import argparse

from codextui.commands.call import call_tool
from codextui.errors import CodextuiError, ConfigInvalid
from codextui.jsonrpc import fields
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo, normalize_handle
from codextui.teams.records.store import RunStore, list_runs, read_handle

_LISTED = 5
_MIN_PREFIX = 6


def find_run(options: argparse.Namespace, name: str) -> RunStore:
    """Return the folder of the run that a name means.

    The handles are those of the server, if one runs, and otherwise those that the runs had last.

    Args:
        options: names the server.
        name: the run's id, its handle, or a beginning of its id that no other run has.

    Raises:
        ConfigInvalid: no run has that name, or several have; the message names them.
    """
    run_id = name.removeprefix(RUN_PREFIX)
    known = list_runs()
    if run_id in known:
        return RunStore.open(run_id)
    shown = _find_shown(options, name)
    if shown in known:
        return RunStore.open(shown)
    handle = normalize_handle(name)
    found = [one for one in known if handle and read_handle(RunStore.open(one)) == handle]
    if not found and len(run_id) >= _MIN_PREFIX:
        found = [one for one in known if one.startswith(run_id)]
    if len(found) > 1:
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        names = ", ".join(found[:_LISTED])
        raise ConfigInvalid(f"{name!r} may be one of {len(found)} runs, say which: {names}{more}")
    if not found and shown:
        raise ConfigInvalid(f"{name!r} is {RUN_PREFIX}{shown}, of which nothing is recorded here")
    return RunStore.open(found[0] if found else run_id)


def _find_shown(options: argparse.Namespace, name: str) -> str:
    """Return the id of the run that the server calls so; empty if there is none, or no server."""
    try:
        answer = call_tool(options, "codex-threads", {"thread": name})
        threads = [ThreadInfo.from_json(row) for row in fields.objects(answer, "threads")]
    except CodextuiError:
        return ""
    runs = [thread.thread_id for thread in threads if thread.kind is ThreadKind.RUN]
    return runs[0].removeprefix(RUN_PREFIX) if runs else ""
