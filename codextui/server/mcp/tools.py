"""The supervisors' tools by name, and those that act on threads, approvals and runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from codextui.codex.images import check_images
from codextui.codex.requests import grants
from codextui.codex.review import ReviewTarget
from codextui.codex.settings import SettingsChange
from codextui.codex.threads import ThreadOptions
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
from codextui.protocol.threads import handle_with_suffix
from codextui.server.clients import Caller
from codextui.server.mcp import read_tools
from codextui.server.mcp.calls import thread_options
from codextui.server.mcp.exec_turns import exec_turn
from codextui.server.mcp.listen import listen
from codextui.server.mcp.read_tools import describe_thread, find_record
from codextui.server.runs.publication import MAX_ID, parse_publication
from codextui.server.runs.questions import decision_result, parse_question
from codextui.server.state import ServerState
from codextui.server.threads.handles import checked_handle
from codextui.server.threads.opening import ThreadSpec
from codextui.server.threads.registry import ThreadRecord

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
        numbered=fields.flag(arguments, "numbered"),
        parent=_parent(server, fields.text_or(arguments, "parent")),
        prompt=prompt,
    )
    record = await server.opener.start(new)
    server.registry.update(record, budget=_budget(arguments) or None)
    return await _send_first(server, record, prompt, images)


async def send(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-send`."""
    record, prompt = find_record(server, arguments), fields.text(arguments, "prompt")
    images = await _images(arguments)
    if not record.is_codex_thread:
        return _send_to_role(server, caller, record, prompt, images=images)
    sent = await server.turns.send(record.thread_id, prompt, images=images)
    return {**describe_thread(sent.record), "turnId": sent.turn_id, "steered": sent.steered}


async def steer(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-steer`."""
    record, prompt = find_record(server, arguments), fields.text(arguments, "prompt")
    images = await _images(arguments)
    if not record.is_codex_thread:
        return _send_to_role(server, caller, record, prompt, images=images)
    sent = await server.turns.steer(record.thread_id, prompt, images)
    return {**describe_thread(sent.record), "turnId": sent.turn_id}


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
            return {**describe_thread(record), "message": message.to_json()}
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
    return describe_thread(record)


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
        **describe_thread(changed.record),
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
    return {**describe_thread(sent.record), "turnId": sent.turn_id}


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
    wanted = _handle(arguments)
    new = ThreadSpec(options, caller.client_name, handle=wanted or handle, numbered=not wanted)
    return await server.opener.start(new)


async def fork(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-fork`."""
    source = find_record(server, arguments)
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
    record = find_record(server, arguments)
    if not record.is_codex_thread:
        return describe_thread(server.controls.request(record, RoleAction.STOP, by=caller.name))
    return describe_thread(await server.turns.interrupt(record.thread_id))


async def kill(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-kill`."""
    record = find_record(server, arguments)
    if not record.is_codex_thread:
        return describe_thread(await server.controls.kill(record, by=caller.name))
    return describe_thread(await server.turns.kill(record.thread_id))


async def resume(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-resume`."""
    try:
        record = find_record(server, arguments)
    except ThreadUnknown:
        pass  # Codex's history may have it
    else:
        if not record.is_codex_thread:
            return describe_thread(server.controls.resume(record, by=caller.name))
    thread = fields.text(arguments, "thread")
    record = await server.opener.resume(thread, client=caller.client_name)
    if not record.info.ours and caller.session.persistent:
        await server.others.follow(record, caller.session)
    return describe_thread(record)


async def adopt(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-adopt`."""
    thread = fields.text(arguments, "thread")
    record = await server.opener.resume(thread, client=caller.client_name)
    await server.others.adopt(record, client=caller.client_name)
    return describe_thread(record)


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
    return describe_thread(record)


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
    return describe_thread(record)


async def archive(server: ServerState, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-archive`."""
    archived = fields.flag(arguments, "archived")
    return await server.history.archive(fields.text(arguments, "thread"), archived=archived)


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
    record = find_record(server, arguments)
    source = fields.as_object(arguments.get("asked"), "asked")
    asked = parse_question(fields.text(arguments, "kind"), source)
    decision = await server.questions.ask(record, asked, session=caller.session)
    return decision_result(asked, decision)


async def role(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-role`."""
    record = find_record(server, arguments)
    action = RoleAction(fields.text(arguments, "action"))
    text = fields.text_or(arguments, "text")
    return describe_thread(server.controls.request(record, action, text, by=caller.name))


async def shutdown(server: ServerState, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-shutdown`."""
    if arguments.get("unused") and server.is_needed(but=caller.session):
        raise ServerRefused("the server is in use")
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
    "codex-history": read_tools.history,
    "codex-archive": archive,
    "codex-threads": read_tools.threads,
    "codex-read": read_tools.read,
    "codex-changes": read_tools.changes,
    "codex-search": read_tools.search,
    "codex-approvals": read_tools.approvals,
    "codex-decisions": read_tools.decisions,
    "codex-answer": answer,
    "codex-publish": publish,
    "codex-ask": ask,
    "codex-role": role,
    "codex-usage": read_tools.usage,
    "codex-server": read_tools.describe,
    "codex-listen": listen,
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
    return describe_thread(record)


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
    return {**describe_thread(record), "turnId": turn_id, "steered": bool(turn_id)}


def _check_fits(approval: Approval, decision: Approved | Answered) -> None:
    """Refuse a yes that does not fit what is asked, rather than take it as a no."""
    if not grants(approval.asked, decision):
        raise ServerRefused(
            f"nothing was answered: {decision_word(decision)!r} does not fit "
            f"{approval.approval_id}, which asks for {kind_of(approval.asked)}"
        )
