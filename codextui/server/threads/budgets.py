"""Token budgets of threads: turns end at the limit, and none begins beyond it.

Codex's own (`thread/goal/set`) is another thing in every version from 0.153.4 to 0.171.0: it needs
an objective, which Codex then works on in turns that nobody asked for; a turn that reaches the
limit is only told to finish; and later turns run on. So the server counts, sub-agents included.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator

from codextui.errors import CodextuiError, ServerRefused, TurnNotRunning
from codextui.protocol import events as ev
from codextui.server.threads.registry import SUB_AGENT_CLIENT, ThreadRecord, ThreadRegistry
from codextui.text.figures import format_tokens

logger = logging.getLogger(__name__)


class Budgets:
    """Watches what threads use.

    Args:
        registry: the threads, whose infos have the budgets.
    """

    def __init__(self, registry: ThreadRegistry) -> None:
        self._registry = registry
        self._ending: set[str] = set()

    def applies_to(self, record: ThreadRecord) -> bool:
        """Return whether a thread has a budget, or one that it is a sub-agent of."""
        return next(self._with_budget(record), None) is not None

    def check(self, record: ThreadRecord) -> None:
        """Raise ServerRefused where a thread has used its budget, or one above it has."""
        for holder in self._with_budget(record):
            if problem := self._problem(holder):
                raise ServerRefused(problem)

    async def enforce(
        self, record: ThreadRecord, interrupt: Callable[[str], Awaitable[object]]
    ) -> None:
        """Interrupt the turns of a thread that has used its budget, and say so.

        Args:
            record: the thread that has used tokens; a sub-agent's count for those above it.
            interrupt: interrupts a thread's turn, given its id. Raises TurnNotRunning.
        """
        for holder in self._with_budget(record):
            problem = self._problem(holder)
            if problem and holder.thread_id not in self._ending:
                self._ending.add(holder.thread_id)
                try:
                    await self._end_turns(holder, problem, interrupt)
                finally:
                    self._ending.discard(holder.thread_id)

    async def _end_turns(
        self, holder: ThreadRecord, problem: str, interrupt: Callable[[str], Awaitable[object]]
    ) -> None:
        running = [one for one in self._family(holder) if one.turn.running_id]
        if not running:
            return
        self._registry.apply(holder, holder.turn.running_id, ev.Warned(problem))
        for one in running:
            try:
                await interrupt(one.thread_id)
            except TurnNotRunning:
                pass
            except CodextuiError as error:
                logger.warning("%s runs beyond its budget: %s", one.info.handle, error)

    def _with_budget(self, record: ThreadRecord) -> Iterator[ThreadRecord]:
        """Yield the thread and those that it is a sub-agent of, as far as they have a budget."""
        seen: set[str] = set()
        at: ThreadRecord | None = record
        while at is not None and at.thread_id not in seen:
            seen.add(at.thread_id)
            if at.info.budget is not None:
                yield at
            above = at.info.parent if at.info.client == SUB_AGENT_CLIENT else ""
            at = self._registry.get(above)

    def _problem(self, holder: ThreadRecord) -> str:
        budget = holder.info.budget
        used = sum(one.info.usage.total for one in self._family(holder))
        if budget is None or used < budget:
            return ""
        handle = holder.info.handle
        return (
            f"{handle} has used {format_tokens(used)} of its budget of {format_tokens(budget)} "
            f"tokens. `codextui set {handle} budget=N` raises it."
        )

    def _family(self, holder: ThreadRecord) -> list[ThreadRecord]:
        is_below = self._registry.is_sub_agent_of
        below = [one for one in self._registry if is_below(holder.thread_id, one.thread_id)]
        return [holder, *below]
