"""One row of a run, its role's or its own: its state and its turns, as they are told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import structs

from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.teams.publish.items import clip, user_message

Tell: TypeAlias = Callable[[str, str, ev.Msg], None]
"""`Publisher.tell`."""

_LONGEST_NOTE = 300


class Row:
    """A row, told whenever it changes. What is told within a turn belongs to that turn.

    Args:
        tell: tells it.
        info: the row as it is at first.
        turns: how many turns it has had before; the next is `t{turns + 1}`.
        now: unix seconds.
    """

    def __init__(
        self, tell: Tell, info: ThreadInfo, *, turns: int = 0, now: Callable[[], float] = time.time
    ) -> None:
        self._tell = tell
        self._info = structs.replace(info, turn_id=f"t{turns}") if turns else info
        self._now = now
        self.turns = turns
        self.change()

    @property
    def thread_id(self) -> str:
        """The row's id."""
        return self._info.thread_id

    @property
    def info(self) -> ThreadInfo:
        """The row as it was told last."""
        return self._info

    @property
    def at_work(self) -> bool:
        """Whether a turn is open."""
        return self._info.turn_started_at is not None

    def change(self, **changes: Any) -> None:
        """Change some of its attributes and tell the row."""
        if "note" in changes:
            changes["note"] = clip(" ".join(changes["note"].split()), _LONGEST_NOTE)
        self._info = structs.replace(self._info, **changes)
        self._tell(self.thread_id, "", ev.ThreadChanged(self._info))

    def tell(self, msg: ev.Msg) -> None:
        """Tell something that belongs to the turn that is open, or was last."""
        self._tell(self.thread_id, self._info.turn_id, msg)

    def begin_turn(self, given: str = "", state: ThreadState = ThreadState.RUNNING) -> str:
        """Open a turn and return its id; `given` is what it is asked to do, if anything."""
        self.turns += 1
        turn_id = f"t{self.turns}"
        self.change(turn_id=turn_id, turn_started_at=self._now(), state=state, note="")
        self.tell(ev.TurnStarted())
        if given:
            self.give(f"{turn_id}-given", given)
        return turn_id

    def give(self, item_id: str, text: str) -> None:
        """Tell what it was given to read."""
        self.tell(ev.ItemCompleted(user_message(item_id, text)))

    def end_turn(self, said: str = "", state: ThreadState = ThreadState.IDLE) -> None:
        """Close the turn that is open, if any: it ended as it should."""
        if self.at_work:
            self.tell(ev.TurnCompleted(clip(said)))
        self.change(state=state, turn_started_at=None)

    def abort_turn(
        self, reason: str, message: str = "", state: ThreadState = ThreadState.INTERRUPTED
    ) -> None:
        """Close the turn that is open, if any: it ended early (`interrupted`, `failed`)."""
        if self.at_work:
            self.tell(ev.TurnAborted(reason, clip(message)))
        self.change(state=state, turn_started_at=None, note=message)

    def count(self, total: Usage, last: Usage) -> None:
        """Tell what it has used so far, and what the last step of that used."""
        self._info = structs.replace(self._info, usage=total)
        self.tell(ev.TokensCounted(total, last))


def run_row(
    thread_id: str, handle: str, *, cwd: str, task: str, client: str = "", created_at: float = 0.0
) -> ThreadInfo:
    """The row of a run that begins."""
    return ThreadInfo(
        thread_id=thread_id,
        handle=handle,
        state=ThreadState.RUNNING,
        client=client,
        cwd=cwd,
        brief=clip(task, _LONGEST_NOTE),
        created_at=created_at,
        kind=ThreadKind.RUN,
    )


def role_row(thread_id: str, handle: str, parent: str, **more: Any) -> ThreadInfo:
    """The row of a role that has not begun."""
    return ThreadInfo(
        thread_id=thread_id,
        handle=handle,
        state=ThreadState.WAITING,
        kind=ThreadKind.ROLE,
        parent=parent,
        **more,
    )
