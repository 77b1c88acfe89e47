"""Checks the teams of the configuration: what is valid, and probably not what is wanted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.provider import check_roles_provider
from codextui.errors import ConfigInvalid
from codextui.teams.config.advice import advise, advise_prices, missing_prices
from codextui.teams.config.reader import load_teams
from codextui.teams.config.team import Team


def find_teams(machine: Machine) -> dict[str, Team]:
    """Return the teams of the configuration; none where they cannot be read."""
    try:
        return load_teams(machine.config_file)
    except ConfigInvalid:
        return {}


def check_teams(machine: Machine) -> Iterator[Finding]:
    """Check every team for what is unwise, and what its roles need to run.

    Their tools are not imported, as `codextui teams check` does: that runs other people's code.
    """
    teams = find_teams(machine)
    if not teams:
        return
    text = read_text(machine.config_file)
    for team in teams.values():
        yield from _check_team(machine, team, text)
    yield from check_roles_provider()


def _check_team(machine: Machine, team: Team, text: str) -> Iterator[Finding]:
    file, prices = machine.config_file, machine.config.prices
    check = shlex.join(["codextui", "teams", "check", team.name])
    for problem in missing_prices(team, prices):
        yield Finding(
            Severity.PROBLEM,
            "teams.prices",
            f"team {team.name} cannot run: {problem}",
            Place(file, line_of(text, f"teams.{team.name}.limits.money")),
            advice="Add the prices, or leave `money` out.",
        )
    place = Place(file, line_of(text, f"teams.{team.name}"))
    advice = (*advise(team), *advise_prices(team, prices))
    for sentence in advice:
        found = f"team {team.name}: {sentence}"
        yield Finding(Severity.ADVICE, "teams.advice", found, place, command=check)
    if not advice:
        yield fine("teams.advice", f"team {team.name}: nothing looks unwise; `{check}` says more")
