"""The shared server as a whole, as far as its tools can speak of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from codextui.server.background import Background
from codextui.server.core import Core
from codextui.server.options import ServeOptions
from codextui.server.session import Session


@dataclass(frozen=True, slots=True)
class Host:
    """The server.

    Attributes:
        options: how it runs.
        core: its threads.
        started_at: unix seconds.
        background: work that outlives the client that asked for it.
        sessions: the clients that are connected.
        stop: set where the server is to end.
        stirred: set whenever a client came or went.
    """

    options: ServeOptions
    core: Core
    started_at: float
    background: Background = field(default_factory=Background)
    sessions: set[Session] = field(default_factory=set)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
