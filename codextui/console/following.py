"""Which threads of other programs the console follows: those that have a pane."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine
from enum import Enum, auto
from itertools import count

import msgspec

from codextui.console.model.state import ConsoleState
from codextui.errors import CodextuiError
from codextui.protocol.threads import AWAY_NOTE, ThreadState
from codextui.text.sanitize import one_line


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


class PaneFollower:
    """Follows the threads of other programs that have a pane of the console.

    Attributes:
        panes: ids of the threads with a pane.
    """

    def __init__(
        self,
        state: ConsoleState,
        follow: Callable[[str, bool], Awaitable[None]],
        *,
        run: Callable[[Coroutine[object, object, None]], None],
        show: Callable[[str], None],
        report: Callable[[str, CodextuiError], None],
    ) -> None:
        """Create one for a console without panes.

        Args:
            state: the console state.
            follow: asks the server to follow a thread, or no more. Raises CodextuiError.
            run: runs a coroutine in the background.
            show: draws the header of a thread's pane again.
            report: says what failed, and why.
        """
        self.panes: tuple[str, ...] = ()
        self._state = state
        self._follow = follow
        self._run = run
        self._show = show
        self._report = report
        self._following = Following(self._start)

    def update(self) -> None:
        """Follow what has a pane now, and leave the rest, unless the past is still replayed."""
        if not self._state.connection.caught_up:
            return
        views = (self._state.threads.get(thread_id) for thread_id in self.panes)
        shown = [view.thread_id for view in views if view is not None and not view.info.ours]
        asking = [approval.thread_id for approval in self._state.approvals.values()]
        self._following.update(shown, asking)

    def retry(self, thread_id: str) -> None:
        """Follow a thread again that the user opens, if that failed before."""
        view = self._state.threads.get(thread_id)
        if view is not None:
            self._following.retry(thread_id, is_followed=view.info.followed)

    def reset(self) -> None:
        """Forget all, as the session has ended."""
        self._following.reset()

    def note_of(self, thread_id: str) -> str:
        """Return why a pane does not show its thread live; empty if it does."""
        view = self._state.threads.get(thread_id)
        if view is None or view.info.ours:
            return ""
        return describe_follow(
            self._following[thread_id],
            view.info.state,
            is_followed=view.info.followed,
            is_away=view.info.note == AWAY_NOTE,
            connected=self._state.connection.connected,
        )

    def _start(self, thread_id: str, follow: bool, call_id: int) -> None:  # as Following's call
        self._run(self._carry_out(thread_id, follow, call_id))

    async def _carry_out(self, thread_id: str, follow: bool, call_id: int) -> None:  # likewise
        """Follow a thread or leave it; a failure is reported, and shown in its pane."""
        error = ""
        self._show(thread_id)
        try:
            await self._follow(thread_id, follow)
        except CodextuiError as failure:
            error = one_line(str(failure), 300)
            view = self._state.threads.get(thread_id)
            if follow and view is not None and self._state.connection.caught_up:
                self._report(f"Could not follow {one_line(view.info.handle, 60)}", failure)
        self._following.on_done(thread_id, call_id, error)
        self._show(thread_id)


def describe_follow(
    follow: Follow | None,
    state: ThreadState,
    *,
    is_followed: bool,
    connected: bool,
    is_away: bool = False,
) -> str:
    """Say in a pane why a thread of another program is not shown live; empty if it is.

    Args:
        follow: what the console does to follow it.
        state: the thread's.
        is_followed: whether the server follows it.
        connected: whether the server can be reached.
        is_away: whether its Codex was restarted, and no program has opened it there again.
    """
    if not connected:
        return "not followed: the server is out of reach"
    if is_away:
        return "not open: its Codex was restarted. It is live again once a program opens it"
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
