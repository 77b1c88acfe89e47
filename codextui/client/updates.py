"""What a connection to the shared server reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from codextui.protocol.approvals import Approval
from codextui.protocol.events import Event


class Connected(msgspec.Struct, frozen=True):
    """The server answered; its events follow.

    Attributes:
        epoch: the id of the server's count of events; empty where the client does not supervise.
        server_info: the server's name and version, such as `codextui 0.1.0`.
        fresh: whether what was known before is obsolete, as events are sent from the first one
            on. False after a reconnect that only fills the gap.
    """

    epoch: str
    server_info: str
    fresh: bool


class CaughtUp(msgspec.Struct, frozen=True):
    """All past events were sent; what follows happens now.

    Attributes:
        seq: the number of the last past event.
    """

    seq: int


class Disconnected(msgspec.Struct, frozen=True):
    """The server cannot be reached, or was lost.

    Attributes:
        reason: why, in a sentence for the person at the keyboard.
        retry_in: seconds until the next attempt.
        ended: whether no server is running any more, so that what it had not stored is gone.
    """

    reason: str
    retry_in: float
    ended: bool = False


class EventReceived(msgspec.Struct, frozen=True):
    """An event of the server."""

    event: Event


class ApprovalOffered(msgspec.Struct, frozen=True):
    """The server asks this client to decide (`elicitation/create`).

    The same approval also arrives as an `ApprovalAsked` event, and again after a reconnect.
    """

    approval: Approval


class ApprovalWithdrawn(msgspec.Struct, frozen=True):
    """The server does not ask this client any more: decided elsewhere, or nothing to decide."""

    approval_id: str


ConnectionUpdate: TypeAlias = (
    Connected | CaughtUp | Disconnected | EventReceived | ApprovalOffered | ApprovalWithdrawn
)
"""What a connection reports, in the order in which it happened."""

UpdateHandler: TypeAlias = Callable[[ConnectionUpdate], None]
"""Handles an update on the event loop; must not block."""
