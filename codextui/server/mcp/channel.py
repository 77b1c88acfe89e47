"""What carries messages to a client, whatever the transport."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Protocol

import mcp_types as types

from codextui.jsonrpc.fields import JsonObject


class PeerGone(Exception):
    """The client hung up before it answered."""


class PeerRefused(Exception):
    """The client answered a request with an error, or with no object."""


class Channel(Protocol):
    """The way to one client. `StreamChannel` is that of a byte stream.

    `for_call` names the request of the client's that a message belongs to, for transports where
    every request has a stream of its own.

    Attributes:
        client: what tells one client from another, on whichever channel it comes.
        cancelled: the requests that the client took back, the last ones of them.
        cwd: the folder that the client works in; empty where nobody has said.
        config: settings of Codex's for all of its threads, by dotted key.
        all_tools: whether it is shown the supervisors' tools, though it supervises nothing.
        events: whether its calls may bring it `codex/event` at all.
    """

    cwd: str
    config: JsonObject
    all_tools: bool
    events: bool

    @property
    def client(self) -> Hashable:
        """What tells one client from another, on whichever channel it comes."""

    @property
    def cancelled(self) -> Collection[types.RequestId]:
        """The requests that the client took back, the last ones of them."""

    async def notify(self, method: str, *params: JsonObject) -> None:
        """Send a notification for each of the parameters; waits where the client does not read.

        Raises PeerGone.
        """

    def tell(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> None:
        """Send a notification soon, before anything that is sent later. Never waits.

        A client that does not read for long is cut off. Nothing happens where it is gone.
        """

    async def request(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> JsonObject:
        """Ask the client, and return its result, whatever is in it.

        Cancelling this takes the request back. Raises PeerRefused, PeerGone.
        """

    def answer_late(self, request_id: types.RequestId, result: JsonObject) -> None:
        """Answer a request that the client has taken back, and that mcp leaves unanswered."""

    def when_taken_back(self, call: Callable[[], None]) -> None:
        """Be called where the client takes a request back after it hung up on its answer.

        Only where every request has a stream of its own; the last `call` of a request counts.
        """

    def abort(self) -> None:
        """Hang up at once, without sending what waits."""
