"""A run by handoffs: one role at a time, as the Agents SDK does it."""

from __future__ import annotations

from codextui.teams.crew import Crew
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.gate import find_unmet, tell_unmet
from codextui.teams.happening import Happening, Kind
from codextui.teams.strand import Strand


async def run_handoffs(crew: Crew, task: str) -> str:
    """Give the task to the entry role and return the team's last words.

    A team that says that it is done while something is missing is sent back to its entry role.
    Raises RunStopped.
    """
    team = crew.team
    strand = Strand(crew, "team")
    answer = await strand.play(team.entry, task)
    made = [artifact for role in team.roles.values() for artifact in role.produces]
    for _ in range(team.limits.rounds):
        unmet = await find_unmet(team, crew.project, made)
        if not unmet:
            return answer
        missing = tell_unmet(unmet)
        data = {"missing": [str(one) for one in unmet]}
        crew.tell(Happening(Kind.SENT_BACK, team.entry, f"is sent back:\n{missing}", data))
        answer = await strand.say(team.entry, f"The work is not done. Missing:\n{missing}")
    unmet = await find_unmet(team, crew.project, made)
    if unmet:
        raise RunStopped(Ending.GATE, f"the team ended without:\n{tell_unmet(unmet)}")
    return answer
