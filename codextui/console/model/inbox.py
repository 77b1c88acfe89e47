"""The approval inbox: what waits for a decision, its order, the marks, and what was seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from codextui.protocol.approval_risks import risk_weight, risks_of, same_key
from codextui.protocol.approvals import Approval

MAX_GONE = 5
"""Approvals answered elsewhere that the list still shows."""


class Order(StrEnum):
    """The order of the inbox; the oldest stand first wherever it says no more."""

    OLDEST = "oldest first"
    THREAD = "by thread"
    RISK = "by risk"


@dataclass(slots=True)
class InboxMemory:
    """What outlives the dialog, so that `esc` loses nothing.

    Attributes:
        marks: approval id → the marked approval, as it was then.
        seen: approval id → the approval that was on the screen to its end.
        order: the order of the list.
        grouped: whether same commands stand together.
    """

    marks: dict[str, Approval] = field(default_factory=dict)
    seen: dict[str, Approval] = field(default_factory=dict)
    order: Order = Order.OLDEST
    grouped: bool = False

    def forget_all_but(self, approvals: Sequence[Approval]) -> None:
        """Forget what is no longer open; where nothing is, the server may be out of reach."""
        if not approvals:
            return
        ids = {approval.approval_id for approval in approvals}
        for one in (self.marks, self.seen):
            for gone in one.keys() - ids:
                del one[gone]


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A row of the list.

    Attributes:
        approval: what waits.
        risks: what it risks, the gravest first.
        same: how many open ones ask for the same command; 1 for this one alone.
        is_first: whether it is the first of a group of the same.
        is_marked: whether it is marked.
        outcome: what became of it, for one that was answered elsewhere; empty while it waits.
    """

    approval: Approval
    risks: tuple[str, ...] = ()
    same: int = 1
    is_first: bool = True
    is_marked: bool = False
    outcome: str = ""


