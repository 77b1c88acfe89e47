"""Runs a team by handoffs: one role at a time, in one conversation of the Agents SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from codextui.protocol.runs import RunEventKind
from codextui.teams.gates.conditions import format_unmet
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.controls import WHOLE_TEAM
from codextui.teams.runner.conversation import Conversation

_CONVERSATION = "team"


async def run_handoffs(context: RunContext, task: str) -> str:
    """Give the task to the entry role and return the team's final answer.

    If something is missing when the team ends, the entry role is sent back. If roles have unread
    messages then, they read them first. Raises RunStopped.
    """
    return await _HandoffRun(context, task).run()


class _HandoffRun:
    def __init__(self, context: RunContext, task: str) -> None:
        self._context = context
        self._team = context.team
        self._task = task
        self._conversation = Conversation(context, _CONVERSATION)

    async def run(self) -> str:
        entry = self._team.entry
        answer = await self._attend(self._conversation.run(entry, self._task))
        answer = await self._read_messages(answer)
        produced = [artifact for role in self._team.roles.values() for artifact in role.produces]
        for _ in range(self._team.limits.rounds):
            unmet = await self._context.find_unmet(produced)
            if not unmet:
                return answer
            missing = format_unmet(unmet)
            data = {"missing": [str(one) for one in unmet]}
            text = f"is sent back:\n{missing}"
            self._context.on_event(RunEvent(RunEventKind.SENT_BACK, entry, text, data))
            self._check_stopped(entry)
            message = f"The work is not done. Missing:\n{missing}"
            answer = await self._attend(self._conversation.send(entry, message))
            answer = await self._read_messages(answer)
        unmet = await self._context.find_unmet(produced)
        if unmet:
            reason = f"the team ended without:\n{format_unmet(unmet)}"
            raise RunStopped(RunOutcome.GATE, reason)
        return answer

    async def _read_messages(self, answer: str) -> str:
        """Let roles read their unread messages before the team ends; return the last answer."""
        while True:
            waiting = [name for name in self._team.roles if self._has_unread(name)]
            if not waiting:
                return answer
            answer = await self._attend(self._conversation.resume(waiting[0]))

    def _has_unread(self, name: str) -> bool:
        controls = self._context.controls
        return controls.has_messages(name) and not controls.stopped_by(name)

    async def _attend(self, step: Coroutine[Any, Any, str]) -> str:
        """Run a step to its answer, restarting it for reruns. Raises RunStopped."""
        while True:
            running = asyncio.create_task(step)
            try:
                rerun = await self._wait(running)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            if rerun is None:
                return running.result()
            await self._context.cancel_codex_calls()
            step = self._start_over(rerun)

    async def _wait(self, running: asyncio.Task[str]) -> str | None:
        """Wait for the end of a step: returns None, or the role whose rerun is requested before.

        Raises RunStopped if the role at work is stopped.
        """
        while True:
            changed = asyncio.create_task(self._context.controls.next_change().wait())
            try:
                reruns = [name for name in (WHOLE_TEAM, *self._team.roles) if self._is_rerun(name)]
                if reruns:
                    return reruns[0]
                self._check_stopped(self._conversation.role)
                await asyncio.wait({running, changed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            if running.done():
                return None

    def _is_rerun(self, name: str) -> bool:
        requested = self._context.controls.rerun_count(name)
        return requested > self._conversation.rerun_count(name)

    def _start_over(self, name: str) -> Coroutine[Any, Any, str]:
        self._conversation.record_rerun(name)
        entry = self._team.entry
        if name == WHOLE_TEAM:
            self._conversation.rewind(entry, self._task)
        elif not self._conversation.rewind(name):
            text = "has nothing to begin again with: it was not asked anything yet"
            self._context.on_event(RunEvent(RunEventKind.ROLE_DIRECTED, name, text))
        return self._conversation.run(entry, self._task)

    def _check_stopped(self, role: str) -> None:
        """Raise RunStopped if the role at work was stopped: no other can work then."""
        by = self._context.controls.stopped_by(role)
        if by:
            reason = f"{role} was stopped by {by}, and nobody else can work without it"
            raise RunStopped(RunOutcome.PERSON, reason)
