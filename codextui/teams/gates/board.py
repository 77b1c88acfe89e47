"""The gate board of a run: every condition, the roles that produce it, and whether it is met."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import structs

from codextui.protocol.runs import Gate
from codextui.teams.config.team import Artifact, Check, Command, Condition, Team, covers
from codextui.teams.gates.conditions import check_artifact, find_files, latest_mtime_ns

_UNITS = ("B", "kB", "MB", "GB")


class GateBoard:
    """Checks the files of all gates when something may have changed, and publishes changes.

    Args:
        team: the team.
        project: the folder of the project.
        on_change: called with all gates when one has changed.
        clock: returns unix seconds.
    """

    def __init__(
        self,
        team: Team,
        project: Path,
        on_change: Callable[[tuple[Gate, ...]], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._team = team
        self._project = project
        self._on_change = on_change
        self._clock = clock
        self._commands: dict[Condition, str] = {}
        self._gates: dict[str, Gate] = {}
        self._refresher: asyncio.Task[None] | None = None
        self._stale = False

    def record_check(self, condition: Condition, reason: str) -> None:
        """Record why a condition was found unmet, or an empty text if it was met.

        Only commands are recorded; files are checked by `refresh`.
        """
        if isinstance(condition, Command) and self._commands.get(condition) != reason:
            self._commands[condition] = reason
            self.refresh()

    def refresh(self) -> None:
        """Check the files in the background; returns at once."""
        self._stale = True
        if self._refresher is None or self._refresher.done():
            self._refresher = asyncio.create_task(self._refresh())

    async def flush(self) -> None:
        """Check the files once more, and wait until changes are published."""
        self.refresh()
        if self._refresher is not None:
            await self._refresher

    async def _refresh(self) -> None:
        while self._stale:
            self._stale = False
            args = (self._team, self._project, dict(self._commands))
            self._update(await asyncio.to_thread(read_gates, *args))

    def _update(self, gates: tuple[Gate, ...]) -> None:
        updated = {gate.condition: self._with_time(gate) for gate in gates}
        if updated != self._gates:
            self._gates = updated
            self._on_change(tuple(updated.values()))

    def _with_time(self, gate: Gate) -> Gate:
        """Return a gate with the time of its last change; files have a time of their own."""
        before = self._gates.get(gate.condition)
        if gate.since or before is None:
            return gate
        same = (before.met, before.detail) == (gate.met, gate.detail)
        return structs.replace(gate, since=before.since if same else self._clock())


def read_gates(
    team: Team, project: Path, commands: Mapping[Condition, str] | None = None
) -> tuple[Gate, ...]:
    """Check the files of all gates, and return the gates in the order of the roles.

    Commands are not run: their gates show how they ended when they were run last.

    Args:
        team: the team.
        project: the folder of the project.
        commands: the commands that were run, with the reason why one failed or an empty text.
    """
    return tuple(
        _read_gate(team, project, condition, commands or {}) for condition in _conditions(team)
    )


def _conditions(team: Team) -> Iterable[Condition]:
    """Return every condition once, without checks of existence that a stricter check implies."""
    roles = team.roles.values()
    conditions = dict.fromkeys(one for role in roles for one in (*role.requires, *role.produces))
    strict = {one.pattern for one in conditions if isinstance(one, Artifact) and _is_strict(one)}
    return [
        one
        for one in conditions
        if not isinstance(one, Artifact) or _is_strict(one) or one.pattern not in strict
    ]


def _is_strict(artifact: Artifact) -> bool:
    return artifact.check is not Check.EXISTS


def _read_gate(
    team: Team, project: Path, condition: Condition, commands: Mapping[Condition, str]
) -> Gate:
    gate = Gate(
        condition=str(condition),
        makers=team.producers(condition),
        needed_by=tuple(
            role.name
            for role in team.roles.values()
            if any(one == condition or covers(condition, one) for one in role.requires)
        ),
    )
    match condition:
        case Artifact():
            reason = check_artifact(project, condition)
            since = latest_mtime_ns(project, (condition,)) / 1e9
            found = "" if reason else _describe_files(project, condition)
            return structs.replace(gate, met=not reason, detail=reason or found, since=since)
        case Command():
            last = commands.get(condition)
            if last is None:
                return structs.replace(gate, detail="has not been run yet")
            return structs.replace(gate, met=not last, detail=last)


def _describe_files(project: Path, artifact: Artifact) -> str:
    files = find_files(project, artifact.pattern)
    size = _format_size(sum(map(_size, files)))
    return size if len(files) == 1 else f"{len(files)} files, {size}"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _format_size(count: int) -> str:
    size = float(count)
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
