"""A team as its configuration says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TypeAlias

from codextui.errors import ConfigInvalid


class Check(StrEnum):
    """How close a file is looked at."""

    EXISTS = "exists"
    NON_EMPTY = "non-empty"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Artifact:
    """At least one file fits `pattern`, and every file that fits it passes the check.

    Attributes:
        pattern: a path or a glob, relative to the project, never outside of it.
        check: what is looked at.
    """

    pattern: str
    check: Check = Check.EXISTS

    def __str__(self) -> str:
        match self.check:
            case Check.EXISTS:
                return self.pattern
            case Check.NON_EMPTY:
                return f"{self.pattern} (not empty)"
            case Check.JSON:
                return f"{self.pattern} (valid JSON)"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line succeeds, run by the user's shell in the project's folder.

    Attributes:
        line: the command line.
        timeout_s: seconds after which it counts as failed.
    """

    line: str
    timeout_s: float = 60.0

    def __str__(self) -> str:
        return f"`{self.line}` succeeds"


Condition: TypeAlias = Artifact | Command
"""One condition of a gate."""


def check_pattern(pattern: str) -> str:
    """Return a pattern that stays in the project. Raises ConfigInvalid for any other."""
    path = PurePosixPath(pattern)
    if not pattern.strip() or "\0" in pattern:
        raise ConfigInvalid("must name a file, such as 'design/spec.md' or 'src/*.py'")
    if path.is_absolute() or pattern.startswith("~") or ".." in path.parts:
        raise ConfigInvalid(f"must stay in the project: {pattern!r} leads out of it")
    if path == PurePosixPath():
        raise ConfigInvalid(f"must name a file, not the project itself: {pattern!r}")
    return path.as_posix()


def covers(made: Condition, needed: Condition) -> bool:
    """Whether who makes the one thereby makes the other, by their patterns alone."""
    if not isinstance(made, Artifact) or not isinstance(needed, Artifact):
        return False
    one, other = made.pattern.split("/"), needed.pattern.split("/")
    return _fits(one, other) or _fits(other, one)


def _fits(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_fits(path[start:], pattern[1:]) for start in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _fits(path[1:], pattern[1:])


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of work, and the model for it.

    Attributes:
        work: what the user calls it, such as `complex` or `checking`.
        model: the model's name.
        about: when it is meant, in a line that models read; may be empty.
    """

    work: str
    model: str
    about: str = ""


def find_route(routes: Sequence[Route], work: str) -> Route | None:
    """The route of a kind of work; None where there is none."""
    return next((route for route in routes if route.work == work), None)


def work_property(routes: Sequence[Route]) -> dict[str, object]:
    """The argument `work` of the tool `codex`: JSON schema of the kinds of work."""
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


WEB_SEARCH = "web_search"
"""The tool that searches the web, where the model's provider runs it."""


class Mode(StrEnum):
    """How the graph of roles is run.

    `HANDOFFS`: one role at a time; the model hands off, as the Agents SDK does it.
    `PARALLEL`: a role starts as soon as all that it requires is there.
    """

    HANDOFFS = "handoffs"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class Role:
    """An agent of the team.

    Attributes:
        name: what it is called: in handoffs, as the handle of its Codex threads.
        instructions: what it is told to be.
        about: what it is for, in a line that the others read.
        model: the model's name; empty is the Agents SDK's default.
        work: the kind of work that it does, where that has chosen its model.
        effort: the reasoning effort; empty is the model's default.
        codex: whether it may use Codex.
        codex_work: the kind of work that its Codex threads do; empty lets the role say it for
            each, where the team knows kinds of work.
        codex_model: the model of that kind of work.
        sandbox: what its Codex threads may do; never more, whatever the model asks for.
        approval_policy: when its Codex threads must ask a person.
        cwd: where its Codex threads work, relative to the project.
        handoffs: the roles that it may hand off to.
        requires: what must be there before it may begin.
        produces: what must be there when it is done.
        tools: further tools: `web_search`, or where one is imported from (`package.module:name`).
        approve_tools: the imported tools whose calls a person must approve, by the names behind
            their colons; None is all of them.
    """

    name: str
    instructions: str
    about: str = ""
    model: str = ""
    effort: str = ""
    codex: bool = True
    sandbox: str = "read-only"
    approval_policy: str = "on-request"
    cwd: str = "."
    handoffs: tuple[str, ...] = ()
    requires: tuple[Condition, ...] = ()
    produces: tuple[Artifact, ...] = ()
    tools: tuple[str, ...] = ()
    work: str = ""
    codex_work: str = ""
    codex_model: str = ""
    approve_tools: tuple[str, ...] | None = None

    def needs_approval(self, tool: str) -> bool:
        """Whether a person must approve the calls of one of `tools`.

        What the model's provider runs itself cannot be asked about.
        """
        if tool == WEB_SEARCH:
            return False
        return self.approve_tools is None or tool.partition(":")[2] in self.approve_tools


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may cost; 0 is no limit.

    Attributes:
        turns: model calls of the roles, all together.
        tokens: tokens of the roles and of their Codex threads, all together.
        minutes: how long it may take.
        person_minutes: how long it waits for a person's decision before it stops and can be
            resumed.
        rounds: how often a role is sent back to make what is missing, and how often it may run
            again because something that it requires is newer.
        money: what the tokens may cost, in the currency of the prices.
    """

    turns: int = 100
    tokens: int = 0
    minutes: float = 0.0
    person_minutes: float = 0.0
    rounds: int = 3
    money: float = 0.0


@dataclass(frozen=True, slots=True)
class Team:
    """Roles, who hands off to whom, and what it may cost.

    Attributes:
        name: its name in the configuration.
        roles: the roles by name, in the order of the file.
        entry: the role that gets the task.
        about: what the team is for.
        mode: how it runs unless the command line says otherwise.
        given: files that the project brings along: nobody has to make them.
        limits: what a run may cost.
        routes: the kinds of work and their models.
    """

    name: str
    roles: Mapping[str, Role]
    entry: str
    about: str = ""
    mode: Mode = Mode.HANDOFFS
    given: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    routes: tuple[Route, ...] = ()

    def makers(self, needed: Condition) -> tuple[str, ...]:
        """The roles whose job it is to make something."""
        return tuple(
            role.name
            for role in self.roles.values()
            if any(covers(made, needed) for made in role.produces)
        )

    def sources(self, name: str) -> frozenset[str]:
        """The roles that make what a role requires."""
        return frozenset(
            maker for needed in self.roles[name].requires for maker in self.makers(needed)
        )


def find_cycle(team: Team, names: Iterable[str] = ()) -> tuple[str, ...]:
    """A chain of roles that wait for each other, its first one again at its end; () for none.

    Args:
        team: whose roles.
        names: where to look first; the team's roles in their order otherwise.
    """
    done: set[str] = set()
    for start in (*names, *team.roles):
        cycle = _walk(team, start, (), done)
        if cycle:
            return cycle
    return ()


def _walk(team: Team, name: str, path: tuple[str, ...], done: set[str]) -> tuple[str, ...]:
    if name in path:
        return (*path[path.index(name) :], name)
    if name in done:
        return ()
    for source in sorted(team.sources(name)):
        cycle = _walk(team, source, (*path, name), done)
        if cycle:
            return cycle
    done.add(name)
    return ()
