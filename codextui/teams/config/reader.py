"""`[teams.NAME]` of config.toml: read strictly, every mistake with its line.

`config.example.toml` documents every key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, cast

from codextui.config.readers import (
    integer_between,
    number_between,
    read_flag,
    read_text,
    shown,
    suggest,
)
from codextui.config.schema import line_of
from codextui.errors import ConfigInvalid
from codextui.teams.config.team import (
    WEB_SEARCH,
    Artifact,
    Check,
    Command,
    Condition,
    Limits,
    Mode,
    Role,
    Route,
    Team,
    check_pattern,
    find_cycle,
    find_route,
)

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""How a role, or a kind of work, may be called."""

_IMPORTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")

Reader: TypeAlias = Callable[[object], object]
Readers: TypeAlias = Mapping[str, Reader]

_CHECKS = tuple(Check)
_LONGEST_COMMAND_S = 3600.0


def reader(readers: Readers, name: str, tables: Sequence[str] = ()) -> Reader:
    """The reader of a key. Raises ConfigInvalid where there is no such key."""
    found = readers.get(name)
    if found is None:
        raise ConfigInvalid(f"is no key{suggest(name, [*readers, *tables])}")
    return found


def one_of(words: Sequence[str]) -> Reader:
    """The reader of one of some words."""

    def read(value: object) -> str:
        if value not in words:
            raise ConfigInvalid(f"must be one of {', '.join(words)}, not {shown(value)}")
        return str(value)

    return read


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(read_text(one) for one in _list(value))


def tools(value: object) -> tuple[str, ...]:
    """Read a list of tools: `web_search`, or where one is imported from."""
    read = texts(value)
    for tool in read:
        if tool != WEB_SEARCH and not _IMPORTED.fullmatch(tool):
            meant = suggest(tool, [WEB_SEARCH]) if ":" not in tool else ""
            raise ConfigInvalid(
                f'must name {WEB_SEARCH} or what is imported, as "package.module:name", '
                f"not {shown(tool)}{meant}"
            )
    return read


def approvals(value: object) -> tuple[str, ...] | None:
    """Read whose calls a person must approve: a list of names, or true for all of them."""
    match value:
        case True:
            return None
        case list():
            return texts(value)
        case _:
            raise ConfigInvalid(f"must be true, or a list of names, not {shown(value)}")


def route(work: str, value: object) -> Route:
    """Read the model of a kind of work: its name, or a table of `model` and `about`."""
    if not NAME.fullmatch(work):
        raise ConfigInvalid("must be named with small letters, digits, - and _")
    match value:
        case str():
            return Route(work, read_text(value))
        case {"model": model, **rest} if set(rest) <= {"about"}:
            about = read_text(rest["about"]) if rest else ""
            return Route(work, read_text(model), about)
        case _:
            told = f"must be a model's name, or {{ model = …, about = … }}, not {shown(value)}"
            raise ConfigInvalid(told)


def folder(value: object) -> str:
    """Read a folder in the project."""
    path = read_text(value)
    return path if path in (".", "./") else check_pattern(path)


def patterns(value: object) -> tuple[str, ...]:
    """Read a list of paths or globs in the project."""
    return tuple(check_pattern(read_text(one)) for one in _list(value))


def artifacts(value: object) -> tuple[Artifact, ...]:
    """Read a list of files: a path or glob each, or a table of `path` and `check`."""
    read = tuple(_condition(one) for one in _list(value))
    for one in read:
        if not isinstance(one, Artifact):
            raise ConfigInvalid(f"must name files; a command makes nothing: {one}")
    return cast("tuple[Artifact, ...]", read)


def conditions(value: object) -> tuple[Condition, ...]:
    """Read a list of conditions: as `artifacts`, or a table of `command` and `timeout`."""
    return tuple(_condition(one) for one in _list(value))


def _condition(value: object) -> Condition:
    match value:
        case str():
            return Artifact(check_pattern(value))
        case {"path": path, **rest} if set(rest) <= {"check"}:
            check = one_of(_CHECKS)(rest.get("check", Check.EXISTS))
            return Artifact(check_pattern(read_text(path)), Check(str(check)))
        case {"command": line, **rest} if set(rest) <= {"timeout"}:
            timeout = number_between(0, _LONGEST_COMMAND_S)(rest.get("timeout", 60))
            return Command(read_text(line), timeout)
        case _:
            raise ConfigInvalid(
                "must be a path, { path = …, check = … } or { command = …, timeout = … }, "
                f"not {shown(value)}"
            )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ConfigInvalid(f"must be a list, not {shown(value)}")
    return value


_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")

