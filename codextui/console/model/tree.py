"""The order of the thread tree: forks under their source, roles under their run.

Threads of other programs stand below our own, in groups by where they come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import msgspec

from codextui.protocol.threads import ThreadInfo, ThreadState

KNOWN_ORIGINS = ("", "Codex TUI", "IDE", "exec")
"""The order of the first groups, our own above all; others follow by name."""

UNKNOWN_ORIGIN = "another program"
"""The group of threads whose program is unknown."""


class TreeEntry(msgspec.Struct, frozen=True):
    """A thread's place in the tree.

    Attributes:
        thread_id: the thread.
        group: where the thread at the top of its branch comes from; empty for our own.
        guides: for each level above the entry whether its guide continues below, then whether
            siblings of the entry follow. Empty for a root.
    """

    thread_id: str
    guides: tuple[bool, ...] = ()
    group: str = ""

    @property
    def depth(self) -> int:
        """Number of levels above, 0 for a root."""
        return len(self.guides)


class TreeGroup(msgspec.Struct, frozen=True):
    """The heading of a group of threads of another program.

    Attributes:
        title: where they come from.
        thread_ids: its threads, in the order of the tree.
    """

    title: str
    thread_ids: tuple[str, ...]


def group_of(info: ThreadInfo) -> str:
    """Return where a thread comes from, as the title of its group; empty for our own."""
    return "" if info.ours else info.origin or UNKNOWN_ORIGIN


def tree_rows(entries: Iterable[TreeEntry]) -> list[TreeEntry | TreeGroup]:
    """Return the rows of the tree: the entries, each group below its heading."""
    rows: list[TreeEntry | TreeGroup] = []
    for title, group in groupby(entries, key=lambda entry: entry.group):
        members = list(group)
        if title:
            rows.append(TreeGroup(title, tuple(entry.thread_id for entry in members)))
        rows += members
    return rows


def tree_entries(threads: Iterable[ThreadInfo]) -> list[TreeEntry]:
    """Order threads by age, each followed by its children, killed threads last.

    The children of a thread are its forks, those of a run its roles, those of a role its Codex
    threads, and its sub-agents, wherever they come from. A thread with an unknown parent is a root,
    and so is every thread on a cycle, and a fork that comes from elsewhere than its source.
    """
    by_id = {info.thread_id: info for info in threads}
    on_cycle = _find_cycles(by_id)
    children: dict[str, list[ThreadInfo]] = {}
    for info in sorted(by_id.values(), key=_sort_key):
        parent = None if info.thread_id in on_cycle else _parent(info, by_id)
        children.setdefault("" if parent is None else parent.thread_id, []).append(info)
    children.get("", []).sort(key=_group_key)
    return list(_walk(children))


def _sort_key(info: ThreadInfo) -> tuple[bool, float]:
    return info.state is ThreadState.KILLED, info.created_at


def _group_key(info: ThreadInfo) -> tuple[int, str]:
    group = group_of(info)
    known = KNOWN_ORIGINS.index(group) if group in KNOWN_ORIGINS else len(KNOWN_ORIGINS)
    return known, group


def _parent(info: ThreadInfo, by_id: Mapping[str, ThreadInfo]) -> ThreadInfo | None:
    source = by_id.get(info.forked_from)
    if source is not None and group_of(source) == group_of(info):
        return source
    return by_id.get(info.parent)


def _find_cycles(by_id: Mapping[str, ThreadInfo]) -> set[str]:
    """Return the ids of threads that are their own ancestors."""
    cycles: set[str] = set()
    visited: set[str] = set()
    for info in by_id.values():
        path: dict[str, int] = {}
        ancestor: ThreadInfo | None = info
        while (
            ancestor is not None
            and ancestor.thread_id not in visited
            and ancestor.thread_id not in path
        ):
            path[ancestor.thread_id] = len(path)
            ancestor = _parent(ancestor, by_id)
        if ancestor is not None and ancestor.thread_id in path:
            start = path[ancestor.thread_id]
            cycles.update(thread_id for thread_id, index in path.items() if index >= start)
        visited.update(path)
    return cycles


def _walk(children: Mapping[str, list[ThreadInfo]]) -> Iterator[TreeEntry]:
    """Yield entries depth first, without recursion: a chain of forks can be long."""
    stack: list[tuple[ThreadInfo, tuple[bool, ...], str]] = []
    stack.extend((info, (), group_of(info)) for info in reversed(children.get("", [])))
    while stack:
        info, guides, group = stack.pop()
        yield TreeEntry(info.thread_id, guides, group)
        below = children.get(info.thread_id, [])
        last = len(below) - 1
        stack.extend((below[i], (*guides, i < last), group) for i in range(last, -1, -1))
