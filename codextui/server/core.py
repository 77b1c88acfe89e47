"""The parts of a shared server that its operations work with."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from codextui.config.address import HttpAddress
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.events import CodexLost, CodexReady
from codextui.server.approvals.broker import Broker
from codextui.server.approvals.codex_requests import CodexRequests
from codextui.server.approvals.elicitation import ElicitingClient
from codextui.server.background import Background
from codextui.server.events.hub import EventHub
from codextui.server.mcp.codex_events import LegacyStreams
from codextui.server.mcp.session import Caller, Session
from codextui.server.runs.runs import Runs
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.registry import Registry
from codextui.server.worker import CodexWorker


@dataclass(frozen=True, slots=True)
class Core:
    """What every operation needs. It listens to the Codex process (see worker.Listener).

    Attributes:
        hub: tells everybody what happens.
        registry: the threads.
        broker: the open approvals.
        worker: the Codex process.
        feed: brings what Codex says to the threads.
        requests: brings what Codex asks to people.
        legacy: tells those who call `codex` what happens meanwhile.
        runs: the runs that programs tell of.
    """

    hub: EventHub
    registry: Registry
    broker: Broker
    worker: CodexWorker
    feed: CodexNotifications
    requests: CodexRequests
    legacy: LegacyStreams
    runs: Runs

    def hear(self, process: int, method: str, params: JsonObject) -> None:
        """A notification of Codex's came."""
        self.legacy.hear(method, params)  # the events of a turn come before its answer
        self.feed.hear(process, method, params)

    def hear_request(
        self, process: int, request_id: RequestId, method: str, params: JsonObject
    ) -> None:
        """A request of Codex's came."""
        self.legacy.hear_request(method, params)
        self.requests.hear(process, request_id, method, params)

    def codex_lost(self, reason: str) -> None:
        """The Codex process ended."""
        self.hub.publish("", "", CodexLost(reason))
        self.feed.lose_all(reason)
        self.legacy.forget_all()

    def codex_ready(self, version: str) -> None:
        """A Codex process is up."""
        self.hub.publish("", "", CodexReady(version))


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `serve` needs to know. Every path is absolute, and its folder exists.

    Attributes:
        name: the server's name (`-L`), for messages.
        socket: the unix socket to listen on (`paths.socket_path`).
        lock: the file to keep locked while the server runs (`paths.lock_path`).
        journal: the SQLite file that threads and decisions are kept in (`paths.journal_path`).
        log: the file to write the log to; None writes it to stderr.
        codex_binary: the Codex binary to run, as configured; None finds one.
        codex_home: `CODEX_HOME` for Codex; None leaves what the environment says.
        env: the whole environment of Codex; None hands down our own.
        http: where to listen for HTTP as well; None does not.
        http_required: whether the server must not start where that address cannot be had.
        token: the file with the bearer token of HTTP clients (`paths.token_path`); it must be
            given for HTTP.
        idle_timeout_s: seconds without a client, a running turn and an open approval after
            which the server ends by itself; 0 is never.
        unattended_timeout_s: seconds without anybody who could decide after which an approval
            is declined; 0 is at once, None is never.
        progress_interval_s: seconds after which a caller is told again what its call does.
        orphan_timeout_s: seconds that a client may think about a question before its call is
            given up (MCP 2026-07-28, where it is not connected meanwhile).
    """

    name: str
    socket: Path
    lock: Path
    journal: Path
    log: Path | None = None
    codex_binary: Path | None = None
    codex_home: Path | None = None
    env: Mapping[str, str] | None = None
    http: HttpAddress | None = None
    http_required: bool = True
    token: Path | None = None
    idle_timeout_s: float = 0.0
    unattended_timeout_s: float | None = 1800.0
    progress_interval_s: float = 8.0
    orphan_timeout_s: float = 3600.0


class CallingClients:
    """Asks a client once about a thread, by the oldest of its calls that are open on it.

    However many calls it has there, it is asked one question, as `codex mcp-server` asked it.
    """

    def __init__(self) -> None:
        # The calls in their order; of the inner dict only the keys are used.
        self._calls: dict[tuple[Hashable, str], dict[ElicitingClient, None]] = {}

    def attach(self, broker: Broker, client: Hashable, call: ElicitingClient) -> None:
        """A call waits: its client can be asked about its thread."""
        calls = self._calls.setdefault((client, call.thread_id), {})
        calls[call] = None
        if len(calls) == 1:
            broker.attach(call)

    def detach(self, broker: Broker, client: Hashable, call: ElicitingClient) -> None:
        """A call is over; what was asked by it is asked by the next one."""
        calls = self._calls[client, call.thread_id]
        asked = next(iter(calls)) is call
        del calls[call]
        if not calls:
            del self._calls[client, call.thread_id]
        elif asked:
            broker.attach(next(iter(calls)))
        if asked:
            broker.detach(call)


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
