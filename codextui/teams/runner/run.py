"""A run of a team, from its task to its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from agents import RunConfig

from codextui.client.connection import Connect
from codextui.errors import CodextuiError, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.events import Event
from codextui.protocol.runs import Span
from codextui.teams.codex.calls import CallLog, parse_calls
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.config.team import Mode
from codextui.teams.publish.items import plain
from codextui.teams.publish.publisher import Publisher, role_thread
from codextui.teams.publish.questions import Ask, People
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.records.spans import SpanFile, cut_off, read_spans
from codextui.teams.records.store import RunStore
from codextui.teams.records.traces import kept_traces
from codextui.teams.runner.context import QUIET, ModelOf, RunContext, create_run_context
from codextui.teams.runner.controls import ControlRequests, RunControls
from codextui.teams.runner.ending import Ending, RunStopped
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.parallel import run_parallel
from codextui.teams.runner.plan import RunPlan
from codextui.teams.runner.watch import Watch


@asynccontextmanager
async def publishing_run(
    plan: RunPlan,
    store: RunStore,
    link: TeamConnection,
    budget: Budget,
    tell: Callable[[RunEvent], None],
) -> AsyncIterator[tuple[RunPublisher, Publisher]]:
    """Tell the server of a run for as long as it goes on; at the end it has heard all of it.

    Args:
        plan: what is run.
        store: where the run is kept.
        link: the way to the server.
        budget: what it costs.
        tell: is told once where the server does not take it. The run goes on.
    """

    def complain(trouble: str) -> None:
        tell(RunEvent(RunEventKind.TROUBLE, "", trouble))

    names = plan.team.roles
    known = {name: await known_items(link, role_thread(store.run_id, name)) for name in names}
    old = read_spans(store.folder)
    file = SpanFile(store.folder, complain)
    async with Publisher(link, store.run_id, on_trouble=complain) as publisher:
        telling = RunPublisher(
            plan.team,
            plan.project,
            plan.task,
            store=store,
            budget=budget,
            tell=publisher.tell,
            keep_span=file.write,
            known=known,
        )
        telling.begin()
        try:
            _tell_old_spans(telling, old)
            yield telling, publisher
        except asyncio.CancelledError:
            await telling.finish(Ending.PERSON, "it was interrupted")
            raise
        except Exception as error:
            await telling.finish(Ending.FAILED, str(error))
            raise


def _tell_old_spans(telling: RunPublisher, old: tuple[Span, ...]) -> None:
    """Tell, to a server that may be a new one, what time went into before."""
    for span in cut_off(old):
        telling.tell_span(span)
    for span in old:
        if span.ended_at is not None:
            telling.row.tell(ev.SpanChanged(span))


async def known_items(link: TeamConnection, thread_id: str) -> frozenset[str]:
    """The ids of the items of a row that were completed, as far as the server knows."""
    if thread_id not in link.threads:
        return frozenset()
    try:
        answer = await link.call("codex-read", {"thread": thread_id})
        events = [Event.from_json(event) for event in fields.objects(answer, "events")]
    except ThreadUnknown:
        return frozenset()
    done = [event.msg.item for event in events if isinstance(event.msg, ev.ItemCompleted)]
    return frozenset(str(item.get("id")) for item in done)


def asking(link: TeamConnection, publisher: Publisher) -> Ask:
    """Asks on behalf of a run's roles, once the server knows of them."""

    async def ask(role: str, kind: str, asked: JsonObject) -> JsonObject:
        await publisher.flush()
        thread = role_thread(publisher.run_id, role)
        given = {"thread": thread, "kind": kind, "asked": plain(asked)}
        return await link.call("codex-ask", given)

    return ask


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
    tell: Callable[[RunEvent], None],
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
            TeamConnection(connect, name=name, on_event=watch.see, on_lost=watch.lose) as link,
            publishing_run(plan, store, link, budget, tell) as (telling, publisher),
        ):
            crew = create_run_context(
                plan.team,
                plan.mode,
                plan.project,
                link=link,
                log=log,
                store=store,
                budget=budget,
                tell=_tell_both(tell, telling),
                direction=RunControls(store),
                telling=telling,
                people=People(asking(link, publisher), store),
                model_of=model_of,
                run_config=run_config,
            )
            end = await _play_watched(plan, crew, watch, link)
    store.write("spent", budget.to_wire())
    tell(_ended(end, budget))
    return end


def _ended(end: RunEnd, budget: Budget) -> RunEvent:
    data = {"outcome": end.ending.name.lower(), "exit": int(end.ending), **budget.report()}
    return RunEvent(RunEventKind.RUN_ENDED, "", f"{end.ending.words}: {end.message}", data)


def _traced(
    plan: RunPlan, store: RunStore, tell: Callable[[RunEvent], None]
) -> AbstractContextManager[RunConfig]:
    return kept_traces(
        QUIET,
        store.folder,
        plan.traces,
        run_id=store.run_id,
        team=plan.team.name,
        on_trouble=lambda why: tell(RunEvent(RunEventKind.TROUBLE, "", why)),
    )


def _requests(crew: RunContext, watch: Watch) -> ControlRequests:
    return ControlRequests(
        crew.team,
        crew.mode,
        crew.direction,
        crew.telling,
        run_id=crew.store.run_id,
        tell=crew.tell,
        stop=watch.stop,
    )


def _tell_both(
    tell: Callable[[RunEvent], None], telling: RunPublisher
) -> Callable[[RunEvent], None]:
    def tell_both(happening: RunEvent) -> None:
        tell(happening)
        telling.see(happening)

    return tell_both


async def _play_watched(
    plan: RunPlan, crew: RunContext, watch: Watch, link: TeamConnection
) -> RunEnd:
    """Run the crew while its threads, and what people ask of it, are watched; tell how it ended."""
    watch.begin(crew.tell, crew.telling, _requests(crew, watch), link)
    end = await _play(plan, crew, watch)
    await crew.telling.finish(end.ending, end.message)
    return end


async def _play(plan: RunPlan, crew: RunContext, watch: Watch) -> RunEnd:
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
    crew: RunContext, run: Callable[[RunContext, str], Awaitable[str]], task: str
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
