"""The calls that the server makes of `codex app-server`, with typed parameters and results.

Beside the errors that it names itself, every function raises CodexFailed, CodexOverloaded or
CodexDied as `AppServer.call` does, and MessageInvalid for a malformed result. Codex gives every
refusal the same code (-32600), so they are distinguished by their text, which the contract tests
check against the real Codex.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from codextui.codex.app_server import AppServer
from codextui.codex.configuration import configured_roots, own_server_overrides, read_profile
from codextui.codex.endpoint import NO_ANSWER
from codextui.codex.threads import OWN_SOURCE, LoadedThread, ThreadOptions, ThreadStatus
from codextui.codex.writer_lock import describe_held, find_holder
from codextui.errors import (
    CodexFailed,
    MessageInvalid,
    ThreadHeld,
    ThreadUnknown,
    TurnNotRunning,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import INVALID_PARAMS
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.threads import MARK_VARIABLE

MAX_INPUT_CHARS = 1_048_576
"""Characters that the input of a turn may have. Codex refuses more, so more is not sent."""

INTERRUPT_TIMEOUT = 5.0
"""Seconds after which a turn whose interrupt is not answered counts as interrupted before."""

NO_OPTIONS = ThreadOptions()
"""Leaves everything to Codex's own configuration."""

WRITABLE_ROOTS = "sandbox_workspace_write.writable_roots"
"""The setting of the folders that a `workspace-write` sandbox may write to beside its own."""

_PAGE_SIZE = 100
_THREAD_UNKNOWN = (
    "thread not found",
    "no rollout found",
    "invalid thread id",
    "invalid session id",
    "is archived",
    "no thread with",
)
_CONFIG_INVALID = re.compile(
    r"(failed to (read|load) configuration|invalid configuration)[^:]*: ", re.IGNORECASE
)
_METHOD_UNKNOWN = ("unknown variant `thread/search`", "Method not found", "method not found")
_HISTORY_KINDS = ("cli", "vscode", "exec", "appServer", "unknown")
_THREAD_HELD = "already has an active writer"
_TURN_NOT_RUNNING = ("no active turn", "expected active turn")


async def start_thread(app: AppServer, options: ThreadOptions = NO_OPTIONS) -> LoadedThread:
    """Start a thread and subscribe to it (`thread/start`).

    Where other programs see it, it says that a codextui server has started it.

    Raises:
        ConfigInvalid: the profile does not exist or cannot be read.
    """
    if app.address:
        options = replace(options, source=OWN_SOURCE)
    return LoadedThread.parse(await app.call("thread/start", _thread_params(app, options)))


async def resume_thread(
    app: AppServer,
    thread_id: str,
    options: ThreadOptions = NO_OPTIONS,
    *,
    last_turns: int = 1,
) -> LoadedThread:
    """Load a thread and subscribe to it (`thread/resume`).

    Codex sends pending requests again, with the same ids. The result has the last turns with
    their items, which is the only way to get a file change in progress with its diff. A thread
    that was not loaded takes its sandbox from the configuration, not from its past, unless
    `options` set it.

    Raises:
        ThreadUnknown: no such thread, or one that was archived or has never had a turn.
        ThreadHeld: another process has loaded it.
    """
    params = _thread_params(app, options)
    params |= {"threadId": thread_id, "excludeTurns": True} | _last_turns(last_turns)
    try:
        with typed_refusals(thread_id):
            return LoadedThread.parse(await app.call("thread/resume", params))
    except CodexFailed as error:
        if _THREAD_HELD not in str(error).lower():
            raise
        holder = await asyncio.to_thread(find_holder, app.home, thread_id)
        raise ThreadHeld(
            f"{describe_held(thread_id, holder)} `codextui adopt {thread_id}` waits until it lets "
            "go, and takes it over."
        ) from error


async def join_thread(app: AppServer, thread_id: str, *, last_turns: int = 0) -> LoadedThread:
    """Subscribe to a thread that is loaded, such as a sub-agent's (`thread/resume`).

    Nothing about the thread changes; Codex sends pending requests again. The result has the last
    turns with their items. Raises ThreadUnknown.
    """
    params: dict[str, Json] = {"threadId": thread_id, "excludeTurns": True}
    with typed_refusals(thread_id):
        result = await app.call("thread/resume", params | _last_turns(last_turns))
        return LoadedThread.parse(result)


