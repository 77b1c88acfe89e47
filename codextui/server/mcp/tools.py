"""The supervisor's tools."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import codextui
from codextui.codex.requests import grants
from codextui.errors import ServerRefused, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.decisions import (
    Aborted,
    Answered,
    Approved,
    Decision,
    Declined,
    Scope,
    decision_word,
)
from codextui.protocol.runs import RUN_PREFIX, RoleAction
from codextui.protocol.threads import ThreadState
from codextui.server.core import Host
from codextui.server.mcp.calls import thread_options
from codextui.server.mcp.session import Caller
from codextui.server.runs.controls import direct, refuse_fork
from codextui.server.runs.controls import kill as kill_run
from codextui.server.runs.controls import resume as resume_role
from codextui.server.runs.publication import MAX_ID, read_publication
from codextui.server.runs.questions import ask as ask_people
from codextui.server.runs.questions import read_asked, tell_decision
from codextui.server.store.restore import past_of
from codextui.server.threads import opening, turns
from codextui.server.threads import turns as ending
from codextui.server.threads.registry import ThreadRecord


async def publish(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-publish`."""
    _check_stays(caller)
    run_id, told = read_publication(arguments)
    if caller.session not in host.sessions:
        raise ServerRefused("a client that hung up runs nothing")  # nobody would see it leave
    with host.core.runs.telling(caller.session):
        handles = host.core.runs.publish(run_id, told, caller.session)
        await host.core.hub.keep_pace()
    return {"handles": handles}


