"""The list of the approval dialog: its place, its order, its marks, and deciding all marked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from textual import on
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from codextui.console.model.inbox import Inbox
from codextui.console.model.labels import Asker
from codextui.console.screens.approval_choices import (
    TYPING_NOTE,
    Choice,
    Step,
    TypingGuard,
    choice_unavailable_reason,
    describe_decisions,
    describe_end,
    describe_list,
)
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.console.screens.messages import ApprovalDecided, OpenDecisions
from codextui.console.widgets.approval_panel import SHORT, ApprovalPanel
from codextui.console.widgets.inbox_list import MAX_COMPACT_ROWS, InboxList
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Approved, Decision, Declined, Scope
from codextui.protocol.events import ApprovalResolved

LIST_BINDINGS: list[BindingType] = [
    Binding("m", "mark", "Mark it, to decide several at once", id="approval.mark"),
    Binding("M", "mark_all", "Mark all that can be approved", id="approval.mark_all"),
    Binding("asterisk", "mark_same", "Mark all of the same command", id="approval.mark_same"),
    Binding("Y", "approve_marked", "Approve all marked (shows them)", id="approval.many"),
    Binding("N", "decline_marked", "Decline all marked", id="approval.decline_many"),
    Binding("v", "order", "Order: oldest, by thread, by risk", id="approval.order"),
    Binding("G", "group", "Same commands together, or not", id="approval.group"),
    Binding("A", "decisions", "What was decided before", id="approval.decisions"),
]
"""The keys of the list."""

WIDE = 120
"""Columns of a terminal in which the list stands beside the content."""


class ApprovalListActions(ModalScreen[None]):
    """The actions on the list, for `ApprovalScreen`, which has their `LIST_BINDINGS`.

    Marks belong to an approval as it was when it was marked; one that has changed is unmarked.
    """

    _step: Step
    _askers: dict[str, Asker]
    _by_user: bool
    _panel: ApprovalPanel

    def __init__(
        self,
        queue: Inbox,
        *,
        quiet: float,
        clock: Callable[[], float],
        now: Callable[[], float],
        gone_for: float,
    ) -> None:
        """Show a queue; see `ApprovalScreen`."""
        super().__init__()
        self._queue = queue
        self._quiet, self._clock = quiet, clock
        self._guard = TypingGuard(quiet, clock)
        # Held here: while the screen closes a timer may still come, and a query would fail.
        self._list = InboxList(now=now)
        self._gone_for = gone_for
        self._gone_at: dict[str, float] = {}

    @abstractmethod
    def _asker_of(self, approval: Approval) -> Asker:
        """Return whose thread asks."""

    @abstractmethod
    def _show_note(self, note: str) -> None:
        """Show a sanitized note."""

    @abstractmethod
    def _refresh_queue(self, *, by_user: bool = False) -> None:
        """Show the queue as it is now; `by_user` if a key has changed what is shown."""

    # What is on the list.

    @property
    def _is_wide(self) -> bool:
        return self.has_class("-wide")

    def _arrange(self, size: Size) -> None:
        """Put the list beside the content, above it, or leave it out of a small terminal."""
        self.set_class(size.width >= WIDE, "-wide")
        self._list.set_compact(not self._is_wide)
        self._show_list()

    def _show_list(self) -> None:
        """Show the list; above the content only where there is more than one to choose from."""
        queue, current = self._queue, self._queue.current
        entries = queue.entries
        self._list.show(
            entries,
            current=current.approval_id if current is not None else "",
            title=describe_list(queue),
            grouped=queue.memory.grouped,
            askers=self._askers,
        )
        is_short = self.size.height < SHORT
        has_room = self._is_wide or (len(entries) > 1 and not is_short)
        self._list.display = has_room
        rows = 0 if self._is_wide or not has_room else min(len(entries), MAX_COMPACT_ROWS)
        self._list.styles.height = rows or None
        self._panel.set_reserved(rows)

    def _show_gone(
        self, before: Sequence[Approval], resolved: Mapping[str, ApprovalResolved]
    ) -> None:
        """Show for a while in the list what others have answered."""
        left = {approval.approval_id for approval in self._queue.approvals}
        for approval in before:
            name = approval.approval_id
            if name not in left:
                outcome = describe_end(resolved.get(name), self._asker_of(approval))
                self._queue.show_gone(approval, outcome)
                self._gone_at[name] = self._clock()

    def _drop_gone(self) -> None:
        """Take off the list what was answered elsewhere a while ago."""
        oldest = self._clock() - self._gone_for
        gone = [name for name, at in self._gone_at.items() if at <= oldest]
        for name in gone:
            del self._gone_at[name]
        if gone:
            self._queue.drop_gone(gone)
            self._show_list()

    @on(InboxList.Picked)
    def _pick(self, event: InboxList.Picked) -> None:
        if self._step is Step.READ and self._queue.go_to(event.approval_id):
            self._refresh_queue(by_user=True)

    # Order.

    def action_order(self) -> None:
        """Take the next order."""
        if self._step is Step.READ:
            self._show_note(f"The list is in this order now: {self._queue.next_order().value}.")
            self._refresh_queue(by_user=True)

    def action_group(self) -> None:
        """Put same commands together, or no longer."""
        if self._step is Step.READ:
            grouped = self._queue.toggle_groups()
            words = "stand together now" if grouped else "no longer stand together"
            self._show_note(f"The same commands {words}.")
            self._refresh_queue(by_user=True)

    def action_decisions(self) -> None:
        """Show what was decided before, above this dialog."""
        if self._step is Step.READ:
            self.app.post_message(OpenDecisions())

    # Marks.

    def action_mark(self) -> None:
        """Mark the approval and go to the next, or unmark it."""
        current = self._queue.current
        if current is None or self._step is not Step.READ:
            return
        if why := choice_unavailable_reason(current.asked, Choice.ONCE):
            self._show_note(f"Only what can be approved can be marked. {why}")
        else:
            self._show_note("")
            if self._queue.toggle_mark():
                self._queue.move(1)
            self._refresh_queue(by_user=True)

    def action_mark_all(self) -> None:
        """Mark all approvals that can be approved once."""
        if self._step is Step.READ:
            self._queue.mark_all(_may_be_marked)
            self._refresh_queue(by_user=True)

    def action_mark_same(self) -> None:
        """Mark all that ask for the same as the current one."""
        current = self._queue.current
        if current is None or self._step is not Step.READ:
            return
        if why := choice_unavailable_reason(current.asked, Choice.ONCE):
            self._show_note(f"Only what can be approved can be marked. {why}")
            return
        marked = self._queue.mark_same(_may_be_marked)
        self._show_note(
            "Nothing else asks for the same; this one is marked."
            if marked == 1
            else f"{marked} ask for the same, and are marked."
        )
        self._refresh_queue(by_user=True)

    # Decisions.

    def action_approve_marked(self) -> None:
        """Show all marked approvals in full, and approve them once the user agrees."""
        if self._may_decide_marked(is_harmless=True):
            dialog = ApproveManyScreen(
                self._queue.marked, askers=self._askers, quiet=self._quiet, clock=self._clock
            )
            self.app.push_screen(dialog, partial(self._approve_marked, dialog.guard))

    def action_decline_marked(self) -> None:
        """Decline all marked approvals."""
        if self._may_decide_marked():
            self._guard.hold()
            self._decide_marked(self._queue.marked, Declined())

    def _may_decide_marked(self, *, is_harmless: bool = False) -> bool:
        if self._step is not Step.READ:
            return False
        is_ready = self._guard.is_ready or (is_harmless and self._by_user)
        if not is_ready:
            self._show_note(TYPING_NOTE)
        elif not self._queue.marked:
            self._show_note("Nothing is marked: m marks what is shown, M all that can be approved.")
        return is_ready and bool(self._queue.marked)

    def _approve_marked(self, keys: TypingGuard, shown: tuple[Approval, ...] | None) -> None:
        """Approve what was shown in full and has not changed since."""
        self._guard.hold(keys)
        unchanged = [approval for approval in shown or () if approval in self._queue.marked]
        self._decide_marked(unchanged, Approved(Scope.ONCE))

    def _decide_marked(self, approvals: Sequence[Approval], decision: Decision) -> None:
        for approval in approvals:
            self.app.post_message(ApprovalDecided(approval.approval_id, decision))
        if approvals:
            self._show_note(describe_decisions(approvals, decision))
            self._queue.remove(approvals)
            self._refresh_queue()


def _may_be_marked(approval: Approval) -> bool:
    return not choice_unavailable_reason(approval.asked, Choice.ONCE)