async def list_loaded(app: AppServer) -> frozenset[str]:
    """Return the ids of the threads that app-server has loaded (`thread/loaded/list`)."""
    loaded: set[str] = set()
    cursor: str | None = None
    while True:
        page = await app.call("thread/loaded/list", {"cursor": cursor})
        ids = page.get("data")
        if isinstance(ids, list):
            loaded.update(one for one in ids if isinstance(one, str))
        cursor = fields.maybe_text(page, "nextCursor")
        if cursor is None or not ids:
            return frozenset(loaded)


async def leave_thread(app: AppServer, thread_id: str) -> None:
    """End the subscription to a thread (`thread/unsubscribe`); none is no error."""
    await app.call("thread/unsubscribe", {"threadId": thread_id})


async def fork_thread(
    app: AppServer,
    thread_id: str,
    options: ThreadOptions = NO_OPTIONS,
    *,
    last_turn_id: str | None = None,
) -> LoadedThread:
    """Fork a thread and subscribe to the fork (`thread/fork`).

    The turns of the fork have the ids that they have in the source. A turn that runs in the
    source is interrupted in the fork. The sandbox comes from the configuration, not from the
    source, unless `options` set it (since 0.163.0; 0.153.4 copies it).

    Args:
        app: the process.
        thread_id: the thread to fork.
        options: what the fork does otherwise than its source.
        last_turn_id: the last turn to copy, which must have ended; None copies all.

    Raises:
        ThreadUnknown: no such thread.
    """
    if app.address:
        options = replace(options, source=OWN_SOURCE)
    params = _thread_params(app, options) | {"threadId": thread_id, "excludeTurns": True}
    if last_turn_id is not None:
        params["lastTurnId"] = last_turn_id
    with typed_refusals(thread_id):
        return LoadedThread.parse(await app.call("thread/fork", params))


async def start_turn(
    app: AppServer,
    thread_id: str,
    prompt: str,
    *,
    client_message_id: str,
    output_schema: JsonObject | None = None,
    model: str | None = None,
    images: Sequence[str] = (),
    cwd: str | None = None,
) -> str:
    """Start a turn and return its id (`turn/start`).

    Where a turn of the thread runs, Codex steers that turn, and its id is returned.

    Args:
        app: the process.
        thread_id: the thread, which must be loaded.
        prompt: the input.
        client_message_id: comes back as `clientId` of the `userMessage` item.
        output_schema: JSON schema of the last message.
        model: the model of this turn and later ones.
        images: the paths of images that the model gets with the prompt (`localImage`).
        cwd: the working folder of this turn and later ones; None for the thread's own.

    Raises:
        ThreadUnknown: the thread is not loaded.
        CodexFailed: the prompt is longer than MAX_INPUT_CHARS; nothing was sent.
    """
    params = input_params(thread_id, prompt, client_message_id, images)
    if cwd is not None:
        params["cwd"] = cwd
    if output_schema is not None:
        params["outputSchema"] = output_schema
    if model is not None:
        params["model"] = model
    with typed_refusals(thread_id):
        result = await app.call("turn/start", params)
    return fields.text(fields.as_object(result.get("turn"), "turn"), "id")


async def steer_turn(
    app: AppServer,
    thread_id: str,
    turn_id: str,
    prompt: str,
    *,
    client_message_id: str,
    images: Sequence[str] = (),
) -> None:
    """Send input to the running turn (`turn/steer`).

    Raises:
        TurnNotRunning: the turn has ended, even if another one runs.
        ThreadUnknown: the thread is not loaded.
        CodexFailed: the prompt is longer than MAX_INPUT_CHARS; nothing was sent.
    """
    params = input_params(thread_id, prompt, client_message_id, images)
    params["expectedTurnId"] = turn_id
    with typed_refusals(thread_id):
        await app.call("turn/steer", params)


async def interrupt_turn(
    app: AppServer, thread_id: str, turn_id: str, *, timeout_s: float = INTERRUPT_TIMEOUT
) -> None:
    """End a turn (`turn/interrupt`). Its running command goes on: see `clean_terminals`.

    0.153.4 and 0.163.0 never answer for a turn that was interrupted before (0.169.0 does), so no
    answer within `timeout_s` seconds counts as that.

    Raises:
        TurnNotRunning: the turn does not run.
        ThreadUnknown: the thread is not loaded.
    """
    params = {"threadId": thread_id, "turnId": turn_id}
    with typed_refusals(thread_id):
        try:
            await app.call("turn/interrupt", params, timeout_s=timeout_s)
        except CodexFailed as error:
            if error.code == NO_ANSWER:
                raise TurnNotRunning(f"Turn {turn_id} was interrupted before.") from error
            raise


