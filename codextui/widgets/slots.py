"""Which threads have a pane, and where. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Slots:
    """The threads on the screen, in the order of their panes.

    Threads take free places by themselves as they appear; when all are taken, a pane changes
    only when a person asks for it, or when its thread gives way to another that wants the place.
    """

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._capacity = 1

    @property
    def shown(self) -> tuple[str, ...]:
        """Thread ids, first pane first."""
        return tuple(self._shown[: self._capacity])

    def resize(self, capacity: int, waiting: Sequence[str]) -> None:
        """Have `capacity` places, filled from `waiting` as far as they are free."""
        self._capacity = max(1, capacity)
        del self._shown[9:]
        for thread_id in waiting:
            self.offer(thread_id, lambda _: 0)

    def offer(self, thread_id: str, gives_way: Callable[[str], int]) -> None:
        """Give a thread a place if one is free, or held by a thread that gives way.

        Args:
            thread_id: who wants a place.
            gives_way: how readily a thread leaves its own, 0 for never; the readiest one goes.
        """
        if thread_id in self.shown:
            return
        if thread_id in self._shown:
            self._shown.remove(thread_id)
        if len(self._shown) >= self._capacity:
            readiest = max(self.shown, key=gives_way)
            if not gives_way(readiest):
                return
            self._shown[self._shown.index(readiest)] = thread_id
        else:
            self._shown.append(thread_id)

    def keep(self, thread_id: str) -> None:
        """Have a thread in sight that has less room to be: it trades places with the last one."""
        if thread_id in self._shown and thread_id not in self.shown:
            here, last = self._shown.index(thread_id), self._capacity - 1
            self._shown[here], self._shown[last] = self._shown[last], thread_id

    def show(self, thread_id: str, instead_of: str) -> None:
        """Give a thread a place: its own, a free one, or that of `instead_of` (or the last)."""
        if thread_id in self.shown:
            return
        if thread_id in self._shown:
            self._shown.remove(thread_id)
        if len(self._shown) < self._capacity:
            self._shown.append(thread_id)
            return
        shown = self.shown
        place = shown.index(instead_of) if instead_of in shown else len(shown) - 1
        self._shown[place] = thread_id

    def replace_all(self, thread_ids: Sequence[str]) -> None:
        """Show these threads, as many as there are places."""
        self._shown = list(thread_ids[: self._capacity])
