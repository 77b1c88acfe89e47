"""Composes a server from its parts, and closes them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from codextui.codex.connector import CodexSettings
from codextui.codex.process_marks import kill_leftovers, owner_of
from codextui.codex.versions import newer_notice
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Deciders
from codextui.protocol.events import CodexLost, CodexReady, ItemStarted, Warned
from codextui.protocol.threads import ThreadState
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.approvals.carried_out import DecisionChecks
from codextui.server.approvals.codex_requests import CodexRequests
from codextui.server.approvals.elicitation import CallResponders
from codextui.server.approvals.publisher import ApprovalPublisher
from codextui.server.events.frames import FrameHub
from codextui.server.events.hub import EventHub
from codextui.server.events.legacy import LegacyEventHub
from codextui.server.options import ServerOptions
from codextui.server.runs.controls import RunRequests
from codextui.server.runs.questions import RoleQuestions
from codextui.server.runs.runs import Runs
from codextui.server.state import BackgroundTasks, ServerState
from codextui.server.store.history import JournalContents, read_journal
from codextui.server.store.journal import Journal
from codextui.server.store.migrations import unusable
from codextui.server.threads.budgets import Budgets
from codextui.server.threads.codex_history import CodexHistory
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.git_branch import find_branch
from codextui.server.threads.opening import ThreadOpener
from codextui.server.threads.others import OthersOptions, OtherThreads
from codextui.server.threads.owned_turns import OwnedTurns
from codextui.server.threads.queues import ThreadQueues
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry, is_own_message
from codextui.server.threads.rejoining import ThreadRejoiner
from codextui.server.threads.restore import restore_threads
from codextui.server.threads.settings import ThreadSettings
from codextui.server.threads.turns import Turns
from codextui.server.worker import CodexWorker

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_server(options: ServerOptions) -> AsyncIterator[ServerState]:
    """Open a server with the threads of its journal; everything ends with the context.

    The Codex process is not started yet: see `start_codex`.

    Raises:
        ServerUnreachable: the journal cannot be used.
    """
    async with _open_journal(options) as (journal, contents):
        server, notifications = _build(options, journal, contents)
        restore_threads(server.hub, server.registry, journal, contents)
        if journal.notice:
            server.hub.publish("", "", Warned(journal.notice))
        try:
            yield server
        finally:
            await _leave(server)
            notifications.handle_stop("The server ended during the turn.")
            await server.background.close()


async def _leave(server: ServerState) -> None:
    """End the turns that this server has started where app-server goes on without it."""
    if not server.worker.is_joined:
        return
    running = [
        record.thread_id
        for record in server.registry
        if record.is_codex_thread and record.info.ours and _runs_own_turn(server, record)
    ]
    interrupts = (server.turns.interrupt(thread_id) for thread_id in running)
    with suppress(TimeoutError):
        async with asyncio.timeout(server.options.leave_timeout_s):
            await asyncio.gather(*interrupts, return_exceptions=True)


def _runs_own_turn(server: ServerState, record: ThreadRecord) -> bool:
    """Return whether a turn runs that no other program has started, by its first message.

    A turn without any, such as a review, is ours where nobody else had the thread open.
    """
    turn_id = record.turn.running_id
    if not turn_id:
        return False
    for event in server.hub.events_of(record.thread_id):
        match event.msg:
            case ItemStarted({"type": "userMessage"} as item) if event.turn_id == turn_id:
                return is_own_message(item, adopted=record.info.adopted)
            case _:
                pass
    return not record.info.adopted


def start_codex(server: ServerState) -> None:
    """Start the Codex process, and keep it running until the server ends.

    What the agents of a server left that has crashed is ended meanwhile.
    """
    server.background.start(_run_codex(server))


async def _run_codex(server: ServerState) -> None:
    # First the leftovers: an app-server of theirs would hold the threads that this one loads.
    await _end_leftovers(server.options)
    await server.worker.run(server.codex_handler, delay_s=server.options.codex_delay_s)


async def _end_leftovers(options: ServerOptions) -> None:
    owners = {_owner(options), owner_of(None)}
    ended = await asyncio.to_thread(kill_leftovers, owners)
    if ended:
        logger.info("ended %d processes that agents of a crashed server had left behind", ended)


def _owner(options: ServerOptions) -> str:
    """Return the owner of what agents start. Private servers have no name, and share one."""
    return owner_of(options.journal if options.name else None)


@dataclass(frozen=True, slots=True)
class _CodexRouter:
    """Routes what Codex sends. A `worker.CodexHandler`.

    Legacy events come first: the events of a turn precede the answer to its call.
    """

    hub: EventHub
    notifications: CodexNotifications
    requests: CodexRequests
    legacy: LegacyEventHub
    on_ready: Callable[[str], None]

    def handle_notification(self, process: int, method: str, params: JsonObject) -> None:
        self.legacy.handle_notification(method, params)
        self.notifications.handle(process, method, params)

    def handle_request(
        self, process: int, request_id: RequestId, method: str, params: JsonObject
    ) -> None:
        self.legacy.handle_request(method, params)
        self.requests.handle(process, request_id, method, params)

    def handle_exit(self, reason: str) -> None:
        self.hub.publish("", "", CodexLost(reason))
        self.requests.checks.handle_exit()
        self.notifications.handle_exit(reason)
        self.legacy.handle_exit()

    def handle_cut(self, reason: str) -> None:
        self.hub.publish("", "", CodexLost(reason))
        self.notifications.handle_cut()
        self.legacy.handle_exit()

    def handle_ready(self, version: str) -> None:
        self.hub.publish("", "", CodexReady(version))
        self.on_ready(version)


@dataclass(frozen=True, slots=True)
class _Foundation:
    """What everything else of a server stands on."""

    options: ServerOptions
    journal: Journal
    hub: EventHub
    background: BackgroundTasks
    registry: ThreadRegistry
    publisher: ApprovalPublisher
    broker: ApprovalBroker
    worker: CodexWorker
    rejoiner: ThreadRejoiner
    others: OtherThreads
    legacy: LegacyEventHub
    budgets: Budgets
    frames: FrameHub


def _build(
    options: ServerOptions, journal: Journal, contents: JournalContents
) -> tuple[ServerState, CodexNotifications]:
    base = _build_foundation(options, journal, contents)
    reactions = _Reactions(base)
    notifications = _build_notifications(base, reactions)
    opener = ThreadOpener(
        base.hub, base.registry, base.worker, notifications, base.legacy, base.others
    )
    queues = ThreadQueues(base.registry, base.worker, opener, base.budgets)
    turns = Turns(
        base.registry, base.worker, opener, queues, base.budgets, base.broker, base.others
    )
    reactions.connect(opener, queues, turns)
    handler = _build_router(base, notifications, reactions)
    return _build_state(base, handler, opener, queues, turns), notifications


def _build_foundation(
    options: ServerOptions, journal: Journal, contents: JournalContents
) -> _Foundation:
    hub = EventHub(
        record=journal.record_event,
        record_partial=journal.record_partial,
        limits=options.limits.events,
    )
    journal.on_error = lambda message: hub.publish("", "", Warned(message))
    background = BackgroundTasks()
    registry = ThreadRegistry(hub, journal)
    journal.is_recorded = registry.is_recorded
    publisher = ApprovalPublisher(hub, registry)
    broker = _build_broker(options, journal, publisher, contents)
    frames = FrameHub()
    worker = CodexWorker(_codex_settings(options), frames.tap)
    rejoiner = ThreadRejoiner(hub, registry, worker)
    watching = OthersOptions(background.start, rejoiner.rejoin_thread, options.limits.follow)
    others = OtherThreads(hub, registry, worker, broker, watching)
    worker.is_idle = lambda: not others.is_opening() and not any(map(_is_busy, registry))
    return _Foundation(
        options=options,
        journal=journal,
        hub=hub,
        background=background,
        registry=registry,
        publisher=publisher,
        broker=broker,
        worker=worker,
        rejoiner=rejoiner,
        others=others,
        legacy=LegacyEventHub(registry.__contains__),
        budgets=Budgets(registry),
        frames=frames,
    )


def _build_broker(
    options: ServerOptions,
    journal: Journal,
    publisher: ApprovalPublisher,
    contents: JournalContents,
) -> ApprovalBroker:
    return ApprovalBroker(
        journal,
        publisher,
        last_number=contents.last_approval,
        unattended_s=options.unattended_timeout_s,
        callers_first=options.deciders is Deciders.CLIENT,
        others=options.others,
        lost=contents.open_approvals,
    )


def _build_notifications(base: _Foundation, reactions: _Reactions) -> CodexNotifications:
    return CodexNotifications(
        base.hub,
        base.registry,
        base.broker,
        base.others,
        on_event=reactions.checks.handle_event,
        on_turn_ended=reactions.on_turn_ended,
        on_adopted=reactions.on_adopted,
        on_tokens_counted=reactions.on_tokens_counted,
        on_queue_changed=reactions.on_queue_changed,
    )


def _build_router(
    base: _Foundation, notifications: CodexNotifications, reactions: _Reactions
) -> _CodexRouter:
    requests = CodexRequests(
        base.registry,
        base.broker,
        base.worker,
        base.legacy,
        base.others,
        reactions.checks,
        base.background.start,
    )
    return _CodexRouter(base.hub, notifications, requests, base.legacy, reactions.on_ready)


def _build_state(
    base: _Foundation,
    handler: _CodexRouter,
    opener: ThreadOpener,
    queues: ThreadQueues,
    turns: Turns,
) -> ServerState:
    registry, limits = base.registry, base.options.limits
    runs = Runs(registry, base.broker, limits.runs)
    return ServerState(
        options=base.options,
        started_at=time.time(),
        journal=base.journal,
        hub=base.hub,
        registry=registry,
        broker=base.broker,
        worker=base.worker,
        codex_handler=handler,
        opener=opener,
        others=base.others,
        history=CodexHistory(registry, base.worker, turns, base.others),
        turns=turns,
        queues=queues,
        settings=ThreadSettings(registry, base.worker, opener),
        owned_turns=OwnedTurns(turns),
        legacy=base.legacy,
        runs=runs,
        controls=RunRequests(registry, runs, turns, limits.runs),
        questions=RoleQuestions(runs, base.broker, limits.runs),
        call_responders=CallResponders(base.broker),
        background=base.background,
        frames=base.frames,
    )


class _Reactions:
    """What follows from what Codex says, each in a task of its own.

    The parts that act are built after those that call this: `connect` brings them.
    """

    def __init__(self, base: _Foundation) -> None:
        self._base = base
        self._start = base.background.start
        self.checks = DecisionChecks(
            base.journal, base.publisher.on_corrected, base.others, base.worker, self._start
        )
        self._opener: ThreadOpener
        self._queues: ThreadQueues
        self._turns: Turns

    def connect(self, opener: ThreadOpener, queues: ThreadQueues, turns: Turns) -> None:
        self._opener, self._queues, self._turns = opener, queues, turns

    def on_turn_ended(self, record: ThreadRecord) -> None:
        self._start(self._after_turn(record))

    def on_adopted(self, record: ThreadRecord) -> None:
        self._start(self._opener.describe(record))

    def on_tokens_counted(self, record: ThreadRecord) -> None:
        budgets = self._base.budgets
        if record.info.ours and budgets.applies_to(record):
            self._start(budgets.enforce(record, self._turns.interrupt))

    def on_queue_changed(self, thread_id: str) -> None:
        self._start(self._queues.refresh(thread_id))

    def on_ready(self, version: str) -> None:
        self._start(self._base.rejoiner.rejoin())
        self._start(self._base.others.refresh())
        self._start(self._queues.refresh_all())
        if self._base.options.name:
            self._start(self._notice_newer(version))

    async def _after_turn(self, record: ThreadRecord) -> None:
        if record.info.ours and record.info.state is ThreadState.INTERRUPTED:
            await self._turns.end_commands(record)
        self._base.registry.update(record, branch=await find_branch(record.info.cwd))

    async def _notice_newer(self, version: str) -> None:
        noticed = self._base.options.journal.with_suffix(".codex")
        if notice := await asyncio.to_thread(newer_notice, version, noticed):
            self._base.hub.publish("", "", Warned(notice))


def _is_busy(record: ThreadRecord) -> bool:
    """Return whether something goes on in a thread of Codex, or it is another program's."""
    if not record.is_codex_thread:
        return False
    has_turn = bool(record.turn.running_id or record.suspended) or record.info.state.has_turn
    is_foreign = not record.info.ours and record.info.state is not ThreadState.DISCONNECTED
    return has_turn or is_foreign or bool(record.pending_approvals) or record.lock.locked()


def _codex_settings(options: ServerOptions) -> CodexSettings:
    return CodexSettings(
        options.codex_binary,
        options.codex_home,
        options.env,
        owner=_owner(options),
        attach=options.attach,
        token_env=options.token_env,
        listen=options.codex_socket if options.name else None,
    )


@asynccontextmanager
async def _open_journal(
    options: ServerOptions,
) -> AsyncIterator[tuple[Journal, JournalContents]]:
    journal = Journal(options.journal)
    try:
        try:
            contents = await asyncio.to_thread(read_journal, options.journal)
        except sqlite3.Error as error:
            raise unusable(options.journal, error) from error
        yield journal, contents
    finally:
        await journal.close()
