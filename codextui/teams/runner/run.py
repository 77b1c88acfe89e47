"""Runs a team, from its plan to its result: connection, publisher, traces, watch and roles."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from agents import RunConfig

from codextui.client.session import Connect
from codextui.errors import CodextuiError, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import TEAM_CLIENT_PREFIX, RunEventKind, Span
from codextui.teams.codex.calls import CallLog, parse_calls
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.config.team import Mode, RunPlan
from codextui.teams.publish.items import to_plain_json
from codextui.teams.publish.publisher import Publisher, role_thread_id
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget, end_event
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped
from codextui.teams.records.spans import SpanFile, end_open_spans, read_spans
from codextui.teams.records.store import RunStore, write_handle
from codextui.teams.records.traces import record_traces
from codextui.teams.runner.context import RUN_CONFIG, ModelFactory, RunContext, create_run_context
from codextui.teams.runner.controls import ControlRequests, RunControls
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.parallel import run_parallel
from codextui.teams.runner.role_tools import AskPeople, RoleApprovals
from codextui.teams.runner.watch import RunWatch


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a run, with the final answer or the reason why it stopped."""

    outcome: RunOutcome
    message: str


async def run_team(
    plan: RunPlan,
    store: RunStore,
    connect: Connect,
    on_event: Callable[[RunEvent], None],
    *,
    model_factory: ModelFactory | None = None,
) -> RunResult:
    """Run a team, or resume the run that the store has recorded.

    Args:
        plan: the plan of the run.
        store: the run's folder.
        connect: opens a connection to the shared server.
        on_event: called with each event of the run, the last of which is `run_ended` unless this
            raises; must not block.
        model_factory: returns the roles' models; by default the configured ones.

    Raises:
        ServerUnreachable: the server cannot be reached at the start.
        ConfigInvalid: the recorded state cannot be read, or a model or tool is not available.
    """
    log, budget = _read_records(plan, store)
    try:
        result = await _run_published(
            plan, store, connect, on_event, records=(log, budget), model_factory=model_factory
        )
    finally:
        store.write("spent", budget.to_json())
    on_event(end_event(result.outcome, result.message, budget, run_id=store.run_id))
    return result


async def _run_published(
    plan: RunPlan,
    store: RunStore,
    connect: Connect,
    on_event: Callable[[RunEvent], None],
    *,
    records: tuple[CallLog, Budget],
    model_factory: ModelFactory | None,
) -> RunResult:
    """Run a team on a connection of its own, and publish the run."""
    log, budget = records
    watch = RunWatch(log, budget, person_minutes=plan.team.limits.person_minutes)
    connection = TeamConnection(
        connect,
        name=f"{TEAM_CLIENT_PREFIX}{plan.team.name}",
        on_event=watch.handle_event,
        on_lost=watch.handle_lost,
    )
    with _traced(plan, store, on_event) as run_config:
        async with (
            connection,
            publish_run(plan, store, connection, budget, on_event) as (run_publisher, publisher),
        ):
            context = create_run_context(
                plan.team,
                plan.mode,
                plan.project,
                connection=connection,
                log=log,
                store=store,
                budget=budget,
                on_event=_call_both(on_event, run_publisher.handle_event),
                controls=RunControls(store),
                publisher=run_publisher,
                approvals=RoleApprovals(create_ask(connection, publisher), store),
                model_factory=model_factory,
                run_config=run_config,
            )
            watch.start(context.on_event, run_publisher, _requests(context, watch), connection)
            result = await _run_roles(plan, context, watch)
            await run_publisher.finish(result.outcome, result.message)
    return result


def _read_records(plan: RunPlan, store: RunStore) -> tuple[CallLog, Budget]:
    """Read the calls and the costs of the processes that ran the run before."""
    with store.reading("calls") as recorded:
        log = CallLog(parse_calls(recorded), functools.partial(store.write, "calls"))
    with store.reading("spent") as recorded:
        return log, Budget(plan.team.limits, recorded, plan.prices)


def _traced(
    plan: RunPlan, store: RunStore, on_event: Callable[[RunEvent], None]
) -> AbstractContextManager[RunConfig]:
    return record_traces(
        RUN_CONFIG,
        store.folder,
        plan.traces,
        run_id=store.run_id,
        team=plan.team.name,
        on_error=_reporting(on_event),
    )


def _reporting(on_event: Callable[[RunEvent], None]) -> Callable[[str], None]:
    def report(problem: str) -> None:
        on_event(RunEvent(RunEventKind.TROUBLE, "", problem))

    return report


def _call_both(
    first: Callable[[RunEvent], None], second: Callable[[RunEvent], None]
) -> Callable[[RunEvent], None]:
    def call_both(event: RunEvent) -> None:
        first(event)
        second(event)

    return call_both


def _requests(context: RunContext, watch: RunWatch) -> ControlRequests:
    return ControlRequests(
        context.team,
        context.mode,
        context.controls,
        context.publisher,
        run_id=context.store.run_id,
        on_event=context.on_event,
        stop=watch.stop,
    )


