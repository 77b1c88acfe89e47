"""A run of a team, from its task to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from codextui.client.connection import Connect
from codextui.errors import CodextuiError
from codextui.teams.budget import Budget
from codextui.teams.call_log import CallLog, parse_calls
from codextui.teams.crew import QUIET, Crew, ModelOf, hire
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.handoff_run import run_handoffs
from codextui.teams.happening import Happening, Kind
from codextui.teams.link import ServerLink
from codextui.teams.parallel_run import run_parallel
from codextui.teams.run_plan import RunPlan
from codextui.teams.run_store import RunStore
from codextui.teams.team import Mode
from codextui.teams.traces import kept_traces
from codextui.wire import event as ev


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, and what was said last, or why it stopped."""

    ending: Ending
    message: str


async def run_team(
    plan: RunPlan,
    store: RunStore,
    connect: Connect,
    tell: Callable[[Happening], None],
    *,
    model_of: ModelOf | None = None,
) -> RunEnd:
    """Run a team, or go on with a run that the store has kept.

    Args:
        plan: what is to be run.
        store: where the run is kept, and what is there of it.
        connect: the way to the shared server.
        tell: is told what happens; must not block.
        model_of: chooses the roles' models; by their configuration where None.

    Raises:
        ServerUnreachable: the server could not be reached at the start.
        ConfigInvalid: what was kept cannot be read.
    """
    kept = store.read("calls")
    log = CallLog(parse_calls(kept or {}), lambda calls: store.write("calls", calls))
    budget = Budget(plan.team.limits, store.read("spent"), plan.prices)
    watch = _Watch(plan, log, budget, tell)
    name = f"team {plan.team.name}"
    traced = kept_traces(QUIET, store.folder, plan.traces, run_id=store.run_id, team=plan.team.name)
    with traced as run_config:
        async with ServerLink(connect, name=name, on_event=watch.see, on_lost=watch.lose) as link:
            crew = hire(
                plan.team,
                plan.mode,
                plan.project,
                link=link,
                log=log,
                store=store,
                budget=budget,
                tell=tell,
                model_of=model_of,
                run_config=run_config,
            )
            end = await _play(plan, crew, watch)
    store.write("spent", budget.to_wire())
    data = {"outcome": end.ending.name.lower(), "exit": int(end.ending), **budget.report()}
    tell(Happening(Kind.RUN_ENDED, "", f"{end.ending.words}: {end.message}", data))
    return end


async def _play(plan: RunPlan, crew: Crew, watch: _Watch) -> RunEnd:
    run = run_handoffs if plan.mode is Mode.HANDOFFS else run_parallel
    playing = asyncio.create_task(run(crew, plan.task))
    try:
        async with asyncio.timeout(plan.team.limits.minutes * 60 or None):
            await asyncio.wait({playing, watch.stopped}, return_when=asyncio.FIRST_COMPLETED)
            # What stopped it is told rather than what came of that.
            return RunEnd(Ending.DONE, await (playing if playing.done() else watch.stopped))
    except TimeoutError:
        return RunEnd(Ending.BUDGET, f"it took more than {plan.team.limits.minutes:g} minutes")
    except RunStopped as stopped:
        if stopped.ending is Ending.PERSON:
            # The question stays open: whoever answers it later lets the turn go on.
            crew.let_go()
        return RunEnd(stopped.ending, str(stopped))
    except CodextuiError as error:
        return RunEnd(Ending.FAILED, str(error))
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError, CodextuiError):
            await playing
        await crew.stop()


class _Watch:
    """Sees what happens on the server to the threads of this run.

    Attributes:
        stopped: ends with RunStopped where the run must not go on.
    """

    def __init__(
        self, plan: RunPlan, log: CallLog, budget: Budget, tell: Callable[[Happening], None]
    ) -> None:
        self.stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._patience_s = plan.team.limits.person_minutes * 60
        self._log = log
        self._budget = budget
        self._tell = tell
        self._waiting: dict[str, asyncio.TimerHandle | None] = {}

    def see(self, event: ev.Event) -> None:
        """Take an event of the server's."""
        if event.thread_id not in self._log.threads:
            return
        match event.msg:
            case ev.TokensCounted(total):
                self._budget.count_thread(event.thread_id, total, self._stop, turn_id=event.turn_id)
            case ev.ApprovalAsked(approval):
                self._wait_for_person(approval.approval_id, approval.handle)
            case ev.ApprovalResolved(approval_id, outcome, by):
                timer = self._waiting.pop(approval_id, None)
                if timer is not None:
                    timer.cancel()
                data = {"approval": approval_id, "outcome": outcome, "by": by}
                told = f"{outcome} by {by}" if by else outcome
                self._tell(Happening(Kind.PERSON_DECIDED, "", told, data))
            case _:
                pass

    def lose(self, reason: str) -> None:
        """Take that the server is lost."""
        self._stop(RunStopped(Ending.FAILED, f"the shared server was lost: {reason}"))

    def _wait_for_person(self, approval_id: str, handle: str) -> None:
        data = {"approval": approval_id}
        told = f"needs a person to decide {approval_id}"
        self._tell(Happening(Kind.PERSON_NEEDED, handle, told, data))
        if self._patience_s:
            stopped = RunStopped(
                Ending.PERSON,
                f"nobody decided {approval_id} of {handle} in {self._patience_s / 60:g} minutes; "
                "decide it (`codextui approvals`), then resume the run",
            )
            loop = asyncio.get_running_loop()
            self._waiting[approval_id] = loop.call_later(self._patience_s, self._stop, stopped)

    def _stop(self, stopped: RunStopped) -> None:
        if not self.stopped.done():
            self.stopped.set_exception(stopped)
            self.stopped.exception()  # it may have ended by itself in this moment