_SHARED: Readers = {
    "model": read_text,
    "work": read_text,
    "effort": one_of(_EFFORTS),
    "codex": read_flag,
    "codex_work": read_text,
    "sandbox": one_of(("read-only", "workspace-write", "danger-full-access")),
    "approval_policy": one_of(("untrusted", "on-request", "never")),
    "cwd": folder,
    "tools": tools,
    "approve_tools": approvals,
}

ROLE_KEYS: Readers = {
    **_SHARED,
    "about": read_text,
    "instructions": read_text,
    "instructions_file": read_text,
    "handoffs": texts,
    "requires": conditions,
    "produces": artifacts,
}
"""The keys of `[teams.NAME.roles.ROLE]`."""

LIMIT_KEYS: Readers = {
    "turns": integer_between(0, 1_000_000),
    "tokens": integer_between(0, 1_000_000_000_000),
    "minutes": number_between(0, 1_000_000),
    "person_minutes": number_between(0, 1_000_000),
    "rounds": integer_between(0, 1000),
    "money": number_between(0, 1_000_000_000),
}
"""The keys of `[teams.NAME.limits]`."""

TEAM_KEYS: Readers = {
    "about": read_text,
    "entry": read_text,
    "mode": one_of(tuple(Mode)),
    "given": patterns,
}
"""The keys of `[teams.NAME]`, beside its tables `defaults`, `limits`, `models` and `roles`."""

_TABLES = ("defaults", "limits", "models", "roles")


def load_teams(path: Path | None) -> dict[str, Team]:
    """Read the teams of a configuration file; none where there is no file.

    Raises:
        ConfigInvalid: with a line for every mistake: `FILE:LINE: KEY …`.
    """
    if path is None or not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}") from error
    return parse_teams(text, str(path), path.parent)


