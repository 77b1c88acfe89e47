"""Which threads of other programs the console follows: those that have a pane."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum, auto
from itertools import count

import msgspec

from codextui.protocol.threads import ThreadState


class FollowState(Enum):
    """How far the console is with following a thread."""

    LOADING = auto()
    LIVE = auto()
    LEAVING = auto()
    FAILED = auto()


class Follow(msgspec.Struct, frozen=True):
    """A thread that is followed, or was to be.

    Attributes:
        state: how far it is.
        call_id: the call that is running, or was the last.
        reason: why it failed, in a sentence; empty otherwise.
    """

    state: FollowState
    call_id: int = 0
    reason: str = ""


class Following:
    """Follows threads while they have a pane, with one call for a thread at a time.

    A thread whose approval is open stays followed without a pane. What failed is tried again when
    the user opens the thread, when it gets a pane once more, and after a reconnect.
    """

    def __init__(self, call: Callable[[str, bool, int], None]) -> None:
        """Create one that follows nothing.

        Args:
            call: starts to follow a thread, or to leave it, by a call with this id, whose end is
                reported by `on_done`.
        """
        self._call = call
        self._call_ids = count(1)
        self._follows: dict[str, Follow] = {}
        self._shown: frozenset[str] = frozenset()
        self._asking: frozenset[str] = frozenset()

    def __getitem__(self, thread_id: str) -> Follow | None:
        return self._follows.get(thread_id)

    def update(self, shown: Collection[str], asking: Collection[str]) -> None:
        """Follow what is shown, and leave the rest.

        Args:
            shown: the threads of other programs that have a pane.
            asking: threads with an open approval.
        """
        self._shown, self._asking = frozenset(shown), frozenset(asking)
        for thread_id in shown:
            if thread_id not in self._follows:
                self._start(thread_id, FollowState.LOADING)
        for thread_id, follow in list(self._follows.items()):
            if thread_id in self._shown:
                continue
            if follow.state is FollowState.FAILED:
                del self._follows[thread_id]
            elif follow.state is FollowState.LIVE and thread_id not in self._asking:
                self._start(thread_id, FollowState.LEAVING)

    def retry(self, thread_id: str, *, is_followed: bool) -> None:
        """Follow a shown thread again that the server does not follow."""
        follow = self._follows.get(thread_id)
        has_ended = follow is not None and follow.state in (FollowState.FAILED, FollowState.LIVE)
        if has_ended and not is_followed and thread_id in self._shown:
            self._start(thread_id, FollowState.LOADING)

    def on_done(self, thread_id: str, call_id: int, error: str = "") -> None:
        """Note that a call has ended; `error` says why it failed."""
        follow = self._follows.get(thread_id)
        if follow is None or follow.call_id != call_id:
            return  # It belonged to a session that has ended.
        if follow.state is FollowState.LEAVING:
            del self._follows[thread_id]
        else:
            state = FollowState.FAILED if error else FollowState.LIVE
            self._follows[thread_id] = Follow(state, call_id, error)
        self.update(self._shown, self._asking)

    def reset(self) -> None:
        """Forget all: the session has ended, and with it what it followed."""
        self._follows.clear()

    def _start(self, thread_id: str, state: FollowState) -> None:
        follow = self._follows[thread_id] = Follow(state, next(self._call_ids))
        self._call(thread_id, state is FollowState.LOADING, follow.call_id)


def describe_follow(
    follow: Follow | None, state: ThreadState, *, is_followed: bool, connected: bool
) -> str:
    """Say in a pane why a thread of another program is not shown live; empty if it is.

    Args:
        follow: what the console does to follow it.
        state: the thread's.
        is_followed: whether the server follows it.
        connected: whether the server can be reached.
    """
    if not connected:
        return "not followed: the server is out of reach"
    if state is ThreadState.DISCONNECTED:
        return "not followed: its Codex is out of reach"
    match follow:
        case Follow(FollowState.LOADING):
            return "loading what was said …"
        case Follow(FollowState.FAILED, _, reason):
            return f"not followed: {reason}  (⏎ in the tree tries again)"
        case Follow(FollowState.LIVE):  # Codex lets nobody join before the first turn.
            return "" if is_followed else "nothing was said yet: its first turn will be shown live"
        case _:
            return "not followed: ⏎ in the tree shows it live"