async def clean_terminals(app: AppServer, thread_id: str) -> None:
    """End all processes of a thread's commands (`thread/backgroundTerminals/clean`)."""
    with typed_refusals(thread_id):
        await app.call("thread/backgroundTerminals/clean", {"threadId": thread_id})


async def list_terminals(app: AppServer, thread_id: str) -> set[str]:
    """Return the ids of the items whose commands run (`thread/backgroundTerminals/list`)."""
    items: set[str] = set()
    cursor: str | None = None
    while True:
        params = {"threadId": thread_id, "cursor": cursor}
        with typed_refusals(thread_id):
            page = await app.call("thread/backgroundTerminals/list", params)
        data = fields.objects(page, "data")
        items.update(fields.text(terminal, "itemId") for terminal in data)
        cursor = fields.maybe_text(page, "nextCursor")
        if cursor is None or not data:
            return items


async def archive_thread(app: AppServer, thread_id: str) -> None:
    """Archive a thread, and interrupt its turn (`thread/archive`). Raises ThreadUnknown."""
    with typed_refusals(thread_id):
        await app.call("thread/archive", {"threadId": thread_id})


async def unarchive_thread(app: AppServer, thread_id: str) -> None:
    """Take a thread out of the archive, without loading it (`thread/unarchive`)."""
    with typed_refusals(thread_id):
        await app.call("thread/unarchive", {"threadId": thread_id})


async def read_turns(app: AppServer, thread_id: str, *, limit: int = 1000) -> list[JsonObject]:
    """Return the last turns of a thread with all their items, oldest first (`thread/turns/list`).

    Raises ThreadUnknown.
    """
    params = {"threadId": thread_id, "itemsView": "full", "sortDirection": "desc"}
    turns: list[JsonObject] = []
    cursor: str | None = None
    with typed_refusals(thread_id):
        while len(turns) < limit:
            page_params = {**params, "cursor": cursor, "limit": _PAGE_SIZE}
            page = await app.call("thread/turns/list", page_params)
            data = fields.objects(page, "data")
            turns.extend(data)
            cursor = fields.maybe_text(page, "nextCursor")
            if cursor is None or not data:
                break
    return turns[:limit][::-1]


async def read_thread(app: AppServer, thread_id: str) -> JsonObject:
    """Return the `Thread` of an id, loaded or not (`thread/read`). Raises ThreadUnknown."""
    with typed_refusals(thread_id):
        result = await app.call("thread/read", {"threadId": thread_id})
    return fields.as_object(result.get("thread"), "thread")


