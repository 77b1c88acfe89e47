"""The supervisors' tools."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeAlias

import codextui
from codextui.codex.images import check_images
from codextui.codex.requests import grants
from codextui.codex.review import ReviewTarget
from codextui.codex.settings import SettingsChange
from codextui.codex.threads import ThreadOptions
from codextui.codex.usage import read_account_usage, read_limits
from codextui.errors import ServerRefused, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.decisions import (
    Answered,
    Approved,
    decision_word,
    parse_decision_fields,
)
from codextui.protocol.runs import RUN_PREFIX, RoleAction
from codextui.protocol.threads import ThreadState, handle_with_suffix
from codextui.server.clients import Caller
from codextui.server.mcp.calls import thread_options
from codextui.server.mcp.exec_turns import exec_turn
from codextui.server.runs.publication import MAX_ID, parse_publication
from codextui.server.runs.questions import decision_result, parse_question
from codextui.server.state import ServerState
from codextui.server.store.decision_log import parse_filter, read_decision, read_decisions
from codextui.server.store.search import Match, search_journal
from codextui.server.threads.opening import ThreadSpec
from codextui.server.threads.registry import ThreadRecord, checked_handle
from codextui.server.threads.restore import read_events
from codextui.server.threads.working_tree import read_working_tree

Tool: TypeAlias = Callable[
    [ServerState, Caller, JsonObject], Coroutine[Any, Any, dict[str, object]]
]
"""A tool: takes arguments that fit its schema, returns its structured content."""


async def start(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-start`."""
    prompt, images = fields.text_or(arguments, "prompt"), await _images(arguments)
    if images and not prompt:
        raise ServerRefused("images go with a prompt: say what to do with them")
    new = ThreadSpec(
        thread_options(arguments, caller),
        client=caller.client_name,
        handle=_handle(arguments),
        parent=_parent(server, fields.text_or(arguments, "parent")),
        prompt=prompt,
    )
    record = await server.opener.start(new)
    server.registry.update(record, budget=_budget(arguments) or None)
    return await _send_first(server, record, prompt, images)


