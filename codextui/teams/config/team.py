"""The types of a team and its run, and the readers of its keys: roles, routes and limits.

The annotated fields of `Team`, `Role` and `Limits` are the keys of their tables; see
`codextui.config.tables`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeAlias, overload

from codextui.config.prices import Prices
from codextui.config.readers import (
    integer_between,
    list_of,
    number_between,
    one_of,
    quote,
    read_bool,
    read_string,
    suggest_close,
)
from codextui.config.schema import TracesConfig
from codextui.errors import ConfigInvalid

WEB_SEARCH = "web_search"
"""The tool that searches the web; the model's provider runs it."""

_IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class Check(StrEnum):
    """A check of a file. `NEW`: it is not empty, and was written in this run."""

    EXISTS = "exists"
    NON_EMPTY = "non-empty"
    NEW = "new"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Artifact:
    """The condition that a file matches `pattern`, and every file that does passes the check.

    Attributes:
        pattern: a path or a glob, relative to the project and inside it.
        check: the check.
        since: when the run began, in unix seconds, for `Check.NEW`; 0 before it begins.
    """

    pattern: str
    check: Check = Check.EXISTS
    since: float = 0.0

    def __str__(self) -> str:
        match self.check:
            case Check.EXISTS:
                return self.pattern
            case Check.NON_EMPTY:
                return f"{self.pattern} (not empty)"
            case Check.NEW:
                return f"{self.pattern} (of this run)"
            case Check.JSON:
                return f"{self.pattern} (valid JSON)"


@dataclass(frozen=True, slots=True)
class Command:
    """The condition that a command succeeds, run by the user's shell in the project's folder.

    Attributes:
        line: the command line.
        timeout_s: seconds after which it counts as failed.
    """

    line: str
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"`{self.line}` succeeds"


Condition: TypeAlias = Artifact | Command
"""A condition of a gate."""


def covers(product: Condition, requirement: Condition) -> bool:
    """Return whether a product meets a requirement, judged by their patterns alone."""
    if not isinstance(product, Artifact) or not isinstance(requirement, Artifact):
        return False
    one, other = product.pattern.split("/"), requirement.pattern.split("/")
    return _matches(one, other) or _matches(other, one)


def matches_pattern(path: str, pattern: str) -> bool:
    """Return whether a path, relative to the project, matches a pattern of the configuration."""
    return _matches(path.split("/"), pattern.split("/"))


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_matches(path[start:], pattern[1:]) for start in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _matches(path[1:], pattern[1:])


def check_pattern(pattern: str) -> str:
    """Return a pattern without superfluous parts. Raises ConfigInvalid if it leaves the project."""
    path = PurePosixPath(pattern)
    if not pattern.strip() or "\0" in pattern:
        raise ConfigInvalid("must name a file, such as 'design/spec.md' or 'src/*.py'")
    if path.is_absolute() or pattern.startswith("~") or ".." in path.parts:
        raise ConfigInvalid(f"must stay in the project: {pattern!r} leads out of it")
    if path == PurePosixPath():
        raise ConfigInvalid(f"must name a file, not the project itself: {pattern!r}")
    return path.as_posix()


def check_name(name: str) -> str:
    """Return the name of a role or a kind of work. Raises ConfigInvalid for any other."""
    if not _NAME.fullmatch(name):
        raise ConfigInvalid(
            "must be named with 1 to 40 small letters, digits, - and _, a letter or digit first"
        )
    return name


def read_pattern(value: object) -> str:
    """Read a path or glob in the project."""
    return check_pattern(read_string(value))


def read_writable(value: object) -> str:
    """Read a path or glob of files, in the project, that a role may write."""
    pattern = read_string(value)
    if pattern.endswith("/"):
        raise ConfigInvalid(
            f"must name files, not a folder: {quote(f'{pattern}*')}, or {quote(f'{pattern}**')} "
            "with all folders in it"
        )
    return check_pattern(pattern)


def read_folder(value: object) -> str:
    """Read a folder in the project."""
    path = read_string(value)
    return path if path in (".", "./") else check_pattern(path)


def read_condition(value: object) -> Condition:
    """Read a path or glob, a table of `path` and `check`, or one of `command` and `timeout`."""
    match value:
        case str():
            return Artifact(check_pattern(value))
        case {"path": path, **rest} if set(rest) <= {"check"}:
            check = one_of(Check)(rest.get("check", Check.EXISTS))
            return Artifact(read_pattern(path), check)
        case {"command": line, **rest} if set(rest) <= {"timeout"}:
            timeout = number_between(0, 3600, "seconds")(rest.get("timeout", 60))
            return Command(read_string(line), timeout)
        case _:
            raise ConfigInvalid(
                "must be a path, { path = …, check = … } or { command = …, timeout = … }, "
                f"not {quote(value)}"
            )


