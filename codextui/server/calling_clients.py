"""The clients that are asked about the threads on which they call."""

from __future__ import annotations

from collections.abc import Hashable

from codextui.server.broker import Broker
from codextui.server.elicitation import ElicitingClient


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
