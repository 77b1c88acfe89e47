"""What the main screen wants done on the server. The app does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from codextui.screens.new_thread import NewThread


class StartThread(Message):
    """Start a thread."""

    def __init__(self, new: NewThread) -> None:
        super().__init__()
        self.new = new


class SendPrompt(Message):
    """Reply to a thread at rest, or steer a running one."""

    def __init__(self, thread_id: str, prompt: str) -> None:
        super().__init__()
        self.thread_id = thread_id
        self.prompt = prompt


class ForkThread(Message):
    """Fork a thread, through `turn_id` where it is not empty, and send `prompt` likewise."""

    def __init__(self, thread_id: str, turn_id: str = "", prompt: str = "") -> None:
        super().__init__()
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.prompt = prompt


class InterruptTurn(Message):
    """Stop the running turn and its commands."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class KillThread(Message):
    """End a thread for good."""

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id


class OpenApprovals(Message):
    """Show the approval dialog, with this approval first where one is named."""

    def __init__(self, approval_id: str = "") -> None:
        super().__init__()
        self.approval_id = approval_id


class RetryConnection(Message):
    """Try to reach the server now."""


class StopServer(Message):
    """End the server, and the console with it."""
