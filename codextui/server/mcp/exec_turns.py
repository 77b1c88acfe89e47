"""The tool `codex-exec`: a turn for a client that stands in for `codex exec`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from codextui.codex.settings import SettingsChange
from codextui.codex.threads import ThreadOptions
from codextui.errors import CodexHomeDiffers, ThreadUnknown, TurnRunning
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadState
from codextui.server.clients import Caller
from codextui.server.mcp.calls import thread_options
from codextui.server.state import ServerState
from codextui.server.threads.opening import NewThread
from codextui.server.threads.owned_turns import OwnedTurn
from codextui.server.threads.registry import ThreadRecord

_FULL_ACCESS = "danger-full-access"
_RESTRICTED = "read-only"


async def exec_turn(
    server: ServerState, caller: Caller, arguments: JsonObject
) -> dict[str, object]:
    """Answer `codex-exec`.

    The turn ends with the connection of the client, as that of `codex exec` ends with its process.
    """
    thread, prompt = fields.text_or(arguments, "thread"), fields.text(arguments, "prompt")
    options = replace(
        thread_options(arguments, caller), add_dirs=fields.texts(arguments, "add-dirs")
    )
    app = await server.worker.app()
    _check_home(fields.text_or(arguments, "home"), app.home)
    change, cwd = SettingsChange(), None
    if thread:
        loaded = _find_loaded(server, thread)
        record = await server.opener.resume(thread, client=caller.client_name, options=options)
        if loaded is not None:
            change = _changes(record, options, fields.maybe_text(arguments, "effort"))
            cwd = options.cwd
    else:
        new = NewThread(options, client=caller.client_name, prompt=prompt)
        record = await server.opener.start(new)
    if record.turn.running_id:
        raise TurnRunning(
            f"a turn runs on {record.info.handle} ({record.thread_id}); wait for its end"
        )
    if change.values():
        await server.settings.change(record.thread_id, change)
    schema = arguments.get("output-schema")
    sent = await server.turns.send(
        record.thread_id,
        prompt,
        images=fields.texts(arguments, "images"),
        output_schema=None if schema is None else fields.as_object(schema, "output-schema"),
        cwd=cwd,
    )
    if not sent.steered:
        is_own = record.info.ours and record.info.client == caller.client_name
        server.owned_turns.add(caller.session, OwnedTurn(sent, with_commands=is_own))
        if caller.session not in server.sessions:  # it has disconnected meanwhile
            await server.owned_turns.end(caller.session)
    return {"thread": sent.record.info.to_json(), "turnId": sent.turn_id}


def _check_home(home: str, own: Path) -> None:
    if home and Path(home).resolve() != own.resolve():
        raise CodexHomeDiffers(f"CODEX_HOME is {home}, and that of the shared server {own}")


def _find_loaded(server: ServerState, thread: str) -> ThreadRecord | None:
    try:
        record = server.registry.find_codex_thread(thread)
    except ThreadUnknown:
        return None
    return record if record.loaded and record.info.state is not ThreadState.KILLED else None


def _changes(record: ThreadRecord, options: ThreadOptions, effort: str | None) -> SettingsChange:
    """Return what differs between a loaded thread and the wanted options.

    Codex reads no configuration for a loaded thread. Without a sandbox `codex exec` goes by the
    configuration, which never means full access unless it says so: a thread that somebody gave
    full access does not pass it on to an unattended turn.
    """
    info = record.info
    sandbox = options.sandbox
    if sandbox is None and info.sandbox == _FULL_ACCESS:
        sandbox = _RESTRICTED

    def changed(wanted: str | None, current: str) -> str | None:
        return None if wanted == current else wanted

    return SettingsChange(
        model=changed(options.model, info.model),
        effort=effort,
        sandbox=changed(sandbox, info.sandbox),
        approval_policy=changed(options.approval_policy, info.approval_policy),
    )
