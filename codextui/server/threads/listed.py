"""What Codex lists of another program's thread, in the words of the thread's info. Pure."""

from __future__ import annotations

from collections import OrderedDict

from codextui.codex.threads import ListedThread, ThreadStatus
from codextui.protocol.threads import ThreadInfo, ThreadState, clean_handle
from codextui.server.threads.registry import ThreadRecord
from codextui.server.threads.turn_state import AT_REST

MAX_HANDLES = 10_000
"""Handles that are remembered of threads that left."""

_HANDLES = {"Codex TUI": "tui", "IDE": "ide", "another program": "other"}


def state_of(
    record: ThreadRecord, status: ThreadStatus, now: float | None = None
) -> dict[str, object]:
    """Return the fields of the info that follow from a status.

    Args:
        record: the thread.
        status: its status.
        now: when it has changed, unix seconds; None where that is not known.
    """
    info = record.info
    recent: dict[str, object] = {} if now is None else {"recent_at": now}
    if not status.state.has_turn:
        # The end of a turn that is followed says more, such as that it was interrupted.
        is_told = info.followed and not info.state.has_turn
        state = info.state if is_told else status.state
        return {"state": state, **AT_REST, **recent}
    if record.pending_approvals:
        return recent  # they say more
    was_running = info.state.has_turn
    return {
        "state": status.state,
        "waits_for": status.waits_for,
        "waits_since": (info.waits_since or now) if status.waits_for else None,
        "turn_started_at": info.turn_started_at if was_running else now,
        **recent,
    }


def described_by(info: ThreadInfo, listed: ListedThread) -> dict[str, object]:
    """Return the fields of the info that a listed thread says, as far as it does."""
    said: dict[str, object] = {
        "name": listed.name,
        "cwd": listed.cwd,
        "branch": listed.branch,
        "model": listed.model,
        "recent_at": listed.recent_at,
    }
    known = {key: value for key, value in said.items() if value}
    return known if info.brief else {**known, "brief": listed.preview[:2_000]}


def handle_of(listed: ListedThread) -> str:
    """Return a handle by a thread's name, or else by its program: `tui`, `exec`."""
    named = clean_handle(listed.name.lower())
    return named or _HANDLES.get(listed.origin) or clean_handle(listed.origin.lower()) or "other"


def new_info(listed: ListedThread, handle: str, origin: str) -> ThreadInfo:
    """Return the info of a thread that is new here, before its state and its description."""
    return ThreadInfo(
        thread_id=listed.thread_id,
        handle=handle,
        state=ThreadState.IDLE,
        created_at=listed.created_at,
        parent=listed.parent,
        forked_from="" if listed.parent else listed.forked_from,
        origin=origin,
        ours=False,
        followed=False,
    )


class RememberedHandles:
    """The handles of threads, also of those that left: one that returns gets it again.

    Args:
        limit: handles to remember; the oldest are forgotten.
    """

    def __init__(self, limit: int = MAX_HANDLES) -> None:
        self._limit = limit
        self._handles: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, thread_id: str) -> bool:
        return thread_id in self._handles

    def get(self, thread_id: str) -> str:
        """Return the handle of a thread; empty where none is remembered."""
        return self._handles.get(thread_id, "")

    def add(self, thread_id: str, handle: str) -> None:
        """Remember a handle."""
        self._handles[thread_id] = handle
        self._handles.move_to_end(thread_id)
        while len(self._handles) > self._limit:
            self._handles.popitem(last=False)
