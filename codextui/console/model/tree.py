"""The order of the thread tree: forks under their source, roles under their run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from codextui.protocol.threads import ThreadInfo, ThreadState


class TreeEntry(msgspec.Struct, frozen=True):
    """A thread's place in the tree.

    Attributes:
        thread_id: the thread.
        guides: for each level above the entry whether its guide continues below, then whether
            siblings of the entry follow. Empty for a root.
    """

    thread_id: str
    guides: tuple[bool, ...] = ()

    @property
    def depth(self) -> int:
        """Number of levels above, 0 for a root."""
        return len(self.guides)


def tree_entries(threads: Iterable[ThreadInfo]) -> list[TreeEntry]:
    """Order threads by age, each followed by its children, killed threads last.

    The children of a thread are its forks, those of a run its roles, those of a role its Codex
    threads. A thread with an unknown parent is a root, and so is every thread on a cycle.
    """
    by_id = {info.thread_id: info for info in threads}
    on_cycle = _find_cycles(by_id)
    children: dict[str, list[ThreadInfo]] = {}
    for info in sorted(by_id.values(), key=_sort_key):
        parent = None if info.thread_id in on_cycle else _parent(info, by_id)
        children.setdefault("" if parent is None else parent.thread_id, []).append(info)
    return list(_walk(children))


def _sort_key(info: ThreadInfo) -> tuple[bool, float]:
    return info.state is ThreadState.KILLED, info.created_at


def _parent(info: ThreadInfo, by_id: Mapping[str, ThreadInfo]) -> ThreadInfo | None:
    return by_id.get(info.forked_from) or by_id.get(info.parent)


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
    stack: list[tuple[ThreadInfo, tuple[bool, ...]]] = []
    stack.extend((info, ()) for info in reversed(children.get("", [])))
    while stack:
        info, guides = stack.pop()
        yield TreeEntry(info.thread_id, guides)
        below = children.get(info.thread_id, [])
        last = len(below) - 1
        stack.extend((below[i], (*guides, i < last)) for i in range(last, -1, -1))
