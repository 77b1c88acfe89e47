"""Recorded runs of teams, read from their folders: running, ended, or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codextui.config.prices import Prices
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import RunEventKind, Span
from codextui.teams.config.team import Limits
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import CUT_OFF, EVENTS_FILE, read_end
from codextui.teams.records.spans import end_open_spans, read_spans
from codextui.teams.records.store import RunStore, read_json_lines

RUNNING = "running"
"""The state of a run that a process is running."""

_HANDOFF_KINDS = (RunEventKind.HANDED_OFF, RunEventKind.HANDOFF_REFUSED, RunEventKind.SENT_BACK)


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as recorded in its folder.

    Attributes:
        store: the run's folder.
        state: `running`, `done`, `failed`, `gate`, `person`, `budget` or `cut off`.
        team: the team's name.
        mode: how the roles were run.
        project: the path of the project.
        task: the task that the team was given.
        started_at: unix seconds.
        ended_at: unix seconds, None if no end was recorded.
        end_text: how it ended, in words.
        budget: what it cost.
    """

    store: RunStore
    state: str
    team: str
    mode: str
    project: str
    task: str
    started_at: float
    ended_at: float | None
    end_text: str
    budget: Budget

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.store.run_id

    def to_json(self) -> dict[str, object]:
        """Return the run as `--json` prints it."""
        return {
            "run": self.run_id,
            "state": self.state,
            "team": self.team,
            "mode": self.mode,
            "project": self.project,
            "task": self.task,
            "began_at": self.started_at,
            "ended_at": self.ended_at,
            "ended": self.end_text,
        }

    def events(self) -> Iterator[JsonObject]:
        """Yield the recorded events. Raises ConfigInvalid."""
        return read_json_lines(self.store.folder / EVENTS_FILE)

    def handoffs(self) -> list[JsonObject]:
        """Return the events of handoffs, refused handoffs and roles sent back.

        Raises ConfigInvalid.
        """
        return [event for event in self.events() if event.get("kind") in _HANDOFF_KINDS]

    def spans(self) -> tuple[Span, ...]:
        """Return the spans; those that a killed process left open are ended.

        Raises ConfigInvalid.
        """
        spans = read_spans(self.store.folder)
        if self.state == RUNNING:
            return spans
        ended = {span.span_id: span for span in end_open_spans(spans)}
        return tuple(ended.get(span.span_id, span) for span in spans)

    def export(self) -> Iterator[JsonObject]:
        """Yield all that is recorded, as objects whose `type` is `run`, `span` or `happening`.

        Raises ConfigInvalid.
        """
        yield {"type": "run", **self.to_json(), "costs": self.budget.report()}
        for span in self.spans():
            yield {"type": "span", **span.to_json()}
        for event in self.events():
            yield {"type": "happening", **event}


def read_run(store: RunStore, prices: Prices) -> RecordedRun:
    """Read a run from its folder.

    Args:
        store: the run's folder.
        prices: used if the run recorded no prices of its own.

    Raises:
        ConfigInvalid: a file cannot be read, or has not the expected shape.
    """
    with store.reading("prices") as recorded:
        recorded_prices = Prices.from_json(recorded or {"currency": ""})
    with store.reading("spent") as recorded:
        budget = Budget(Limits(), recorded, recorded_prices if recorded_prices.models else prices)
    end = read_end(store)
    state = RUNNING if store.is_running() else end.outcome.replace("_", " ")
    ended = state not in (RUNNING, CUT_OFF.replace("_", " "))
    with store.reading("run") as plan:
        return RecordedRun(
            store=store,
            state=state,
            team=fields.text_or(plan, "team"),
            mode=fields.text_or(plan, "mode"),
            project=fields.text_or(plan, "project"),
            task=fields.text_or(plan, "task"),
            started_at=_started_at(store),
            ended_at=end.at if ended else None,
            end_text=end.text if ended else "",
            budget=budget,
        )


def _started_at(store: RunStore) -> float:
    first: JsonObject = next(read_json_lines(store.folder / EVENTS_FILE), {})
    try:
        return fields.number_or(first, "at") or store.created_at
    except MessageInvalid:
        return store.created_at
