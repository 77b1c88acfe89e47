"""What happens in a run, as it is told to whoever watches."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from codextui.wire.fields import JsonObject


class Kind(StrEnum):
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
class Happening:
    """Something that happened in a run.

    Attributes:
        kind: what.
        role: whom it concerns; empty for the run as a whole.
        text: in words, for a person; not made safe for a terminal.
        data: the same for a program.
    """

    kind: Kind
    role: str = ""
    text: str = ""
    data: JsonObject = field(default_factory=dict)

    def to_wire(self) -> dict[str, object]:
        """One line of `--json`."""
        return {"kind": self.kind, "role": self.role, "text": self.text, **self.data}
