"""What the dialogs tell the app while they stay open."""

from __future__ import annotations

from textual.message import Message

from codextui.wire.decision import Decision


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
