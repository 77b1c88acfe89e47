"""The order of the thread tree: forks under their source, roles under their run.

Threads of other programs stand below our own, in groups by where they come from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import TypeAlias

import msgspec

from codextui.protocol.threads import ThreadInfo, ThreadState

KNOWN_ORIGINS = ("", "Codex TUI", "IDE", "exec")
"""The order of the first groups, our own above all; others follow by name."""

UNKNOWN_ORIGIN = "another program"
"""The group of threads whose program is unknown."""


_GROUP = "group:"

OWN_PROGRAM = "codextui"
"""The program of our own threads."""

SortKey: TypeAlias = tuple[float, ...]
"""What threads are sorted by; the smaller, the higher in the tree."""

ASKS_FIRST = 0.0
"""The first number of the key of what asks, which stands above all groups."""


class Grouping(StrEnum):
    """What the threads of the tree are grouped by."""

    TEAM = "team"  # runs with their roles, then the threads of other programs
    STATE = "state"
    FOLDER = "folder"
    PROGRAM = "program"
    MODEL = "model"

    @property
    def is_flat(self) -> bool:
        """Whether threads leave what they stand under, to stand among their like."""
        return self in (Grouping.STATE, Grouping.FOLDER, Grouping.MODEL)


class TreeEntry(msgspec.Struct, frozen=True):
    """A thread's place in the tree.

    Attributes:
        thread_id: the thread.
        group: the title of its group, such as where the thread at the top of its branch comes
            from; empty for the group without a heading.
        guides: for each level above the entry whether its guide continues below, then whether
            siblings of the entry follow. Empty for a root.
        folded: ids of the threads below it that are folded into its row.
    """

    thread_id: str
    guides: tuple[bool, ...] = ()
    group: str = ""
    folded: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """Number of levels above, 0 for a root."""
        return len(self.guides)


class TreeGroup(msgspec.Struct, frozen=True):
    """The heading of a group.

    Attributes:
        title: what its threads have in common, such as the program they come from.
        thread_ids: its threads, in the order of the tree.
        is_folded: whether its threads have no rows.
    """

    title: str
    thread_ids: tuple[str, ...]
    is_folded: bool = False


def group_of(info: ThreadInfo) -> str:
    """Return where a thread comes from, as the title of its group; empty for our own."""
    return "" if info.ours else info.origin or UNKNOWN_ORIGIN


def program_of(info: ThreadInfo) -> str:
    """Return the program that a thread comes from, ours too."""
    return group_of(info) or OWN_PROGRAM


def tree_rows(entries: Iterable[TreeEntry]) -> list[TreeEntry | TreeGroup]:
    """Return the rows of the tree: the entries, each group below its heading."""
    rows: list[TreeEntry | TreeGroup] = []
    for title, group in groupby(entries, key=lambda entry: entry.group):
        members = list(group)
        if title:
            rows.append(TreeGroup(title, tuple(entry.thread_id for entry in members)))
        rows += members
    return rows


def tree_entries(
    threads: Iterable[ThreadInfo],
    keys: Mapping[str, SortKey] | None = None,
    grouping: Grouping = Grouping.TEAM,
    title_of: Callable[[ThreadInfo], str] = group_of,
) -> list[TreeEntry]:
    """Order threads, each followed by its children.

    The children of a thread are its forks, those of a run its roles, those of a role its Codex
    threads, and its sub-agents, wherever they come from. A thread with an unknown parent is a root,
    and so is every thread on a cycle, and a fork that comes from elsewhere than its source.

    A branch in which something asks stands on top, without the heading of its group; where all
    groups have headings, its group does.

    Args:
        threads: in any order.
        keys: what each thread is sorted by; a branch is sorted by the smallest key in it. None
            for the age, killed threads last. Threads with equal keys are sorted by age.
        grouping: whether threads stand below others at all.
        title_of: returns the title of a root's group.
    """
    by_id = {info.thread_id: info for info in threads}
    parents = {} if grouping.is_flat else _parents(by_id)
    children: dict[str, list[ThreadInfo]] = {}
    for info in sorted(by_id.values(), key=_sort_key):
        children.setdefault(parents.get(info.thread_id, ""), []).append(info)
    branch_keys = {} if keys is None else _branch_keys(children, parents, keys)
    if keys is not None:
        for siblings in children.values():
            siblings.sort(key=lambda info: branch_keys[info.thread_id])
    roots = children.get("", [])
    first = {thread_id for thread_id, key in branch_keys.items() if key[0] == ASKS_FIRST}
    if grouping is Grouping.TEAM:
        title_of = _titles_unless_first(title_of, first)
    if grouping in (Grouping.TEAM, Grouping.PROGRAM):
        _sort_groups(roots, title_of, {i: branch_keys[i] for i in first})
    elif grouping is not Grouping.STATE:
        _gather_groups(roots, title_of)
    return list(_walk(children, title_of))


def _titles_unless_first(
    title_of: Callable[[ThreadInfo], str], first: Collection[str]
) -> Callable[[ThreadInfo], str]:
    return lambda info: "" if info.thread_id in first else title_of(info)


def _parents(by_id: Mapping[str, ThreadInfo]) -> dict[str, str]:
    """Return what each thread stands under, without roots."""
    on_cycle = _find_cycles(by_id)
    found = ((i, _parent(info, by_id)) for i, info in by_id.items() if i not in on_cycle)
    return {thread_id: parent.thread_id for thread_id, parent in found if parent is not None}


def _branch_keys(
    children: Mapping[str, list[ThreadInfo]],
    parents: Mapping[str, str],
    keys: Mapping[str, SortKey],
) -> dict[str, SortKey]:
    """Return the smallest key of each thread and of all that stand below it."""
    smallest = dict(keys)
    entries = list(_walk(children, lambda _: ""))
    for entry in reversed(entries):
        parent = parents.get(entry.thread_id, "")
        if parent:
            smallest[parent] = min(smallest[parent], smallest[entry.thread_id])
    return smallest


def _sort_groups(
    roots: list[ThreadInfo],
    title_of: Callable[[ThreadInfo], str],
    asking: Mapping[str, SortKey],
) -> None:
    """Bring the threads of a group together: groups that ask first, the longest wait on top."""
    urgent: dict[str, SortKey] = {}
    for info in roots:
        key = asking.get(info.thread_id, (math.inf,))
        urgent[title_of(info)] = min(key, urgent.get(title_of(info), key))
    roots.sort(key=lambda info: (urgent[title_of(info)], _title_key(title_of(info))))


def _gather_groups(roots: list[ThreadInfo], title_of: Callable[[ThreadInfo], str]) -> None:
    """Bring the threads of a group together, where its first one stands."""
    places: dict[str, int] = {}
    for info in roots:
        places.setdefault(title_of(info), len(places))
    roots.sort(key=lambda info: places[title_of(info)])


def _sort_key(info: ThreadInfo) -> tuple[bool, float]:
    return info.state is ThreadState.KILLED, info.created_at


def _title_key(title: str) -> tuple[int, str]:
    known = KNOWN_ORIGINS.index(title) if title in KNOWN_ORIGINS else len(KNOWN_ORIGINS)
    return (0 if title == OWN_PROGRAM else known), title


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


def _walk(
    children: Mapping[str, list[ThreadInfo]], title_of: Callable[[ThreadInfo], str]
) -> Iterator[TreeEntry]:
    """Yield entries depth first, without recursion: a chain of forks can be long."""
    stack: list[tuple[ThreadInfo, tuple[bool, ...], str]] = []
    stack.extend((info, (), title_of(info)) for info in reversed(children.get("", [])))
    while stack:
        info, guides, group = stack.pop()
        yield TreeEntry(info.thread_id, guides, group)
        below = children.get(info.thread_id, [])
        last = len(below) - 1
        stack.extend((below[i], (*guides, i < last), group) for i in range(last, -1, -1))


def fold_rows(
    entries: Iterable[TreeEntry], is_folded: Callable[[str], bool]
) -> list[TreeEntry | TreeGroup]:
    """Return the rows of the tree, those of folded threads and groups in one.

    Args:
        entries: the tree.
        is_folded: whether what has this id, or this title, is folded.
    """
    rows: list[TreeEntry | TreeGroup] = []
    for row in tree_rows(entries):
        if isinstance(row, TreeGroup):
            is_group_folded = is_folded(group_key(row.title))
            rows.append(TreeGroup(row.title, row.thread_ids, is_group_folded))
            continue
        above = rows[-1] if rows else None
        if isinstance(above, TreeGroup) and above.is_folded and above.title == row.group:
            continue
        if isinstance(above, TreeEntry) and row.depth > above.depth and is_folded(above.thread_id):
            rows[-1] = msgspec.structs.replace(above, folded=(*above.folded, row.thread_id))
        else:
            rows.append(row)
    return rows


def group_key(title: str) -> str:
    """Return what a group is known by among the ids of threads."""
    return f"{_GROUP}{title}"


def is_group_key(key: str) -> bool:
    """Return whether a key is that of a group."""
    return key.startswith(_GROUP)
