"""All that a screen shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codextui.model.changes import Changes
from codextui.model.thread_view import ThreadView
from codextui.model.tree import TreeRow
from codextui.wire.approval import Approval
from codextui.wire.event import ApprovalResolved, Event
from codextui.wire.thread import ThreadState


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection to the shared server stands.

    Attributes:
        online: whether there is one.
        caught_up: whether the past has been replayed on it.
        reason: why there is none, in a sentence.
        retry_in: seconds until it is tried again, None where it is not.
    """

    online: bool = False
    caught_up: bool = False
    reason: str = ""
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the whole server that a person should read: `error` or `warning`."""

    at: float
    kind: str
    text: str


class Board:
    """Threads, transcripts and approvals, changed only by the methods below. Deterministic.

    Applying an event twice changes nothing the second time (`seq` only grows).

    Attributes:
        threads: by id, in the order in which they became known; `tree` has the screen's order.
        approvals: open ones by id, oldest first.
        resolved: what became of the others, by id.
        link: the connection.
        codex_problem: why no Codex process is up, empty where one is.
        codex_version: of the Codex process, empty where unknown.
        notices: about the whole server, oldest first, the last 100.
        head: the `seq` of the newest event applied; subscribe with `since=head`.
    """

    threads: dict[str, ThreadView]
    approvals: dict[str, Approval]
    resolved: Mapping[str, ApprovalResolved]
    link: Link
    codex_problem: str
    codex_version: str
    notices: list[Notice]
    head: int

    def apply(self, event: Event) -> Changes:
        """Take one event. Never raises; what it does not understand stays visible."""
        raise NotImplementedError

    def offer(self, approval: Approval) -> Changes:
        """Take an approval that the server asks us for; nothing changes where it is known."""
        raise NotImplementedError

    def withdraw(self, approval_id: str) -> Changes:
        """Take it back: the server no longer asks us. Its outcome comes as an event."""
        raise NotImplementedError

    def connect(self, *, fresh: bool) -> Changes:
        """The connection stands; with `fresh` the server has another past: forget everything."""
        raise NotImplementedError

    def catch_up(self) -> Changes:
        """The past has been replayed."""
        raise NotImplementedError

    def disconnect(self, reason: str, retry_in: float | None = None) -> Changes:
        """The connection is gone."""
        raise NotImplementedError

    def reset(self) -> Changes:
        """Forget everything but the connection."""
        raise NotImplementedError

    def tree(self, *, killed: bool = True) -> list[TreeRow]:
        """The rows of the tree; without `killed`, forks of a killed thread move up."""
        raise NotImplementedError

    def state_of(self, thread_id: str) -> ThreadState:
        """What to show as its state: `disconnected` for all but killed ones while offline."""
        raise NotImplementedError

    def approvals_of(self, thread_id: str) -> list[Approval]:
        """The open approvals of a thread, oldest first."""
        raise NotImplementedError
