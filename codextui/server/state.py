"""A running server: its parts, its sessions and its background tasks."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from codextui.config.address import HttpAddress
from codextui.jsonrpc.fields import Json
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.approvals.elicitation import CallResponders
from codextui.server.clients import Caller, Session
from codextui.server.events.frames import FrameHub
from codextui.server.events.hub import EventHub
from codextui.server.events.legacy import LegacyEventHub
from codextui.server.options import ServerOptions
from codextui.server.runs.controls import RunRequests
from codextui.server.runs.questions import RoleQuestions
from codextui.server.runs.runs import Runs
from codextui.server.store.journal import Journal
from codextui.server.threads.codex_history import CodexHistory
from codextui.server.threads.opening import ThreadOpener
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.owned_turns import OwnedTurns
from codextui.server.threads.queues import ThreadQueues
from codextui.server.threads.registry import ThreadRegistry
from codextui.server.threads.settings import ThreadSettings
from codextui.server.threads.turns import Turns
from codextui.server.worker import CodexHandler, CodexWorker

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class SuspendedCall(Protocol):
    """A call whose client has been sent questions and is to come back (`mcp.calls.TurnCall`).

    Attributes:
        caller: the client that made the call, or came back with answers last.
    """

    caller: Caller

    async def resume(self, caller: Caller, responses: Mapping[str, Json]) -> dict[str, object]:
        """Take the client's answers, and wait for the end of the turn or the next questions."""

    def abandon(self) -> None:
        """Leave the questions to others, because the client will not come back."""


class BackgroundTasks:
    """Tasks that belong to the server, not to the client that caused them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Start a task. A failure is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a task and return its result. Cancelling this does not cancel the task."""
        return await asyncio.shield(self.start(work))

    async def close(self) -> None:
        """Cancel the tasks that still run."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.info("%s: %s", type(error).__name__, error)


@dataclass(slots=True)
class HttpState:
    """What a running server does by HTTP.

    Attributes:
        url: the URL that it listens on; empty where it listens on none.
        listen: starts listening on an address. Raises ServerUnreachable and ConfigInvalid. None
            where the server cannot, as a private one.
        is_wanted: whether somebody has asked the running server for it, which then does not end
            when idle: its HTTP clients could not start it again.
    """

    url: str = ""
    listen: Callable[[HttpAddress], None] | None = None
    is_wanted: bool = False


@dataclass(frozen=True, slots=True)
class ServerState:
    """The parts of a running server, and what its connections share.

    Attributes:
        options: how it runs.
        started_at: unix seconds.
        journal: stores threads, events and decisions.
        hub: publishes events.
        registry: the threads.
        broker: the open approvals.
        worker: the Codex process.
        codex_handler: handles what the Codex process sends.
        opener: starts, forks and resumes threads.
        others: the threads of other programs on the same Codex.
        history: all threads that Codex has, open or not.
        turns: starts, steers and ends turns.
        queues: the messages that follow a turn.
        settings: changes the settings of threads.
        owned_turns: the turns that end with their clients.
        legacy: sends legacy events to calls.
        runs: the runs that programs publish.
        controls: what people request of runs.
        questions: what runs ask people.
        call_responders: the open calls whose clients can be asked.
        background: tasks that outlive the client that caused them.
        frames: the frames of all connections, for those who inspect them.
        sessions: the connected clients; over HTTP, one session for each open request.
        sessions_changed: set whenever a client connects or disconnects.
        suspended_calls: calls that wait for their clients' answers, by request state.
        http: what it does by HTTP.
        used: set once a client has asked for more than the list of tools.
        stopping: set when the server is to end.
    """

    options: ServerOptions
    started_at: float
    journal: Journal
    hub: EventHub
    registry: ThreadRegistry
    broker: ApprovalBroker
    worker: CodexWorker
    codex_handler: CodexHandler
    opener: ThreadOpener
    others: OtherThreads
    history: CodexHistory
    turns: Turns
    queues: ThreadQueues
    settings: ThreadSettings
    owned_turns: OwnedTurns
    legacy: LegacyEventHub
    runs: Runs
    controls: RunRequests
    questions: RoleQuestions
    call_responders: CallResponders
    background: BackgroundTasks
    frames: FrameHub
    sessions: set[Session] = field(default_factory=set)
    sessions_changed: asyncio.Event = field(default_factory=asyncio.Event)
    suspended_calls: dict[str, SuspendedCall] = field(default_factory=dict)
    http: HttpState = field(default_factory=HttpState)
    used: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def add_session(self, session: Session) -> None:
        """Add a client that has connected."""
        self.sessions.add(session)
        self.sessions_changed.set()

    def remove_session(self, session: Session) -> None:
        """Remove a client that may still come back, by another request."""
        self.sessions.discard(session)
        self.sessions_changed.set()

    def is_needed(self, *, but: Session | None = None) -> bool:
        """Return whether a client other than `but`, a turn, an approval or HTTP needs the server.

        Threads of other programs go on without us, and so does what they ask.
        """
        running = any(one.info.ours and one.info.state.has_turn for one in self.registry)
        asking = any(not approval.origin for approval in self.broker.approvals)
        return bool(asking or running or self.http.is_wanted or self.sessions - {but})

    def disconnect(self, session: Session) -> None:
        """Remove a client that has disconnected for good, and end what needs it."""
        self.remove_session(session)
        self.runs.disconnect(session)
        if self.owned_turns.has(session):
            self.background.start(self.owned_turns.end(session))
        self.others.release(session)
        for call in tuple(self.suspended_calls.values()):
            if call.caller.session is session:
                call.abandon()

    def assign_name(self, session: Session) -> None:
        """Assign a unique name, so that people see which of two consoles decided.

        A handle of a thread cannot have the `#`.

        Over HTTP every request has its own session, and clients share a name.
        """
        if session.unique_name or not session.persistent:
            return
        taken = {other.unique_name for other in self.sessions}
        names = itertools.chain(
            [session.client_name], (f"{session.client_name} #{n}" for n in itertools.count(2))
        )
        session.unique_name = next(name for name in names if name not in taken)
