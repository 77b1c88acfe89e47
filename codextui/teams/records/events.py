"""What happens in a run, as it is told to whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.teams.records.files import LineFile
from codextui.teams.records.store import RunStore


class RunEventKind(StrEnum):
    """The kinds of what happens."""

    RUN_STARTED = "run_started"
    RUN_RESUMED = "run_resumed"
    ROLE_STARTED = "role_started"
    ROLE_SAID = "role_said"
    TOOL_CALLED = "tool_called"
    TOOL_ANSWERED = "tool_answered"
    HANDED_OFF = "handed_off"
    HANDOFF_REFUSED = "handoff_refused"
    SENT_BACK = "sent_back"
    ROLE_FINISHED = "role_finished"
    ROLE_STALE = "role_stale"
    PERSON_NEEDED = "person_needed"
    PERSON_DECIDED = "person_decided"
    ROLE_DIRECTED = "role_directed"
    MESSAGE_READ = "message_read"
    TROUBLE = "trouble"
    RUN_ENDED = "run_ended"


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run.

    Attributes:
        kind: what.
        role: whom it concerns; empty for the run as a whole.
        text: in words, for a person; not made safe for a terminal.
        data: the same for a program.
    """

    kind: RunEventKind
    role: str = ""
    text: str = ""
    data: JsonObject = field(default_factory=dict)

    def to_wire(self) -> dict[str, object]:
        """One line of `--json`."""
        return {"kind": self.kind, "role": self.role, "text": self.text, **self.data}


FILE = "happenings.jsonl"
"""The file of happenings in a run's folder: `{at, kind, role, text, …}`, `at` in unix seconds."""

CUT_OFF = "cut_off"
"""The outcome of a run that was not seen to end."""

_PART = "end"
_LONGEST_TEXT = 2000


class RunLog(LineFile):
    """Keeps what happens, and how the run ended.

    Args:
        store: the run's.
        on_trouble: is told why happenings are missing from now on.
        clock: unix seconds.
    """

    def __init__(
        self,
        store: RunStore,
        on_trouble: Callable[[str], None] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(store.folder / FILE, on_trouble)
        self._store = store
        self._clock = clock

    def tell(self, happening: RunEvent) -> None:
        """Keep a happening."""
        at = self._clock()
        self.append({"at": at, **happening.to_wire()})
        match happening.kind:
            case RunEventKind.RUN_STARTED | RunEventKind.RUN_RESUMED:
                self._store.write(_PART, {"outcome": CUT_OFF, "at": at})
            case RunEventKind.RUN_ENDED:
                outcome = fields.text_or(happening.data, "outcome")
                text = happening.text[:_LONGEST_TEXT]
                self._store.write(_PART, {"outcome": outcome, "at": at, "text": text})
            case _:
                pass


@dataclass(frozen=True, slots=True)
class KeptEnd:
    """How a run ended.

    Attributes:
        outcome: `done`, `failed`, `gate`, `person`, `budget`, or `cut_off` where it was not
            seen to end; also while it goes on.
        at: unix seconds; when it began where it was cut off.
        text: in words.
    """

    outcome: str = CUT_OFF
    at: float = 0.0
    text: str = ""


def read_end(store: RunStore) -> KeptEnd:
    """How a run ended, as far as that is kept. Raises ConfigInvalid, WireInvalid."""
    kept: JsonObject = store.read(_PART) or {}
    return KeptEnd(
        outcome=fields.text_or(kept, "outcome", CUT_OFF),
        at=fields.number_or(kept, "at"),
        text=fields.text_or(kept, "text"),
    )
