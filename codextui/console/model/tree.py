"""The threads in the order of the tree: each under what it was forked from, or works for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codextui.protocol.threads import ThreadInfo, ThreadState


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A row of the tree.

    Attributes:
        thread_id: whose row it is.
        guides: for each level above it, whether a line goes on down there; then whether it has
            siblings below itself. Empty for a root; its length is the depth.
    """

    thread_id: str
    guides: tuple[bool, ...] = ()

    @property
    def depth(self) -> int:
        """0 for a root."""
        return len(self.guides)


def tree_rows(threads: Iterable[ThreadInfo], *, killed: bool) -> list[TreeRow]:
    """Order threads: roots by age, each with what stands below it; killed ones after the others.

    Below a thread stand its forks, below a run its roles, below a role the threads of its Codex.

    Args:
        threads: all of them. What stands below a thread that is not among them is a root, and
            so is, once, a thread of a circle.
        killed: whether killed threads have rows; what stands below them moves up where not.
    """
    every = {info.thread_id: info for info in threads}
    roots = _in_circles(every)
    children: dict[str, list[ThreadInfo]] = {}
    for info in sorted(every.values(), key=_rank):
        if killed or info.state is not ThreadState.KILLED:
            parent = "" if info.thread_id in roots else _shown_parent(info, every, killed=killed)
            children.setdefault(parent, []).append(info)
    return list(_rows_below(children))


def _rank(info: ThreadInfo) -> tuple[bool, float]:
    """Who is dead must not crowd out who is alive."""
    return info.state is ThreadState.KILLED, info.created_at


def _shown_parent(info: ThreadInfo, every: Mapping[str, ThreadInfo], *, killed: bool) -> str:
    """The nearest thread above that has a row, empty for a root."""
    seen: set[str] = set()
    parent = _above(info, every)
    while parent is not None and not killed and parent.state is ThreadState.KILLED:
        if parent.thread_id in seen:
            return ""
        seen.add(parent.thread_id)
        parent = _above(parent, every)
    return "" if parent is None else parent.thread_id


def _above(info: ThreadInfo, every: Mapping[str, ThreadInfo]) -> ThreadInfo | None:
    """What a thread was forked from, or else stands under; None where that is not there."""
    return every.get(info.forked_from) or every.get(info.parent)


def _in_circles(every: Mapping[str, ThreadInfo]) -> set[str]:
    """Threads that would be their own ancestors, if one believed it."""
    circles: set[str] = set()
    settled: set[str] = set()
    for info in every.values():
        path: dict[str, int] = {}
        above: ThreadInfo | None = info
        while above is not None and above.thread_id not in settled and above.thread_id not in path:
            path[above.thread_id] = len(path)
            above = _above(above, every)
        if above is not None and above.thread_id in path:
            start = path[above.thread_id]
            circles.update(thread_id for thread_id, at in path.items() if at >= start)
        settled.update(path)
    return circles


def _rows_below(children: Mapping[str, list[ThreadInfo]]) -> Iterator[TreeRow]:
    """Depth first, without recursion: a chain of forks can be long."""
    stack: list[tuple[ThreadInfo, tuple[bool, ...]]] = []
    stack.extend((info, ()) for info in reversed(children.get("", [])))
    while stack:
        info, guides = stack.pop()
        yield TreeRow(info.thread_id, guides)
        below = children.get(info.thread_id, [])
        last = len(below) - 1
        stack.extend((below[i], (*guides, i < last)) for i in range(last, -1, -1))
