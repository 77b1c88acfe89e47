"""The clients of the server: the channel to each, its session, and the caller of a request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Protocol

import mcp_types as types

from codextui.jsonrpc.fields import JsonObject


class ClientGone(Exception):
    """The client closed its connection."""


class ClientRefused(Exception):
    """The client answered a request with an error, or with a result that is not an object."""


class Channel(Protocol):
    """Sends messages to one client, whatever the transport.

    `for_call` is the id of the client's request that a message belongs to, for transports that
    give every request a stream of its own.

    Attributes:
        cwd: the client's working folder; empty where unknown.
        config: Codex settings for all threads that the client starts, by dotted key.
        all_tools: whether the client sees the supervisors' tools without being one.
        legacy_events: whether the client's calls bring it legacy `codex/event` notifications, as
            its user chose; None where that was left to us.
    """

    cwd: str
    config: JsonObject
    all_tools: bool
    legacy_events: bool | None

    @property
    def client_key(self) -> Hashable:
        """Identifies the client: equal for all channels of one client."""

    @property
    def cancelled(self) -> Collection[types.RequestId]:
        """The latest of the requests that the client has cancelled."""

    async def notify(self, method: str, *params: JsonObject) -> None:
        """Send one notification per item of `params`, at the speed at which the client reads.

        Raises:
            ClientGone: the client has closed its connection.
        """

    def notify_soon(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> None:
        """Queue a notification, before anything that is sent later. Never waits.

        A client that does not read for long is disconnected. Does nothing where it is gone.
        """

    async def request(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> JsonObject:
        """Make a request of the client and return its result with every field.

        Cancelling this withdraws the request (`notifications/cancelled`).

        Raises:
            ClientRefused: the client answered with an error.
            ClientGone: the client has closed its connection.
        """

    def on_late_cancel(self, callback: Callable[[], None]) -> None:
        """Call back if the client cancels a request whose answer it no longer reads.

        For transports where every request has a stream of its own. The last callback counts.
        """

    def abort(self) -> None:
        """Disconnect at once, without sending what is unsent."""


@dataclass(eq=False, slots=True)
class Session:
    """A connected client.

    Attributes:
        channel: sends messages to it.
        client_name: the name that it gave itself; empty until its first request.
        persistent: whether the connection outlives a request; it does not over HTTP.
        unique_name: a name that no other client has; empty until the server assigns one.
        is_own_agent: whether it is an agent that this very server runs. It is shown no tools.
    """

    channel: Channel
    client_name: str = ""
    persistent: bool = True
    unique_name: str = ""
    is_own_agent: bool = False

    @property
    def name(self) -> str:
        """The name to show to people: `codextui #2` where two clients are called `codextui`."""
        return self.unique_name or self.client_name


@dataclass(frozen=True, slots=True)
class Caller:
    """A client while it makes one request, with the capabilities that it declared.

    The legacy `codex/event` notifications of `codex mcp-server` go to clients that want them
    (`protocol.extensions.takes_events`), except supervisors, which have an event stream of
    their own, and clients without a handshake, which that server never had.

    Attributes:
        session: the client's connection.
        request_id: the JSON-RPC id of the request.
        supervises: whether it is a supervisor.
        elicits: whether it supports elicitation.
        modern: whether it speaks MCP 2026-07-28: it is asked by the result of its call, not by
            a request.
        takes_legacy_events: whether it may be sent legacy `codex/event` notifications.
        progress_token: the token for progress notifications; None where it wants none.
    """

    session: Session
    request_id: types.RequestId
    supervises: bool
    elicits: bool
    modern: bool = False
    takes_legacy_events: bool = False
    progress_token: types.ProgressToken | None = None

    @property
    def client_name(self) -> str:
        """The name that the client gave itself."""
        return self.session.client_name

    @property
    def name(self) -> str:
        """The client's name to show to people."""
        return self.session.name

    @property
    def channel(self) -> Channel:
        """The channel to the client."""
        return self.session.channel

    @property
    def cwd(self) -> str:
        """The client's working folder; empty where unknown."""
        return self.channel.cwd

    @property
    def sees_all_tools(self) -> bool:
        """Whether `tools/list` shows it the supervisors' tools."""
        return self.supervises or self.channel.all_tools

    @property
    def gets_legacy_events(self) -> bool:
        """Whether its calls bring it legacy `codex/event` notifications."""
        return self.takes_legacy_events and not self.supervises

    @property
    def has_cancelled(self) -> bool:
        """Whether the client cancelled this request, rather than closing its connection."""
        return self.request_id in self.channel.cancelled

    @property
    def is_asked_by_request(self) -> bool:
        """Whether approvals reach it as `elicitation/create` requests."""
        return self.elicits and not self.modern
