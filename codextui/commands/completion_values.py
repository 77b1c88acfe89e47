"""The values that tab completion offers for an argument, by its metavar.

An argument whose metavar is in a table here completes by itself, in every command. What comes from
elsewhere (handles, titles, names in a file) is untrusted: what could not be shown as it is, or
would be read as an option, is not offered.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from codextui.config import paths
from codextui.errors import CodextuiError, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from codextui.protocol.threads import ThreadInfo

CALL_S: Final = 2.0
"""Seconds that the server may take to answer."""

_PAGE = 100
_MAX_VALUE = 200


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says before the cursor.

    Attributes:
        server: the name of the server.
        config: the configuration file; None for the user's own.
    """

    server: str = paths.DEFAULT_SERVER
    config: Path | None = None


Values: TypeAlias = Mapping[str, str]
"""Values, and what each of them is."""


class Kind(Enum):
    """What the shell itself completes, or nobody."""

    FILES = auto()
    FOLDERS = auto()
    FREE_TEXT = auto()


Source: TypeAlias = "Callable[[Given], Values] | Kind"


def find_source(path: tuple[str, ...], action: argparse.Action) -> Source | None:
    """Return where the values of an argument come from; None where nobody has said so.

    Args:
        path: the command's words, such as `("runs", "show")`.
        action: an argument without choices.
    """
    if isinstance(action.metavar, tuple):  # of several values, each with a name
        return Kind.FREE_TEXT
    metavar = action.metavar or action.dest.upper()
    of_command = " ".join((*path, metavar)) if path else ""
    for key in (of_command, action.dest, metavar):
        if key in _SOURCES:
            return _SOURCES[key]
    return None


def is_offered(value: str) -> bool:
    """Return whether a value can stand in a command line as it is shown."""
    return 0 < len(value) <= _MAX_VALUE and value[0] != "-" and value == one_line(value)


def _threads(given: Given) -> Values:
    rows = _call(given, "codex-threads", {}, "threads")
    return _name_threads(_read_threads(rows))


def _closed_threads(given: Given) -> Values:
    """Killed threads, and those on the disk that are not open."""
    from codextui.protocol.threads import ThreadState  # noqa: PLC0415 - slow to import

    rows = _call(given, "codex-threads", {"all": True}, "threads")
    killed = (info for info in _read_threads(rows) if info.state is ThreadState.KILLED)
    found = dict(_name_threads(killed))
    with suppress(CodextuiError, TimeoutError):  # Codex itself may not work
        found |= _history(given, archived=False)
    return found


def _archived_threads(given: Given) -> Values:
    return _history(given, archived=True)


def _foreign_threads(given: Given) -> Values:
    rows = _call(given, "codex-threads", {}, "threads")
    return {info.thread_id: _about_thread(info) for info in _read_threads(rows) if not info.ours}


def _history(given: Given, *, archived: bool) -> Values:
    rows = _call(given, "codex-history", {"archived": archived, "limit": _PAGE}, "threads")
    return {
        fields.text_or(row, "thread_id"): fields.text_or(row, "name")
        or fields.text_or(row, "brief")
        for row in rows
        if not fields.text_or(row, "handle")
    }


def _approvals(given: Given) -> Values:
    from codextui.commands.approvals import summarize_approval  # noqa: PLC0415 - only for these
    from codextui.protocol.approvals import Approval  # noqa: PLC0415

    found = {}
    for row in _call(given, "codex-approvals", {}, "approvals"):
        with suppress(MessageInvalid):
            approval = Approval.from_json(row)
            about = f"{approval.handle}: {summarize_approval(approval)}"
            found[approval.approval_id] = about
    return found


def _decisions(given: Given) -> Values:
    rows = _call(given, "codex-decisions", {"limit": _PAGE}, "decisions")
    return {
        fields.text(row, "approval_id"): " by ".join(
            filter(None, (fields.text_or(row, "outcome"), fields.text_or(row, "by")))
        )
        for row in rows
    }


