"""`codextui teams`: lists teams, adds one, and checks one of them."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from codextui.commands.config import load_whole
from codextui.commands.output import print_json, print_line, print_table, wrap_line
from codextui.config import paths
from codextui.config.readers import suggest
from codextui.config.schema import load_config
from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.errors import ConfigInvalid
from codextui.teams.config.team import Artifact, Limits, Role, Team
from codextui.text.sanitize import one_line

if TYPE_CHECKING:
    from codextui.teams.runner.check import Problem, TeamReport

_INDENT = 4
_PROBLEM_LIMIT = 2000
"""Characters of a problem that are printed; it may name many folders."""


def list_teams(options: argparse.Namespace) -> int:
    """Print the teams of the configuration."""
    file = paths.config_path(options.config).absolute()
    _, teams = load_whole(file)
    if options.json:
        for team in teams.values():
            print_json(_to_json(team))
        return 0
    if not teams:
        print_line(f"no teams in {one_line(str(file))}: `codextui teams new NAME` adds a small one")
        return 0
    rows = [
        (one_line(team.name), str(team.mode), ", ".join(team.roles), one_line(team.about))
        for team in teams.values()
    ]
    print_table(("TEAM", "MODE", "ROLES", "ABOUT"), rows)
    return 0


def check_named_team(options: argparse.Namespace) -> int:
    """Print a team's roles and gates, what prevents it from running here, and advice.

    Returns:
        2 if something prevents it from running, else 0.
    """
    from codextui.teams.runner.check import check_team  # noqa: PLC0415 - the Agents SDK

    file = paths.config_path(options.config)
    config, teams = load_whole(file)
    team = find_team(teams, options.team)
    project = (options.cwd or Path.cwd()).resolve()
    if not project.is_dir():
        raise ConfigInvalid(f"{project} is no folder")
    report = check_team(team, config.prices, config.traces, project, codex_home=config.codex.home)
    if options.json:
        print_json({**_to_json(team), **_report_to_json(report, file)})
    else:
        _print_team(team)
        _print_report(report, file)
    return 2 if report.problems else 0


def add_new_team(options: argparse.Namespace) -> int:
    """Add a small team to the configuration, check it, and print what to type next."""
    from codextui.teams.config.new_team import add_team  # noqa: PLC0415 - only for this command
    from codextui.teams.runner.check import check_team  # noqa: PLC0415 - the Agents SDK

    file = options.config or paths.config_path()  # which need not be there
    if file.exists():
        paths.config_path(file)
    load_whole(file)
    team = add_team(file, options.team)
    config = load_config(file)
    report = check_team(
        team, config.prices, config.traces, Path.cwd(), codex_home=config.codex.home
    )
    where = ["--config", str(options.config)] if options.config is not None else []
    following = shlex.join(["codextui", "run", *where, team.name, "what to build"])
    checking = shlex.join(["codextui", "teams", "check", *where, team.name])
    if options.json:
        added = {"team": team.name, "file": str(file), "roles": list(team.roles)}
        print_json({**added, **_report_to_json(report, file), "next": following})
        return 0
    roles = ", ".join(team.roles)
    print_line(f"added the team {team.name} ({roles}) to {one_line(str(file))}")
    if report.problems or report.advice:
        _print_report(report, file)
    print_line("next, in the folder of your project:")
    print_line(f"  {one_line(following)}")
    print_line(f"change its instructions and roles in the file; `{one_line(checking)}` explains it")
    return 0


def _print_team(team: Team) -> None:
    print_line(f"{one_line(team.name)}: {one_line(team.about) or 'a team'}")
    print_line(f"mode {team.mode}; {_describe_limits(team.limits)}")
    for route in team.routes:
        about = f" ({one_line(route.about)})" if route.about else ""
        print_line(f"work of the kind {route.work} goes to {one_line(route.model)}{about}")
    print_line()
    for role in team.roles.values():
        _print_role(team, role)


def _print_report(report: TeamReport, file: Path) -> None:
    if report.problems:
        print_line("what prevents it from running here:")
    for problem in report.problems:
        place = f"{file}:{_line(problem, file)}"
        text = f"  - {one_line(place)}: {one_line(problem.text, _PROBLEM_LIMIT)}"
        print_line(wrap_line(text, _INDENT))
    print_line("advice:" if report.advice else "no advice: nothing looks unwise")
    for line in report.advice:
        print_line(wrap_line(f"  - {one_line(line)}", _INDENT))


def _report_to_json(report: TeamReport, file: Path) -> dict[str, object]:
    problems = [
        {
            "subject": str(problem.subject),
            "file": str(file),
            "line": _line(problem, file),
            "key": problem.key,
            "text": problem.text,
        }
        for problem in report.problems
    ]
    return {"problems": problems, "advice": list(report.advice)}


def _line(problem: Problem, file: Path) -> int:
    return line_of(read_text(file), problem.key)


def find_team(teams: dict[str, Team], name: str) -> Team:
    """Return the team of that name. Raises ConfigInvalid if there is none."""
    if name in teams:
        return teams[name]
    there = (
        suggest(name, list(teams)) if teams else f": `codextui teams new {name}` adds a small one"
    )
    raise ConfigInvalid(f"there is no team {name!r}{there}")


def _print_role(team: Team, role: Role) -> None:
    entry = " (gets the task)" if role.name == team.entry else ""
    print_line(f"{role.name}{entry}{f': {one_line(role.about)}' if role.about else ''}")
    print_line(f"  model {_describe_model(role)}")
    if role.codex:
        rights = f"{role.sandbox}, approvals {role.approval_policy}, in {one_line(role.cwd)}"
        print_line(f"  codex {rights}; its model {_describe_codex_model(team, role)}")
    else:
        print_line("  no codex")
    for tool in role.tools:
        asked = ", after a person's approval" if role.needs_approval(tool) else ""
        print_line(f"  tool {one_line(tool)}{asked}")
    if role.writes:
        print_line(f"  may write {one_line(', '.join(role.writes))}, by the tool write_file")
    for needed in role.requires:
        makers = team.producers(needed)
        source = f" from {' or '.join(makers)}" if makers else ""
        there_is = "there is " if isinstance(needed, Artifact) else ""
        print_line(f"  begins once {there_is}{one_line(str(needed))}{source}")
    for made in role.produces:
        print_line(f"  is done once there is {one_line(str(made))}")
    if role.handoffs:
        print_line(f"  hands off to {', '.join(role.handoffs)}")
    print_line()


def _describe_model(role: Role) -> str:
    work = f" (for {role.work} work)" if role.work else ""
    effort = f", effort {role.effort}" if role.effort else ""
    return f"{one_line(role.model) or 'default'}{work}{effort}"


def _describe_codex_model(team: Team, role: Role) -> str:
    if role.codex_model:
        return f"{one_line(role.codex_model)} (for {role.codex_work} work)"
    if team.routes:
        return f"as it says: {', '.join(route.work for route in team.routes)} work, or default"
    return "as it says, or default"


def _describe_limits(limits: Limits) -> str:
    parts = [
        f"{f'{value:,}'.removesuffix('.0')} {name}"
        for name, value in (
            ("turns", limits.turns),
            ("tokens", limits.tokens),
            ("minutes", limits.minutes),
            ("in money", limits.money),
        )
        if value
    ]
    return f"at most {', '.join(parts)}" if parts else "no limits"


def _to_json(team: Team) -> dict[str, object]:
    return {
        "team": team.name,
        "about": team.about,
        "mode": str(team.mode),
        "entry": team.entry,
        "models": {route.work: route.model for route in team.routes},
        "roles": {
            role.name: {
                "model": role.model,
                "work": role.work,
                "codex_model": role.codex_model,
                "codex_work": role.codex_work,
                "tools": list(role.tools),
                "approved_tools": [tool for tool in role.tools if role.needs_approval(tool)],
                "codex": role.codex,
                "sandbox": role.sandbox,
                "approval_policy": role.approval_policy,
                "writes": list(role.writes),
                "handoffs": list(role.handoffs),
                "requires": [str(one) for one in role.requires],
                "produces": [str(one) for one in role.produces],
            }
            for role in team.roles.values()
        },
    }
