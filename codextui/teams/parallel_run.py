"""A run in parallel: a role starts as soon as all that it requires is there.

A role waits while one that makes what it requires (or makes what that one requires) is at work
or about to be, so that it is not given half of something. A role that is done is due again
when something that it requires has become newer, as with make.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from codextui.teams.briefing import task_of
from codextui.teams.condition import Artifact
from codextui.teams.crew import Crew
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.gate import find_files, find_unmet, newest, tell_unmet
from codextui.teams.happening import Happening, Kind
from codextui.teams.strand import Strand
from codextui.wire import fields
from codextui.wire.fields import JsonObject

_PART = "progress"


@dataclass(slots=True)
class Progress:
    """How far a role is.

    Attributes:
        round: which time it runs, or ran; 0 before the first.
        done: whether that time is over.
        seen: how new what it requires was when it began, in ns.
    """

    round: int = 0
    done: bool = False
    seen: int = 0


async def run_parallel(crew: Crew, task: str) -> str:
    """Run every role as often as it is due, and return the last words of each.

    Raises RunStopped.
    """
    return await _ParallelRun(crew, task).play()


class _ParallelRun:
    def __init__(self, crew: Crew, task: str) -> None:
        self._crew = crew
        self._team = crew.team
        self._task = task
        self._progress = _parse(crew.store.read(_PART) or {}, crew)
        self._running: dict[str, asyncio.Task[str]] = {}
        self._answers: dict[str, str] = {}

    async def play(self) -> str:
        try:
            await self._start_ready()
            while self._running:
                await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
                for name in [name for name, task in self._running.items() if task.done()]:
                    self._answers[name] = await self._running.pop(name)
                    self._note(name, done=True)
                await self._start_ready()
        finally:
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._check_all_done()
        return "\n\n".join(f"{name}: {answer}" for name, answer in self._answers.items())

    async def _start_ready(self) -> None:
        """Start every role that is due and need not wait."""
        begun = [name for name, p in self._progress.items() if p.round and not p.done]
        due = [name for name in self._team.roles if self._is_due(name)]
        ready = [name for name in due if not await self._unmet(name)]
        at_work = {*self._running, *begun, *ready}
        for name in ready:
            if not self._upstream(name) & at_work:
                self._begin(name)
        for name in begun:
            if name not in self._running:
                self._run(name, ())

    def _is_due(self, name: str) -> bool:
        progress = self._progress[name]
        if name in self._running or (progress.round and not progress.done):
            return False
        return not progress.round or self._newest(name) > progress.seen

    def _upstream(self, name: str) -> set[str]:
        """The roles that a role waits for, over all steps."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            sources = self._team.sources(waiting.pop()) - found
            found |= sources
            waiting += sources
        return found

    def _begin(self, name: str) -> None:
        progress = self._progress[name]
        changed = self._changed(name) if progress.round else ()
        if progress.round > self._team.limits.rounds:
            told = f"{name} was due again {progress.round} times: {', '.join(changed)} was changed"
            raise RunStopped(Ending.GATE, told)
        if changed:
            data = {"changed": list(changed)}
            told = f"is due again: {', '.join(changed)}"
            self._crew.tell(Happening(Kind.ROLE_STALE, name, told, data))
        progress.seen = self._newest(name)
        progress.round += 1
        self._note(name, done=False)
        self._run(name, changed)

    def _run(self, name: str, changed: tuple[str, ...]) -> None:
        self._running[name] = asyncio.create_task(self._play(name, changed), name=name)

    async def _play(self, name: str, changed: tuple[str, ...]) -> str:
        """Run a role until what it produces is there."""
        role = self._team.roles[name]
        strand = Strand(self._crew, f"{name}-{self._progress[name].round}")
        answer = await strand.play(name, task_of(self._team, role, self._task, changed))
        for _ in range(self._team.limits.rounds):
            unmet = await find_unmet(self._team, self._crew.project, role.produces)
            if not unmet:
                break
            missing = tell_unmet(unmet)
            data = {"missing": [str(one) for one in unmet]}
            self._crew.tell(Happening(Kind.SENT_BACK, name, f"is sent back:\n{missing}", data))
            answer = await strand.say(name, f"You are not done. Missing:\n{missing}")
        unmet = await find_unmet(self._team, self._crew.project, role.produces)
        if unmet:
            raise RunStopped(Ending.GATE, f"{name} ended without:\n{tell_unmet(unmet)}")
        self._crew.tell(Happening(Kind.ROLE_FINISHED, name, answer))
        return answer

    async def _check_all_done(self) -> None:
        told = []
        for name, progress in self._progress.items():
            if not progress.done:
                told.append(f"{name} never began:\n{await self._unmet(name)}")
        if told:
            raise RunStopped(Ending.GATE, "\n".join(told))

    async def _unmet(self, name: str) -> str:
        requires = self._team.roles[name].requires
        return tell_unmet(await find_unmet(self._team, self._crew.project, requires))

    def _newest(self, name: str) -> int:
        return newest(self._crew.project, self._team.roles[name].requires)

    def _changed(self, name: str) -> tuple[str, ...]:
        """The files that are newer than when a role began."""
        root = self._crew.project.resolve()
        seen = self._progress[name].seen
        files = [
            file
            for needed in self._team.roles[name].requires
            if isinstance(needed, Artifact)
            for file in find_files(self._crew.project, needed.pattern)
            if file.stat().st_mtime_ns > seen
        ]
        return tuple(str(file.relative_to(root)) for file in files)

    def _note(self, name: str, *, done: bool) -> None:
        self._progress[name].done = done
        self._crew.store.write(_PART, {n: asdict(p) for n, p in self._progress.items()})


def _parse(source: JsonObject, crew: Crew) -> dict[str, Progress]:
    progress = {}
    for name in crew.team.roles:
        kept = fields.as_object(source.get(name, {}), name)
        progress[name] = Progress(
            round=fields.integer_or(kept, "round"),
            done=fields.flag(kept, "done"),
            seen=fields.integer_or(kept, "seen"),
        )
    return progress
