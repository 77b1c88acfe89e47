"""Runs the roles of a team in parallel: each as soon as all that it requires is there.

A role also waits while a role that produces what it requires, directly or indirectly, is working
or about to start, so that it does not read unfinished files. A role that is done is due again when
something that it requires has become newer, as with make; when it gets a message; or when its
rerun is requested.
"""

from __future__ import annotations

import asyncio

import msgspec

from codextui.protocol.codec import convert
from codextui.protocol.runs import RunEventKind
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Artifact
from codextui.teams.gates.conditions import (
    UnmetCondition,
    find_files,
    format_unmet,
    latest_mtime_ns,
)
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext, role_task
from codextui.teams.runner.conversation import Conversation

_PART = "progress"


async def run_parallel(context: RunContext, task: str) -> str:
    """Run every role as often as it is due, and return the last answer of each.

    Raises RunStopped.
    """
    return await _ParallelRun(context, task).run()


class RoleProgress(msgspec.Struct, rename={"newest_input_ns": "seen"}):
    """The progress of a role.

    Attributes:
        round: the number of the current or last round; 0 before the first.
        done: whether that round is over.
        newest_input_ns: the modification time of the newest required file when it began.
        reruns: how many of the rounds are requested reruns.
    """

    round: int = 0
    done: bool = False
    newest_input_ns: int = 0
    reruns: int = 0


