"""Checks whether a team can run on this machine: its tools, models, prices, gates and folders.

What is wrong in the configuration itself is reported by `codextui.teams.config.reader`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from codextui.config.prices import Prices
from codextui.config.schema import TracesConfig
from codextui.errors import ConfigInvalid
from codextui.teams.config.advice import advise
from codextui.teams.config.team import WEB_SEARCH, Role, Team
from codextui.teams.gates.commands import command_problem, commands_of
from codextui.teams.records.traces import export_problem
from codextui.teams.runner.prices import price_problems
from codextui.teams.runner.provider import model_problem
from codextui.teams.runner.role_tools import check_tool_names, load_tool
from codextui.teams.runner.tool_imports import module_file


class Subject(StrEnum):
    """What a problem is about."""

    TOOLS = "tools"
    MODELS = "models"
    PRICES = "prices"
    GATES = "gates"
    FOLDERS = "folders"
    TRACES = "traces"


@dataclass(frozen=True, slots=True)
class Problem:
    """What prevents a team from running.

    Attributes:
        subject: what it is about.
        key: the dotted key of the configuration that it follows from.
        text: what is wrong and what to do, as a sentence of its own.
    """

    subject: Subject
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class TeamReport:
    """The result of the check of a team.

    Attributes:
        problems: what prevents it from running.
        advice: what is valid, but probably not meant; a sentence each.
    """

    problems: tuple[Problem, ...] = ()
    advice: tuple[str, ...] = ()


def check_team(
    team: Team,
    prices: Prices,
    traces: TracesConfig,
    project: Path,
    *,
    codex_home: Path | None = None,
) -> TeamReport:
    """Check whether a team can run on this machine. Imports the modules of its tools.

    Args:
        team: the team.
        prices: `[prices]`.
        traces: `[traces]`.
        project: the folder in which it would run.
        codex_home: the CODEX_HOME that is configured; None for the environment's.
    """
    problems = (
        *_about_tools(team),
        *_about_models(team),
        *_about_prices(team, prices, codex_home),
        *_about_gates(team, project),
        *_about_folders(team, project),
        *_about_traces(traces),
    )
    advice = (
        *advise(team),
        *_advise_folders(team, project),
        *_advise_web_search(team),
        *_advise_tools_in_project(team, project),
    )
    return TeamReport(problems, advice)


def _about_tools(team: Team) -> Iterator[Problem]:
    for role in team.roles.values():
        loaded = []
        for name in role.tools:
            try:
                loaded.append(load_tool(role, name, team.folder))
            except ConfigInvalid as error:
                yield Problem(Subject.TOOLS, _key(team, role, "tools"), str(error))
        try:
            check_tool_names(role, loaded)
        except ConfigInvalid as error:
            yield Problem(Subject.TOOLS, _key(team, role, "tools"), str(error))


def _about_models(team: Team) -> Iterator[Problem]:
    by_problem: dict[str, list[Role]] = {}
    for role in team.roles.values():
        if problem := model_problem(role):
            by_problem.setdefault(problem, []).append(role)
    for problem, roles in by_problem.items():
        names = ", ".join(role.name for role in roles)
        text = f"the model of {names} cannot be used: {problem}"
        yield Problem(Subject.MODELS, _key(team, roles[0], "model"), text)


def _about_prices(team: Team, prices: Prices, codex_home: Path | None) -> Iterator[Problem]:
    for text in price_problems(team, prices, codex_home):
        yield Problem(Subject.PRICES, f"teams.{team.name}.limits.money", text)


def _about_gates(team: Team, project: Path) -> Iterator[Problem]:
    for role in team.roles.values():
        for command in commands_of(role):
            if problem := command_problem(command, project):
                text = f"`{command.line}`, which {role.name} waits for, {problem}"
                yield Problem(Subject.GATES, _key(team, role, "requires"), text)


def _about_folders(team: Team, project: Path) -> Iterator[Problem]:
    for role in team.roles.values():
        folder = project / role.cwd
        if folder.exists() and not folder.is_dir():
            text = f"{role.name} would work in {folder}, which is no folder"
        elif not folder.resolve().is_relative_to(project.resolve()):
            text = f"{role.name} would work in {folder}, a link that leads out of the project"
        else:
            continue
        yield Problem(Subject.FOLDERS, _key(team, role, "cwd"), text)


def _about_traces(traces: TracesConfig) -> Iterator[Problem]:
    if problem := export_problem(traces):
        yield Problem(Subject.TRACES, "traces.export", problem)


def _advise_folders(team: Team, project: Path) -> Iterator[str]:
    missing: Mapping[str, Role] = {
        role.cwd: role for role in team.roles.values() if not (project / role.cwd).exists()
    }
    for folder, role in missing.items():
        yield (
            f"{role.name} works in {folder}, which is not in {project}: make the folder, or say "
            "by -C where the project is"
        )


def _advise_web_search(team: Team) -> Iterator[str]:
    url = os.environ.get("OPENAI_BASE_URL", "")
    searching = [role.name for role in team.roles.values() if WEB_SEARCH in role.tools]
    if url and searching and "openai.com" not in url:
        yield (
            f"{', '.join(searching)} may search the web, which OpenAI itself does: ask whether "
            f"{url} does it, too"
        )


def _advise_tools_in_project(team: Team, project: Path) -> Iterator[str]:
    """Yield the modules of tools that the team's own agents may change."""
    roles = team.roles.values()
    if Path.home().is_relative_to(project) or not any(
        role.codex and role.sandbox != "read-only" for role in roles
    ):
        return
    tools = dict.fromkeys(tool for role in roles for tool in role.tools if ":" in tool)
    for file in dict.fromkeys(filter(None, map(module_file, tools))):
        if file.resolve().is_relative_to(project):
            yield (
                f"{file} is imported by the run, outside of every sandbox, and agents may change "
                "it: keep tools outside of the project"
            )


def _key(team: Team, role: Role, name: str) -> str:
    return f"teams.{team.name}.roles.{role.name}.{name}"
