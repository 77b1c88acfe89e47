"""The findings of `codextui doctor`, and the repairs that they offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    """Nothing is wrong."""
    ADVICE = "advice"
    """It works, and something else would be better."""
    PROBLEM = "problem"
    """Something does not work, or is not safe."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found.

    Attributes:
        path: a file or folder.
        line: the line in it, from 1; 0 for the whole of it.
    """

    path: Path
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else str(self.path)


@dataclass(frozen=True, slots=True)
class SetMode:
    """Takes a file or folder of ours away from other users.

    Attributes:
        path: the file or folder.
        mode: the mode that it should have.
    """

    path: Path
    mode: int


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """Makes a folder for this user only (0700). The folder above it exists."""

    path: Path


@dataclass(frozen=True, slots=True)
class RemoveSocket:
    """Removes the socket of a server that has gone.

    Attributes:
        path: the socket.
        lock: the file that the server would lock.
    """

    path: Path
    lock: Path


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Removes a temporary file that a process of ours left behind when it was killed."""

    path: Path


Repair: TypeAlias = SetMode | MakeFolder | RemoveSocket | RemoveFile
"""What `--fix` can do about a finding without asking."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    The texts come from files and programs too, and are not sanitized.

    Attributes:
        severity: how bad it is.
        check: what was checked, such as `codex.login`; the same in every release.
        found: what was found, as a sentence without its full stop. Never a key or a token.
        place: where.
        advice: what to do, as a sentence; empty where `command` says it all, or for nothing.
        command: what to type; empty for nothing.
        repair: what `--fix` does about it; None for nothing.
    """

    severity: Severity
    check: str
    found: str
    place: Place | None = None
    advice: str = ""
    command: str = ""
    repair: Repair | None = None

    def to_json(self) -> dict[str, object]:
        """Return the finding as a line of `--json`."""
        return {
            "severity": self.severity.value,
            "check": self.check,
            "found": self.found,
            "file": str(self.place.path) if self.place else None,
            "line": self.place.line or None if self.place else None,
            "advice": self.advice,
            "command": self.command,
            "fixable": self.repair is not None,
        }


def fine(check: str, found: str, place: Path | None = None) -> Finding:
    """Return the finding that all is well."""
    return Finding(Severity.OK, check, found, Place(place) if place else None)


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """Return how many findings are of a severity."""
    return sum(finding.severity is severity for finding in findings)
