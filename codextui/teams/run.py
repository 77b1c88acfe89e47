"""A run of a team, from its task to its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from agents import RunConfig

from codextui.client.connection import Connect
from codextui.errors import CodextuiError
from codextui.teams.budget import Budget
from codextui.teams.call_log import CallLog, parse_calls
from codextui.teams.crew import QUIET, Crew, ModelOf, hire
from codextui.teams.direction import Direction
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.handoff_run import run_handoffs
from codextui.teams.happening import Happening, Kind
from codextui.teams.link import ServerLink
from codextui.teams.parallel_run import run_parallel
from codextui.teams.people import People
from codextui.teams.requests import Requests
from codextui.teams.run_plan import RunPlan
from codextui.teams.run_store import RunStore
from codextui.teams.run_telling import RunTelling
from codextui.teams.server_telling import asking, telling_server
from codextui.teams.team import Mode
from codextui.teams.traces import kept_traces
from codextui.teams.watch import Watch

TEAM_CLIENT = "team "
"""How the names begin by which runs introduce themselves to the server."""


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
    log = CallLog(parse_calls(store.read("calls") or {}), functools.partial(store.write, "calls"))
    budget = Budget(plan.team.limits, store.read("spent"), plan.prices)
    watch = Watch(log, budget, person_minutes=plan.team.limits.person_minutes)
    name = f"{TEAM_CLIENT}{plan.team.name}"
    with _traced(plan, store, tell) as run_config:
        async with (
            ServerLink(connect, name=name, on_event=watch.see, on_lost=watch.lose) as link,
            telling_server(plan, store, link, budget, tell) as (telling, publisher),
        ):
            crew = hire(
                plan.team,
                plan.mode,
                plan.project,
                link=link,
                log=log,
                store=store,
                budget=budget,
                tell=_tell_both(tell, telling),
                direction=Direction(store),
                telling=telling,
                people=People(asking(link, publisher), store),
                model_of=model_of,
                run_config=run_config,
            )
            end = await _play_watched(plan, crew, watch, link)
    store.write("spent", budget.to_wire())
    tell(_ended(end, budget))
    return end


def _ended(end: RunEnd, budget: Budget) -> Happening:
    data = {"outcome": end.ending.name.lower(), "exit": int(end.ending), **budget.report()}
    return Happening(Kind.RUN_ENDED, "", f"{end.ending.words}: {end.message}", data)


def _traced(
    plan: RunPlan, store: RunStore, tell: Callable[[Happening], None]
) -> AbstractContextManager[RunConfig]:
    return kept_traces(
        QUIET,
        store.folder,
        plan.traces,
        run_id=store.run_id,
        team=plan.team.name,
        on_trouble=lambda why: tell(Happening(Kind.TROUBLE, "", why)),
    )


def _requests(crew: Crew, watch: Watch) -> Requests:
    return Requests(
        crew.team,
        crew.mode,
        crew.direction,
        crew.telling,
        run_id=crew.store.run_id,
        tell=crew.tell,
        stop=watch.stop,
    )


def _tell_both(
    tell: Callable[[Happening], None], telling: RunTelling
) -> Callable[[Happening], None]:
    def tell_both(happening: Happening) -> None:
        tell(happening)
        telling.see(happening)

    return tell_both


async def _play_watched(plan: RunPlan, crew: Crew, watch: Watch, link: ServerLink) -> RunEnd:
    """Run the crew while its threads, and what people ask of it, are watched; tell how it ended."""
    watch.begin(crew.tell, crew.telling, _requests(crew, watch), link)
    end = await _play(plan, crew, watch)
    await crew.telling.finish(end.ending, end.message)
    return end


async def _play(plan: RunPlan, crew: Crew, watch: Watch) -> RunEnd:
    run = run_handoffs if plan.mode is Mode.HANDOFFS else run_parallel
    playing = asyncio.create_task(_play_with_servers(crew, run, plan.task))
    try:
        async with asyncio.timeout(plan.team.limits.minutes * 60 or None):
            await asyncio.wait({playing, watch.stopped}, return_when=asyncio.FIRST_COMPLETED)
            # What stopped it is told rather than what came of that.
            return RunEnd(Ending.DONE, await (playing if playing.done() else watch.stopped))
    except TimeoutError:
        return RunEnd(Ending.BUDGET, f"it took more than {plan.team.limits.minutes:g} minutes")
    except RunStopped as stopped:
        if watch.undecided:
            # The question stays open: whoever answers it later lets the turn go on.
            crew.let_go()
        return RunEnd(stopped.ending, str(stopped))
    except CodextuiError as error:
        return RunEnd(Ending.FAILED, str(error))
    finally:
        playing.cancel()
        # What comes of stopping it hides neither how it ended, nor that its turns must stop.
        await asyncio.gather(playing, return_exceptions=True)
        await crew.stop()


async def _play_with_servers(
    crew: Crew, run: Callable[[Crew, str], Awaitable[str]], task: str
) -> str:
    """Run with the roles' own MCP servers connected."""
    async with contextlib.AsyncExitStack() as stack:
        for server in crew.own_servers:
            try:
                await server.connect()  # type: ignore[no-untyped-call]  # the SDK left it out
            except Exception as error:  # whatever a server of the user's may raise
                told = f"the MCP server {server.name} cannot be connected: {error!r}"
                raise RunStopped(Ending.FAILED, told) from error
            stack.push_async_callback(server.cleanup)
        return await run(crew, task)
