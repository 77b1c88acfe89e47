"""What the main screen wants done on the server. The app does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from codextui.protocol.runs import RoleAction

if TYPE_CHECKING:
    from codextui.console.screens.new_thread import NewThread
from codextui.protocol.decisions import Decision


class ServerRequest(Message):
    """Something that the server is to do; `what` says it after "Could not"."""

    what: ClassVar[str]


class StartThread(ServerRequest):
    """Start a thread."""

    what = "start the thread"

    def __init__(self, new: NewThread) -> None:
        super().__init__()
        self.new = new


class SendPrompt(ServerRequest):
    """Reply to a thread at rest, or steer a running one."""

    what = "send the prompt"

    def __init__(self, thread_id: str, prompt: str) -> None:
        super().__init__()
        self.thread_id = thread_id
        self.prompt = prompt


class ForkThread(ServerRequest):
    """Fork a thread, through `turn_id` where it is not empty, and send `prompt` likewise."""

    what = "fork the thread"

    def __init__(self, thread_id: str, turn_id: str = "", prompt: str = "") -> None:
        super().__init__()
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.prompt = prompt


class InterruptTurn(ServerRequest):
    """Stop the running turn and its commands."""

    what = "interrupt the turn"

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class KillThread(ServerRequest):
    """End a thread for good."""

    what = "kill the thread"

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class DirectRole(ServerRequest):
    """Ask something of a role, or, on a run's own row, of all its roles."""

    what = "ask that"

    def __init__(self, thread_id: str, action: RoleAction, text: str = "") -> None:
        super().__init__()
        self.thread_id = thread_id
        self.action = action
        self.text = text


class OpenApprovals(Message):
    """Show the approval dialog, with this approval first where one is named."""

    def __init__(self, approval_id: str = "") -> None:
        super().__init__()
        self.approval_id = approval_id


class RetryConnection(Message):
    """Try to reach the server now."""


class StopServer(ServerRequest):
    """End the server, and the console with it."""

    what = "stop the server"


class ApprovalDecided(Message):
    """A person decided. The app sends it on; the dialog shows the next approval at once."""

    def __init__(self, approval_id: str, decision: Decision) -> None:
        super().__init__()
        self.approval_id = approval_id
        self.decision = decision


class ThreadOpened(Message):
    """A person wants to see the thread that an approval belongs to. The dialog is closed."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id
