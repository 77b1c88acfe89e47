"""What happened in a run, kept in its folder for whoever asks later."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from codextui.teams.happening import Happening, Kind
from codextui.teams.line_file import LineFile
from codextui.teams.run_store import RunStore
from codextui.wire import fields
from codextui.wire.fields import JsonObject

FILE = "happenings.jsonl"
"""The file of happenings in a run's folder: `{at, kind, role, text, …}`, `at` in unix seconds."""

CUT_OFF = "cut_off"
"""The outcome of a run that was not seen to end."""

_PART = "end"
_LONGEST_TEXT = 2000


class Chronicle(LineFile):
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

    def tell(self, happening: Happening) -> None:
        """Keep a happening."""
        at = self._clock()
        self.append({"at": at, **happening.to_wire()})
        match happening.kind:
            case Kind.RUN_STARTED | Kind.RUN_RESUMED:
                self._store.write(_PART, {"outcome": CUT_OFF, "at": at})
            case Kind.RUN_ENDED:
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
