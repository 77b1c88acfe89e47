"""A run in parallel: a role starts as soon as all that it requires is there.

A role waits while one that makes what it requires (or makes what that one requires) is at work
or about to be, so that it is not given half of something. A role that is done is due again
when something that it requires has become newer, as with make; and when a person says something
to it, or lets it begin again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Artifact
from codextui.teams.gates.conditions import Unmet, find_files, newest, tell_unmet
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.runner.context import RunContext, task_of
from codextui.teams.runner.conversation import Conversation
from codextui.teams.runner.ending import Ending, RunStopped


@dataclass(slots=True)
class Progress:
    """How far a role is.

    Attributes:
        round: which time it runs, or ran; 0 before the first.
        done: whether that time is over.
        seen: how new what it requires was when it began, in ns.
        reruns: how many of the rounds a person asked for.
    """

    round: int = 0
    done: bool = False
    seen: int = 0
    reruns: int = 0


def progress_to_wire(progress: Mapping[str, Progress]) -> JsonObject:
    """The JSON object that `parse_progress` reads."""
    return {name: asdict(one) for name, one in progress.items()}


def parse_progress(source: JsonObject, roles: Iterable[str]) -> dict[str, Progress]:
    """Read how far each role was; one that is not in it has not begun. Raises WireInvalid."""
    return {name: _parse(fields.as_object(source.get(name, {}), name)) for name in roles}


def _parse(source: JsonObject) -> Progress:
    return Progress(
        round=fields.integer_or(source, "round"),
        done=fields.flag(source, "done"),
        seen=fields.integer_or(source, "seen"),
        reruns=fields.integer_or(source, "reruns"),
    )


_PART = "progress"


async def run_parallel(crew: RunContext, task: str) -> str:
    """Run every role as often as it is due, and return the last words of each.

    Raises RunStopped.
    """
    return await _ParallelRun(crew, task).play()


class _ParallelRun:
    def __init__(self, crew: RunContext, task: str) -> None:
        self._crew = crew
        self._team = crew.team
        self._direction = crew.direction
        self._task = task
        self._progress = parse_progress(crew.store.read(_PART) or {}, crew.team.roles)
        self._running: dict[str, asyncio.Task[str]] = {}
        self._answers: dict[str, str] = {}

    async def play(self) -> str:
        for name, progress in self._progress.items():
            if progress.done:
                self._crew.telling.roles[name].row.change(state=ThreadState.DONE)
        try:
            while await self._step():
                pass
        finally:
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._check_all_done()
        return "\n\n".join(f"{name}: {answer}" for name, answer in self._answers.items())

    async def _step(self) -> bool:
        """Start who can start, and wait for what happens next; False where nothing can."""
        changed = asyncio.create_task(self._direction.next_change().wait())
        try:
            await self._obey()
            await self._start_ready()
            held = any(map(self._direction.is_paused, self._unfinished()))
            if not self._running and not held:
                return False
            waited = {changed, *self._running.values()}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        for name in [name for name, task in self._running.items() if task.done()]:
            self._answers[name] = await self._running.pop(name)
            self._note(name, done=True)
        return True

    # What people ask.

    async def _obey(self) -> None:
        """Stop and begin again whom people want to."""
        for name, progress in self._progress.items():
            again = self._direction.reruns(name) > progress.reruns
            if (again or self._direction.stopped_by(name)) and name in self._running:
                await self._cut_off(name)
            if again:
                self._begin_again(name)

    async def _cut_off(self, name: str) -> None:
        """End what a role does, its Codex turns too. The others go on."""
        running = self._running.pop(name)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self._crew.stop(name)

    def _begin_again(self, name: str) -> None:
        progress = self._progress[name]
        progress.reruns = self._direction.reruns(name)
        progress.seen = self._newest(name)
        progress.round += 1
        self._note(name, done=False)

    def _unfinished(self) -> list[str]:
        return [name for name, progress in self._progress.items() if not progress.done]

    # Who works.

    async def _start_ready(self) -> None:
        """Start every role that is due and need not wait."""
        begun = [name for name, p in self._progress.items() if p.round and not p.done]
        due = [name for name in self._team.roles if self._is_due(name)]
        unmet = {name: await self._unmet(name) for name in due}
        at_work = {*self._running, *begun, *(name for name in due if not unmet[name])}
        for name in due:
            makers = self._upstream(name) & at_work
            if unmet[name] or makers:
                missing = {maker for one in unmet[name] for maker in one.makers}
                self._crew.telling.begin_wait(name, tuple(sorted(missing or makers)))
            elif self._may_work(name):
                self._begin(name)
        for name in begun:
            if name not in self._running and self._may_work(name):
                self._run(name, ())
        self._read_messages()

    def _may_work(self, name: str) -> bool:
        return not self._direction.is_paused(name) and not self._direction.stopped_by(name)

    def _read_messages(self) -> None:
        """Let roles that are done go on with what people said to them since."""
        for name, progress in self._progress.items():
            if progress.done and self._direction.has_messages(name) and self._may_work(name):
                self._note(name, done=False)
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
        if progress.round - progress.reruns > self._team.limits.rounds:
            told = f"{name} was due again {progress.round} times: {', '.join(changed)} was changed"
            raise RunStopped(Ending.GATE, told)
        if changed:
            data = {"changed": list(changed)}
            told = f"is due again: {', '.join(changed)}"
            self._crew.tell(RunEvent(RunEventKind.ROLE_STALE, name, told, data))
        progress.seen = self._newest(name)
        progress.round += 1
        self._note(name, done=False)
        self._run(name, changed)

    def _run(self, name: str, changed: tuple[str, ...]) -> None:
        self._running[name] = asyncio.create_task(self._play(name, changed), name=name)

    async def _play(self, name: str, changed: tuple[str, ...]) -> str:
        """Run a role until what it produces is there."""
        role = self._team.roles[name]
        strand = Conversation(self._crew, f"{name}-{self._progress[name].round}")
        answer = await strand.play(name, task_of(self._team, role, self._task, changed))
        while self._direction.has_messages(name):
            answer = await strand.go_on(name)
        for _ in range(self._team.limits.rounds):
            unmet = await self._crew.find_unmet(role.produces)
            if not unmet:
                break
            missing = tell_unmet(unmet)
            data = {"missing": [str(one) for one in unmet]}
            self._crew.tell(
                RunEvent(RunEventKind.SENT_BACK, name, f"is sent back:\n{missing}", data)
            )
            answer = await strand.say(name, f"You are not done. Missing:\n{missing}")
        unmet = await self._crew.find_unmet(role.produces)
        if unmet:
            raise RunStopped(Ending.GATE, f"{name} ended without:\n{tell_unmet(unmet)}")
        self._crew.telling.roles[name].row.change(state=ThreadState.DONE)
        self._crew.tell(RunEvent(RunEventKind.ROLE_FINISHED, name, answer))
        return answer

    async def _check_all_done(self) -> None:
        unfinished = self._unfinished()
        stopped = [name for name in unfinished if self._direction.stopped_by(name)]
        if stopped:
            told = [f"{name} was stopped by {self._direction.stopped_by(name)}" for name in stopped]
            raise RunStopped(Ending.PERSON, f"nothing else can be done: {'; '.join(told)}")
        if unfinished:
            missing = {name: tell_unmet(await self._unmet(name)) for name in unfinished}
            told = [f"{name} never began:\n{why}" for name, why in missing.items()]
            raise RunStopped(Ending.GATE, "\n".join(told))

    async def _unmet(self, name: str) -> tuple[Unmet, ...]:
        return await self._crew.find_unmet(self._team.roles[name].requires)

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
        self._crew.store.write(_PART, progress_to_wire(self._progress))