async def is_at_rest(app: AppServer, thread_id: str) -> bool:
    """Return whether Codex says that no turn runs on a loaded thread; False where it says nothing.

    Its turns do not tell: one of a review's two never ends there (`review`).
    """
    try:
        read = await read_thread(app, thread_id)
    except (CodexFailed, ThreadUnknown, MessageInvalid):
        return False
    return ThreadStatus.parse(read.get("status")) == ThreadStatus(loaded=True)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of Codex's history.

    Attributes:
        threads: a `Thread` each, the newest first, each once.
        cursor: where the next page begins; None for the last one.
    """

    threads: tuple[JsonObject, ...]
    cursor: str | None = None


async def list_history(
    app: AppServer,
    *,
    search: str = "",
    archived: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> HistoryPage:
    """Return a page of all threads that Codex has, except sub-agents.

    Args:
        app: the process.
        search: text that the threads have (`thread/search`; `thread/list` where Codex cannot
            search); empty for all.
        archived: whether the archived ones are meant, instead of the others.
        cursor: the page (`HistoryPage.cursor`); None is the first.
        limit: threads of the page.
    """
    params: dict[str, Json] = {
        "archived": archived,
        "cursor": cursor,
        "limit": limit,
        "sourceKinds": list(_HISTORY_KINDS),
    }
    if search:
        try:
            found = await app.call("thread/search", {**params, "searchTerm": search})
            rows = [fields.as_object(r.get("thread"), "thread") for r in _rows(found)]
            return _history_page(rows, found)
        except CodexFailed as error:
            if not any(words in str(error) for words in _METHOD_UNKNOWN):
                raise
            params["searchTerm"] = search
    listed = await app.call("thread/list", {**params, "sortKey": "updated_at"})
    return _history_page(_rows(listed), listed)


def _rows(page: JsonObject) -> tuple[JsonObject, ...]:
    return fields.objects(page, "data")


def _history_page(threads: Iterable[JsonObject], page: JsonObject) -> HistoryPage:
    """Return a page without the threads that Codex repeats after a revert."""
    by_id = {str(thread.get("id")): thread for thread in threads}
    return HistoryPage(tuple(by_id.values()), fields.maybe_text(page, "nextCursor"))


async def name_thread(app: AppServer, thread_id: str, name: str) -> None:
    """Give a thread the name that all programs show (`thread/name/set`). Raises ThreadUnknown."""
    with typed_refusals(thread_id):
        await app.call("thread/name/set", {"threadId": thread_id, "name": name})


async def read_config_problem(app: AppServer) -> str:
    """Return what is wrong with Codex's configuration; empty where nothing is (`config/read`).

    Codex reads its files again for every call, and falls back to its defaults if it cannot. Those
    need a login, which the user's own model provider may not.
    """
    try:
        await app.call("config/read", {})
    except CodexFailed as error:
        return _config_problem(app, str(error))
    return ""


def _config_problem(app: AppServer, message: str) -> str:
    """Return what is wrong with the configuration, empty where the message is about another thing.

    Codex names the file and the line where the text is no TOML, or else at its start
    (`configWarning`).
    """
    refused = _CONFIG_INVALID.match(message)
    if refused is None:
        return ""
    what = message[refused.end() :].strip()
    first = what.partition("\n")[0]
    located = next((text for text in reversed(app.config_errors) if first and first in text), "")
    where = "" if str(app.home) in what else f"{app.home / 'config.toml'}: "
    described = located or where + " ".join(what.split())
    return f"Codex cannot use its configuration: {described}. Correct it: no restart is needed."


def _thread_params(app: AppServer, options: ThreadOptions) -> dict[str, Json]:
    profile = read_profile(app.home, options.profile) if options.profile else {}
    config: dict[str, Json] = {
        **options.config,
        **own_server_overrides(app.home, options.cwd or options.current_cwd),
    }
    if options.add_dirs:
        # An override replaces the whole list.
        roots = (*configured_roots(app.home, profile), *options.add_dirs)
        config.setdefault(WRITABLE_ROOTS, list(dict.fromkeys(roots)))
    if app.mark:  # for commands that the user's configuration lets inherit nothing
        config[f"shell_environment_policy.set.{MARK_VARIABLE}"] = app.mark
    return replace(options, config=config).to_params(profile)


def _last_turns(count: int) -> dict[str, Json]:
    """Return the parameters that let `thread/resume` return the last turns."""
    if not count:
        return {}
    page: JsonObject = {"limit": count, "itemsView": "full", "sortDirection": "desc"}
    return {"initialTurnsPage": page}


def input_params(
    thread_id: str, prompt: str, client_message_id: str, images: Sequence[str] = ()
) -> dict[str, Json]:
    """Return the parameters for the input of a turn. Raises CodexFailed where it is too long."""
    if len(prompt) > MAX_INPUT_CHARS:
        raise CodexFailed(
            f"The prompt has {len(prompt):,} characters, and Codex takes {MAX_INPUT_CHARS:,} at "
            "most. Put the text in a file and name the file in the prompt.",
            code=INVALID_PARAMS,
        )
    parts: list[Json] = [{"type": "localImage", "path": path} for path in images]
    parts.append({"type": "text", "text": prompt})
    return {
        "threadId": thread_id,
        "input": parts,
        "clientUserMessageId": client_message_id,
    }


@contextmanager
def typed_refusals(thread_id: str) -> Iterator[None]:
    """Raise ThreadUnknown or TurnNotRunning for the refusals that mean that."""
    try:
        yield
    except CodexFailed as error:
        text = str(error).lower()
        if any(words in text for words in _TURN_NOT_RUNNING):
            raise TurnNotRunning(_named(error, thread_id)) from error
        if any(words in text for words in _THREAD_UNKNOWN):
            raise ThreadUnknown(_named(error, thread_id)) from error
        raise


def _named(error: CodexFailed, thread_id: str) -> str:
    """Return what Codex says, with the thread's id once."""
    said = str(error)
    whose = "" if thread_id in said else f" of thread {thread_id}"
    return f"Codex says{whose}: {said}"
