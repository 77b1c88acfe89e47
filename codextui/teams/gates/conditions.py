"""Gates: whether conditions are met, by looking at the files of the project.

Nothing outside of the project counts: a link that leads out of it is as good as no file.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codextui.teams.config.team import Artifact, Check, Command, Condition, Team

MOST_FILES = 10_000
"""Files of one pattern that are looked at."""

LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of a file that is read to see whether it is JSON."""

_KEPT_OUTPUT = 2000


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition that is not met.

    Attributes:
        condition: which.
        reason: what is wrong, in words that follow the condition: `is not there`.
        makers: the roles whose job it is.
    """

    condition: Condition
    reason: str
    makers: tuple[str, ...] = ()

    def __str__(self) -> str:
        job = f" (the job of {' or '.join(self.makers)})" if self.makers else ""
        return f"{self.condition}: {self.reason}{job}"


async def find_unmet(
    team: Team,
    project: Path,
    conditions: Iterable[Condition],
    note: Callable[[Condition, str], None] | None = None,
) -> tuple[Unmet, ...]:
    """The conditions that are not met now, in their order.

    Args:
        team: knows whose job what is.
        project: the folder that everything is relative to.
        conditions: what is to be so.
        note: is told of each condition why it is not met, empty where it is.
    """
    found = []
    for condition in conditions:
        reason = await why_unmet(project, condition)
        if note is not None:
            note(condition, reason)
        if reason:
            found.append(Unmet(condition, reason, team.makers(condition)))
    return tuple(found)


async def why_unmet(project: Path, condition: Condition) -> str:
    """Why a condition is not met; empty where it is."""
    match condition:
        case Artifact():
            return await asyncio.to_thread(check_artifact, project, condition)
        case Command():
            return await _check_command(project, condition)


def check_artifact(project: Path, artifact: Artifact) -> str:
    """Why an artifact does not pass; empty where it does."""
    files = find_files(project, artifact.pattern)
    if not files:
        return "is not there"
    for file in files:
        reason = _check_file(file, artifact.check)
        if reason:
            name = file.relative_to(project.resolve())
            return reason if str(name) == artifact.pattern else f"{name} {reason}"
    return ""


def find_files(project: Path, pattern: str) -> list[Path]:
    """The regular files that fit a pattern and are inside of the project, resolved, in order."""
    root = project.resolve()
    found = set()
    with contextlib.suppress(OSError, ValueError):
        for path in itertools.islice(root.glob(pattern), MOST_FILES):
            file = path.resolve()
            if file.is_relative_to(root) and file.is_file():
                found.add(file)
    return sorted(found)


def newest(project: Path, artifacts: Iterable[Condition]) -> int:
    """When the youngest file of some artifacts was changed, in ns; 0 where there is none."""
    files = (
        file
        for artifact in artifacts
        if isinstance(artifact, Artifact)
        for file in find_files(project, artifact.pattern)
    )
    return max(map(_changed, files), default=0)


def tell_unmet(unmet: Sequence[Unmet]) -> str:
    """What is missing, as a list for a model and for a person."""
    return tell_reasons(tuple(map(str, unmet)))


def tell_reasons(reasons: Sequence[str]) -> str:
    """The same for what is in words already."""
    return "\n".join(f"- {reason}" for reason in reasons)


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _check_file(file: Path, check: Check) -> str:
    try:
        match check:
            case Check.EXISTS:
                return ""
            case Check.NON_EMPTY:
                return "" if file.read_bytes()[:65536].strip() else "is empty"
            case Check.JSON:
                return _check_json(file)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _check_json(file: Path) -> str:
    if file.stat().st_size > LARGEST_JSON:
        return "is too large to be checked"
    try:
        json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        return f"is no valid JSON: {error}"
    return ""


async def _check_command(project: Path, command: Command) -> str:
    process = await asyncio.create_subprocess_shell(
        command.line,
        cwd=project,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(command.timeout_s or None):
            output = await _last_output(process)
            code = await process.wait()
    except TimeoutError:
        return f"did not end within {command.timeout_s:g} seconds"
    finally:
        # What it left behind ends too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if code == 0:
        return ""
    return f"exit code {code}{': ' if output else ''}{output}"


async def _last_output(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        return ""
    kept = b""
    while chunk := await process.stdout.read(65536):
        kept = (kept + chunk)[-_KEPT_OUTPUT:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return "; ".join(lines[-3:])
