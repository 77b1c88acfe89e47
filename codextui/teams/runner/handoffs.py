"""A run by handoffs: one role at a time, as the Agents SDK does it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from codextui.teams.gates.conditions import tell_unmet
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.controls import ALL_OVER
from codextui.teams.runner.conversation import Conversation
from codextui.teams.runner.ending import Ending, RunStopped

_STRAND = "team"


async def run_handoffs(crew: RunContext, task: str) -> str:
    """Give the task to the entry role and return the team's last words.

    A team that says that it is done while something is missing is sent back to its entry role;
    one whose roles have not read what people said to them goes on with those.
    Raises RunStopped.
    """
    return await _HandoffRun(crew, task).play()


class _HandoffRun:
    def __init__(self, crew: RunContext, task: str) -> None:
        self._crew = crew
        self._team = crew.team
        self._task = task
        self._strand = Conversation(crew, _STRAND)

    async def play(self) -> str:
        answer = await self._attend(self._strand.play(self._team.entry, self._task))
        answer = await self._read_messages(answer)
        made = [artifact for role in self._team.roles.values() for artifact in role.produces]
        for _ in range(self._team.limits.rounds):
            unmet = await self._crew.find_unmet(made)
            if not unmet:
                return answer
            missing = tell_unmet(unmet)
            data = {"missing": [str(one) for one in unmet]}
            entry = self._team.entry
            self._crew.tell(
                RunEvent(RunEventKind.SENT_BACK, entry, f"is sent back:\n{missing}", data)
            )
            self._check_stopped(entry)
            told = f"The work is not done. Missing:\n{missing}"
            answer = await self._attend(self._strand.say(entry, told))
            answer = await self._read_messages(answer)
        unmet = await self._crew.find_unmet(made)
        if unmet:
            raise RunStopped(Ending.GATE, f"the team ended without:\n{tell_unmet(unmet)}")
        return answer

    async def _read_messages(self, answer: str) -> str:
        """Let roles that were not at work read what was said to them, before the team ends."""
        while True:
            waiting = [name for name in self._team.roles if self._may_read(name)]
            if not waiting:
                return answer
            answer = await self._attend(self._strand.go_on(waiting[0]))

    def _may_read(self, name: str) -> bool:
        direction = self._crew.direction
        return direction.has_messages(name) and not direction.stopped_by(name)

    async def _attend(self, step: Coroutine[Any, Any, str]) -> str:
        """Go a step, unless people stop the role that is at work or let one begin again."""
        while True:
            playing = asyncio.create_task(step)
            try:
                again = await self._watch(playing)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
            if again is None:
                return playing.result()
            await self._crew.stop()
            step = self._begin_again(again)

    async def _watch(self, playing: asyncio.Task[str]) -> str | None:
        """Wait for a step's end: None where it came by itself, or who is to begin again."""
        while True:
            changed = asyncio.create_task(self._crew.direction.next_change().wait())
            try:
                again = [name for name in (ALL_OVER, *self._team.roles) if self._due(name)]
                if again:
                    return again[0]
                self._check_stopped(self._strand.role)
                await asyncio.wait({playing, changed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            if playing.done():
                return None

    def _due(self, name: str) -> bool:
        return self._crew.direction.reruns(name) > self._strand.reruns(name)

    def _begin_again(self, name: str) -> Coroutine[Any, Any, str]:
        self._strand.count_rerun(name)
        entry = self._team.entry
        if name == ALL_OVER:
            self._strand.rewind(entry, self._task)
        elif not self._strand.rewind(name):
            told = "has nothing to begin again with: it was not asked anything yet"
            self._crew.tell(RunEvent(RunEventKind.ROLE_DIRECTED, name, told))
        return self._strand.play(entry, self._task)

    def _check_stopped(self, role: str) -> None:
        """Raises RunStopped where the role that is to work was stopped: nobody else can then."""
        by = self._crew.direction.stopped_by(role)
        if by:
            told = f"{role} was stopped by {by}, and nobody else can work without it"
            raise RunStopped(Ending.PERSON, told)