# Publishing.


@asynccontextmanager
async def publish_run(
    plan: RunPlan,
    store: RunStore,
    connection: TeamConnection,
    budget: Budget,
    on_event: Callable[[RunEvent], None],
) -> AsyncIterator[tuple[RunPublisher, Publisher]]:
    """Publish a run for as long as the context lasts; an exception ends the published run.

    Args:
        plan: the plan of the run.
        store: the run's folder.
        connection: the connection to the server.
        budget: what the run has used.
        on_event: called once if the server rejects events.
    """
    report = _reporting(on_event)
    known_items = {
        name: await published_items(connection, role_thread_id(store.run_id, name))
        for name in plan.team.roles
    }
    old_spans = read_spans(store.folder)
    span_file = SpanFile(store.folder, report)
    async with Publisher(
        connection, store.run_id, on_error=report, on_handle=functools.partial(write_handle, store)
    ) as publisher:
        run_publisher = RunPublisher(
            plan.team,
            plan.project,
            plan.task,
            store=store,
            budget=budget,
            publish=publisher.publish,
            store_span=span_file.write,
            known_items=known_items,
        )
        run_publisher.begin()
        try:
            _publish_old_spans(run_publisher, old_spans)
            yield run_publisher, publisher
        except asyncio.CancelledError:
            await run_publisher.finish(RunOutcome.INTERRUPTED, "it was interrupted")
            raise
        except Exception as error:
            await run_publisher.finish(RunOutcome.FAILED, str(error))
            raise


def _publish_old_spans(publisher: RunPublisher, spans: tuple[Span, ...]) -> None:
    """Publish the spans of earlier processes, which a restarted server does not know."""
    for span in end_open_spans(spans):
        publisher.publish_span(span)
    for span in spans:
        if span.ended_at is not None:
            publisher.thread.publish(ev.SpanChanged(span))


async def published_items(connection: TeamConnection, thread_id: str) -> frozenset[str]:
    """Return the ids of a thread's completed items on the server."""
    if thread_id not in connection.threads:
        return frozenset()
    try:
        answer = await connection.call("codex-read", {"thread": thread_id})
        events = [ev.Event.from_json(event) for event in fields.objects(answer, "events")]
    except ThreadUnknown:
        return frozenset()
    items = [event.msg.item for event in events if isinstance(event.msg, ev.ItemCompleted)]
    return frozenset(str(item.get("id")) for item in items)


def create_ask(connection: TeamConnection, publisher: Publisher) -> AskPeople:
    """Return a function that asks people on behalf of a role, once all events are published."""

    async def ask(role: str, kind: str, asked: JsonObject) -> JsonObject:
        await publisher.flush()
        thread = role_thread_id(publisher.run_id, role)
        arguments = {"thread": thread, "kind": kind, "asked": to_plain_json(asked)}
        return await connection.call("codex-ask", arguments)

    return ask


# The roles.


async def _run_roles(plan: RunPlan, context: RunContext, watch: RunWatch) -> RunResult:
    """Run the roles to their end, or until the watch stops the run or the time is up."""
    run = run_handoffs if plan.mode is Mode.HANDOFFS else run_parallel
    running = asyncio.create_task(_run_with_servers(context, run, plan.task))
    try:
        async with asyncio.timeout(plan.team.limits.minutes * 60 or None):
            await asyncio.wait({running, watch.stopped}, return_when=asyncio.FIRST_COMPLETED)
            answer = await (running if running.done() else watch.stopped)
            return RunResult(RunOutcome.DONE, answer)
    except TimeoutError:
        reason = f"it took more than {plan.team.limits.minutes:g} minutes"
        return RunResult(RunOutcome.BUDGET, reason)
    except RunStopped as stopped:
        if watch.is_undecided:
            # The approval stays open, and its turn continues when it is decided.
            context.leave_turns_running()
        return RunResult(stopped.outcome, str(stopped))
    except CodextuiError as error:
        return RunResult(RunOutcome.FAILED, str(error))
    finally:
        running.cancel()
        # Errors of the cancelled run neither hide its result nor keep its turns running.
        await asyncio.gather(running, return_exceptions=True)
        await context.cancel_codex_calls()


async def _run_with_servers(
    context: RunContext, run: Callable[[RunContext, str], Awaitable[str]], task: str
) -> str:
    """Run with the roles' own MCP servers connected."""
    async with contextlib.AsyncExitStack() as stack:
        for server in context.mcp_servers:
            try:
                await server.connect()  # type: ignore[no-untyped-call]  # the SDK left it out
            except Exception as error:  # whatever a server of the user's may raise
                reason = f"the MCP server {server.name} cannot be connected: {error!r}"
                raise RunStopped(RunOutcome.FAILED, reason) from error
            stack.push_async_callback(server.cleanup)
        return await run(context, task)
