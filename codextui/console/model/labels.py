"""Short names of threads, and of who asks for an approval. Sanitized."""

from __future__ import annotations

import re

import msgspec

from codextui.console.model.tree import group_of
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, clean_handle
from codextui.text.sanitize import one_line

KIND_PREFIXES = {ThreadKind.RUN: "▣ ", ThreadKind.ROLE: "@", ThreadKind.CODEX: ""}
"""Prefixes of handles, by what the thread is."""

_GENERATED_HANDLE = re.compile(r".*-\d+")
"""A handle that the server made: it says less than the name that a thread has in Codex."""


class Asker(msgspec.Struct, frozen=True):
    """Whose thread asks for an approval.

    Attributes:
        client: the name of the MCP client that started the thread; empty for none.
        origin: the program whose thread it is; empty if it is our own.
        name: the thread's name where it is not our own: `Codex TUI · shop · tui-2`.
    """

    client: str = ""
    origin: str = ""
    name: str = ""


UNKNOWN_ASKER = Asker()


def handle_label(info: ThreadInfo) -> str:
    """Return the handle with the prefix of its kind."""
    return KIND_PREFIXES[info.kind] + one_line(info.handle or info.thread_id[:8], 200)


def thread_label(info: ThreadInfo) -> str:
    """Return the handle, or what says more of a thread whose handle the server made.

    That is its name in Codex, and without one the brief of another program's thread.
    """
    is_root_elsewhere = not info.ours and not info.parent
    name = one_line(info.name, 200) or (one_line(info.brief, 60) if is_root_elsewhere else "")
    is_generated = not info.ours or _GENERATED_HANDLE.fullmatch(info.handle)
    return name if name and info.kind is ThreadKind.CODEX and is_generated else handle_label(info)


def full_label(info: ThreadInfo) -> str:
    """Return the handle, and beside it the name in Codex."""
    name, handle = one_line(info.name, 200), handle_label(info)
    return handle if says_the_same(name, info.handle) else f"{handle} {name}"


def says_the_same(name: str, handle: str) -> bool:
    """Return whether a name says no more than a handle, which may be made of it."""
    return not name or clean_handle(name).casefold() == handle.casefold()


def short_folder(cwd: str) -> str:
    """Return the last part of a path."""
    return one_line(cwd.rstrip("/").rpartition("/")[2] or cwd, 60)


def format_counts(runs: int, threads: int) -> str:
    """Return `20 runs and 1 thread`, without what there is none of."""
    counts = ((runs, "run"), (threads, "thread"))
    words = (f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)
    return " and ".join(words)


def asker_of(info: ThreadInfo) -> Asker:
    """Return whose thread it is."""
    client = one_line(info.client, 60)
    if info.ours:
        return Asker(client)
    origin = one_line(group_of(info), 40)
    parts = (origin, short_folder(info.cwd), thread_label(info))
    return Asker(client, origin, " · ".join(part for part in parts if part))


def who_asks(approval: Approval, asker: Asker = UNKNOWN_ASKER) -> str:
    """Return who asks: the handle, or `Codex TUI · shop · tui-2`."""
    return one_line(asker.name or approval.handle or approval.thread_id[:8], 80)