def _runs(given: Given) -> Values:  # noqa: ARG001 - a source
    from codextui.teams.records.store import RunStore, list_runs  # noqa: PLC0415 - only for these

    found = dict.fromkeys(list_runs()[:_PAGE], "")
    for run_id in found:
        with suppress(CodextuiError):
            found[run_id] = fields.text_or(RunStore.open(run_id).read("run") or {}, "task")
    return found


def _teams(given: Given) -> Values:
    import tomllib  # noqa: PLC0415 - only for these

    with paths.config_path(given.config).open("rb") as file:
        teams = tomllib.load(file).get("teams")
    if not isinstance(teams, dict):
        return {}
    return {name: ", ".join(_role_names(team)) for name, team in teams.items()}


def _role_names(team: object) -> Iterable[str]:
    roles = team.get("roles") if isinstance(team, dict) else None
    return roles if isinstance(roles, dict) else ()


def _servers(given: Given) -> Values:  # noqa: ARG001 - a source
    from codextui.config.files import is_held  # noqa: PLC0415 - only for these

    locks = sorted(paths.runtime_dir().glob("*.lock"))
    return {lock.stem: "running" for lock in locks if is_held(lock)}


def _settings(given: Given) -> Values:  # noqa: ARG001 - a source
    from codextui.commands.parser_parts import THREAD_SETTINGS  # noqa: PLC0415 - only for these

    values: dict[str, str] = {}
    for key, choices in THREAD_SETTINGS.items():
        values |= {f"{key}={choice}": "" for choice in choices or ("",)}
    return values | {"budget=": "tokens in all, such as 200k, or off"}


_SOURCES: Final[Mapping[str, Source]] = {
    # The argument of one command, where the command makes a difference.
    "resume THREAD": _closed_threads,
    "unarchive THREAD": _archived_threads,
    "set KEY=VALUE": _settings,
    "teams new NAME": Kind.FREE_TEXT,
    # Names of arguments, where the metavar says less.
    "server": _servers,
    "team": _teams,
    "approval": _approvals,
    # Metavars.
    "THREAD": _threads,
    "THREAD_ID": _foreign_threads,
    "RUN": _runs,
    "TEAM": _teams,
    "APPROVAL": _decisions,
    "FILE": Kind.FILES,
    "PATH": Kind.FILES,
    "FOLDER": Kind.FOLDERS,
    **dict.fromkeys(
        (
            *("[QUESTION=]ANSWER", "BRANCH", "FEATURE", "FILTER", "HANDLE", "HOST:PORT", "ID"),
            *("KEY=VALUE", "N", "NAME", "PROMPT", "SECONDS", "SHA", "TASK", "TERMS", "TEXT"),
            *("TOKENS", "WORD"),
        ),
        Kind.FREE_TEXT,
    ),
}


def _call(given: Given, tool: str, arguments: JsonObject, rows: str) -> list[JsonObject]:
    """Return the rows that the running server answers with; a server is never started."""
    import asyncio  # noqa: PLC0415 - slow to import

    from codextui.client.session import call_once  # noqa: PLC0415

    async def call() -> JsonObject:
        async with asyncio.timeout(CALL_S):
            path = paths.socket_path(given.server)
            return await call_once(path, "codextui completion", tool, arguments)

    return list(fields.objects(asyncio.run(call()), rows))


def _read_threads(rows: Iterable[JsonObject]) -> list[ThreadInfo]:
    from codextui.protocol.threads import ThreadInfo  # noqa: PLC0415 - slow to import

    threads = []
    for row in rows:
        with suppress(MessageInvalid):
            threads.append(ThreadInfo.from_json(row))
    return threads


def _name_threads(threads: Iterable[ThreadInfo]) -> Values:
    """Return threads by their handle, or by their id where the handle cannot be typed."""
    return {
        info.handle if is_offered(info.handle) else info.thread_id: _about_thread(info)
        for info in threads
    }


def _about_thread(info: ThreadInfo) -> str:
    parts = (info.origin or info.kind.value, info.state_word, info.brief)
    return ", ".join(part for part in parts if part)
