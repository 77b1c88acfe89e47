"""A run of a team as its folder tells of it, whether it goes on, is over, or was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codextui.config.prices import Prices
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import Span
from codextui.teams.config.team import Limits
from codextui.teams.records import events as chronicle
from codextui.teams.records import spans
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEventKind
from codextui.teams.records.files import read_lines
from codextui.teams.records.store import RunStore

RUNNING = "running"

_ABOUT_HANDOFFS = (RunEventKind.HANDED_OFF, RunEventKind.HANDOFF_REFUSED, RunEventKind.SENT_BACK)


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run that is kept.

    Attributes:
        store: where.
        state: `running`, `done`, `failed`, `gate`, `person`, `budget` or `cut off`.
        team: the team's name.
        mode: how it ran.
        project: its folder.
        task: what it was asked to do.
        began_at: unix seconds.
        ended_at: unix seconds, None where it was not seen to end.
        ended: how it ended, in words.
        budget: what it cost.
    """

    store: RunStore
    state: str
    team: str
    mode: str
    project: str
    task: str
    began_at: float
    ended_at: float | None
    ended: str
    budget: Budget

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.store.run_id

    def to_wire(self) -> dict[str, object]:
        """What `--json` tells of it."""
        return {
            "run": self.run_id,
            "state": self.state,
            "team": self.team,
            "mode": self.mode,
            "project": self.project,
            "task": self.task,
            "began_at": self.began_at,
            "ended_at": self.ended_at,
            "ended": self.ended,
        }

    def happenings(self) -> Iterator[JsonObject]:
        """What happened, as far as it was kept. Raises ConfigInvalid."""
        return read_lines(self.store.folder / chronicle.FILE)

    def handoffs(self) -> list[JsonObject]:
        """The handoffs, those that were refused, and whom it sent back. Raises ConfigInvalid."""
        return [line for line in self.happenings() if line.get("kind") in _ABOUT_HANDOFFS]

    def spans(self) -> tuple[Span, ...]:
        """What its time went into; in a run that nobody runs all is over. Raises ConfigInvalid."""
        known = spans.read_spans(self.store.folder)
        if self.state == RUNNING:
            return known
        ended = {span.span_id: span for span in spans.cut_off(known)}
        return tuple(ended.get(span.span_id, span) for span in known)

    def lines(self) -> Iterator[JsonObject]:
        """All that is known of it: `type` is `run`, `span` or `happening`. Raises ConfigInvalid."""
        yield {"type": "run", **self.to_wire(), "costs": self.budget.report()}
        for span in self.spans():
            yield {"type": "span", **span.to_json()}
        for happening in self.happenings():
            yield {"type": "happening", **happening}


def read_run(store: RunStore, prices: Prices) -> KeptRun:
    """Read a run.

    Args:
        store: where it is kept.
        prices: what tokens cost, where the run did not keep any of its own time.

    Raises:
        ConfigInvalid, WireInvalid: what was kept cannot be read.
    """
    about = store.read("run") or {}
    kept = Prices.parse(store.read("prices") or {"currency": ""})
    end = chronicle.read_end(store)
    state = RUNNING if store.is_running() else end.outcome.replace("_", " ")
    over = state not in (RUNNING, chronicle.CUT_OFF.replace("_", " "))
    return KeptRun(
        store=store,
        state=state,
        team=fields.text_or(about, "team"),
        mode=fields.text_or(about, "mode"),
        project=fields.text_or(about, "project"),
        task=fields.text_or(about, "task"),
        began_at=_began_at(store),
        ended_at=end.at if over else None,
        ended=end.text if over else "",
        budget=Budget(Limits(), store.read("spent"), kept if kept.models else prices),
    )


def _began_at(store: RunStore) -> float:
    first: JsonObject = next(read_lines(store.folder / chronicle.FILE), {})
    try:
        return fields.number_or(first, "at") or store.written_at
    except MessageInvalid:
        return store.written_at
