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
from codextui.protocol.events import CodexLost, CodexReady, Warned
from codextui.protocol.threads import ThreadState
from codextui.server.approvals.broker import ApprovalBroker
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
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
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
    """End the turns of this server's threads where app-server goes on without it."""
    if not server.worker.is_joined:
        return
    running = [
        record.thread_id
        for record in server.registry
        if record.is_codex_thread and record.info.ours and record.turn.running_id
    ]
    interrupts = (server.turns.interrupt(thread_id) for thread_id in running)
    with suppress(TimeoutError):
        async with asyncio.timeout(server.options.leave_timeout_s):
            await asyncio.gather(*interrupts, return_exceptions=True)


def start_codex(server: ServerState) -> None:
    """Start the Codex process, and keep it running until the server ends.

    What the agents of a server left that has crashed is ended meanwhile.
    """
    server.background.start(_run_codex(server))


async def _run_codex(server: ServerState) -> None:
    # First the leftovers: an app-server of theirs would hold the threads that this one loads.
    await _end_leftovers(server.options)
    await server.worker.run(server.codex_handler)


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
        self.notifications.handle_exit(reason)
        self.legacy.handle_exit()

    def handle_cut(self, reason: str) -> None:
        self.hub.publish("", "", CodexLost(reason))
        self.notifications.handle_cut()
        self.legacy.handle_exit()

    def handle_ready(self, version: str) -> None:
        self.hub.publish("", "", CodexReady(version))
        self.on_ready(version)


def _build(
    options: ServerOptions, journal: Journal, contents: JournalContents
) -> tuple[ServerState, CodexNotifications]:
    limits = options.limits
    hub = EventHub(
        record=journal.record_event,
        record_partial=journal.record_partial,
        limits=limits.events,
    )
    journal.on_error = lambda message: hub.publish("", "", Warned(message))
    background = BackgroundTasks()
    registry = ThreadRegistry(hub, journal)
    journal.is_recorded = registry.is_recorded
    broker = ApprovalBroker(
        journal,
        ApprovalPublisher(hub, registry),
        last_number=contents.last_approval,
        unattended_s=options.unattended_timeout_s,
        callers_first=options.deciders is Deciders.CLIENT,
        others=options.others,
    )
    frames = FrameHub()
    worker = CodexWorker(_codex_settings(options), frames.tap)
    worker.is_idle = lambda: not others.is_opening() and not any(map(_is_busy, registry))
    rejoiner = ThreadRejoiner(hub, registry, worker)
    others = OtherThreads(
        hub,
        registry,
        worker,
        broker,
        OthersOptions(background.start, rejoiner.rejoin_thread, limits.follow),
    )

    async def after_turn(record: ThreadRecord) -> None:
        if record.info.ours and record.info.state is ThreadState.INTERRUPTED:
            await turns.end_commands(record)
        registry.update(record, branch=await find_branch(record.info.cwd))

    async def notice_newer(version: str) -> None:
        noticed = options.journal.with_suffix(".codex")
        if notice := await asyncio.to_thread(newer_notice, version, noticed):
            hub.publish("", "", Warned(notice))

    def on_ready(version: str) -> None:
        background.start(rejoiner.rejoin())
        background.start(others.refresh())
        background.start(queues.refresh_all())
        if options.name:
            background.start(notice_newer(version))

    def on_tokens_counted(record: ThreadRecord) -> None:
        if record.info.ours and budgets.applies_to(record):
            background.start(budgets.enforce(record, turns.interrupt))

    notifications = CodexNotifications(
        hub,
        registry,
        broker,
        others,
        on_turn_ended=lambda record: background.start(after_turn(record)),
        on_adopted=lambda record: background.start(opener.describe(record)),
        on_tokens_counted=on_tokens_counted,
        on_queue_changed=lambda thread_id: background.start(queues.refresh(thread_id)),
    )
    legacy = LegacyEventHub(registry.__contains__)
    opener = ThreadOpener(hub, registry, worker, notifications, legacy, others)
    budgets = Budgets(registry)
    queues = ThreadQueues(registry, worker, opener, budgets)
    turns = Turns(registry, worker, opener, queues, budgets, broker, others)
    runs = Runs(registry, broker, limits.runs)
    requests = CodexRequests(registry, broker, worker, legacy, others)
    server = ServerState(
        options=options,
        started_at=time.time(),
        journal=journal,
        hub=hub,
        registry=registry,
        broker=broker,
        worker=worker,
        codex_handler=_CodexRouter(hub, notifications, requests, legacy, on_ready),
        opener=opener,
        others=others,
        history=CodexHistory(registry, worker, turns, others),
        turns=turns,
        queues=queues,
        settings=ThreadSettings(registry, worker, opener),
        owned_turns=OwnedTurns(turns),
        legacy=legacy,
        runs=runs,
        controls=RunRequests(registry, runs, turns, limits.runs),
        questions=RoleQuestions(runs, broker, limits.runs),
        call_responders=CallResponders(broker),
        background=background,
        frames=frames,
    )
    return server, notifications


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