class Inbox:
    """The open approvals in an order of the user's, without those just decided here.

    A decision takes a moment to reach the server. Its approval leaves at once, and returns if the
    decision fails (`restore`). Whatever arrives or changes, the current one stays current until it
    is gone; then it is the one that stood after it.
    """

    def __init__(
        self, approvals: Sequence[Approval], first: str = "", memory: InboxMemory | None = None
    ) -> None:
        """Start at the approval with the id `first`, or at the first one of the order.

        Args:
            approvals: all that are open, oldest first.
            first: id of the approval to start at; empty for none.
            memory: marks, order and what was seen before; changed in place.
        """
        self.memory = memory or InboxMemory()
        self._open = tuple(approvals)
        self._decided: set[str] = set()
        self._gone: dict[str, tuple[Approval, str]] = {}
        self._risks: dict[str, tuple[Approval, tuple[str, ...]]] = {}
        self._keys: dict[str, tuple[Approval, tuple[str, ...] | None]] = {}
        self.memory.forget_all_but(approvals)
        self._ordered = self._sort()
        ids = [approval.approval_id for approval in self._ordered]
        self._index = ids.index(first) if first in ids else 0

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """The approvals left to decide, in the order of the list."""
        return self._ordered

    @property
    def current(self) -> Approval | None:
        """The approval on the screen; None if none is left."""
        return self._ordered[self._index] if self._ordered else None

    @property
    def position(self) -> tuple[int, int]:
        """The number of the current approval, from 1, and of all that are left."""
        total = len(self._ordered)
        return min(self._index + 1, total), total

    @property
    def marked(self) -> tuple[Approval, ...]:
        """The marked approvals that have not changed since, in the order of the list."""
        return tuple(a for a in self._ordered if self.memory.marks.get(a.approval_id) == a)

    @property
    def entries(self) -> tuple[InboxEntry, ...]:
        """The rows of the list; what was answered elsewhere stands at its end."""
        same: dict[tuple[str, ...], list[str]] = {}
        for approval in self._ordered:
            same.setdefault(self._key(approval), []).append(approval.approval_id)
        marked = set(map(_id, self.marked))
        rows = [
            InboxEntry(
                approval,
                self.risks(approval),
                len(alike := same[self._key(approval)]),
                not self.memory.grouped or alike[0] == approval.approval_id,
                approval.approval_id in marked,
            )
            for approval in self._ordered
        ]
        return (*rows, *(InboxEntry(a, outcome=outcome) for a, outcome in self._gone.values()))

    def risks(self, approval: Approval) -> tuple[str, ...]:
        """Return what an approval risks, the gravest first."""
        known = self._risks.get(approval.approval_id)
        if known is None or known[0] != approval:
            known = self._risks[approval.approval_id] = (approval, risks_of(approval.asked))
        return known[1]

    # Marks.

    def toggle_mark(self) -> bool:
        """Mark or unmark the current approval; return whether it is marked now."""
        current, marks = self.current, self.memory.marks
        if current is None:
            return False
        if current in self.marked:
            del marks[current.approval_id]
            return False
        marks[current.approval_id] = current
        return True

    def mark_all(self, allowed: Callable[[Approval], bool]) -> None:
        """Mark all approvals for which `allowed` returns true, and no others."""
        self.memory.marks.clear()
        self.memory.marks.update({a.approval_id: a for a in self._ordered if allowed(a)})

    def mark_same(self, allowed: Callable[[Approval], bool]) -> int:
        """Mark all that ask for the same as the current one; return how many those are."""
        current = self.current
        if current is None:
            return 0
        key = self._key(current)
        same = [a for a in self._ordered if self._key(a) == key and allowed(a)]
        self.memory.marks.update({a.approval_id: a for a in same})
        return len(same)

    # Order.

    def next_order(self) -> Order:
        """Take the next order, and return it; the current approval stays current."""
        orders = list(Order)
        self.memory.order = orders[(orders.index(self.memory.order) + 1) % len(orders)]
        self._arrange()
        return self.memory.order

    def toggle_groups(self) -> bool:
        """Put same commands together, or no longer; return which."""
        self.memory.grouped = not self.memory.grouped
        self._arrange()
        return self.memory.grouped

    def move(self, step: int) -> None:
        """Go to the next (1) or previous (-1) approval; stop at both ends."""
        self._index = max(0, min(self._index + step, len(self._ordered) - 1))

    def go_to(self, approval_id: str) -> bool:
        """Go to an approval; return false if it does not wait."""
        ids = [approval.approval_id for approval in self._ordered]
        if approval_id not in ids:
            return False
        self._index = ids.index(approval_id)
        return True

    # Changes.

    def update(self, approvals: Sequence[Approval]) -> None:
        """Replace the open approvals; the current one stays current unless it is gone."""
        self._open = tuple(approvals)
        ids = set(map(_id, approvals))
        self._decided &= ids
        for cache in (self._risks, self._keys):
            for gone in cache.keys() - ids:
                del cache[gone]
        for returned in self._gone.keys() & ids:
            del self._gone[returned]
        self.memory.forget_all_but(approvals)
        self._arrange()

    def remove(self, approvals: Sequence[Approval]) -> None:
        """Remove decided approvals; if the current one is among them, go to the next."""
        self._decided |= set(map(_id, approvals))
        self._arrange()

    def restore(self, approval_id: str) -> None:
        """Return an approval whose decision did not reach the server."""
        self._decided.discard(approval_id)
        self._arrange()

    def show_gone(self, approval: Approval, outcome: str) -> None:
        """Show at the end of the list what became of an approval that was answered elsewhere."""
        self._gone[approval.approval_id] = (approval, outcome)
        for oldest in list(self._gone)[:-MAX_GONE]:
            del self._gone[oldest]

    def drop_gone(self, approval_ids: Sequence[str] | None = None) -> None:
        """Take what was answered elsewhere off the list: these, or all."""
        for approval_id in list(self._gone) if approval_ids is None else approval_ids:
            self._gone.pop(approval_id, None)

    def _arrange(self) -> None:
        """Sort again; the current approval, or else the one that followed it, stays current."""
        before = self._ordered[self._index :] if self._ordered else ()
        passed = self._ordered[: self._index]
        self._ordered = self._sort()
        places = {approval.approval_id: at for at, approval in enumerate(self._ordered)}
        for candidate in (*before, *reversed(passed)):
            if candidate.approval_id in places:
                self._index = places[candidate.approval_id]
                return
        self._index = 0

    def _sort(self) -> tuple[Approval, ...]:
        waiting = [a for a in self._open if a.approval_id not in self._decided]
        match self.memory.order:
            case Order.THREAD:
                threads: dict[str, list[Approval]] = {}
                for approval in waiting:
                    threads.setdefault(approval.thread_id, []).append(approval)
                waiting = [approval for group in threads.values() for approval in group]
            case Order.RISK:
                waiting.sort(key=lambda a: risk_weight(self.risks(a)), reverse=True)
            case Order.OLDEST:
                pass
        return self._group(waiting) if self.memory.grouped else tuple(waiting)

    def _group(self, approvals: Sequence[Approval]) -> tuple[Approval, ...]:
        groups: dict[tuple[str, ...], list[Approval]] = {}
        for approval in approvals:
            groups.setdefault(self._key(approval), []).append(approval)
        return tuple(approval for group in groups.values() for approval in group)

    def _key(self, approval: Approval) -> tuple[str, ...]:
        """Return what an approval has in common with the same ones; its own id if none is."""
        known = self._keys.get(approval.approval_id)
        if known is None or known[0] != approval:
            known = self._keys[approval.approval_id] = (approval, same_key(approval.asked))
        return known[1] or ("id", approval.approval_id)


def _id(approval: Approval) -> str:
    return approval.approval_id