class _ParallelRun:
    def __init__(self, context: RunContext, task: str) -> None:
        self._context = context
        self._team = context.team
        self._controls = context.controls
        self._task = task
        self._progress = _read_progress(context)
        self._running: dict[str, asyncio.Task[str]] = {}
        self._answers: dict[str, str] = {}

    async def run(self) -> str:
        for name, progress in self._progress.items():
            if progress.done:
                self._context.publisher.roles[name].thread.update(state=ThreadState.DONE)
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
        """Start the roles that can start, and wait for a change; returns False at the end."""
        changed = asyncio.create_task(self._controls.next_change().wait())
        try:
            await self._apply_controls()
            await self._start_roles()
            paused = any(map(self._controls.is_paused, self._unfinished()))
            if not self._running and not paused:
                return False
            awaited = {changed, *self._running.values()}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        for name in [name for name, task in self._running.items() if task.done()]:
            self._answers[name] = await self._running.pop(name)
            self._record(name, done=True)
        return True

    # Requests of people.

    async def _apply_controls(self) -> None:
        """Cancel stopped roles, and start over with roles whose rerun is requested."""
        for name, progress in self._progress.items():
            rerun = self._controls.rerun_count(name) > progress.reruns
            if (rerun or self._controls.stopped_by(name)) and name in self._running:
                await self._cancel(name)
            if rerun:
                self._start_over(name)

    async def _cancel(self, name: str) -> None:
        running = self._running.pop(name)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self._context.cancel_codex_calls(name)

    def _start_over(self, name: str) -> None:
        progress = self._progress[name]
        progress.reruns = self._controls.rerun_count(name)
        progress.newest_input_ns = self._newest_input_ns(name)
        progress.round += 1
        self._record(name, done=False)

    def _unfinished(self) -> list[str]:
        return [name for name, progress in self._progress.items() if not progress.done]

    # Starting roles.

    async def _start_roles(self) -> None:
        """Start every role that is due and need not wait, and resume those that had begun."""
        begun = [name for name, p in self._progress.items() if p.round and not p.done]
        due = [name for name in self._team.roles if self._is_due(name)]
        unmet = {name: await self._unmet(name) for name in due}
        at_work = {*self._running, *begun, *(name for name in due if not unmet[name])}
        for name in due:
            sources = self._all_sources(name) & at_work
            if unmet[name] or sources:
                makers = {maker for one in unmet[name] for maker in one.makers}
                waits_for = tuple(sorted(makers or sources))
                self._context.publisher.begin_gate_wait(name, waits_for)
            elif self._may_work(name):
                self._begin(name)
        for name in begun:
            if name not in self._running and self._may_work(name):
                self._start(name, ())
        self._read_messages()

    def _may_work(self, name: str) -> bool:
        return not self._controls.is_paused(name) and not self._controls.stopped_by(name)

    def _read_messages(self) -> None:
        """Resume roles that are done and have unread messages."""
        for name, progress in self._progress.items():
            if progress.done and self._controls.has_messages(name) and self._may_work(name):
                self._record(name, done=False)
                self._start(name, ())

    def _is_due(self, name: str) -> bool:
        progress = self._progress[name]
        if name in self._running or (progress.round and not progress.done):
            return False
        return not progress.round or self._newest_input_ns(name) > progress.newest_input_ns

    def _all_sources(self, name: str) -> set[str]:
        """Return the roles that produce what a role requires, directly or indirectly."""
        found: set[str] = set()
        pending = [name]
        while pending:
            sources = self._team.dependencies(pending.pop()) - found
            found |= sources
            pending += sources
        return found

    def _begin(self, name: str) -> None:
        """Begin a new round of a role. Raises RunStopped if it was due too often."""
        progress = self._progress[name]
        changed = self._changed_inputs(name) if progress.round else ()
        if progress.round - progress.reruns > self._team.limits.rounds:
            files = ", ".join(changed)
            reason = f"{name} was due again {progress.round} times: {files} was changed"
            raise RunStopped(RunOutcome.GATE, reason)
        if changed:
            data = {"changed": list(changed)}
            text = f"is due again: {', '.join(changed)}"
            self._context.on_event(RunEvent(RunEventKind.ROLE_STALE, name, text, data))
        progress.newest_input_ns = self._newest_input_ns(name)
        progress.round += 1
        self._record(name, done=False)
        self._start(name, changed)

    def _start(self, name: str, changed: tuple[str, ...]) -> None:
        self._running[name] = asyncio.create_task(self._run_role(name, changed), name=name)

    async def _run_role(self, name: str, changed: tuple[str, ...]) -> str:
        """Run a role until what it produces is there, and return its answer."""
        role = self._team.roles[name]
        conversation = Conversation(self._context, f"{name}-{self._progress[name].round}")
        answer = await conversation.run(name, role_task(self._team, role, self._task, changed))
        while self._controls.has_messages(name):
            answer = await conversation.resume(name)
        for _ in range(self._team.limits.rounds):
            unmet = await self._context.find_unmet(role.produces)
            if not unmet:
                break
            missing = format_unmet(unmet)
            data = {"missing": [str(one) for one in unmet]}
            text = f"is sent back:\n{missing}"
            self._context.on_event(RunEvent(RunEventKind.SENT_BACK, name, text, data))
            answer = await conversation.send(name, f"You are not done. Missing:\n{missing}")
        unmet = await self._context.find_unmet(role.produces)
        if unmet:
            raise RunStopped(RunOutcome.GATE, f"{name} ended without:\n{format_unmet(unmet)}")
        self._context.publisher.roles[name].thread.update(state=ThreadState.DONE)
        self._context.on_event(RunEvent(RunEventKind.ROLE_FINISHED, name, answer))
        return answer

    async def _check_all_done(self) -> None:
        unfinished = self._unfinished()
        stopped = [name for name in unfinished if self._controls.stopped_by(name)]
        if stopped:
            by = [f"{name} was stopped by {self._controls.stopped_by(name)}" for name in stopped]
            raise RunStopped(RunOutcome.PERSON, f"nothing else can be done: {'; '.join(by)}")
        if unfinished:
            missing = {name: format_unmet(await self._unmet(name)) for name in unfinished}
            reasons = [f"{name} never began:\n{reason}" for name, reason in missing.items()]
            raise RunStopped(RunOutcome.GATE, "\n".join(reasons))

    async def _unmet(self, name: str) -> tuple[UnmetCondition, ...]:
        return await self._context.find_unmet(self._team.roles[name].requires)

    def _newest_input_ns(self, name: str) -> int:
        return latest_mtime_ns(self._context.project, self._team.roles[name].requires)

    def _changed_inputs(self, name: str) -> tuple[str, ...]:
        """Return the required files that have changed since the last round of a role began."""
        root = self._context.project.resolve()
        since = self._progress[name].newest_input_ns
        files = [
            file
            for needed in self._team.roles[name].requires
            if isinstance(needed, Artifact)
            for file in find_files(self._context.project, needed.pattern)
            if file.stat().st_mtime_ns > since
        ]
        return tuple(str(file.relative_to(root)) for file in files)

    def _record(self, name: str, *, done: bool) -> None:
        self._progress[name].done = done
        self._context.store.write(_PART, msgspec.to_builtins(self._progress))


def _read_progress(context: RunContext) -> dict[str, RoleProgress]:
    with context.store.reading(_PART) as stored:
        return {name: convert(stored.get(name, {}), RoleProgress) for name in context.team.roles}
