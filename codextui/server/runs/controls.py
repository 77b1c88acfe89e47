"""Publishes people's requests to roles and runs, for the program that runs them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from codextui.errors import CodextuiError, ServerRefused
from codextui.protocol.events import RoleRequested
from codextui.protocol.runs import RoleAction, ThreadKind
from codextui.protocol.threads import ThreadState
from codextui.server.options import DEFAULT_LIMITS, RunLimits
from codextui.server.runs.runs import Run, Runs
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.threads.turn_state import ENDED_STATES, resume_command
from codextui.server.threads.turns import Turns

_NAMED = 3
_HELD_STATES = (ThreadState.PAUSED, ThreadState.INTERRUPTED)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunRequests:
    """Publishes requests to roles and runs, and kills runs.

    Attributes:
        registry: publishes the requests.
        runs: the runs and their owners.
        turns: kills the Codex threads of a run.
        limits: sizes.
    """

    registry: ThreadRegistry
    runs: Runs
    turns: Turns
    limits: RunLimits = DEFAULT_LIMITS.runs

    def request(
        self, record: ThreadRecord, action: RoleAction, text: str = "", *, by: str
    ) -> ThreadRecord:
        """Request something of a role or a run; its program publishes what comes of it.

        Args:
            record: the role or the run.
            action: what to do.
            text: the message, for `RoleAction.MESSAGE`.
            by: the name of the client that requests it.

        Raises:
            ServerRefused: it cannot be done.
        """
        if record.is_codex_thread:
            raise ServerRefused(f"{record.info.handle} is a Codex thread, not a role of a team")
        if action is RoleAction.MESSAGE and not text.strip():
            raise ServerRefused("the message is empty")
        if len(text) > self.limits.message_chars:
            raise ServerRefused(
                f"a message may have {self.limits.message_chars} characters, not {len(text)}"
            )
        _check_possible(self.runs.run_of(record), record, action)
        self.registry.publish(record, record.info.turn_id, RoleRequested(action, text, by))
        return record

    def resume(self, record: ThreadRecord, *, by: str) -> ThreadRecord:
        """Request that a paused or stopped role or run resumes.

        Raises:
            ServerRefused: it is neither, or its program is gone; the message says how to start
                the program.
        """
        run = self.runs.run_of(record)
        own = record.program_info or record.info  # an open approval hides the state in `info`
        if run.owner is not None and own.state in _HELD_STATES:
            return self.request(record, RoleAction.RESUME, by=by)
        if run.owner is not None:
            raise ServerRefused(f"{record.info.handle} is not paused: {run.owner.name} runs it")
        command = resume_command(record.info.client, run.run_id)
        if command:
            raise ServerRefused(f"{command} goes on with it")
        which = run.run_id if record.thread_id == run.run_id else f"its run, {run.run_id},"
        raise ServerRefused(f"only its program can run {which}")

    async def kill(self, record: ThreadRecord, *, by: str) -> ThreadRecord:
        """End a run for good: its roles, their approvals, and the Codex threads that they use.

        Its program is requested to stop.

        Raises:
            ServerRefused: it is a role; only a whole run can be killed.
        """
        run = self.runs.run_of(record)
        own = run.records.get(run.run_id)
        if record.info.kind is not ThreadKind.RUN or own is None:
            name = own.info.handle if own is not None else run.run_id
            raise ServerRefused(
                f"{record.info.handle} is a role of {name}: stop it, or kill the whole run"
            )
        if run.owner is not None and run.is_active:
            self.registry.publish(own, own.info.turn_id, RoleRequested(RoleAction.STOP, "", by))
        self.runs.kill(run)
        used = [r for r in self.registry if r.is_codex_thread and r.info.parent in run.records]
        living = [r for r in used if r.info.state is not ThreadState.KILLED]
        await asyncio.gather(*map(self._kill_thread, living))
        return own

    def fork_refusal(self, record: ThreadRecord) -> ServerRefused:
        """Return why a role or a run cannot be forked, and which of its threads can."""
        info = record.info
        is_run = info.kind is ThreadKind.RUN
        parents = self.runs.run_of(record).records if is_run else (info.thread_id,)
        used = [
            r.info.handle for r in self.registry if r.is_codex_thread and r.info.parent in parents
        ]
        such = f", such as {' and '.join(used[:_NAMED])}" if used else ""
        return ServerRefused(
            f"{info.handle} is a {info.kind.value} of a team: "
            f"only Codex threads can be forked{such}"
        )

    async def _kill_thread(self, record: ThreadRecord) -> None:
        try:
            await self.turns.kill(record.thread_id)
        except CodextuiError as error:
            logger.warning("%s was not killed: %s", record.info.handle, error)


def _check_possible(run: Run, record: ThreadRecord, action: RoleAction) -> None:
    handle, state = record.info.handle, record.info.state
    if run.owner is None:
        command = resume_command(record.info.client, run.run_id)
        hint = f": {command} goes on with it" if command else ""
        raise ServerRefused(f"the program that ran {handle} is gone{hint}")
    own = run.records[run.run_id].info
    rerun = action is RoleAction.RERUN and own.state is not ThreadState.KILLED
    if own.state in ENDED_STATES and not rerun:
        raise ServerRefused(f"{own.handle} is over ({own.state.value}): nobody is at work there")
    if state in ENDED_STATES and action in (RoleAction.PAUSE, RoleAction.STOP):
        raise ServerRefused(f"{handle} is not at work ({state.value})")
