"""One client's connection, and who it is."""

from __future__ import annotations

from dataclasses import dataclass

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from codextui.protocol.tools import EVENTS, SUPERVISOR
from codextui.server.approvals.elicitation import ElicitingClient
from codextui.server.mcp.channel import Channel

MAX_NAME = 80


@dataclass(eq=False, slots=True)
class Session:
    """A connected client.

    Attributes:
        peer: the way to it.
        client: its name, as it introduced itself; empty before that.
        stays: whether the connection outlives the request, as it does not by HTTP.
        distinct: its name, told apart from those of other clients; empty where nobody has done so.
        is_own_agent: whether it is an agent of this very server, which is shown no tools.
    """

    peer: Channel
    client: str = ""
    stays: bool = True
    distinct: str = ""
    is_own_agent: bool = False

    @property
    def name(self) -> str:
        """What to call it by before people: `codextui-2` where two are called `codextui`."""
        return self.distinct or self.client

    def caller(self, context: ServerRequestContext[Session]) -> Caller:
        """Who makes this request, by what it has declared."""
        given = context.session.client_params
        name = given.client_info.name if given is not None else ""
        self.client = " ".join(name.split())[:MAX_NAME] or "unnamed"
        capabilities = context.session.client_capabilities or types.ClientCapabilities()
        experimental = capabilities.experimental or {}
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        takes_events = experimental.get(EVENTS, {}).get("send") is not False
        return Caller(
            session=self,
            request_id=context.request_id if context.request_id is not None else "",
            supervises=SUPERVISOR in experimental,
            elicits=capabilities.elicitation is not None,
            modern=modern,
            takes_events=takes_events and self.peer.events and not modern,
            progress_token=(context.meta or {}).get("progress_token"),
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request.

    A client is sent `codex/event` as `codex mcp-server` sent it, to everybody, unless it says
    that it does not take it (see wire.tools.EVENTS), or supervises: then it has a stream of its
    own. Clients without a handshake, which that server never had, are told of progress alone.

    Attributes:
        session: its connection.
        request_id: the request's id.
        supervises: whether it declared itself a supervisor.
        elicits: whether it declared that it can be asked.
        modern: whether it is asked by the result of its call (2026-07-28), not by a request.
        takes_events: whether it may be sent `codex/event`.
        progress_token: with which it wants to hear of progress; None where it does not.
    """

    session: Session
    request_id: types.RequestId
    supervises: bool
    elicits: bool
    modern: bool = False
    takes_events: bool = False
    progress_token: types.ProgressToken | None = None

    @property
    def client(self) -> str:
        """The client's name."""
        return self.session.client

    @property
    def name(self) -> str:
        """What to call it by before people."""
        return self.session.name

    @property
    def channel(self) -> Channel:
        """The way to it."""
        return self.session.peer

    @property
    def cwd(self) -> str:
        """The folder that it works in; empty where nobody has said."""
        return self.channel.cwd

    @property
    def sees_all_tools(self) -> bool:
        """Whether it is shown the supervisors' tools."""
        return self.supervises or self.channel.all_tools

    @property
    def hears_events(self) -> bool:
        """Whether its calls bring it `codex/event` in the old form."""
        return self.takes_events and not self.supervises

    @property
    def took_back(self) -> bool:
        """Whether the client cancelled this request, rather than having hung up."""
        return self.request_id in self.channel.cancelled

    def supervisor(self) -> ElicitingClient | None:
        """How it is asked about every thread; None where it is not."""
        if not self.supervises or not self.elicits or self.modern:
            return None
        return ElicitingClient(self.name, self.channel)

    def answerer(self, thread_id: str) -> ElicitingClient | None:
        """How it is asked about its own call, by requests; None where it is not."""
        if self.supervises or not self.elicits or self.modern:
            return None
        return ElicitingClient(self.name, self.channel, thread_id, self.request_id)
