"""Handoffs that hold: refused by code while something that the target requires is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import Agent, Handoff, RunContextWrapper, handoff

from codextui.teams.config.team import Condition, Role, Team
from codextui.teams.gates.conditions import find_unmet, tell_reasons
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.runner.ending import Ending, RunStopped


class Gatekeeper:
    """Decides about the handoffs of one team.

    A refused handoff returns the role that asked for it, with what is missing and whose job it
    is: the model reads that and the run goes on. The same handoff refused again and again for
    the same reasons ends the run.
    """

    def __init__(
        self,
        team: Team,
        project: Path,
        tell: Callable[[RunEvent], None],
        *,
        note: Callable[[Condition, str], None],
        stopped_by: Callable[[str], str],
    ) -> None:
        """Decide about the handoffs of a team.

        Args:
            team: whose.
            project: the folder that everything is relative to.
            tell: is told what happens.
            note: is told how each condition was found.
            stopped_by: who stopped a role, empty where nobody has.
        """
        self._team = team
        self._project = project
        self._tell = tell
        self._note = note
        self._stopped_by = stopped_by
        self._refusals: dict[tuple[str, str], tuple[str, int]] = {}

    def gated(self, source: Agent[Any], target: Agent[Any]) -> Handoff[Any, Any]:
        """The handoff from one role to another, as the Agents SDK takes it."""
        role = self._team.roles[target.name]
        made = handoff(target, tool_name_override=tool_name(role.name))
        said = ""

        async def invoke(_: RunContextWrapper[Any], __: str) -> Agent[Any]:
            nonlocal said
            unmet = await find_unmet(self._team, self._project, role.requires, self._note)
            missing = self._stopped(role) or tuple(map(str, unmet))
            if missing:
                waits_for = sorted({maker for one in unmet for maker in one.makers})
                said = self._refuse(source.name, role, missing, waits_for)
                return source
            said = self._let(source.name, role)
            return target

        made.on_invoke_handoff = invoke
        made.get_transfer_message = lambda agent: said  # type: ignore[method-assign]  # noqa: ARG005 # the SDK asks the handoff itself
        return made

    def _let(self, source: str, role: Role) -> str:
        self._refusals.pop((source, role.name), None)
        self._tell(RunEvent(RunEventKind.HANDED_OFF, source, f"to {role.name}", {"to": role.name}))
        return json.dumps({"assistant": role.name})

    def _stopped(self, role: Role) -> tuple[str, ...]:
        by = self._stopped_by(role.name)
        return (f"{role.name} was stopped by {by}",) if by else ()

    def _refuse(
        self, source: str, role: Role, reasons: tuple[str, ...], waits_for: list[str]
    ) -> str:
        missing = tell_reasons(reasons)
        data = {"to": role.name, "missing": list(reasons), "waits_for": waits_for}
        self._tell(
            RunEvent(RunEventKind.HANDOFF_REFUSED, source, f"to {role.name}:\n{missing}", data)
        )
        before, count = self._refusals.get((source, role.name), ("", 0))
        count = count + 1 if before == missing else 1
        self._refusals[source, role.name] = (missing, count)
        if count > self._team.limits.rounds:
            told = f"{role.name} was never let in:\n{missing}"
            raise RunStopped(Ending.GATE, told)
        return (
            f"Refused: {role.name} cannot begin yet. You are still {source}. Missing:\n{missing}\n"
            "See to it that this is made, then hand off again."
        )


def tool_name(role: str) -> str:
    """The name of the tool that hands off to a role, as the Agents SDK writes it."""
    return f"transfer_to_{role.replace('-', '_')}"