def read_artifact(value: object) -> Artifact:
    """Read a path or glob, or a table of `path` and `check`."""
    condition = read_condition(value)
    if not isinstance(condition, Artifact):
        raise ConfigInvalid(f"must name files; a command makes nothing: {condition}")
    return condition


def read_tool(value: object) -> str:
    """Read `web_search` or an import path: `package.module:name`."""
    tool = read_string(value)
    if tool == WEB_SEARCH or (_IMPORT_PATH.fullmatch(tool) and ".py:" not in tool):
        return tool
    module, _, name = tool.partition(".py:")
    as_module = f"{module.removeprefix('./').replace('/', '.')}:{name}"
    meant = suggest_close(tool, [WEB_SEARCH])
    if _IMPORT_PATH.fullmatch(as_module):
        meant = f"; did you mean {as_module}?"
    raise ConfigInvalid(
        f'must name {WEB_SEARCH} or what is imported, as "package.module:name", '
        f"not {quote(tool)}{meant}"
    )


def read_approved_tools(value: object) -> tuple[str, ...] | None:
    """Read a list of names; true, for all tools, becomes None."""
    match value:
        case True:
            return None
        case list():
            return list_of(read_string)(value)
        case _:
            raise ConfigInvalid(f"must be true, or a list of names, not {quote(value)}")


@dataclass(frozen=True, slots=True)
class Route:
    """The model for a kind of work.

    Attributes:
        work: the user's name for the kind of work, such as `complex` or `checking`.
        model: the model's name.
        about: when to use it, in a line that models read; may be empty.
    """

    work: str
    model: str
    about: str = ""


def read_route(work: str, value: object) -> Route:
    """Read an entry of `[teams.NAME.models]`: a model, or a table of `model` and `about`."""
    check_name(work)
    match value:
        case str():
            return Route(work, read_string(value))
        case {"model": model, **rest} if set(rest) <= {"about"}:
            about = read_string(rest["about"]) if rest else ""
            return Route(work, read_string(model), about)
        case _:
            raise ConfigInvalid(
                f"must be a model's name, or {{ model = …, about = … }}, not {quote(value)}"
            )


def find_route(routes: Sequence[Route], work: str) -> Route | None:
    """Return the route of a kind of work; None if there is none."""
    return next((route for route in routes if route.work == work), None)


def work_schema(routes: Sequence[Route]) -> dict[str, object]:
    """Return the JSON schema of the argument `work` of the tool `codex`."""
    kinds = "; ".join(
        f"`{route.work}`{f': {route.about}' if route.about else ''}" for route in routes
    )
    return {
        "type": "string",
        "enum": [route.work for route in routes],
        "description": (
            "What kind of work it is; a model that suits it does it. Left out: the usual model. "
            f"{kinds}."
        ),
    }


