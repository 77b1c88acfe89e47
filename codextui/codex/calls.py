"""The calls of `codex app-server` that the server makes, with types.

Every one raises CodexFailed, CodexOverloaded or CodexDied as `AppServer.call` does, and
WireInvalid where the answer has a wrong shape, beside what it says itself. Codex gives every
refusal the same code (-32600), so it is told apart by its words; the contract tests hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from codextui.codex.app_server import AppServer
from codextui.codex.configuration import own_servers_off, read_profile
from codextui.codex.threads import ListedThread, StartedThread, ThreadOptions
from codextui.errors import CodexFailed, ThreadUnknown, TurnNotRunning
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import INVALID_PARAMS, NO_ANSWER
from codextui.jsonrpc.fields import Json, JsonObject

MAX_INPUT_CHARS = 1_048_576
"""Characters of the longest input of a turn; Codex refuses more, so we do before sending."""

INTERRUPT_TIMEOUT = 5.0
"""Seconds until a turn that Codex does not interrupt counts as interrupted before."""

_PAGE = 100
_NO_THREAD = (
    "thread not found",
    "no rollout found",
    "invalid thread id",
    "invalid session id",
    "is archived",
)
_NO_TURN = ("no active turn", "expected active turn")

NO_OPTIONS = ThreadOptions()
"""Everything as Codex's own configuration says."""


async def start_thread(app: AppServer, options: ThreadOptions = NO_OPTIONS) -> StartedThread:
    """Start a thread and subscribe to it (`thread/start`).

    Raises ConfigInvalid where the profile asked for does not exist.
    """
    return StartedThread.parse(await app.call("thread/start", _thread_params(app, options)))


async def resume_thread(
    app: AppServer,
    thread_id: str,
    options: ThreadOptions = NO_OPTIONS,
    *,
    last_turns: int = 1,
) -> StartedThread:
    """Load a thread and subscribe to it (`thread/resume`), with its last turns and their items.

    It brings back pending requests, under their old ids. Its last turn is the only way to get
    an in-progress file change with its diff. Loading (not where it was loaded) takes the sandbox
    from the configuration rather than from the thread's past, unless `options` say otherwise.
    Raises ThreadUnknown, also for an archived thread, which has to be unarchived first, and for
    one that has never had a turn.
    """
    params = _thread_params(app, options)
    params |= {"threadId": thread_id, "excludeTurns": True}
    if last_turns:
        params["initialTurnsPage"] = {
            "limit": last_turns,
            "itemsView": "full",
            "sortDirection": "desc",
        }
    with _explained(thread_id):
        return StartedThread.parse(await app.call("thread/resume", params))


async def fork_thread(
    app: AppServer,
    thread_id: str,
    options: ThreadOptions = NO_OPTIONS,
    *,
    last_turn_id: str | None = None,
) -> StartedThread:
    """Fork a thread, now or through a finished turn (inclusive), and subscribe to the fork.

    The fork's turns have the ids of the source's. A turn that runs in the source is in the
    fork as interrupted, and cannot be `last_turn_id`. The sandbox comes from the configuration
    rather than from the source, unless `options` say otherwise (0.163.0; 0.153.4 keeps it).
    Raises ThreadUnknown.
    """
    params = _thread_params(app, options) | {"threadId": thread_id, "excludeTurns": True}
    if last_turn_id is not None:
        params["lastTurnId"] = last_turn_id
    with _explained(thread_id):
        return StartedThread.parse(await app.call("thread/fork", params))


async def start_turn(
    app: AppServer,
    thread_id: str,
    prompt: str,
    *,
    client_message_id: str,
    output_schema: JsonObject | None = None,
    model: str | None = None,
) -> str:
    """Start a turn and return its id (`turn/start`).

    On a thread whose turn runs this steers that turn, and its id comes back.
    `client_message_id` comes back as `clientId` of the `userMessage` item.
    Raises ThreadUnknown where the thread is not loaded: resume it first. Raises CodexFailed
    before sending where the prompt is longer than MAX_INPUT_CHARS.
    """
    params = _input(thread_id, prompt, client_message_id)
    if output_schema is not None:
        params["outputSchema"] = output_schema
    if model is not None:
        params["model"] = model
    with _explained(thread_id):
        result = await app.call("turn/start", params)
    return fields.text(fields.as_object(result.get("turn"), "turn"), "id")


async def steer_turn(
    app: AppServer, thread_id: str, turn_id: str, prompt: str, *, client_message_id: str
) -> None:
    """Say something to the running turn (`turn/steer`).

    Raises TurnNotRunning where another turn runs by now, or none; ThreadUnknown where the thread
    is not loaded; CodexFailed before sending where the prompt is longer than MAX_INPUT_CHARS.
    """
    params = _input(thread_id, prompt, client_message_id) | {"expectedTurnId": turn_id}
    with _explained(thread_id):
        await app.call("turn/steer", params)


