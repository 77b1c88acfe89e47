"""The conditions of gates: checks of files and commands in the project's folder.

Only files inside of the project count: a symbolic link that leads out of it counts as missing.
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

_MAX_FILES = 10_000
"""Files of one pattern that are checked."""

_MAX_JSON_BYTES = 64 * 1024 * 1024
"""Size of a file that is parsed as JSON."""

_MAX_OUTPUT_BYTES = 2000


@dataclass(frozen=True, slots=True)
class UnmetCondition:
    """A condition that is not met.

    Attributes:
        condition: the condition.
        reason: what is wrong, as words that follow the condition, such as `is not there`.
        makers: the roles that produce what is missing.
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
    on_checked: Callable[[Condition, str], None] | None = None,
) -> tuple[UnmetCondition, ...]:
    """Check conditions and return those that are not met, in their order.

    Args:
        team: the team.
        project: the folder of the project.
        conditions: the conditions to check.
        on_checked: called with each condition, and the reason why it is not met or an empty text.
    """
    unmet = []
    for condition in conditions:
        reason = await check_condition(project, condition)
        if on_checked is not None:
            on_checked(condition, reason)
        if reason:
            unmet.append(UnmetCondition(condition, reason, team.producers(condition)))
    return tuple(unmet)


def format_unmet(unmet: Sequence[UnmetCondition]) -> str:
    """Return unmet conditions as a list for models and people."""
    return format_reasons(tuple(map(str, unmet)))


def format_reasons(reasons: Sequence[str]) -> str:
    """Return texts as a list for models and people."""
    return "\n".join(f"- {reason}" for reason in reasons)


async def check_condition(project: Path, condition: Condition) -> str:
    """Return why a condition is not met, empty if it is met."""
    match condition:
        case Artifact():
            return await asyncio.to_thread(check_artifact, project, condition)
        case Command():
            return await _check_command(project, condition)


def check_artifact(project: Path, artifact: Artifact) -> str:
    """Return why an artifact does not pass its check, empty if it does."""
    files = find_files(project, artifact.pattern)
    if not files:
        return "is not there"
    for file in files:
        reason = _check_file(file, artifact)
        if reason:
            name = file.relative_to(project.resolve())
            return reason if str(name) == artifact.pattern else f"{name} {reason}"
    return ""


def find_files(project: Path, pattern: str) -> list[Path]:
    """Return the regular files inside of the project that match a pattern, resolved and sorted."""
    root = project.resolve()
    found = set()
    with contextlib.suppress(OSError, ValueError):
        for path in itertools.islice(root.glob(pattern), _MAX_FILES):
            file = path.resolve()
            if file.is_relative_to(root) and file.is_file():
                found.add(file)
    return sorted(found)


def latest_mtime_ns(project: Path, conditions: Iterable[Condition]) -> int:
    """Return the modification time of the newest file of artifacts, in ns; 0 without files."""
    files = (
        file
        for condition in conditions
        if isinstance(condition, Artifact)
        for file in find_files(project, condition.pattern)
    )
    return max(map(_mtime_ns, files), default=0)


def _mtime_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _check_file(file: Path, artifact: Artifact) -> str:
    try:
        match artifact.check:
            case Check.EXISTS:
                return ""
            case Check.NON_EMPTY:
                return _check_content(file)
            case Check.NEW:
                is_old = file.stat().st_mtime < artifact.since
                return "is of an earlier run" if is_old else _check_content(file)
            case Check.JSON:
                return _check_json(file)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _check_content(file: Path) -> str:
    return "" if file.read_bytes()[:65536].strip() else "is empty"


def _check_json(file: Path) -> str:
    if file.stat().st_size > _MAX_JSON_BYTES:
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
        # Also kill what the command left running.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if code == 0:
        return ""
    return f"exit code {code}{': ' if output else ''}{output}"


async def _last_output(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        return ""
    tail = b""
    while chunk := await process.stdout.read(65536):
        tail = (tail + chunk)[-_MAX_OUTPUT_BYTES:]
    lines = tail.decode(errors="replace").strip().splitlines()
    return "; ".join(lines[-3:])
