"""What a caller reads while its call is open: `notifications/progress`, with a message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Self

from codextui.server.session import Caller
from codextui.server.telling import tell_asked, tell_msg
from codextui.wire import event as ev
from codextui.wire.approval import Approval

PROGRESS = "notifications/progress"


class Progress:
    """Tells a caller what its call is doing, if it wants to hear (MCP `progressToken`).

    It is told whenever something changes, and again after every `interval_s` in which nothing
    did, so that no time-out of the client's strikes while the agent works or a person thinks.
    It is a Watcher of the thread.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        interval_s: float,
        how_to_answer: Callable[[Approval], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put it together.

        Args:
            caller: whom to tell.
            interval_s: seconds after which it is told again.
            how_to_answer: what a person can type to decide an approval; empty where nothing.
            clock: seconds that only grow.
        """
        self._caller = caller
        self._interval_s = interval_s
        self._how_to_answer = how_to_answer
        self._clock = clock
        self._began = clock()
        self._count = 0
        self._state = "starting"
        self._asked: dict[str, str] = {}
        self._over = False
        self._beat: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._say(self._state)
        return self

    def __exit__(self, *_: object) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        self._over = True

    def hear(self, msg: ev.Msg) -> None:
        """Something happened on the thread."""
        match msg:
            case ev.ApprovalAsked(approval):
                told = f"waits for a decision: {tell_asked(approval.asked)}"
                self._asked[approval.approval_id] = told
            case ev.ApprovalResolved(approval_id):
                self._asked.pop(approval_id, None)
        said = tell_msg(msg)
        if said:
            self._state = said
            self._say(self._now())

    def unattended(self, approval: Approval) -> None:
        """Nobody who could decide an approval is there: say how to."""
        how = self._how_to_answer(approval)
        if how and approval.approval_id in self._asked:
            told = f"needs input: {tell_asked(approval.asked)} Answer with {how}"
            self._asked[approval.approval_id] = told
            self._say(told)

    def _now(self) -> str:
        """What goes on: what a person has to do comes before what the agent does."""
        return next(iter(self._asked.values()), self._state)

    def _say(self, message: str) -> None:
        token = self._caller.progress_token
        if token is None or self._over:
            return
        self._count += 1
        told = {"progressToken": token, "progress": self._count, "message": message}
        self._caller.channel.tell(PROGRESS, told, for_call=self._caller.request_id)
        if self._beat is not None:
            self._beat.cancel()
        loop = asyncio.get_running_loop()
        self._beat = loop.call_later(self._interval_s, self._say_again)

    def _say_again(self) -> None:
        self._say(f"{self._now()} ({self._clock() - self._began:.0f} s)")
