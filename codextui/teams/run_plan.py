"""What is to be run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codextui.teams.team import Mode, Team


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is to be run.

    Attributes:
        team: who.
        task: what they are asked to do.
        project: where; absolute.
        mode: how.
    """

    team: Team
    task: str
    project: Path
    mode: Mode
