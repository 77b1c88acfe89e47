"""A server that numbers events, builders of what it sends, and a search for an item."""

from __future__ import annotations

from codextui.console.model.changes import Changes
from codextui.console.model.items import ItemContent, TranscriptItem
from codextui.console.model.state import ConsoleState
from codextui.console.model.transcript import Transcript
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.events import Event, Msg
from codextui.protocol.threads import ThreadInfo, ThreadState


class FakeServer:
    """Numbers messages and applies them to a connected console's state."""

    def __init__(self) -> None:
        self.state = ConsoleState()
        self.state.set_connected(fresh=True)
        self.sent: list[Event] = []

    def send(self, msg: Msg, *, thread: str = "t1", turn: str = "u1", at: float = 100.0) -> Changes:
        event = Event(len(self.sent) + 1, thread, turn, at, msg)
        self.sent.append(event)
        return self.state.apply(event)

    def items(self, thread: str = "t1") -> list[TranscriptItem]:
        return self.state.threads[thread].transcript.items

    def contents(self, thread: str = "t1") -> list[ItemContent]:
        return [item.content for item in self.items(thread)]


def find_item(transcript: Transcript, turn_id: str, item_id: str) -> TranscriptItem | None:
    key = (turn_id, item_id)
    return next((one for one in transcript.items if (one.turn_id, one.item_id) == key), None)


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
