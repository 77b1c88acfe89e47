"""The parts of a shared server that its operations work with."""

from __future__ import annotations

from dataclasses import dataclass

from codextui.codex.rpc import RequestId
from codextui.server.broker import Broker
from codextui.server.hub import EventHub
from codextui.server.legacy_streams import LegacyStreams
from codextui.server.runs.runs import Runs
from codextui.server.threads.asking import Requests
from codextui.server.threads.feed import Feed
from codextui.server.threads.registry import Registry
from codextui.server.worker import CodexWorker
from codextui.wire.event import CodexLost, CodexReady
from codextui.wire.fields import JsonObject


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
    feed: Feed
    requests: Requests
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
