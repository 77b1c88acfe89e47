"""One client's connection, and who it is."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.context import ServerRequestContext

from codextui.server.elicitation import ElicitingClient
from codextui.server.peer import Peer
from codextui.wire.tools import SUPERVISOR

MAX_NAME = 80


@dataclass(eq=False, slots=True)
class Session:
    """A connected client.

    Attributes:
        peer: its connection.
        client: its name, as it introduced itself; empty before that.
    """

    peer: Peer
    client: str = ""

    def caller(self, context: ServerRequestContext[Session]) -> Caller:
        """Who makes this request, by what it has declared."""
        given = context.session.client_params
        name = given.client_info.name if given is not None else ""
        self.client = " ".join(name.split())[:MAX_NAME] or "unnamed"
        capabilities = context.session.client_capabilities
        elicits = capabilities is not None and capabilities.elicitation is not None
        experimental = (capabilities.experimental if capabilities else None) or {}
        return Caller(
            session=self,
            request_id=context.request_id if context.request_id is not None else "",
            supervises=SUPERVISOR in experimental,
            elicits=elicits and context.session.can_send_request,
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request.

    Attributes:
        session: its connection.
        request_id: the request's id.
        supervises: whether it declared itself a supervisor.
        elicits: whether it can be asked by `elicitation/create`.
    """

    session: Session
    request_id: str | int
    supervises: bool
    elicits: bool

    @property
    def client(self) -> str:
        """The client's name."""
        return self.session.client

    @property
    def cwd(self) -> str:
        """The folder that it works in; empty where nobody has said."""
        return self.session.peer.cwd

    @property
    def took_back(self) -> bool:
        """Whether the client cancelled this request, rather than having hung up."""
        return self.request_id in self.session.peer.cancelled

    def answerer(self, thread_id: str = "") -> ElicitingClient | None:
        """How it is asked about a thread (or about every one); None where it cannot be."""
        if not self.elicits:
            return None
        call_id = str(self.request_id) if thread_id else ""
        return ElicitingClient(self.client, self.session.peer, thread_id, call_id)