async def ask(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-ask`."""
    record = host.core.registry.find(fields.text(arguments, "thread"))
    source = fields.as_object(arguments.get("asked"), "asked")
    asked = read_asked(fields.text(arguments, "kind"), source)
    return tell_decision(asked, await ask_people(host.core, record, asked, by=caller.session))


async def role(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-role`."""
    record = host.core.registry.find(fields.text(arguments, "thread"))
    action = RoleAction(fields.text(arguments, "action"))
    text = fields.text_or(arguments, "text")
    return {"thread": direct(host.core, record, action, text, by=caller.name).info.to_json()}


def _check_stays(caller: Caller) -> None:
    """A run is its program's while that is connected, so there must be a connection."""
    if not caller.session.stays:
        raise ServerRefused(
            "a run cannot be told by HTTP, where nobody sees its program leave: connect to the "
            "server's socket, or by `codextui mcp-server`"
        )


Tool: TypeAlias = Callable[[Host, Caller, JsonObject], Coroutine[Any, Any, dict[str, object]]]
"""A tool: takes arguments that fit its schema, returns its structured content."""


async def start(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-start`."""
    prompt = fields.text_or(arguments, "prompt")
    new = opening.NewThread(
        thread_options(arguments, caller),
        client=caller.client,
        handle=fields.text_or(arguments, "handle"),
        parent=_parent(host, fields.text_or(arguments, "parent")),
        prompt=prompt,
    )
    record = await opening.start(host.core, new)
    return await _with_first_turn(host, record, prompt)


async def send(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-send`."""
    record, prompt = _find(host, arguments), fields.text(arguments, "prompt")
    if not record.in_codex:
        return _message(host, caller, record, prompt)
    sent = await turns.send(host.core, record.info.thread_id, prompt)
    return {**_row(sent.record), "turnId": sent.turn_id, "steered": sent.steered}


async def steer(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-steer`."""
    record, prompt = _find(host, arguments), fields.text(arguments, "prompt")
    if not record.in_codex:
        return _message(host, caller, record, prompt)
    sent = await turns.steer(host.core, record.info.thread_id, prompt)
    return {**_row(sent.record), "turnId": sent.turn_id}


async def fork(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-fork`."""
    source = _find(host, arguments)
    if not source.in_codex:
        raise refuse_fork(host.core, source)
    record = await opening.fork(
        host.core,
        _thread(arguments),
        turn_id=fields.text_or(arguments, "turn"),
        handle=fields.text_or(arguments, "handle"),
        client=caller.client,
    )
    return await _with_first_turn(host, record, fields.text_or(arguments, "prompt"))


async def interrupt(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-interrupt`."""
    record = _find(host, arguments)
    if not record.in_codex:
        return _row(direct(host.core, record, RoleAction.STOP, by=caller.name))
    return _row(await turns.interrupt(host.core, record.info.thread_id))


async def kill(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-kill`."""
    record = _find(host, arguments)
    if not record.in_codex:
        return _row(await kill_run(host.core, record, by=caller.name))
    return _row(await ending.kill(host.core, record.info.thread_id))


async def resume(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-resume`."""
    try:
        record = _find(host, arguments)
    except ThreadUnknown:
        pass  # it may be in Codex's history
    else:
        if not record.in_codex:
            return _row(resume_role(host.core, record, by=caller.name))
    return _row(await opening.resume(host.core, _thread(arguments), client=caller.client))


async def rename(host: Host, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-rename`."""
    record = _find(host, arguments)
    host.core.registry.rename(record, fields.text(arguments, "handle"))
    return _row(record)


async def threads(host: Host, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-threads`."""
    killed_too = fields.flag(arguments, "all")
    rows = [r.info for r in host.core.registry]
    shown = [row for row in rows if killed_too or row.state is not ThreadState.KILLED]
    return {"threads": [row.to_json() for row in shown]}


async def read(host: Host, _: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-read`."""
    record = _find(host, arguments)
    events = await past_of(host.core, host.options.journal, record)
    return {**_row(record), "events": [event.to_json() for event in events]}


async def approvals(host: Host, _: Caller, __: JsonObject) -> dict[str, object]:
    """Answer `codex-approvals`."""
    return {"approvals": [approval.to_json() for approval in host.core.broker.approvals]}


async def answer(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Answer `codex-answer`."""
    approval_id = fields.text(arguments, "approval")
    decision = _decision(arguments)
    broker = host.core.broker
    for approval in broker.approvals:
        if approval.approval_id == approval_id and isinstance(decision, Approved | Answered):
            _check_fit(approval, decision)
    resolved = await broker.decide(approval_id, decision, by=caller.name)
    return {"approval": approval_id, "outcome": resolved.outcome}


async def server(host: Host, _: Caller, __: JsonObject) -> dict[str, object]:
    """Answer `codex-server`."""
    worker = host.core.worker
    if worker.problem:
        await worker.check_login()
    binary = worker.binary
    return {
        "version": codextui.__version__,
        "epoch": host.core.hub.epoch,
        "pid": os.getpid(),
        "socket": str(host.options.socket),
        "http": next(iter(host.endpoints), ""),
        "started_at": host.started_at,
        "codex": {
            "version": binary.version_text if binary is not None else "",
            "path": str(binary.path) if binary is not None else "",
            "pid": worker.pid,
        },
        "clients": sorted(session.name for session in host.sessions if session.client),
        "problem": worker.problem,
    }


async def shutdown(host: Host, _: Caller, __: JsonObject) -> dict[str, object]:
    """Answer `codex-shutdown`."""
    host.stop.set()
    return {}


TOOLS: dict[str, Tool] = {
    "codex-start": start,
    "codex-send": send,
    "codex-steer": steer,
    "codex-fork": fork,
    "codex-interrupt": interrupt,
    "codex-kill": kill,
    "codex-resume": resume,
    "codex-rename": rename,
    "codex-threads": threads,
    "codex-read": read,
    "codex-approvals": approvals,
    "codex-answer": answer,
    "codex-publish": publish,
    "codex-ask": ask,
    "codex-role": role,
    "codex-server": server,
    "codex-shutdown": shutdown,
}
"""Every supervisor's tool by its name; `codextui.protocol.tools` has their schemas."""


WAITING = ("codex-ask",)
"""Those that wait for people: they end where their client is gone, or takes them back."""


async def _with_first_turn(host: Host, record: ThreadRecord, prompt: str) -> dict[str, object]:
    if prompt:
        await turns.send(host.core, record.info.thread_id, prompt)
    return _row(record)


def _thread(arguments: JsonObject) -> str:
    return fields.text(arguments, "thread")


def _find(host: Host, arguments: JsonObject) -> ThreadRecord:
    return host.core.registry.find(_thread(arguments))


def _parent(host: Host, parent: str) -> str:
    """The id of the row that a new thread stands under; a role's may be told a little later."""
    if not parent or (parent.startswith(RUN_PREFIX) and len(parent) <= MAX_ID):
        return parent
    return host.core.registry.find(parent).info.thread_id


def _message(host: Host, caller: Caller, record: ThreadRecord, prompt: str) -> dict[str, object]:
    """A message to a role, answered as one to a thread."""
    direct(host.core, record, RoleAction.MESSAGE, prompt, by=caller.name)
    return {**_row(record), "turnId": record.running, "steered": bool(record.running)}


def _row(record: ThreadRecord) -> dict[str, object]:
    return {"thread": record.info.to_json()}


def _check_fit(approval: Approval, decision: Approved | Answered) -> None:
    """A yes that means nothing here is told, rather than taken as a no."""
    if not grants(approval.asked, decision):
        raise ServerRefused(
            f"nothing was answered: {decision_word(decision)!r} does not fit "
            f"{approval.approval_id}, which asks for {kind_of(approval.asked)}"
        )


def _decision(arguments: JsonObject) -> Decision:
    match fields.text(arguments, "decision"):
        case "approved":
            return Approved()
        case "approved_for_session":
            return Approved(Scope.SESSION)
        case "approved_always":
            return Approved(Scope.ALWAYS)
        case "denied":
            return Declined(fields.text_or(arguments, "message"))
        case "abort":
            return Aborted()
        case "answered":
            return Answered(fields.as_object(arguments.get("answers", {}), "answers"))
        case word:
            raise ServerRefused(f"{word!r} is no decision")
