"""The plan of a run. Imports no Agents SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codextui.config.prices import Prices
from codextui.config.schema import TracesConfig
from codextui.teams.config.team import Mode, Team


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What `run_team` runs.

    Attributes:
        team: the team.
        task: the task that the team is given.
        project: the folder of the project, absolute.
        mode: how the roles are run.
        prices: what tokens cost.
        traces: what is traced, and where traces are exported to.
    """

    team: Team
    task: str
    project: Path
    mode: Mode
    prices: Prices = field(default_factory=Prices)
    traces: TracesConfig = field(default_factory=TracesConfig)
