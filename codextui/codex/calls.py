"""The calls of `codex app-server` that the server makes, with types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codextui.codex.app_server import AppServer
from codextui.wire.fields import Json, JsonObject


@dataclass(frozen=True, slots=True)
class ThreadOptions:
    """How a thread is to run; None leaves it to Codex's own configuration.

    Attributes:
        model: the model's name.
        cwd: the working folder, absolute.
        sandbox: `read-only`, `workspace-write` or `danger-full-access`.
        approval_policy: `untrusted`, `on-request` or `never`.
        base_instructions: instead of Codex's own instructions.
        developer_instructions: beside them.
        compact_prompt: what the model is told when the history is compacted.
        profile: a profile of the user's config.toml.
        config: single settings of config.toml, dotted keys allowed.
    """

    model: str | None = None
    cwd: str | None = None
    sandbox: str | None = None
    approval_policy: str | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    compact_prompt: str | None = None
    profile: str | None = None
    config: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartedThread:
    """A thread that Codex has loaded (`thread/start`, `thread/resume`, `thread/fork`).

    Attributes:
        thread_id: Codex's id.
        cwd: its working folder, absolute.
        model: the model's name.
        sandbox: `read-only`, `workspace-write` or `danger-full-access` (or Codex's own word for
            another).
        approval_policy: `untrusted`, `on-request`, `never` or `granular`.
        branch: the git branch of `cwd`, empty where there is none.
        name: as set by `set_name`, empty where none.
        preview: the first prompt, as far as Codex shows it.
        forked_from: the thread it was forked from, empty otherwise.
        created_at: unix seconds.
        turns: the turns that came with it (`resume_thread`), oldest first.
    """

    thread_id: str
    cwd: str
    model: str
    sandbox: str
    approval_policy: str
    branch: str = ""
    name: str = ""
    preview: str = ""
    forked_from: str = ""
    created_at: float = 0.0
    turns: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedThread:
    """A thread of Codex's history (`thread/list`), loaded or not.

    Attributes:
        thread_id: Codex's id.
        cwd: its working folder.
        status: `notLoaded`, `idle`, `systemError` or `active`.
        name: as set by `set_name`, empty where none.
        preview: the first prompt, as far as Codex shows it.
        branch: the git branch it was started on, empty where there was none.
        forked_from: the thread it was forked from, empty otherwise.
        created_at: unix seconds.
        updated_at: unix seconds.
    """

    thread_id: str
    cwd: str
    status: str
    name: str = ""
    preview: str = ""
    branch: str = ""
    forked_from: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


async def start_thread(app: AppServer, options: ThreadOptions) -> StartedThread:
    """Start a thread and subscribe to it (`thread/start`)."""
    raise NotImplementedError


async def resume_thread(
    app: AppServer, thread_id: str, options: ThreadOptions | None = None, *, last_turns: int = 1
) -> StartedThread:
    """Load a thread and subscribe to it (`thread/resume`), with its last turns.

    It brings back pending requests, under their old ids. Its last turn is the only way to get
    an in-progress file change with its diff.
    """
    raise NotImplementedError


async def fork_thread(
    app: AppServer,
    thread_id: str,
    *,
    last_turn_id: str | None = None,
    options: ThreadOptions | None = None,
) -> StartedThread:
    """Fork a thread, now or through a finished turn (inclusive), and subscribe to the fork.

    The fork's turns have the ids of the source's. A turn that runs in the source is in the
    fork as interrupted, and cannot be `last_turn_id`.
    """
    raise NotImplementedError


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

    On a thread whose turn runs this steers that turn, and its id comes back. The thread has to
    be loaded. `client_message_id` comes back as `clientId` of the `userMessage` item.
    """
    raise NotImplementedError


async def steer_turn(
    app: AppServer, thread_id: str, turn_id: str, prompt: str, *, client_message_id: str
) -> None:
    """Say something to the running turn (`turn/steer`).

    Raises TurnNotRunning where another turn runs by now, or none.
    """
    raise NotImplementedError


async def interrupt_turn(app: AppServer, thread_id: str, turn_id: str) -> None:
    """End a turn (`turn/interrupt`). Its running command lives on: see `clean_terminals`.

    Raises TurnNotRunning where the turn does not run.
    """
    raise NotImplementedError


async def clean_terminals(app: AppServer, thread_id: str) -> None:
    """End every process that the thread's commands left (`thread/backgroundTerminals/clean`)."""
    raise NotImplementedError


async def archive_thread(app: AppServer, thread_id: str) -> None:
    """Archive a thread (`thread/archive`); a running turn is interrupted."""
    raise NotImplementedError


async def unarchive_thread(app: AppServer, thread_id: str) -> None:
    """Bring a thread back from the archive (`thread/unarchive`); it is not loaded by that."""
    raise NotImplementedError


async def set_name(app: AppServer, thread_id: str, name: str) -> None:
    """Name a thread (`thread/name/set`)."""
    raise NotImplementedError


async def read_turns(app: AppServer, thread_id: str, *, limit: int = 1000) -> list[JsonObject]:
    """Return a thread's turns with all their items, oldest first (`thread/turns/list`, paged).

    Of more than `limit` turns only the last ones come.
    """
    raise NotImplementedError


async def list_threads(
    app: AppServer, *, archived: bool = False, limit: int = 1000
) -> list[ListedThread]:
    """Return the threads of Codex's history, the newest first (`thread/list`, paged)."""
    raise NotImplementedError
