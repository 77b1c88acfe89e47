"""What the queue dialog shows before the server has answered, and edits that were not saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from codextui.protocol.threads import QueuedMessage


class QueueEdits:
    """The edits of queued messages that were not saved.

    Attributes:
        busy: keys of the edits that are being written or saved.
    """

    def __init__(self, drafts: dict[str, str]) -> None:
        """Keep them in `drafts`: key → text."""
        self.busy: set[str] = set()
        self._drafts = drafts

    def __bool__(self) -> bool:
        return bool(self._drafts)

    def read(self, key: str) -> str | None:
        """Return an edit; None if there is none."""
        return self._drafts.get(key)

    def keep(self, key: str, text: str) -> None:
        """Keep an edit."""
        self._drafts[key] = text

    def forget(self, key: str) -> None:
        """Forget an edit: it was saved, or is none any more."""
        self._drafts.pop(key, None)

    def take_stranded(
        self, queue_of: Callable[[str], Sequence[QueuedMessage] | None]
    ) -> tuple[tuple[str, str], ...]:
        """Return and forget the edits of messages that have left their queue.

        Args:
            queue_of: returns the queue of a thread; None where it is not known.

        Returns:
            the thread's id and the text of each.
        """
        stranded = []
        for key in [key for key in self._drafts if key not in self.busy]:
            thread_id, _, queued_id = key.partition("/")
            queue = queue_of(thread_id)
            if queue is not None and all(one.queued_id != queued_id for one in queue):
                stranded.append((thread_id, self._drafts.pop(key)))
        return tuple(stranded)


def edit_key(thread_id: str, queued_id: str) -> str:
    """Return the key of the edit of a queued message."""
    return f"{thread_id}/{queued_id}"


def apply_moves(
    queue: Sequence[QueuedMessage], moves: Iterable[tuple[str, str]]
) -> tuple[QueuedMessage, ...]:
    """Return a queue as it will be once moves are carried out.

    Args:
        queue: the queue as it is.
        moves: the id of a message, and of the one that it comes before; empty for the end.
    """
    shown = list(queue)
    for moved_id, before in moves:
        ids = [one.queued_id for one in shown]
        if moved_id not in ids or moved_id == before or (before and before not in ids):
            continue  # it has left the queue
        moved = shown.pop(ids.index(moved_id))
        at = next((n for n, one in enumerate(shown) if one.queued_id == before), len(shown))
        shown.insert(at, moved)
    return tuple(shown)


def find_place(queue: Sequence[QueuedMessage], at: int, step: int) -> str | None:
    """Return the id of the message that the one at an index comes before after a step.

    Returns:
        empty for the end of the queue, None where it cannot go further.
    """
    to = at + step
    if not 0 <= to < len(queue):
        return None
    before = to if step < 0 else to + 1
    return queue[before].queued_id if before < len(queue) else ""
