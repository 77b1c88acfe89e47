"""What a role is told beside its own instructions: the gates, as the code holds them."""

from __future__ import annotations

from codextui.teams.condition import Condition
from codextui.teams.team import Mode, Role, Team


def instructions_of(team: Team, role: Role, mode: Mode) -> str:
    """The whole instructions of a role."""
    parts = [role.instructions.strip()]
    if role.produces:
        parts.append(f"When you are done these must be there:\n{_list(role.produces)}")
    if mode is Mode.HANDOFFS and role.handoffs:
        parts.append(f"You can hand off to:\n{_handoffs(team, role)}")
    if role.codex:
        parts.append(
            "You work by the tool `codex`: tell it what to do in the project, and use "
            "`codex-reply` with the `threadId` that it answered to go on with the same thread. "
            f"Its sandbox is {role.sandbox}."
        )
    return "\n\n".join(parts)


def task_of(team: Team, role: Role, task: str, changed: tuple[str, ...] = ()) -> str:
    """What a role that runs by itself is asked to do."""
    parts = [task.strip()]
    if len(team.roles) > 1:
        parts.append(f"You do the part of {role.name} in it; the others do theirs by themselves.")
    if role.requires:
        parts.append(f"What you need is there:\n{_list(role.requires)}")
    if changed:
        parts.append(
            "You have done this before, but since then these were changed: "
            f"{', '.join(changed)}. Bring your work up to date."
        )
    return "\n\n".join(parts)


def _handoffs(team: Team, role: Role) -> str:
    lines = []
    for name in role.handoffs:
        target = team.roles[name]
        about = f": {target.about}" if target.about else ""
        needs = ", ".join(map(str, target.requires))
        lines.append(f"- {name}{about}{f' (only once there is {needs})' if needs else ''}")
    return "\n".join(lines)


def _list(conditions: tuple[Condition, ...]) -> str:
    return "\n".join(f"- {condition}" for condition in conditions)
