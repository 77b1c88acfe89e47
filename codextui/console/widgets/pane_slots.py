"""The threads that have a pane, which are pinned, and why each has got its pane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence

from codextui.console.model.pane_choice import (
    Candidate,
    Hold,
    PaneChoice,
    Reason,
    choose_panes,
    open_pane,
    rank_candidates,
)
from codextui.console.model.state import ConsoleState
from codextui.console.model.tree import TreeEntry
from codextui.protocol.threads import ThreadState

REASON_SHOWN_FOR = 12.0
"""Seconds for which a pane says why its thread has got it."""

PINNED = "pinned"
"""What is kept of a pin."""

PINNED_NOTE = "◆ pinned"
"""What the frame of a pinned pane says."""


class PaneSlots:
    """Applies the rule of `codextui.console.model.pane_choice`, and remembers what it did.

    Attributes:
        capacity: the number of panes.
    """

    def __init__(
        self,
        state: ConsoleState,
        now: Callable[[], float],
        pins: MutableMapping[str, str] | None = None,
    ) -> None:
        """Choose among the threads of a state.

        Args:
            state: the console state.
            now: returns unix seconds.
            pins: ids of the threads that a person has pinned, of earlier sessions too, which get
                panes again.
        """
        self.capacity = 1
        self._pins: MutableMapping[str, str] = {} if pins is None else pins
        self._returning = list(self._pins)
        self._state = state
        self._now = now
        self._shown: tuple[str, ...] = ()
        self._cut: set[str] = set()
        self._opened: set[str] = set()
        self._seen: set[str] | None = None
        self._is_replaying = True
        self._last_situation: object = None
        self._reasons: dict[str, tuple[Reason, float]] = {}

    @property
    def shown(self) -> tuple[str, ...]:
        """Thread ids, first pane first."""
        return self._shown

    @property
    def pinned(self) -> set[str]:
        """The ids of the threads that a person has pinned."""
        return set(self._pins)

    def begin_replay(self) -> None:
        """Take no thread for new until the server has sent all that it has."""
        self._is_replaying, self._seen = True, None

    def end_replay(self) -> None:
        """Take what comes from now on for new."""
        self._is_replaying = False

    def arrange(self, entries: Sequence[TreeEntry], holds: Mapping[str, Hold]) -> None:
        """Give panes to those that need them. Where nothing is needed, nothing moves.

        Args:
            entries: the tree.
            holds: the threads that are looked at or written to.
        """
        threads = self._state.threads.values()
        needs = [(view.thread_id, view.info.state, view.info.ours) for view in threads]
        situation = (
            needs,
            list(entries),
            dict(holds),
            self.pinned,
            self.capacity,
            self._shown,
            self._is_replaying,
        )
        if situation == self._last_situation:
            return
        self._last_situation = situation
        self._forget_gone()
        self._bring_back(entries)
        self._cut &= self._state.threads.keys()
        candidates = self._rank(entries, self._new_threads())
        holds = self._with_pins(holds)
        choice = choose_panes(candidates, self._shown, self.capacity, holds)
        if len(self._shown) > self.capacity:
            self._cut.update(set(self._shown) - set(choice.panes))
        self._apply(choice)

    def open(
        self,
        thread_id: str,
        entries: Sequence[TreeEntry],
        holds: Mapping[str, Hold],
        spared: str = "",
    ) -> bool:
        """Give a chosen thread a pane; return false if that is impossible. See `open_pane`."""
        choice = open_pane(
            thread_id,
            self._rank(entries, ()),
            self._shown,
            self.capacity,
            holds=self._with_pins(holds),
            spared=spared,
        )
        if choice is None:
            return False
        self._opened.add(thread_id)
        self._apply(choice)
        return True

    def restore(self, shown: Iterable[str]) -> None:
        """Show the threads again that had panes before."""
        self._shown = tuple(shown)[: self.capacity]
        self._last_situation = None

    def toggle_pin(self, thread_id: str) -> bool:
        """Pin a thread, or unpin it; return whether it is pinned now."""
        if self._pins.pop(thread_id, None) is None:
            self._pins[thread_id] = PINNED
        return thread_id in self._pins

    def note_of(self, thread_id: str) -> str:
        """Return that a thread is pinned, or for a while why it got its pane; else nothing."""
        if thread_id in self._pins:
            return PINNED_NOTE
        reason, at = self._reasons.get(thread_id, (None, 0.0))
        if reason is None or self._now() - at >= REASON_SHOWN_FOR:
            return ""
        return f"← {reason}"

    def _forget_gone(self) -> None:
        """Forget the pins of threads that are not there any more."""
        threads = self._state.threads
        if self._state.connection.caught_up:
            for thread_id in self._pins.keys() - threads.keys():
                del self._pins[thread_id]
            for thread_id in self._returning:
                view = threads.get(thread_id)
                if view is not None and view.info.state is ThreadState.KILLED:
                    self._pins.pop(thread_id, None)

    def _bring_back(self, entries: Sequence[TreeEntry]) -> None:
        """Give panes to the threads that an earlier session has pinned, as far as there are any."""
        if not self._returning:
            return
        listed = {entry.thread_id for entry in entries}
        self._returning = [t for t in self._returning if t in self._pins and t not in self._shown]
        room = self.capacity - sum(thread_id in self._pins for thread_id in self._shown)
        back = [t for t in self._returning if t in listed][: max(0, room)]
        self._shown = (*back, *self._shown)

    def _rank(self, entries: Sequence[TreeEntry], new: Collection[str]) -> list[Candidate]:
        known = [entry for entry in entries if entry.thread_id in self._state.threads]
        preferred = {*self._shown, *self._cut}
        return rank_candidates(
            self._state,
            known,
            self.capacity,
            new=new,
            preferred=preferred,
            opened=self._opened,
        )

    def _new_threads(self) -> set[str]:
        """Return the threads that have come since the last time; none after an attach."""
        threads = set(self._state.threads)
        new = set() if self._seen is None else threads - self._seen
        self._seen = None if self._is_replaying else threads
        return new

    def _with_pins(self, holds: Mapping[str, Hold]) -> dict[str, Hold]:
        return _merge(holds, self._pins)

    def _apply(self, choice: PaneChoice) -> None:
        now = self._now()
        self._shown = choice.panes
        self._cut -= set(choice.panes)
        self._opened &= set(choice.panes)
        self._reasons |= {change.thread_id: (change.reason, now) for change in choice.changes}
        for gone in self._reasons.keys() - set(choice.panes):
            del self._reasons[gone]


def _merge(holds: Mapping[str, Hold], pinned: Iterable[str]) -> dict[str, Hold]:
    return {**holds, **{id_: holds.get(id_, Hold.NONE) | Hold.PINNED for id_ in pinned}}
