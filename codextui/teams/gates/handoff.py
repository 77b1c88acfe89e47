"""Gated handoffs: refused while something that the target role requires is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import Agent, Handoff, RunContextWrapper, handoff

from codextui.protocol.runs import RunEventKind
from codextui.teams.config.team import Condition, Role, Team
from codextui.teams.gates.conditions import find_unmet, format_reasons
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped


class HandoffGates:
    """Creates the handoffs of a team.

    A refused handoff returns to the role that requested it, with a message for the model that
    says what is missing and who produces it, and the run continues. A handoff that is refused
    repeatedly for the same reasons ends the run.
    """

    def __init__(
        self,
        team: Team,
        project: Path,
        on_event: Callable[[RunEvent], None],
        *,
        on_checked: Callable[[Condition, str], None],
        stopped_by: Callable[[str], str],
    ) -> None:
        """Create the gates of a team.

        Args:
            team: the team.
            project: the folder of the project.
            on_event: called with each handoff, and each refusal.
            on_checked: called with each condition that was checked, as in `find_unmet`.
            stopped_by: returns who stopped a role, empty if it is not stopped.
        """
        self._team = team
        self._project = project
        self._on_event = on_event
        self._on_checked = on_checked
        self._stopped_by = stopped_by
        self._refusals: dict[tuple[str, str], tuple[str, int]] = {}

    def create_handoff(self, source: Agent[Any], target: Agent[Any]) -> Handoff[Any, Any]:
        """Return the handoff from one role to another, for the Agents SDK."""
        role = self._team.roles[target.name]
        created = handoff(target, tool_name_override=handoff_tool_name(role.name))
        message = ""

        async def invoke(_: RunContextWrapper[Any], __: str) -> Agent[Any]:
            nonlocal message
            unmet = await find_unmet(self._team, self._project, role.requires, self._on_checked)
            missing = self._stop_reason(role) or tuple(map(str, unmet))
            if missing:
                waits_for = sorted({maker for one in unmet for maker in one.makers})
                message = self._refuse(source.name, role, missing, waits_for)
                return source
            message = self._accept(source.name, role)
            return target

        created.on_invoke_handoff = invoke
        created.get_transfer_message = lambda agent: message  # type: ignore[method-assign]  # noqa: ARG005 # the SDK calls it on the handoff
        return created

    def _accept(self, source: str, role: Role) -> str:
        self._refusals.pop((source, role.name), None)
        data = {"to": role.name}
        self._on_event(RunEvent(RunEventKind.HANDED_OFF, source, f"to {role.name}", data))
        return json.dumps({"assistant": role.name})

    def _stop_reason(self, role: Role) -> tuple[str, ...]:
        by = self._stopped_by(role.name)
        return (f"{role.name} was stopped by {by}",) if by else ()

    def _refuse(
        self, source: str, role: Role, reasons: tuple[str, ...], waits_for: list[str]
    ) -> str:
        missing = format_reasons(reasons)
        data = {"to": role.name, "missing": list(reasons), "waits_for": waits_for}
        text = f"to {role.name}:\n{missing}"
        self._on_event(RunEvent(RunEventKind.HANDOFF_REFUSED, source, text, data))
        before, count = self._refusals.get((source, role.name), ("", 0))
        count = count + 1 if before == missing else 1
        self._refusals[source, role.name] = (missing, count)
        if count > self._team.limits.rounds:
            raise RunStopped(RunOutcome.GATE, f"{role.name} was never let in:\n{missing}")
        return (
            f"Refused: {role.name} cannot begin yet. You are still {source}. Missing:\n{missing}\n"
            "See to it that this is made, then hand off again."
        )


def handoff_tool_name(role: str) -> str:
    """Return the name of the tool that hands off to a role, as the Agents SDK forms it."""
    return f"transfer_to_{role.replace('-', '_')}"
