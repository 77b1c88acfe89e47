"""The gate board of a run: what has to be there, whose job it is, and whether it is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import structs

from codextui.protocol.runs import Gate
from codextui.teams.config.team import Artifact, Check, Command, Condition, Team, covers
from codextui.teams.gates.conditions import check_artifact, find_files, newest

_UNITS = ("B", "kB", "MB", "GB")


def read_gates(
    team: Team, project: Path, commands: Mapping[Condition, str] | None = None
) -> tuple[Gate, ...]:
    """The gate board as the files of the project are now, in the order of the roles.

    No command is run: what is known of one is how it ended when a gate asked for it last.

    Args:
        team: whose gates.
        project: the folder that everything is relative to.
        commands: why a command did not succeed, empty where it did; of those that were run.
    """
    known = commands or {}
    return tuple(_read(team, project, condition, known) for condition in _conditions(team))


def _conditions(team: Team) -> Iterable[Condition]:
    """Every condition once, what a role requires before what it produces.

    That a file exists is left out where something more is wanted of it.
    """
    roles = team.roles.values()
    found = dict.fromkeys(one for role in roles for one in (*role.requires, *role.produces))
    checked = {one.pattern for one in found if isinstance(one, Artifact) and _is_more(one)}
    return [
        one
        for one in found
        if not isinstance(one, Artifact) or _is_more(one) or one.pattern not in checked
    ]


def _is_more(artifact: Artifact) -> bool:
    return artifact.check is not Check.EXISTS


def _read(
    team: Team, project: Path, condition: Condition, commands: Mapping[Condition, str]
) -> Gate:
    gate = Gate(
        condition=str(condition),
        makers=team.makers(condition),
        needed_by=tuple(
            role.name
            for role in team.roles.values()
            if any(one == condition or covers(condition, one) for one in role.requires)
        ),
    )
    match condition:
        case Artifact():
            why = check_artifact(project, condition)
            since = newest(project, (condition,)) / 1e9
            found = "" if why else _describe(project, condition)
            return structs.replace(gate, met=not why, detail=why or found, since=since)
        case Command():
            reason = commands.get(condition)
            if reason is None:
                return structs.replace(gate, detail="has not been run yet")
            return structs.replace(gate, met=not reason, detail=reason)


def _describe(project: Path, artifact: Artifact) -> str:
    files = find_files(project, artifact.pattern)
    size = _size(sum(_bytes(file) for file in files))
    return size if len(files) == 1 else f"{len(files)} files, {size}"


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _size(count: int) -> str:
    size = float(count)
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


class GateBoard:
    """Looks at the gates whenever something may have changed, and tells of it where it has.

    Args:
        team: whose gates.
        project: the folder that everything is relative to.
        tell: is told the whole board.
        now: unix seconds.
    """

    def __init__(
        self,
        team: Team,
        project: Path,
        tell: Callable[[tuple[Gate, ...]], None],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._team = team
        self._project = project
        self._tell = tell
        self._now = now
        self._commands: dict[Condition, str] = {}
        self._shown: dict[str, Gate] = {}
        self._looking: asyncio.Task[None] | None = None
        self._again = False

    def note(self, condition: Condition, reason: str) -> None:
        """Take how a condition was found by a gate: why it is not met, or an empty text."""
        if isinstance(condition, Command) and self._commands.get(condition) != reason:
            self._commands[condition] = reason
            self.look()

    def look(self) -> None:
        """Look at the files soon; returns at once."""
        self._again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def finish(self) -> None:
        """Look once more, and return when that is told."""
        self.look()
        if self._looking is not None:
            await self._looking

    async def _look(self) -> None:
        while self._again:
            self._again = False
            args = (self._team, self._project, dict(self._commands))
            gates = await asyncio.to_thread(read_gates, *args)
            self._show(gates)

    def _show(self, gates: tuple[Gate, ...]) -> None:
        shown = {gate.condition: self._dated(gate) for gate in gates}
        if shown != self._shown:
            self._shown = shown
            self._tell(tuple(shown.values()))

    def _dated(self, gate: Gate) -> Gate:
        """With the time since when it is so, where the files do not say it."""
        before = self._shown.get(gate.condition)
        if gate.since or before is None:
            return gate
        same = (before.met, before.detail) == (gate.met, gate.detail)
        return structs.replace(gate, since=before.since if same else self._now())
