"""What a connection to the shared server tells its owner, in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codextui.protocol.approvals import Approval
from codextui.protocol.events import Event


@dataclass(frozen=True, slots=True)
class Connected:
    """The server answered, and its events follow.

    Attributes:
        epoch: the id of the server's count of events; empty for one that does not supervise.
        server_info: the server's name and version, such as `codextui 0.1.0`.
        fresh: whether everything known from before must be forgotten: events are told from the
            first one on. False after a reconnect that only fills the gap.
    """

    epoch: str
    server_info: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The past has been told; what follows happens now.

    Attributes:
        seq: the last event of the past.
    """

    seq: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The server cannot be reached (any more).

    Attributes:
        reason: why, in a sentence for the person at the keyboard.
        retry_in: seconds until the next attempt.
    """

    reason: str
    retry_in: float


@dataclass(frozen=True, slots=True)
class EventArrived:
    """Something happened on the server."""

    event: Event


@dataclass(frozen=True, slots=True)
class ApprovalOffered:
    """The server asks this client to decide (`elicitation/create`).

    The same approval also arrives as an `ApprovalAsked` event, and again after a reconnect.
    """

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalWithdrawn:
    """The server takes its question back: decided elsewhere, or there is nothing to decide."""

    approval_id: str


Fact: TypeAlias = (
    Connected | CaughtUp | Disconnected | EventArrived | ApprovalOffered | ApprovalWithdrawn
)
"""One of the things that a connection tells."""