async def interrupt_turn(app: AppServer, thread_id: str, turn_id: str) -> None:
    """End a turn (`turn/interrupt`). Its running command lives on: see `clean_terminals`.

    Raises TurnNotRunning where the turn does not run, ThreadUnknown where the thread is not
    loaded. 0.153.4 and 0.163.0 never answer for a turn that was interrupted before (0.169.0
    does), so no answer within INTERRUPT_TIMEOUT means that, too.
    """
    params = {"threadId": thread_id, "turnId": turn_id}
    with _explained(thread_id):
        try:
            await app.call("turn/interrupt", params, timeout_s=INTERRUPT_TIMEOUT)
        except CodexFailed as error:
            if error.code == NO_ANSWER:
                raise TurnNotRunning(f"Turn {turn_id} was interrupted before.") from error
            raise


async def clean_terminals(app: AppServer, thread_id: str) -> None:
    """End every process that the thread's commands left (`thread/backgroundTerminals/clean`)."""
    with _explained(thread_id):
        await app.call("thread/backgroundTerminals/clean", {"threadId": thread_id})


async def archive_thread(app: AppServer, thread_id: str) -> None:
    """Archive a thread (`thread/archive`); a running turn is interrupted. Raises ThreadUnknown."""
    with _explained(thread_id):
        await app.call("thread/archive", {"threadId": thread_id})


async def unarchive_thread(app: AppServer, thread_id: str) -> None:
    """Bring a thread back from the archive (`thread/unarchive`); it is not loaded by that."""
    with _explained(thread_id):
        await app.call("thread/unarchive", {"threadId": thread_id})


async def set_name(app: AppServer, thread_id: str, name: str) -> None:
    """Name a thread (`thread/name/set`). Raises ThreadUnknown."""
    with _explained(thread_id):
        await app.call("thread/name/set", {"threadId": thread_id, "name": name})


async def read_turns(app: AppServer, thread_id: str, *, limit: int = 1000) -> list[JsonObject]:
    """Return a thread's turns with all their items, oldest first (`thread/turns/list`, paged).

    Of more than `limit` turns only the last ones come. Raises ThreadUnknown.
    """
    params = {"threadId": thread_id, "itemsView": "full", "sortDirection": "desc"}
    with _explained(thread_id):
        turns = await _page_through(app, "thread/turns/list", params, limit)
    return turns[::-1]


async def list_threads(
    app: AppServer, *, archived: bool = False, limit: int = 1000
) -> list[ListedThread]:
    """Return the threads of Codex's history, the newest first (`thread/list`, paged).

    Codex repeats a thread that was reverted; here every one comes once.
    """
    threads = await _page_through(app, "thread/list", {"archived": archived}, limit)
    found: dict[str, ListedThread] = {}
    for thread in threads:
        listed = ListedThread.parse(thread)
        found.setdefault(listed.thread_id, listed)
    return list(found.values())


async def read_login_problem(app: AppServer, codex: str = "codex") -> str:
    """Return what keeps Codex from asking its model, and what to type; empty where nothing does.

    It asks for the account (`account/read`): a model provider of the user's own needs no login.
    `codex` is how a shell starts this Codex (`codextui.codex.binary.shell_words`).
    """
    account = await app.call("account/read", {"refreshToken": False})
    if account.get("account") is not None or not fields.flag(account, "requiresOpenaiAuth"):
        return ""
    return f"Codex is not logged in. Type: {codex} login"


def _thread_params(app: AppServer, options: ThreadOptions) -> dict[str, Json]:
    profile = read_profile(app.home, options.profile) if options.profile else {}
    settings = {**options.config, **own_servers_off(app.home, options.cwd or options.folder)}
    return replace(options, config=settings).to_params(profile)


def _input(thread_id: str, prompt: str, client_message_id: str) -> dict[str, Json]:
    """The parameters that give a turn its input. Raises CodexFailed where it is too long."""
    if len(prompt) > MAX_INPUT_CHARS:
        raise CodexFailed(
            f"The prompt has {len(prompt):,} characters, and Codex takes {MAX_INPUT_CHARS:,} at "
            "most. Put the text in a file and name the file in the prompt.",
            code=INVALID_PARAMS,
        )
    return {
        "threadId": thread_id,
        "input": [{"type": "text", "text": prompt}],
        "clientUserMessageId": client_message_id,
    }


async def _page_through(
    app: AppServer, method: str, params: JsonObject, limit: int
) -> list[JsonObject]:
    """Collect `data` of page after page, until there are `limit` or no more."""
    found: list[JsonObject] = []
    cursor: str | None = None
    while len(found) < limit:
        page = await app.call(method, {**params, "cursor": cursor, "limit": _PAGE})
        data = fields.objects(page, "data")
        found.extend(data)
        cursor = fields.maybe_text(page, "nextCursor")
        if cursor is None or not data:
            break
    return found[:limit]


@contextmanager
def _explained(thread_id: str) -> Iterator[None]:
    """Turn Codex's refusals into the errors that callers tell apart."""
    try:
        yield
    except CodexFailed as error:
        said = str(error).lower()
        if any(words in said for words in _NO_TURN):
            raise TurnNotRunning(f"Codex says of thread {thread_id}: {error}") from error
        if any(words in said for words in _NO_THREAD):
            raise ThreadUnknown(f"Codex says of thread {thread_id}: {error}") from error
        raise
