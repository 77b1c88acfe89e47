"""A thread as a screen shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from codextui.console.model.transcript import Transcript
from codextui.protocol.events import PlanUpdated
from codextui.protocol.threads import ThreadInfo


@dataclass(slots=True)
class ThreadView:
    """A thread: its row, its transcript, and what belongs to its running or last turn.

    Attributes:
        info: the whole row as the server last told it.
        transcript: what was said and done.
        plan: the plan of the running or last turn, None where it has none.
        diff: the unified diff of the running or last turn, empty where there is none.
        last_tokens: tokens of the last model call, 0 where unknown: how full the window is.
    """

    info: ThreadInfo
    transcript: Transcript = field(default_factory=Transcript)
    plan: PlanUpdated | None = None
    diff: str = ""
    last_tokens: int = 0

    @property
    def thread_id(self) -> str:
        """Codex's id."""
        return self.info.thread_id
