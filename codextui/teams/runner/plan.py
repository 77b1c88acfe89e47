"""What is to be run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codextui.config.prices import Prices
from codextui.config.schema import TracesConfig
from codextui.teams.config.team import Mode, Team


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is to be run.

    Attributes:
        team: who.
        task: what they are asked to do.
        project: where; absolute.
        mode: how.
        prices: what tokens cost.
        traces: where traces go.
    """

    team: Team
    task: str
    project: Path
    mode: Mode
    prices: Prices = field(default_factory=Prices)
    traces: TracesConfig = field(default_factory=TracesConfig)