async def send(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-send`."""
    record, prompt = _find(server, arguments), fields.text(arguments, "prompt")
    images = await _images(arguments)
    if not record.is_codex_thread:
        return _send_to_role(server, caller, record, prompt, images=images)
    sent = await server.turns.send(record.thread_id, prompt, images=images)
    return {**_thread_result(sent.record), "turnId": sent.turn_id, "steered": sent.steered}


async def steer(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-steer`."""
    record, prompt = _find(server, arguments), fields.text(arguments, "prompt")
    images = await _images(arguments)
    if not record.is_codex_thread:
        return _send_to_role(server, caller, record, prompt, images=images)
    sent = await server.turns.steer(record.thread_id, prompt, images)
    return {**_thread_result(sent.record), "turnId": sent.turn_id}


async def queue(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-queue`."""
    thread, queues = fields.text(arguments, "thread"), server.queues
    match fields.text(arguments, "action"):
        case "add":
            images = await _images(arguments)
            record = await queues.add(thread, fields.text(arguments, "prompt"), images)
        case "remove":
            record = await queues.remove(thread, fields.text(arguments, "message"))
        case "show":
            record, message = await queues.show(thread, fields.text(arguments, "message"))
            return {**_thread_result(record), "message": message.to_json()}
        case "edit":
            message_id, prompt = fields.text(arguments, "message"), fields.text(arguments, "prompt")
            version = fields.text_or(arguments, "version")
            images = await _images(arguments)
            record = await queues.edit(thread, message_id, prompt, images, version=version)
        case "move":
            before = fields.text_or(arguments, "before")
            record = await queues.move(thread, fields.text(arguments, "message"), before=before)
        case "start":
            record = await queues.start(thread)
        case _:
            record = await queues.list(thread)
    return _thread_result(record)


async def settings(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-settings`."""
    change = SettingsChange(
        model=fields.maybe_text(arguments, "model"),
        effort=fields.maybe_text(arguments, "effort"),
        approval_policy=fields.maybe_text(arguments, "approval-policy"),
        sandbox=fields.maybe_text(arguments, "sandbox"),
    )
    thread = fields.text(arguments, "thread")
    changed = await server.settings.change(thread, change, budget=_budget(arguments))
    return {
        **_thread_result(changed.record),
        "now": changed.now,
        "next": changed.next_turn,
        "notes": changed.notes,
        "text": changed.describe(),
    }


async def review(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-review`."""
    names = [name for name in ("base", "commit", "instructions") if name in arguments]
    values = {name: fields.text(arguments, name).strip() for name in names}
    if len(names) > 1 or not all(values.values()):
        raise ServerRefused("one of base, commit and instructions, with a value, or none of them")
    if ("thread" in arguments) == ("cwd" in arguments):
        raise ServerRefused("either thread or cwd says what is reviewed")
    record = await _reviewing_thread(server, caller, arguments)
    sent = await server.turns.review(record.thread_id, ReviewTarget(**values))
    return {**_thread_result(sent.record), "turnId": sent.turn_id}


async def _reviewing_thread(
    server: ServerState, caller: Caller, arguments: JsonObject
) -> ThreadRecord:
    """Return the thread that reviews, which may be a new one."""
    if "thread" in arguments:
        source = server.registry.find_codex_thread(fields.text(arguments, "thread"))
        if not fields.flag(arguments, "detached"):
            return source
        handle = handle_with_suffix(source.info.handle, "-review")
        options = ThreadOptions(cwd=source.info.cwd, model=source.info.model or None)
    else:
        handle, options = "review", thread_options(arguments, caller)
    handle = _handle(arguments) or handle
    return await server.opener.start(ThreadSpec(options, caller.client_name, handle=handle))


async def fork(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-fork`."""
    source = _find(server, arguments)
    if not source.is_codex_thread:
        raise server.controls.fork_refusal(source)
    record = await server.opener.fork(
        fields.text(arguments, "thread"),
        turn_id=fields.text_or(arguments, "turn"),
        handle=_handle(arguments),
        client=caller.client_name,
    )
    return await _send_first(server, record, fields.text_or(arguments, "prompt"))


def _handle(arguments: JsonObject) -> str:
    """Return the handle that was asked for, empty for none. Raises ServerRefused."""
    handle = fields.text_or(arguments, "handle")
    return checked_handle(handle) if handle else ""


async def interrupt(
    server: ServerState, caller: Caller, arguments: JsonObject
) -> dict[str, object]:
    """Answer `codex-interrupt`."""
    record = _find(server, arguments)
    if not record.is_codex_thread:
        return _thread_result(server.controls.request(record, RoleAction.STOP, by=caller.name))
    return _thread_result(await server.turns.interrupt(record.thread_id))


async def kill(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-kill`."""
    record = _find(server, arguments)
    if not record.is_codex_thread:
        return _thread_result(await server.controls.kill(record, by=caller.name))
    return _thread_result(await server.turns.kill(record.thread_id))


async def resume(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-resume`."""
    try:
        record = _find(server, arguments)
    except ThreadUnknown:
        pass  # Codex's history may have it
    else:
        if not record.is_codex_thread:
            return _thread_result(server.controls.resume(record, by=caller.name))
    thread = fields.text(arguments, "thread")
    record = await server.opener.resume(thread, client=caller.client_name)
    if not record.info.ours and caller.session.persistent:
        await server.others.follow(record, caller.session)
    return _thread_result(record)


async def adopt(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-adopt`."""
    thread = fields.text(arguments, "thread")
    record = await server.opener.resume(thread, client=caller.client_name)
    await server.others.adopt(record, client=caller.client_name)
    return _thread_result(record)


async def rename(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-rename`."""
    thread, handle = fields.text(arguments, "thread"), fields.text(arguments, "handle")
    try:
        record = server.registry.find(thread)
    except ThreadUnknown:
        return await server.history.name_past(thread, handle)
    server.registry.rename(record, handle)
    if record.is_codex_thread:
        await server.history.name(record)
    return _thread_result(record)


async def follow(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-follow`."""
    if not caller.session.persistent:
        raise ServerRefused(
            "a thread is followed while its client is connected, and by HTTP nobody sees when it "
            "is not: connect to the server's socket"
        )
    record = server.registry.find_codex_thread(fields.text(arguments, "thread"))
    if fields.flag(arguments, "follow") and caller.session in server.sessions:
        await server.others.follow(record, caller.session)
    else:
        await server.others.unfollow(record, caller.session)
    return _thread_result(record)


async def history(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-history`."""
    return await server.history.list_page(
        search=fields.text_or(arguments, "search"),
        archived=fields.flag(arguments, "archived"),
        cursor=fields.maybe_text(arguments, "cursor"),
        limit=fields.integer_or(arguments, "limit", 50),
    )


async def archive(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-archive`."""
    archived = fields.flag(arguments, "archived")
    return await server.history.archive(fields.text(arguments, "thread"), archived=archived)


async def threads(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-threads`."""
    if "thread" in arguments:
        return {"threads": [_find(server, arguments).info.to_json()]}
    with_killed = fields.flag(arguments, "all")
    infos = [record.info for record in server.registry]
    shown = [info for info in infos if with_killed or info.state is not ThreadState.KILLED]
    problem = {"problem": server.worker.problem} if server.worker.problem else {}
    return {"threads": [info.to_json() for info in shown], **problem}


async def read(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-read`."""
    record = _find(server, arguments)
    if record.info.ours or record.info.followed:
        events = await read_events(server.hub, server.options.journal, record)
    else:
        events = await server.history.read(record)
    return {**_thread_result(record), "events": [event.to_json() for event in events]}


async def changes(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-changes`."""
    record, against = _find(server, arguments), ""
    if "against" in arguments:
        against = server.registry.find(fields.text(arguments, "against")).info.cwd
    tree = await read_working_tree(record.info.cwd, against=against)
    return {**_thread_result(record), **asdict(tree)}


async def search(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-search`."""
    text, cursor = fields.text(arguments, "text").strip(), fields.text_or(arguments, "cursor")
    if not text or not (cursor or "0").isdecimal():
        raise ServerRefused("text is empty" if not text else "cursor is none of a page before")
    thread_id = _find(server, arguments).thread_id if "thread" in arguments else ""
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


async def answer(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-answer`."""
    approval_id = fields.text(arguments, "approval")
    decision = parse_decision_fields(arguments)
    for approval in server.broker.approvals:
        if approval.approval_id == approval_id and isinstance(decision, Approved | Answered):
            _check_fits(approval, decision)
    resolved = await server.broker.decide(approval_id, decision, by=caller.name)
    return {"approval": approval_id, "outcome": resolved.outcome}


async def publish(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-publish`."""
    if not caller.session.persistent:
        raise ServerRefused(
            "a run cannot be told by HTTP, where nobody sees its program leave: connect to the "
            "server's socket, or by `codextui mcp-server`"
        )
    run_id, events = parse_publication(arguments)
    if caller.session not in server.sessions:
        # The end of this client, which would end its run, has been handled already.
        raise ServerRefused("a client that hung up runs nothing")
    with server.runs.open_call(caller.session):
        handles = server.runs.publish(run_id, events, caller.session)
        await server.hub.wait_for_subscribers()
    return {"handles": handles}


async def ask(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-ask`."""
    record = _find(server, arguments)
    source = fields.as_object(arguments.get("asked"), "asked")
    asked = parse_question(fields.text(arguments, "kind"), source)
    decision = await server.questions.ask(record, asked, session=caller.session)
    return decision_result(asked, decision)


async def role(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-role`."""
    record = _find(server, arguments)
    action = RoleAction(fields.text(arguments, "action"))
    text = fields.text_or(arguments, "text")
    return _thread_result(server.controls.request(record, action, text, by=caller.name))


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
        "http": next(iter(server.endpoints), ""),
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


async def shutdown(server: ServerState, _: Caller, __: JsonObject) -> dict[str, object]:
    """Answer `codex-shutdown`."""
    server.stopping.set()
    return {}


TOOLS: dict[str, Tool] = {
    "codex-start": start,
    "codex-send": send,
    "codex-steer": steer,
    "codex-queue": queue,
    "codex-settings": settings,
    "codex-exec": exec_turn,
    "codex-review": review,
    "codex-fork": fork,
    "codex-interrupt": interrupt,
    "codex-kill": kill,
    "codex-resume": resume,
    "codex-adopt": adopt,
    "codex-rename": rename,
    "codex-follow": follow,
    "codex-history": history,
    "codex-archive": archive,
    "codex-threads": threads,
    "codex-read": read,
    "codex-changes": changes,
    "codex-search": search,
    "codex-approvals": approvals,
    "codex-decisions": decisions,
    "codex-answer": answer,
    "codex-publish": publish,
    "codex-ask": ask,
    "codex-role": role,
    "codex-usage": usage,
    "codex-server": describe,
    "codex-shutdown": shutdown,
}
"""The supervisors' tools by name; `codextui.protocol.tools` has their schemas."""


CANCELLABLE = frozenset({"codex-ask"})
"""Tools that end where their client disconnects or cancels. The others are carried out."""


def _budget(arguments: JsonObject) -> int | None:
    return fields.maybe_integer(arguments, "budget")


async def _images(arguments: JsonObject) -> tuple[str, ...]:
    """Return the images of a message. Raises ConfigInvalid."""
    return await asyncio.to_thread(check_images, fields.texts(arguments, "images"))


async def _send_first(
    server: ServerState, record: ThreadRecord, prompt: str, images: Sequence[str] = ()
) -> dict[str, object]:
    if prompt:
        await server.turns.send(record.thread_id, prompt, images=images)
    return _thread_result(record)


def _find(server: ServerState, arguments: JsonObject) -> ThreadRecord:
    return server.registry.find(fields.text(arguments, "thread"))


def _parent(server: ServerState, parent: str) -> str:
    """Return the id of a new thread's parent; a role that is not published yet is accepted."""
    if not parent or (parent.startswith(RUN_PREFIX) and len(parent) <= MAX_ID):
        return parent
    return server.registry.find(parent).thread_id


def _send_to_role(
    server: ServerState,
    caller: Caller,
    record: ThreadRecord,
    prompt: str,
    *,
    images: Sequence[str] = (),
) -> dict[str, object]:
    """Send a message to a role; the result has the shape of `codex-send`."""
    if images:
        raise ServerRefused(f"{record.info.handle} is a role: only Codex threads take images")
    server.controls.request(record, RoleAction.MESSAGE, prompt, by=caller.name)
    turn_id = record.turn.running_id
    return {**_thread_result(record), "turnId": turn_id, "steered": bool(turn_id)}


def _thread_result(record: ThreadRecord) -> dict[str, object]:
    return {"thread": record.info.to_json()}


def _check_fits(approval: Approval, decision: Approved | Answered) -> None:
    """Refuse a yes that does not fit what is asked, rather than take it as a no."""
    if not grants(approval.asked, decision):
        raise ServerRefused(
            f"nothing was answered: {decision_word(decision)!r} does not fit "
            f"{approval.approval_id}, which asks for {kind_of(approval.asked)}"
        )
