"""Reads `[teams.NAME]` of config.toml strictly, as `codextui.teams.config.team` describes it.

`config.example.toml` documents every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codextui.config.readers import Reader, read_string, suggest
from codextui.config.tables import ConfigFile, Table, TableReader, keys_of
from codextui.errors import ConfigInvalid
from codextui.teams.config.team import (
    WEB_SEARCH,
    Artifact,
    Role,
    Team,
    check_name,
    find_cycle,
    find_route,
    read_route,
)

ROLE_KEYS: Mapping[str, Reader | TableReader] = {
    **keys_of(Role),
    "instructions_file": read_string,
}
"""The keys of `[teams.NAME.roles.ROLE]`."""

_OWN_KEYS = {
    *("about", "instructions", "instructions_file", "handoffs"),
    *("requires", "produces", "writes"),
}
_DEFAULTS_KEYS = {name: reader for name, reader in ROLE_KEYS.items() if name not in _OWN_KEYS}
_TABLES = ("defaults", "models", "roles")
_NO_TABLE = "must be a table: [{key}]"


def load_teams(path: Path | None) -> dict[str, Team]:
    """Load the teams of a configuration file; none if there is no such file.

    Raises:
        ConfigInvalid: with a line for every mistake: `FILE:LINE: KEY …`.
    """
    return _checked(ConfigFile.load(path))


def parse_teams(
    text: str, name: str = "config.toml", folder: Path | None = None
) -> dict[str, Team]:
    """Parse the teams in the text of a configuration.

    Args:
        text: TOML.
        name: the file's name in messages.
        folder: the folder that an `instructions_file` is relative to.

    Raises:
        ConfigInvalid: see `load_teams`.
    """
    return _checked(ConfigFile(text, name, folder))


def read_teams(file: ConfigFile) -> dict[str, Team]:
    """Return the teams of a file; mistakes are in the file's `problems`."""
    tables = file.root.subtable("teams", "must hold tables: [teams.NAME]")
    teams = {name: _TeamReader(table).read(name) for name, table in tables.subtables(_NO_TABLE)}
    return {name: team for name, team in teams.items() if team is not None}


def _checked(file: ConfigFile) -> dict[str, Team]:
    teams = read_teams(file)
    file.check()
    return teams


class _TeamReader:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._problems = table.file.problems
        models = table.subtable("models", _NO_TABLE)
        self._routes = tuple(models.read_entries(read_route).values())

    def read(self, name: str) -> Team | None:
        """Return the team; None if there is a mistake in it, which is reported."""
        known_problems = len(self._problems)
        values = self._table.read(keys_of(Team), others=_TABLES)
        roles = self._read_roles()
        if len(self._problems) > known_problems:
            return None
        if not roles:
            self._table.report(f"has no roles: write [{self._table.key}.roles.ROLE]")
            return None
        values.setdefault("entry", next(iter(roles)))
        folder = self._table.file.folder
        team = Team(
            name=name,
            roles=roles,
            routes=self._routes,
            folder=folder if folder.is_absolute() else None,
            **values,
        )
        _check_team(self._table, team)
        return team

    def _read_roles(self) -> dict[str, Role]:
        defaults = self._read_settings(self._table.subtable("defaults", _NO_TABLE), _DEFAULTS_KEYS)
        tables = self._table.subtable("roles", _NO_TABLE)
        roles = {
            name: self._read_role(name, table, defaults)
            for name, table in tables.subtables(_NO_TABLE)
        }
        return {name: role for name, role in roles.items() if role is not None}

    def _read_role(self, name: str, table: Table, defaults: Mapping[str, Any]) -> Role | None:
        known_problems = len(self._problems)
        try:
            check_name(name)
        except ConfigInvalid as error:
            table.report(str(error))
        own = self._read_settings(table, ROLE_KEYS)
        values = {**defaults, **own}
        if "model" in own and "work" not in own:
            values.pop("work", None)
        file = values.pop("instructions_file", None)
        if file is None and "instructions" not in values:
            table.report("has no instructions: write instructions, or instructions_file")
        elif file is not None and "instructions" in values:
            table.report("has instructions and instructions_file: leave one of them out")
        elif file is not None:
            values["instructions"] = _read_instructions(table, file)
        return None if len(self._problems) > known_problems else Role(name=name, **values)

    def _read_settings(self, table: Table, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Read a role or the defaults, with the models that their kinds of work choose."""
        values = table.read(keys)
        if "model" in values and "work" in values:
            table.report("chooses a model, and model does: leave one of them out", "work")
        for key, model in (("work", "model"), ("codex_work", "codex_model")):
            if key in values:
                route = find_route(self._routes, values[key])
                if route is not None:
                    values[model] = route.model
                else:
                    table.report(self._unknown_work(values[key]), key)
        return values

    def _unknown_work(self, work: str) -> str:
        known = [route.work for route in self._routes]
        there = suggest(work, known) if known else "; there are none"
        return f"is no kind of work in [{self._table.key}.models]{there}"


def _read_instructions(role: Table, file: str) -> str:
    path = (role.file.folder / Path(file).expanduser()).resolve()
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        role.report(f"names {path}, which cannot be read: {error.strerror}", "instructions_file")
        return ""
    except UnicodeDecodeError:
        role.report(f"names {path}, which is not in UTF-8", "instructions_file")
        return ""
    if not text:
        role.report(f"names an empty file: {path}", "instructions_file")
    return text


def _check_team(table: Table, team: Team) -> None:
    """Report values that are right by themselves and do not fit together."""
    roles = list(team.roles)
    if team.entry not in team.roles:
        table.report(f"is no role{suggest(team.entry, roles)}", "entry")
    for role in team.roles.values():
        for target in role.handoffs:
            if target not in team.roles:
                problem = f"{target!r} is no role{suggest(target, roles)}"
                table.report(problem, f"roles.{role.name}.handoffs")
            elif target == role.name:
                table.report("a role cannot hand off to itself", f"roles.{role.name}.handoffs")
        _check_requirements(table, team, role)
        _check_approved_tools(table, role)
    cycle = find_cycle(team)
    if cycle:
        problem = f"can never be met: {' waits for '.join(cycle)}"
        table.report(problem, f"roles.{cycle[0]}.requires")


def _check_requirements(table: Table, team: Team, role: Role) -> None:
    for requirement in role.requires:
        if not isinstance(requirement, Artifact):
            continue
        if requirement.pattern not in team.given and not team.producers(requirement):
            table.report(
                f"{requirement.pattern!r} is made by nobody: let a role produce it, or list it in "
                f"{table.key}.given if the project has it",
                f"roles.{role.name}.requires",
            )


def _check_approved_tools(table: Table, role: Role) -> None:
    imported = [tool.partition(":")[2] for tool in role.tools if ":" in tool]
    for name in role.approve_tools or ():
        key = f"roles.{role.name}.approve_tools"
        if name == WEB_SEARCH:
            table.report(f"{name} runs at the model's provider: nobody can be asked", key)
        elif name not in imported:
            there = suggest(name, imported) if imported else "; it imports none"
            table.report(f"{name!r} is no tool of {role.name}{there}", key)
