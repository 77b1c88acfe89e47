"""What Codex says about a thread as a whole: facts for the server, which owns the thread's row.

They are not events: the server turns them into a `ThreadChanged`, or withdraws an approval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from codextui.codex.rpc import RequestId

Status: TypeAlias = Literal["notLoaded", "idle", "systemError", "active"]
"""What Codex says a thread is doing."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A thread does something else now (`thread/status/changed`).

    Attributes:
        thread_id: whose.
        status: Codex's word.
        waits_for: `approval`, `answer`, or empty.
    """

    thread_id: str
    status: Status
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """A thread's settings are others now (`thread/settings/updated`); the whole of them."""

    thread_id: str
    cwd: str
    model: str
    sandbox: str
    approval_policy: str


@dataclass(frozen=True, slots=True)
class ThreadNamed:
    """A thread has a name, or none any more (`thread/name/updated`)."""

    thread_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ThreadAnnounced:
    """A thread was started, forked or loaded by somebody (`thread/started`)."""

    thread_id: str
    cwd: str
    forked_from: str
    parent: str


@dataclass(frozen=True, slots=True)
class ThreadGone:
    """A thread is no longer loaded: `why` is `archived`, `deleted` or `closed`."""

    thread_id: str
    why: str


@dataclass(frozen=True, slots=True)
class ThreadRestored:
    """A thread came back from the archive (`thread/unarchived`)."""

    thread_id: str


@dataclass(frozen=True, slots=True)
class RequestResolved:
    """A request of Codex's is over, whoever answered (`serverRequest/resolved`)."""

    thread_id: str
    request_id: RequestId


Fact: TypeAlias = (
    StatusChanged
    | SettingsChanged
    | ThreadNamed
    | ThreadAnnounced
    | ThreadGone
    | ThreadRestored
    | RequestResolved
)
"""One kind of fact."""
