"""The tool `codex-exec`: a turn for a client that stands in for `codex exec`.

Where nothing else is asked for, the approval policy is `never`, as of `codex exec`. A thread that
another program has open keeps its own, and its folder: only what is named changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from codextui.codex.settings import SettingsChange
from codextui.codex.threads import ThreadOptions
from codextui.errors import CodexHomeDiffers, ServerRefused, ThreadUnknown, TurnRunning
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.clients import Caller
from codextui.server.mcp.calls import thread_options
from codextui.server.state import ServerState
from codextui.server.threads.opening import ThreadSpec
from codextui.server.threads.owned_turns import OwnedTurn
from codextui.server.threads.registry import ThreadRecord

_FULL_ACCESS = "danger-full-access"
_RESTRICTED = "read-only"
_UNATTENDED = "never"


async def exec_turn(
    server: ServerState, caller: Caller, arguments: JsonObject
) -> dict[str, object]:
    """Answer `codex-exec`.

    The turn ends with the connection of the client, as `codex exec` ends it with its process.
    """
    if not caller.session.persistent:
        raise ServerRefused(
            "the turn would end with this request, as by HTTP nobody sees a client leave: connect "
            "to the server's socket, or call `codex`"
        )
    app = await server.worker.app()
    _check_home(fields.text_or(arguments, "home"), app.home)
    prompt = fields.text(arguments, "prompt")
    before = _find(server, fields.text_or(arguments, "thread"))
    record, change = await _open(server, caller, arguments, prompt)
    if record.turn.running_id:
        raise TurnRunning(
            f"a turn runs on {record.info.handle} ({record.thread_id}); wait for its end"
        )
    with _lending(server, record, before) as turn:
        if change.settings.values():
            await server.settings.change(record.thread_id, change.settings)
        schema = arguments.get("output-schema")
        sent = await server.turns.send(
            record.thread_id,
            prompt,
            images=fields.texts(arguments, "images"),
            output_schema=None if schema is None else fields.as_object(schema, "output-schema"),
            cwd=change.cwd,
        )
        turn.append(sent.turn_id)
    if not sent.steered:
        is_own = record.info.ours and record.info.client == caller.client_name
        server.owned_turns.add(caller.session, OwnedTurn(sent, with_commands=is_own))
        if caller.session not in server.sessions:  # it has disconnected meanwhile
            await server.owned_turns.end(caller.session)
    return {"thread": sent.record.info.to_json(), "turnId": sent.turn_id}


@contextmanager
def _lending(
    server: ServerState, record: ThreadRecord, before: ThreadInfo | None
) -> Iterator[list[str]]:
    """Restore the settings of a thread that was there before, when the turn has ended.

    `codex exec` changes only those of its own process. The turn is put into the list.
    """
    turn: list[str] = []
    if before is None or not before.ours:
        yield turn
        return
    server.settings.lend(before)
    try:
        yield turn
    finally:
        server.background.start(server.settings.give_back(record, *turn))


@dataclass(frozen=True, slots=True)
class _Change:
    """What a turn changes of a thread that was loaded before."""

    settings: SettingsChange = SettingsChange()  # noqa: RUF009 - it is frozen
    cwd: str | None = None


def _check_home(home: str, own: Path) -> None:
    if home and Path(home).resolve() != own.resolve():
        raise CodexHomeDiffers(f"CODEX_HOME is {home}, and that of the shared server {own}")


async def _open(
    server: ServerState, caller: Caller, arguments: JsonObject, prompt: str
) -> tuple[ThreadRecord, _Change]:
    """Start a thread, or resume the one that is named."""
    named = thread_options(arguments, caller)
    policy = named.approval_policy or (None if "approval_policy" in named.config else _UNATTENDED)
    options = replace(named, approval_policy=policy, add_dirs=fields.texts(arguments, "add-dirs"))
    client, thread = caller.client_name, fields.text_or(arguments, "thread")
    if not thread:
        new = ThreadSpec(options, client=client, prompt=prompt)
        return await server.opener.start(new), _Change()
    was_loaded = _is_loaded(server, thread)
    record = await server.opener.resume(thread, client=client, options=options)
    effort = fields.maybe_text(arguments, "effort")
    if not record.info.ours:
        await server.others.follow(record, caller.session)
        return record, _Change(_differences(record, named, effort))
    if not was_loaded:
        return record, _Change()
    return record, _Change(_differences(record, _restricted(record, options), effort), options.cwd)


def _find(server: ServerState, thread: str) -> ThreadInfo | None:
    """Return the thread of that name as it is now; None for one that is still to be opened."""
    try:
        return server.registry.find_codex_thread(thread).info if thread else None
    except ThreadUnknown:
        return None


def _is_loaded(server: ServerState, thread: str) -> bool:
    found = _find(server, thread)
    record = None if found is None else server.registry.get(found.thread_id)
    return record is not None and record.loaded and record.info.state is not ThreadState.KILLED


def _restricted(record: ThreadRecord, options: ThreadOptions) -> ThreadOptions:
    """Return the options of an unattended turn on a thread that is loaded.

    Without a sandbox `codex exec` goes by the configuration, which never means full access unless
    it says so: full access that a thread was given is not passed on.
    """
    if options.sandbox is None and record.info.sandbox == _FULL_ACCESS:
        return replace(options, sandbox=_RESTRICTED)
    return options


def _differences(
    record: ThreadRecord, options: ThreadOptions, effort: str | None
) -> SettingsChange:
    """Return what a loaded thread does not have yet; Codex reads no configuration for it."""
    info = record.info

    def changed(wanted: str | None, current: str) -> str | None:
        return None if wanted == current else wanted

    return SettingsChange(
        model=changed(options.model, info.model),
        effort=effort,
        sandbox=changed(options.sandbox, info.sandbox),
        approval_policy=changed(options.approval_policy, info.approval_policy),
    )
