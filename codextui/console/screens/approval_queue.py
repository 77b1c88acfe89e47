"""Which approval is shown, and which comes next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codextui.protocol.approvals import Approval


class ApprovalQueue:
    """The open approvals, oldest first, less those that were just decided here.

    A decision takes a moment to reach the server; until then its approval is out of the queue,
    and comes back if the decision failed (`restore`).
    """

    def __init__(self, approvals: Sequence[Approval], first: str = "") -> None:
        """Take what is open, and the id of the one to show first."""
        self._decided: set[str] = set()
        self._marked: dict[str, Approval] = {}
        self._known = tuple(approvals)
        self._at = 0
        for index, approval in enumerate(self._known):
            if approval.approval_id == first:
                self._at = index

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """What is left to decide."""
        return tuple(a for a in self._known if a.approval_id not in self._decided)

    @property
    def current(self) -> Approval | None:
        """The one that is shown; None where nothing is left."""
        left = self.approvals
        return left[min(self._at, len(left) - 1)] if left else None

    @property
    def place(self) -> tuple[int, int]:
        """`n, m`: which one it is, counted from 1, and of how many."""
        total = len(self.approvals)
        return min(self._at + 1, total), total

    @property
    def marked(self) -> tuple[Approval, ...]:
        """Those that were marked, as they were then and still are, oldest first."""
        return tuple(a for a in self.approvals if self._marked.get(a.approval_id) == a)

    def toggle_mark(self) -> bool:
        """Mark the one that is shown, or no longer; whether it is marked now."""
        shown = self.current
        if shown is None:
            return False
        if shown in self.marked:
            del self._marked[shown.approval_id]
            return False
        self._marked[shown.approval_id] = shown
        return True

    def mark_all(self, may_be: Callable[[Approval], bool]) -> None:
        """Mark all that may be."""
        self._marked = {a.approval_id: a for a in self.approvals if may_be(a)}

    def update(self, approvals: Sequence[Approval]) -> None:
        """Take what is open now. The one that is shown stays, unless it is gone."""
        shown = self.current
        self._known = tuple(approvals)
        self._decided &= {approval.approval_id for approval in approvals}
        if shown is not None:
            self._stay_at(shown.approval_id)

    def move(self, step: int) -> None:
        """Show the next (1) or the one before (-1); stays at either end."""
        _, total = self.place
        self._at = max(0, min(self._at + step, total - 1))

    def decide(self) -> None:
        """Take the one that is shown out of the queue."""
        if self.current is not None:
            self._decided.add(self.current.approval_id)
            self._at = max(0, min(self._at, len(self.approvals) - 1))

    def decide_marked(self, approvals: Sequence[Approval]) -> None:
        """Take these out of the queue; the one that is shown stays, unless it is among them."""
        shown = self.current
        self._decided |= {approval.approval_id for approval in approvals}
        if shown is not None:
            self._stay_at(shown.approval_id)

    def restore(self, approval_id: str) -> None:
        """Bring a decided one back: its decision did not reach the server."""
        shown = self.current
        self._decided.discard(approval_id)
        if shown is not None:
            self._stay_at(shown.approval_id)

    def _stay_at(self, approval_id: str) -> None:
        left = self.approvals
        for index, approval in enumerate(left):
            if approval.approval_id == approval_id:
                self._at = index
                return
        self._at = max(0, min(self._at, len(left) - 1))
