"""Events as a server would number them."""

from __future__ import annotations

from codextui.console.model.items import TranscriptItem
from codextui.console.model.state import Changes, ConsoleState
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.events import Event, Msg
from codextui.protocol.threads import ThreadInfo, ThreadState


class Server:
    """Numbers messages and applies them to a board."""

    def __init__(self) -> None:
        self.board = ConsoleState()
        self.board.connect(fresh=True)
        self.sent: list[Event] = []

    def say(self, msg: Msg, *, thread: str = "t1", turn: str = "u1", at: float = 100.0) -> Changes:
        event = Event(len(self.sent) + 1, thread, turn, at, msg)
        self.sent.append(event)
        return self.board.apply(event)

    def items(self, thread: str = "t1") -> list[TranscriptItem]:
        return self.board.threads[thread].transcript.items

    def bodies(self, thread: str = "t1") -> list[object]:
        return [item.body for item in self.items(thread)]


def info(thread_id: str = "t1", **changes: object) -> ThreadInfo:
    values: dict[str, object] = {
        "thread_id": thread_id,
        "handle": thread_id,
        "state": ThreadState.RUNNING,
    }
    return ThreadInfo(**(values | changes))  # type: ignore[arg-type]


def approval(approval_id: str = "a1", **changes: object) -> Approval:
    values: dict[str, object] = {
        "approval_id": approval_id,
        "thread_id": "t1",
        "turn_id": "u1",
        "item_id": "i1",
        "handle": "t1",
        "asked_at": 100.0,
        "asked": CommandAsked("git push"),
    }
    return Approval(**(values | changes))  # type: ignore[arg-type]


def user(text: str, item_id: str = "m1") -> dict[str, object]:
    return {"type": "userMessage", "id": item_id, "content": [{"type": "text", "text": text}]}


def agent(text: str, item_id: str = "m2") -> dict[str, object]:
    return {"type": "agentMessage", "id": item_id, "text": text}


def command(item_id: str = "c1", **changes: object) -> dict[str, object]:
    return {
        "type": "commandExecution",
        "id": item_id,
        "command": "ls",
        "commandActions": [],
        "cwd": "/w",
        "status": "inProgress",
    } | changes
