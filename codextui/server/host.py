"""The shared server as a whole, as far as its tools can speak of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from codextui.server.background import Background
from codextui.server.calling_clients import CallingClients
from codextui.server.core import Core
from codextui.server.options import ServeOptions
from codextui.server.session import Caller, Session
from codextui.wire.fields import Json


class ParkedCall(Protocol):
    """A call that waits for its client's answers (see turn_call.TurnCall).

    Attributes:
        caller: who made it.
    """

    caller: Caller

    async def go_on(self, caller: Caller, responses: Mapping[str, Json]) -> dict[str, object]:
        """Take the answers, and wait on."""

    def leave(self) -> None:
        """The client will not come back."""


@dataclass(frozen=True, slots=True)
class Host:
    """The server.

    Attributes:
        options: how it runs.
        core: its threads.
        started_at: unix seconds.
        background: work that outlives the client that asked for it.
        sessions: the clients that are connected; by HTTP, one for each request that is open.
        endpoints: the URLs that it can be reached by.
        stop: set where the server is to end.
        stirred: set whenever a client came or went.
        parked: calls whose clients have been asked something, by what they come back with.
        calling: the clients that are asked about the threads on which they call.
    """

    options: ServeOptions
    core: Core
    started_at: float
    background: Background = field(default_factory=Background)
    sessions: set[Session] = field(default_factory=set)
    endpoints: list[str] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    parked: dict[str, ParkedCall] = field(default_factory=dict)
    calling: CallingClients = field(default_factory=CallingClients)

    def tell_apart(self, session: Session) -> None:
        """Give a client a name that no other one has now: of two consoles, which one decided?

        By HTTP every request has a session of its own, and they are not told apart.
        """
        if session.distinct or not session.stays:
            return
        taken = {other.distinct for other in self.sessions}
        names = itertools.chain(
            [session.client], (f"{session.client}-{n}" for n in itertools.count(2))
        )
        session.distinct = next(name for name in names if name not in taken)

    def drop(self, session: Session) -> None:
        """A client is gone, and will not come back to what it was asked."""
        self.sessions.discard(session)
        self.stirred.set()
        self.core.runs.leave(session)
        for call in tuple(self.parked.values()):
            if call.caller.session is session:
                call.leave()
