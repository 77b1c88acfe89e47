"""The supervisors' tools that only read: threads, the history, approvals, usage, the server."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from dataclasses import asdict
from functools import partial

import codextui
from codextui.codex.usage import read_account_usage, read_limits
from codextui.errors import ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadState
from codextui.server.clients import Caller
from codextui.server.state import ServerState
from codextui.server.store.decision_log import parse_filter, read_decision, read_decisions
from codextui.server.store.search import Match, search_journal
from codextui.server.threads.registry import ThreadRecord
from codextui.server.threads.restore import read_events
from codextui.server.threads.working_tree import read_working_tree


async def history(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-history`."""
    return await server.history.list_page(
        search=fields.text_or(arguments, "search"),
        archived=fields.flag(arguments, "archived"),
        cursor=fields.maybe_text(arguments, "cursor"),
        limit=fields.integer_or(arguments, "limit", 50),
    )


async def threads(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-threads`."""
    if "thread" in arguments:
        return {"threads": [find_record(server, arguments).info.to_json()]}
    with_killed = fields.flag(arguments, "all")
    infos = [record.info for record in server.registry]
    shown = [info for info in infos if with_killed or info.state is not ThreadState.KILLED]
    problem = {"problem": server.worker.problem} if server.worker.problem else {}
    return {"threads": [info.to_json() for info in shown], **problem}


async def read(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-read`."""
    record = find_record(server, arguments)
    if record.info.ours or record.info.followed:
        events = await read_events(server.hub, server.options.journal, record)
    else:
        events = await server.history.read(record)
    return {**describe_thread(record), "events": [event.to_json() for event in events]}


async def changes(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-changes`."""
    record, against = find_record(server, arguments), ""
    if "against" in arguments:
        against = server.registry.find(fields.text(arguments, "against")).info.cwd
    tree = await read_working_tree(record.info.cwd, against=against)
    return {**describe_thread(record), **asdict(tree)}


async def search(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-search`."""
    text, cursor = fields.text(arguments, "text").strip(), fields.text_or(arguments, "cursor")
    if not text or not (cursor or "0").isdecimal():
        raise ServerRefused("text is empty" if not text else "cursor is none of a page before")
    thread_id = find_record(server, arguments).thread_id if "thread" in arguments else ""
    find = partial(
        search_journal,
        server.options.journal,
        text,
        cursor=int(cursor) if cursor else None,
        thread_id=thread_id,
        limit=fields.integer_or(arguments, "limit", 50),
    )
    try:
        page = await asyncio.to_thread(find)
    except sqlite3.Error as error:
        raise ServerRefused(f"the journal cannot be read: {error}") from error
    matches = [_match_row(server, match) for match in page.matches]
    return {"matches": matches, "cursor": str(page.cursor or "")}


def _match_row(server: ServerState, match: Match) -> dict[str, object]:
    record = server.registry.get(match.thread_id)
    return {
        **asdict(match),
        "handle": record.info.handle if record is not None else "",
        "state": record.info.state.value if record is not None else "",
    }


async def approvals(server: ServerState, _: Caller, __: JsonObject) -> dict[str, object]:
    """Answer `codex-approvals`: with the handles that the threads have now."""
    rows = []
    for approval in server.broker.approvals:
        record = server.registry.get(approval.thread_id)
        handle = record.info.handle if record is not None else approval.handle
        rows.append(approval.to_json() | {"handle": handle})
    return {"approvals": rows}


async def decisions(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-decisions`."""
    journal = server.options.journal
    try:
        if approval_id := fields.text_or(arguments, "approval"):
            found = await asyncio.to_thread(read_decision, journal, approval_id)
            return {"decisions": [] if found is None else [found], "cursor": ""}
        page = await asyncio.to_thread(
            read_decisions,
            journal,
            parse_filter(fields.text_or(arguments, "filter")),
            cursor=fields.text_or(arguments, "cursor"),
            limit=fields.integer_or(arguments, "limit", 50),
        )
    except sqlite3.Error as error:
        raise ServerRefused(f"the audit log {journal} cannot be read: {error}") from error
    return {"decisions": list(page.decisions), "cursor": page.cursor}


async def usage(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-usage`."""
    record = None
    if "thread" in arguments:
        record = server.registry.find_codex_thread(fields.text(arguments, "thread"))
    app = await server.worker.app()
    used = await read_account_usage(app, record.thread_id if record is not None else "")
    limits = await read_limits(app)
    if record is not None and used.thread is not None and used.thread.usd is not None:
        server.registry.update(record, cost_usd=used.thread.usd)
    lines = [*used.describe(), *(limit.describe(time.time()) for limit in limits)]
    return {
        "usage": asdict(used),
        "limits": [asdict(limit) for limit in limits],
        "text": "\n".join(lines) or "OpenAI tells no limits and no usage of this login",
    }


async def describe(server: ServerState, _: Caller, __: JsonObject) -> dict[str, object]:
    """Answer `codex-server`."""
    worker = server.worker
    await worker.check_problem()
    binary = worker.binary
    return {
        "version": codextui.__version__,
        "epoch": server.hub.epoch,
        "pid": os.getpid(),
        "socket": str(server.options.socket),
        "http": server.http.url,
        "started_at": server.started_at,
        "codex": {
            "version": worker.version,
            "path": str(binary.path) if binary is not None else "",
            "pid": worker.pid,
            "attach": worker.attach,
            "daemon": worker.daemon_note,
            "address": worker.address,
            "home": worker.home,
            "following": server.others.following.count,
        },
        "clients": sorted(session.name for session in server.sessions if session.client_name),
        "problem": worker.problem,
    }


def find_record(server: ServerState, arguments: JsonObject) -> ThreadRecord:
    """Return the record of the argument `thread`. Raises ThreadUnknown."""
    return server.registry.find(fields.text(arguments, "thread"))


def describe_thread(record: ThreadRecord) -> dict[str, object]:
    """Return a thread as the tools that act on one answer with it."""
    return {"thread": record.info.to_json()}
