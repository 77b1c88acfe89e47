"""What is still to be told of a run: in order, with what belongs together merged."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from codextui.teams.items import plain
from codextui.wire import event as ev
from codextui.wire.event_json import msg_to_wire

MOST_WAITING = 5000
"""Messages that wait; beyond that texts that are still being written are left to their end."""

MOST_AT_ALL = 50_000
"""Messages that are kept at all for a server that stays away; the oldest go."""

MOST_IN_BATCH = 100
MOST_CHARS_IN_BATCH = 200_000

_DELTAS = (ev.TextDelta, ev.ReasoningDelta, ev.PlanDelta, ev.OutputDelta)


@dataclass(slots=True)
class Letter:
    """One message and where it belongs."""

    thread_id: str
    turn_id: str
    msg: ev.Msg

    def to_wire(self) -> dict[str, object]:
        """One of the `events` of `codex-publish`."""
        return {
            "threadId": self.thread_id,
            "turnId": self.turn_id,
            "msg": plain(msg_to_wire(self.msg)),
        }


class Outbox:
    """Messages that wait to be sent.

    More of an item's text is merged with what waits of it on the same thread, and a row replaces
    the one that waits just before it. Nothing else is ever merged. Only the growing of a text is
    left out where too much waits: its end brings all of it.
    """

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._last: dict[str, Letter] = {}

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> None:
        """Add a message behind the others."""
        before = self._last.get(letter.thread_id)
        merged = None if before is None else _merge(before, letter)
        if before is not None and merged is not None:
            before.msg = merged
            return
        if len(self._letters) >= MOST_WAITING:
            self._letters = _without_deltas(self._letters)
            self._index()
        if len(self._letters) >= MOST_AT_ALL:
            # Nobody has heard for very long. The rows are told anew to whoever comes.
            del self._letters[: MOST_AT_ALL // 2]
            self._index()
        self._letters.append(letter)
        self._last[letter.thread_id] = letter

    def take(self) -> list[Letter]:
        """Take the next messages for one call, at least one where there is any."""
        sizes = itertools.accumulate(
            len(json.dumps(letter.to_wire())) for letter in self._letters[:MOST_IN_BATCH]
        )
        count = sum(1 for size in sizes if size <= MOST_CHARS_IN_BATCH)
        taken = self._letters[: max(count, 1)]
        del self._letters[: len(taken)]
        self._index()
        return taken

    def put_back(self, letters: Iterable[Letter]) -> None:
        """Put messages before all others again.

        Without what only grows a text: nobody knows whether it was taken, and it must not be
        there twice.
        """
        self._letters[:0] = _without_deltas(letters)
        self._index()

    def _index(self) -> None:
        # What was taken must not be changed any more.
        self._last = {letter.thread_id: letter for letter in self._letters}


def _without_deltas(letters: Iterable[Letter]) -> list[Letter]:
    return [letter for letter in letters if not isinstance(letter.msg, _DELTAS)]


def _merge(before: Letter, letter: Letter) -> ev.Msg | None:
    """Both in one, None where that cannot be."""
    match before.msg, letter.msg:
        case ev.ThreadChanged(), ev.ThreadChanged():
            return letter.msg
        case _ if before.turn_id != letter.turn_id:
            return None
        case (ev.TextDelta() as one, ev.TextDelta() as more) if one.item_id == more.item_id:
            return replace(one, delta=one.delta + more.delta)
        case (ev.ReasoningDelta() as one, ev.ReasoningDelta() as more) if one == replace(
            more, delta=one.delta
        ):
            return replace(one, delta=one.delta + more.delta)
        case (ev.PlanDelta() as one, ev.PlanDelta() as more) if one.item_id == more.item_id:
            return replace(one, delta=one.delta + more.delta)
        case (ev.OutputDelta() as one, ev.OutputDelta() as more) if one.item_id == more.item_id:
            return replace(one, delta=one.delta + more.delta)
        case _:
            return None