def parse_teams(
    text: str, where: str = "config.toml", folder: Path | None = None
) -> dict[str, Team]:
    """Read the teams in the text of a configuration.

    Args:
        text: TOML.
        where: how messages name the file.
        folder: what an `instructions_file` is relative to.

    Raises:
        ConfigInvalid: see `load_teams`.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{where}: {error}") from error
    tables = document.get("teams", {})
    if not isinstance(tables, dict):
        raise ConfigInvalid(
            f"{where}:{line_of(text, 'teams')}: teams must hold tables: [teams.NAME]"
        )
    reading = _Reading(text, where, folder or Path())
    teams = {name: reading.team(name, table) for name, table in tables.items()}
    if reading.problems:
        raise ConfigInvalid("\n".join(reading.problems))
    return {name: team for name, team in teams.items() if team is not None}


class _Reading:
    """One file being read, and what is wrong with it."""

    def __init__(self, text: str, where: str, folder: Path) -> None:
        self.problems: list[str] = []
        self._text = text
        self._where = where
        self._folder = folder

    def team(self, name: str, table: object) -> Team | None:
        """Read one team; None where something is wrong with it."""
        key = f"teams.{name}"
        before = len(self.problems)
        if not isinstance(table, dict):
            self._wrong(key, f"must be a table: [{key}]")
            return None
        own = {k: v for k, v in table.items() if k not in _TABLES}
        values = self._values(key, own, TEAM_KEYS, _TABLES)
        limits = self._values(f"{key}.limits", self._table(key, table, "limits"), LIMIT_KEYS)
        routes = self._routes(key, table)
        roles = self._roles(key, table, routes)
        if not roles and len(self.problems) == before:
            self._wrong(key, f"has no roles: write [{key}.roles.ROLE]")
        if len(self.problems) > before:
            return None
        values.setdefault("entry", next(iter(roles)))
        values["mode"] = Mode(str(values.get("mode", Mode.HANDOFFS)))
        values |= {"limits": Limits(**limits), "routes": routes}  # type: ignore[arg-type]  # every value was read by the reader of its key
        team = Team(name=name, roles=roles, **values)  # type: ignore[arg-type]  # as above
        self._check(key, team)
        return team if len(self.problems) == before else None

    def _routes(self, key: str, table: Mapping[str, object]) -> tuple[Route, ...]:
        routes = []
        for work, value in self._table(key, table, "models").items():
            try:
                routes.append(route(work, value))
            except ConfigInvalid as error:
                self._wrong(f"{key}.models.{work}", str(error))
        return tuple(routes)

    def _roles(
        self, key: str, table: Mapping[str, object], routes: tuple[Route, ...]
    ) -> dict[str, Role]:
        defaults = self._own_values(
            f"{key}.defaults", self._table(key, table, "defaults"), _SHARED, routes
        )
        roles = {}
        for name, role in self._table(key, table, "roles").items():
            read = self._role(f"{key}.roles.{name}", name, role, defaults, routes)
            if read is not None:
                roles[name] = read
        return roles

    def _role(
        self,
        key: str,
        name: str,
        table: object,
        defaults: Mapping[str, object],
        routes: tuple[Route, ...],
    ) -> Role | None:
        before = len(self.problems)
        if not NAME.fullmatch(name):
            self._wrong(key, "must be named with small letters, digits, - and _")
        if not isinstance(table, dict):
            self._wrong(key, f"must be a table: [{key}]")
            return None
        own = self._own_values(key, table, ROLE_KEYS, routes)
        values = {**defaults, **own}
        if "model" in own and "work" not in own:
            values.pop("work", None)
        file = values.pop("instructions_file", None)
        if (file is None) == ("instructions" not in values):
            self._wrong(key, "needs either instructions or instructions_file")
        elif file is not None:
            values["instructions"] = self._instructions(f"{key}.instructions_file", str(file))
        return None if len(self.problems) > before else Role(name=name, **values)  # type: ignore[arg-type]  # as in `team`

    def _own_values(
        self,
        key: str,
        table: Mapping[str, object],
        readers: Readers,
        routes: tuple[Route, ...],
    ) -> dict[str, object]:
        """The values of a role, or of the defaults, with the models of its kinds of work."""
        values = self._values(key, table, readers)
        if "model" in values and "work" in values:
            self._wrong(f"{key}.work", "chooses a model, and model does: leave one of them out")
        for name, model in (("work", "model"), ("codex_work", "codex_model")):
            if name not in values:
                continue
            route = find_route(routes, str(values[name]))
            if route is not None:
                values[model] = route.model
            else:
                team = key.partition(".roles.")[0].removesuffix(".defaults")
                known = [one.work for one in routes]
                there = suggest(str(values[name]), known) if known else "; there are none"
                told = f"is no kind of work in [{team}.models]{there}"
                self._wrong(f"{key}.{name}", told)
        return values

    def _instructions(self, key: str, file: str) -> str:
        path = (self._folder / Path(file).expanduser()).resolve()
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._wrong(key, f"cannot be read: {error}")
            return ""
        if not text:
            self._wrong(key, f"names an empty file: {path}")
        return text

    def _table(self, key: str, table: Mapping[str, object], name: str) -> Mapping[str, object]:
        value = table.get(name, {})
        if isinstance(value, dict):
            return value
        self._wrong(f"{key}.{name}", f"must be a table: [{key}.{name}]")
        return {}

    def _values(
        self, key: str, table: Mapping[str, object], readers: Readers, tables: tuple[str, ...] = ()
    ) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, value in table.items():
            try:
                values[name] = reader(readers, name, tables)(value)
            except ConfigInvalid as error:
                self._wrong(f"{key}.{name}", str(error))
        return values

    def _check(self, key: str, team: Team) -> None:
        """Tell of what fits the keys and makes no team."""
        roles = list(team.roles)
        if team.entry not in team.roles:
            self._wrong(f"{key}.entry", f"is no role{suggest(team.entry, roles)}")
        for role in team.roles.values():
            place = f"{key}.roles.{role.name}"
            for target in role.handoffs:
                if target not in team.roles:
                    self._wrong(
                        f"{place}.handoffs",
                        f"{target!r} is no role{suggest(target, roles)}",
                    )
                elif target == role.name:
                    self._wrong(f"{place}.handoffs", "a role cannot hand off to itself")
            self._check_requires(f"{place}.requires", team, role)
            self._check_approvals(f"{place}.approve_tools", role)
        cycle = find_cycle(team)
        if cycle:
            self._wrong(f"{key}.roles.{cycle[0]}.requires", _cycle_message(cycle))

    def _check_requires(self, key: str, team: Team, role: Role) -> None:
        for needed in role.requires:
            pattern = getattr(needed, "pattern", None)
            if pattern is None or pattern in team.given or team.makers(needed):
                continue
            self._wrong(
                key,
                f"{pattern!r} is made by nobody: let a role produce it, or list it in "
                f"teams.{team.name}.given if the project has it",
            )

    def _check_approvals(self, key: str, role: Role) -> None:
        imported = [tool.partition(":")[2] for tool in role.tools if ":" in tool]
        for name in role.approve_tools or ():
            if name == WEB_SEARCH:
                self._wrong(key, f"{name} runs at the model's provider: nobody can be asked")
            elif name not in imported:
                there = suggest(name, imported) if imported else "; it imports none"
                self._wrong(key, f"{name!r} is no tool of {role.name}{there}")

    def _wrong(self, key: str, message: str) -> None:
        self.problems.append(f"{self._where}:{line_of(self._text, key)}: {key} {message}")


def _cycle_message(cycle: tuple[str, ...]) -> str:
    return f"can never be met: {' waits for '.join(cycle)}"
