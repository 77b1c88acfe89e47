"""The options of a server, and the limits of its rooms in one place."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codextui.config.address import HttpAddress
from codextui.config.attach import OWN, Attach
from codextui.protocol.approvals import Deciders, Others


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Limits of the event log and of its subscriptions.

    Attributes:
        logged: events that the log retains; beyond that the oldest are dropped.
        merge_above: events waiting for a subscriber above which adjacent deltas of one item are
            merged.
        merged_chars: characters that a merged delta may reach, so that merging costs the same
            for every delta.
        queued: events that may wait for a subscriber beside its replay before it is disconnected.
        queued_chars: characters of deltas that may wait for it before it is disconnected.
        lag_above: events waiting beside its replay above which a subscriber lags, and publishers
            wait for it.
        batch: events that a subscriber takes at once.
        publisher_wait_s: longest time in seconds that a publisher waits for lagging subscribers.
        stall_s: seconds that a subscriber may take to read a batch before it is disconnected.
    """

    logged: int = 400_000
    merge_above: int = 1_024
    merged_chars: int = 16 * 1024
    queued: int = 50_000
    queued_chars: int = 64 * 1024 * 1024
    lag_above: int = 10_000
    batch: int = 256
    publisher_wait_s: float = 5.0
    stall_s: float = 60.0


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of the runs that clients publish.

    Attributes:
        rows: threads of one run: the run itself and its roles.
        active_runs: runs of one client that have not ended.
        retained_chars: characters of the history that one client's runs may take up.
        open_calls: calls of `codex-publish` by one client that may be unanswered at once.
        open_questions: questions of `codex-ask` that may be open on one role.
        message_chars: characters of a message to a role.
    """

    rows: int = 500
    active_runs: int = 64
    retained_chars: int = 256 * 1024 * 1024
    open_calls: int = 4
    open_questions: int = 100
    message_chars: int = 100_000


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of the HTTP transport.

    Attributes:
        connections: open connections; never more than half of the files that the process may
            open.
        long_calls_share: part of the connections that calls which stay open may take up; the
            rest is for answers and decisions.
        first_request_s: seconds in which a new connection must send the headers of a request.
        sessions: sessions of clients with a handshake. One ends after half an hour without a
            request.
        body_bytes: bytes of a request's body: four prompts of the longest kind.
        bodies_bytes: bytes of all bodies that are being read; more are answered with 503.
        body_s: seconds in which a body must arrive.
        request_backlog: bytes that may wait for one request before its client is disconnected.
        client_backlog: bytes that may wait for all requests of one client.
        total_backlog: bytes that may wait for all clients. The one that reads least is
            disconnected.
        merge_above: messages waiting for a request above which adjacent deltas are merged.
        merged_chars: characters that a merged delta may reach.
    """

    connections: int = 1_024
    long_calls_share: float = 0.75
    first_request_s: float = 15.0
    sessions: int = 1_000
    body_bytes: int = 4 * 1024 * 1024
    bodies_bytes: int = 64 * 1024 * 1024
    body_s: float = 30.0
    request_backlog: int = 16 * 1024 * 1024
    client_backlog: int = 32 * 1024 * 1024
    total_backlog: int = 128 * 1024 * 1024
    merge_above: int = 256
    merged_chars: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """Limits of the threads of other programs.

    Attributes:
        listed: threads that stand in the registry; there is a notice about more.
        shown: threads that sessions may follow at once. What waits for a person is followed
            beyond that.
        history_turns: turns of a thread's past that are published.
        buffered: notifications of a thread that wait until its history is published.
        join_pauses_s: seconds between attempts to subscribe to a thread whose turn runs.
    """

    listed: int = 1_000
    shown: int = 100
    history_turns: int = 200
    buffered: int = 20_000
    join_pauses_s: tuple[float, ...] = (0.05, 0.2, 1.0)


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits of a server, room by room."""

    events: EventLimits = EventLimits()
    follow: FollowLimits = FollowLimits()
    runs: RunLimits = RunLimits()
    http: HttpLimits = HttpLimits()


DEFAULT_LIMITS = ServerLimits()


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of a server. Every path is absolute, and its folder exists.

    Attributes:
        name: the server's name (`-L`), for messages; empty for a private server.
        socket: the unix socket to listen on (`paths.socket_path`).
        lock: the file that stays locked while the server runs (`paths.lock_path`).
        journal: the SQLite file of threads, events and decisions (`paths.journal_path`).
        log: the log file; None logs to stderr.
        codex_binary: the Codex binary, as configured; None finds one.
        codex_home: `CODEX_HOME` for Codex; None leaves it to the environment.
        env: the whole environment of Codex; None passes on our own.
        attach: which app-server to use.
        token_env: the environment variable with the token of the app-server at an address.
        codex_delay_s: seconds until Codex is started, unless it is needed earlier.
        http: the address to serve HTTP on as well; None serves none.
        http_required: whether the server must not start where that address cannot be used.
        token: the file with the bearer token of HTTP clients (`paths.token_path`); required for
            HTTP.
        idle_timeout_s: seconds without a client, a running turn and an open approval after
            which the server ends by itself; 0 is never.
        deciders: who is asked about the approvals of a client's call.
        unattended_timeout_s: seconds without anyone who can decide after which an approval is
            declined; 0 is at once, None is never.
        others: whether `deciders` and `unattended_timeout_s` also apply to the threads of other
            programs.
        leave_timeout_s: seconds that turns on an app-server that was joined get to end when
            the server does.
        progress_interval_s: seconds after which an unchanged progress message is sent again.
        orphan_timeout_s: seconds that a client may take to come back with the answers of an
            input-required round (MCP 2026-07-28) before its call is given up.
        limits: sizes, times and counts.
    """

    name: str
    socket: Path
    lock: Path
    journal: Path
    log: Path | None = None
    codex_binary: Path | None = None
    codex_home: Path | None = None
    env: Mapping[str, str] | None = None
    attach: Attach = OWN
    token_env: str | None = None
    codex_delay_s: float = 0.0
    http: HttpAddress | None = None
    http_required: bool = True
    token: Path | None = None
    idle_timeout_s: float = 0.0
    deciders: Deciders = Deciders.BOTH
    unattended_timeout_s: float | None = 1800.0
    others: Others = Others.SHOW
    leave_timeout_s: float = 5.0
    progress_interval_s: float = 3.0
    orphan_timeout_s: float = 3600.0
    limits: ServerLimits = DEFAULT_LIMITS

    @property
    def codex_socket(self) -> Path:
        """The unix socket where others can join an app-server that this server has started.

        It is in a folder of its own, so that it is never that of a server with an odd name.
        """
        return self.socket.parent / "codex" / self.socket.name

    def shell_command(self, *words: str) -> str:
        """Return a command for people to type, which reaches this server.

        Empty for a private server, which no other client can reach.

        Args:
            words: the command and its arguments; none for the console.
        """
        if not self.name:
            return ""
        option = () if self.name == "default" else ("-L", self.name)
        return shlex.join(("codextui", *words[:1], *option, *words[1:]))
