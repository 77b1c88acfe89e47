"""A console without a screen, which keeps time."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

from codextui.client.updates import CaughtUp, ConnectionUpdate, EventReceived
from codextui.console.model.state import ConsoleState
from codextui.protocol.events import TextDelta, TurnCompleted


class Reader:
    """Counts what comes, keeps the deltas, and a board."""

    def __init__(self) -> None:
        self.board = ConsoleState()
        self.deltas: dict[str, list[str]] = defaultdict(list)
        self.disorder = 0
        self.began = self.ended = 0.0
        self.caught_up = asyncio.Event()
        self.finished = asyncio.Event()

    def take(self, update: ConnectionUpdate) -> None:
        match update:
            case CaughtUp():
                self.caught_up.set()
            case EventReceived(event):
                self.disorder += event.seq <= self.board.last_seq
                self.board.apply(event)
                match event.msg:
                    case TextDelta(item_id, delta):
                        self.began = self.began or time.perf_counter()
                        self.deltas[item_id].append(delta)
                    case TurnCompleted():
                        self.ended = time.perf_counter()
                        self.finished.set()