class Mode(StrEnum):
    """The order in which the roles of a team run.

    `HANDOFFS`: one role at a time; the model hands off, as in the Agents SDK.
    `PARALLEL`: a role starts as soon as everything that it requires is there.
    """

    HANDOFFS = "handoffs"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class Role:
    """An agent of a team: `[teams.NAME.roles.ROLE]`.

    Attributes:
        name: its name, also as the handle of its thread.
        instructions: the instructions of the agent.
        about: its purpose, in a line that the other roles read.
        model: the model's name; empty is the Agents SDK's default.
        effort: the reasoning effort; empty is the model's default.
        codex: whether it may use Codex.
        sandbox: the sandbox of its Codex threads, whatever the model asks for.
        approval_policy: when its Codex threads must ask a person.
        cwd: the folder in which its Codex threads work, relative to the project.
        handoffs: the roles to which it may hand off.
        requires: the conditions that must be met before it starts.
        produces: the conditions that must be met when it is done.
        tools: further tools: `web_search`, or import paths (`package.module:name`).
        work: the kind of work that chose its model, if one did.
        codex_work: the kind of work of its Codex threads; if it is empty and the team has
            routes, the role chooses one for each thread.
        codex_model: the model of `codex_work`.
        writes: files that it may write itself, whatever the sandbox: paths or globs in the project.
        approve_tools: the imported tools whose calls a person must approve, by the names behind
            their colons; None is all of them.
    """

    name: str
    instructions: Annotated[str, read_string]
    about: Annotated[str, read_string] = ""
    model: Annotated[str, read_string] = ""
    effort: Annotated[str, one_of(("none", "minimal", "low", "medium", "high", "xhigh"))] = ""
    codex: Annotated[bool, read_bool] = True
    sandbox: Annotated[str, one_of(("read-only", "workspace-write", "danger-full-access"))] = (
        "read-only"
    )
    approval_policy: Annotated[str, one_of(("untrusted", "on-request", "never"))] = "on-request"
    cwd: Annotated[str, read_folder] = "."
    handoffs: Annotated[tuple[str, ...], list_of(read_string)] = ()
    requires: Annotated[tuple[Condition, ...], list_of(read_condition)] = ()
    produces: Annotated[tuple[Artifact, ...], list_of(read_artifact)] = ()
    tools: Annotated[tuple[str, ...], list_of(read_tool)] = ()
    work: Annotated[str, read_string] = ""
    codex_work: Annotated[str, read_string] = ""
    codex_model: str = ""
    writes: Annotated[tuple[str, ...], list_of(read_writable)] = ()
    approve_tools: Annotated[tuple[str, ...] | None, read_approved_tools] = None

    def needs_approval(self, tool: str) -> bool:
        """Return whether a person must approve the calls of one of `tools`.

        The model's provider runs `web_search` itself; it cannot be interrupted.
        """
        if tool == WEB_SEARCH:
            return False
        return self.approve_tools is None or tool.partition(":")[2] in self.approve_tools


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a run: `[teams.NAME.limits]`; 0 is no limit.

    Attributes:
        turns: model calls of all roles together.
        tokens: tokens of all roles and their Codex threads together.
        minutes: minutes that the run may take.
        person_minutes: minutes that the run waits for a person's decision before it stops, to be
            resumed.
        rounds: how often a role is sent back to make what is missing, and how often it may run
            again because something that it requires is newer.
        money: cost of the tokens in the currency of the prices.
    """

    turns: Annotated[int, integer_between(0, 1_000_000)] = 100
    tokens: Annotated[int, integer_between(0, 1_000_000_000_000)] = 0
    minutes: Annotated[float, number_between(0, 1_000_000, "minutes")] = 0.0
    person_minutes: Annotated[float, number_between(0, 1_000_000, "minutes")] = 0.0
    rounds: Annotated[int, integer_between(0, 1000)] = 3
    money: Annotated[float, number_between(0, 1_000_000_000)] = 0.0


@dataclass(frozen=True, slots=True)
class Team:
    """A team of roles: `[teams.NAME]`.

    Attributes:
        name: its name in the configuration.
        roles: the roles by name, in the order of the file.
        entry: the role that gets the task.
        about: the purpose of the team.
        mode: how it is run unless the command line says otherwise.
        given: files that the project has, so that no role has to produce them.
        limits: the limits of a run.
        routes: the models for kinds of work, of `[teams.NAME.models]`.
        folder: the folder of the configuration file, from which tools are imported; None if it
            was not read from a file.
    """

    name: str
    roles: Mapping[str, Role]
    entry: Annotated[str, read_string]
    about: Annotated[str, read_string] = ""
    mode: Annotated[Mode, one_of(Mode)] = Mode.HANDOFFS
    given: Annotated[tuple[str, ...], list_of(read_pattern)] = ()
    limits: Limits = field(default_factory=Limits)
    routes: tuple[Route, ...] = ()
    folder: Path | None = None

    def producers(self, requirement: Condition) -> tuple[str, ...]:
        """Return the roles that produce what is required."""
        return tuple(
            role.name
            for role in self.roles.values()
            if any(covers(product, requirement) for product in role.produces)
        )

    def dependencies(self, name: str) -> frozenset[str]:
        """Return the roles that produce what a role requires."""
        return frozenset(
            producer
            for requirement in self.roles[name].requires
            for producer in self.producers(requirement)
        )


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The parameters of `run_team`.

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


def begin_team(team: Team, at: float) -> Team:
    """Return a team whose files that must be of the run are those written since it began.

    Args:
        team: the team as it is configured.
        at: when the run began, in unix seconds.
    """
    roles = {
        name: replace(
            role,
            requires=tuple(_begin(condition, at) for condition in role.requires),
            produces=tuple(_begin(artifact, at) for artifact in role.produces),
        )
        for name, role in team.roles.items()
    }
    return replace(team, roles=roles)


@overload
def _begin(condition: Artifact, at: float) -> Artifact: ...
@overload
def _begin(condition: Condition, at: float) -> Condition: ...
def _begin(condition: Condition, at: float) -> Condition:
    if isinstance(condition, Artifact) and condition.check is Check.NEW:
        return replace(condition, since=at)
    return condition


def find_cycle(team: Team) -> tuple[str, ...]:
    """Return roles that wait for each other in a circle, the first one again at the end.

    Empty if there is no circle.
    """
    visited: set[str] = set()
    for start in team.roles:
        cycle = _find_cycle_from(team, start, (), visited)
        if cycle:
            return cycle
    return ()


def _find_cycle_from(
    team: Team, name: str, path: tuple[str, ...], visited: set[str]
) -> tuple[str, ...]:
    if name in path:
        return (*path[path.index(name) :], name)
    if name in visited:
        return ()
    for dependency in sorted(team.dependencies(name)):
        cycle = _find_cycle_from(team, dependency, (*path, name), visited)
        if cycle:
            return cycle
    visited.add(name)
    return ()
