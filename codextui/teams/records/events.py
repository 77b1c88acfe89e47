"""The events of a run, how a run ends, and the log in the run's folder.

`codextui run --json` prints the events as they happen, and `codextui runs export` from the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from codextui.errors import CodextuiError
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.codec import Message
from codextui.protocol.runs import RunEventKind
from codextui.teams.records.store import JsonLinesFile, RunStore

EVENTS_FILE = "happenings.jsonl"
"""The log in a run's folder: lines of `{at, kind, role, text, …}`, `at` in unix seconds.

Its name, and the `happening` of exports, are those of earlier releases.
"""

CUT_OFF = "cut_off"
"""The recorded outcome of a run that has no end yet: it is running, or was killed."""

_PART = "end"
_MAX_TEXT = 2000


class RunOutcome(IntEnum):
    """How a run ended; the value is the exit code of `codextui run`.

    Where a signal or a broken pipe interrupted the run, the exit code is that of the signal.
    """

    DONE = 0
    FAILED = 4
    GATE = 6
    PERSON = 7
    BUDGET = 8
    INTERRUPTED = 130

    @property
    def description(self) -> str:
        """The outcome in words."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    RunOutcome.DONE: "done",
    RunOutcome.FAILED: "failed",
    RunOutcome.GATE: "a gate was never met",
    RunOutcome.PERSON: "a person is needed",
    RunOutcome.BUDGET: "a limit was reached",
    RunOutcome.INTERRUPTED: "interrupted",
}


class RunStopped(CodextuiError):
    """Raised when a run cannot continue.

    Attributes:
        outcome: how the run ends.
    """

    def __init__(self, outcome: RunOutcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run.

    Attributes:
        kind: what happened.
        role: the role concerned; empty for the run as a whole.
        text: a description for people; not sanitized for terminals.
        data: the same for programs.
        at: unix seconds.
    """

    kind: RunEventKind
    role: str = ""
    text: str = ""
    data: JsonObject = field(default_factory=dict)
    at: float = field(default_factory=time.time, compare=False)

    def to_json(self) -> dict[str, object]:
        """Return the event as a line of `--json`, and of the log."""
        return {
            "at": self.at,
            "kind": self.kind,
            "role": self.role,
            "text": self.text,
            **self.data,
        }


class RunLog(JsonLinesFile):
    """Records the events of a run, and how it ended.

    Args:
        store: the run's folder.
        on_error: called once, with the reason why events are missing from now on.
    """

    def __init__(self, store: RunStore, on_error: Callable[[str], None] | None = None) -> None:
        super().__init__(store.folder / EVENTS_FILE, on_error)
        self._store = store

    def record(self, event: RunEvent) -> None:
        """Append an event; the first and the last one of a run also set its recorded end."""
        self.append(event.to_json())
        match event.kind:
            case RunEventKind.RUN_STARTED | RunEventKind.RUN_RESUMED:
                self._record_end(RecordedEnd(CUT_OFF, event.at))
            case RunEventKind.RUN_ENDED:
                outcome = fields.text_or(event.data, "outcome")
                self._record_end(RecordedEnd(outcome, event.at, event.text[:_MAX_TEXT]))
            case _:
                pass

    def _record_end(self, end: RecordedEnd) -> None:
        try:
            self._store.write(_PART, end.to_json())
        except OSError as error:
            self._fail(f"how the run ended cannot be stored: {error.strerror}")


class RecordedEnd(Message, frozen=True):
    """How a run ended, as recorded by its log.

    Attributes:
        outcome: a `RunOutcome` in lower case, or `cut_off` if no end was recorded.
        at: unix seconds; of the start if no end was recorded.
        text: a description for people.
    """

    outcome: str = CUT_OFF
    at: float = 0.0
    text: str = ""


def read_end(store: RunStore) -> RecordedEnd:
    """Return how a run ended. Raises ConfigInvalid."""
    with store.reading(_PART) as recorded:
        return RecordedEnd.from_json(recorded)
