"""Checks the teams of the configuration: what is valid, and probably not what is wanted."""

from __future__ import annotations

from collections.abc import Iterator

from codextui.config.tables import line_of, read_text
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.provider import check_roles_provider
from codextui.errors import ConfigInvalid
from codextui.teams.config.advice import advise, advise_prices
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Team


def find_teams(machine: Machine) -> dict[str, Team]:
    """Return the teams of the configuration; none where they cannot be read."""
    try:
        return load_teams(machine.config_file)
    except ConfigInvalid:
        return {}


def check_teams(machine: Machine) -> Iterator[Finding]:
    """Check every team for what is unwise, and what its roles need to run."""
    teams = find_teams(machine)
    if not teams:
        return
    text = read_text(machine.config_file)
    for name, team in teams.items():
        place = Place(machine.config_file, line_of(text, f"teams.{name}"))
        advice = (*advise(team), *advise_prices(team, machine.config.prices))
        for sentence in advice:
            yield Finding(
                Severity.ADVICE,
                "teams.advice",
                f"team {name}: {sentence}",
                place,
                command=f"codextui teams check {name}",
            )
        if not advice:
            yield fine("teams.advice", f"team {name}: nothing looks unwise", machine.config_file)
    yield from check_roles_provider()
