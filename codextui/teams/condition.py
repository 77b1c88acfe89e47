"""What must be so before a role may begin, or when it says that it is done."""

from __future__ import annotations

from dataclasses import dataclass
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
