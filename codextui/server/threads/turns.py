"""Starts, steers and interrupts the turns of Codex threads, and kills threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from codextui.codex.app_server import AppServer
from codextui.codex.calls import (
    archive_thread,
    clean_terminals,
    interrupt_turn,
    read_turns,
    start_turn,
    steer_turn,
)
from codextui.codex.review import ReviewTarget, start_review
from codextui.errors import (
    CodexDied,
    CodextuiError,
    ServerRefused,
    ThreadUnknown,
    TurnNotRunning,
    TurnRunning,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadState
from codextui.server.threads.budgets import Budgets
from codextui.server.threads.foreign import refuse_to_kill
from codextui.server.threads.git_refs import check_ref
from codextui.server.threads.opening import ThreadOpener
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.queues import ThreadQueues
from codextui.server.threads.registry import (
    ThreadApprovals,
    ThreadRecord,
    ThreadRegistry,
    new_message_id,
)
from codextui.server.threads.turn_state import AT_REST
from codextui.server.worker import CodexWorker

INTERRUPT_TIMEOUT_S = 15.0
"""Seconds that Codex has to end a turn."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that was delivered to a thread.

    Attributes:
        record: the thread.
        turn_id: the turn that the message started or steered.
        steered: whether that turn was running before.
    """

    record: ThreadRecord
    turn_id: str
    steered: bool


@dataclass(frozen=True, slots=True)
class Turns:
    """Starts, steers and ends turns.

    Beside the errors that they name, the methods raise ThreadUnknown and ServerRefused where the
    registry finds no such Codex thread, and CodexFailed, CodexMissing and CodexDied.

    Attributes:
        registry: finds the threads.
        worker: the Codex process.
        opener: loads a thread before its turn starts.
        queues: that of a killed thread is emptied.
        budgets: refuse a turn of a thread that has used its budget.
        approvals: those of a killed thread are withdrawn.
        others: the threads of other programs, which are followed while somebody acts on them.
    """

    registry: ThreadRegistry
    worker: CodexWorker
    opener: ThreadOpener
    queues: ThreadQueues
    budgets: Budgets
    approvals: ThreadApprovals
    others: OtherThreads

    async def send(
        self,
        thread: str,
        prompt: str,
        *,
        images: Sequence[str] = (),
        output_schema: JsonObject | None = None,
        cwd: str | None = None,
    ) -> SentMessage:
        """Send a message to a thread: steer its running turn, or start one.

        Args:
            thread: a thread id, a handle, or a unique beginning of an id.
            prompt: the message.
            images: the paths of images that go with it.
            output_schema: JSON schema of the turn's last message.
            cwd: the working folder of a turn that it starts; None for the thread's own.

        Raises:
            ServerRefused: the thread was killed or has used its budget, or there is a schema for
                a turn that runs.
            CodexLoginMissing: Codex is not logged in, and a new turn would need it.
        """
        record = self.registry.find_codex_thread(thread)
        async with self.others.acting_on(record), record.lock:
            self.budgets.check(record)
            if record.turn.running_id and output_schema is not None:
                raise ServerRefused(
                    f"a turn runs on {record.info.handle}, and output-schema is for a turn from "
                    "its beginning: reply without it, or when the turn has ended"
                )
            message_id = new_message_id()
            steered = await self._steer_running(record, prompt, images, message_id)
            if steered is not None:
                return steered
            await self.opener.load(record)
            await self.worker.require_login(await self.worker.app(), record.model_provider)
            start = partial(
                self._start,
                record,
                prompt,
                images,
                message_id=message_id,
                output_schema=output_schema,
                cwd=cwd,
            )
            turn_id = await self._start_once(record, message_id, start)
            return SentMessage(record, turn_id, steered=False)

    async def _steer_running(
        self, record: ThreadRecord, prompt: str, images: Sequence[str], message_id: str
    ) -> SentMessage | None:
        """Steer the running turn; None where none runs any more."""
        if not record.turn.running_id:
            return None
        try:
            turn_id = await self._steer(record, prompt, images, message_id)
        except (TurnNotRunning, ThreadUnknown, CodexDied):
            # It has just ended, maybe with Codex: the message starts the next one.
            await self.worker.app()
            return None
        return SentMessage(record, turn_id, steered=True)

    async def _start_once(
        self, record: ThreadRecord, message_id: str, start: Callable[[], Awaitable[str]]
    ) -> str:
        """Start a turn, again where Codex has lost the thread before it began; return its id."""
        last_turn = record.info.turn_id
        try:
            return await start()
        except (ThreadUnknown, CodexDied):
            if record.info.turn_id != last_turn:
                raise  # the turn has begun, and may have done something
            # Codex has unloaded it without a notification, or died.
            await self.worker.app()
            if begun := await self._find_turn(record, message_id):
                return begun
            record.loaded = False
            await self.opener.load(record)
            return await start()

    async def review(self, thread: str, target: ReviewTarget) -> SentMessage:
        """Start a review in a thread at rest.

        Raises:
            TurnRunning: a turn runs; Codex would end it.
            ServerRefused: the thread was killed or has used its budget, or git does not know the
                branch or the commit.
            CodexLoginMissing: Codex is not logged in.
        """
        record = self.registry.find_codex_thread(thread)
        async with record.lock:
            self.budgets.check(record)
            if record.turn.running_id:
                raise TurnRunning(
                    f"a turn runs on {record.info.handle}: review when it has ended, or in a "
                    "thread of its own"
                )
            if ref := target.base or target.commit:
                await check_ref(record.info.cwd, ref)
            await self.opener.load(record)
            app = await self.worker.app()
            await self.worker.require_login(app, record.model_provider)
            if not record.info.brief:
                self.registry.set_brief(record, f"review {target.describe()}")
            turn_id = await start_review(app, record.thread_id, target)
            if record.turn.running_id != turn_id and not record.outcome_of(turn_id).done():
                self.registry.begin_turn(record, turn_id)
            return SentMessage(record, turn_id, steered=False)

    async def steer(self, thread: str, prompt: str, images: Sequence[str] = ()) -> SentMessage:
        """Send a message to the running turn.

        Raises:
            TurnNotRunning: no turn runs.
        """
        record = self.registry.find_codex_thread(thread)
        async with self.others.acting_on(record), record.lock:
            turn_id = await self._steer(record, prompt, images, new_message_id())
            return SentMessage(record, turn_id, steered=True)

    async def interrupt(self, thread: str) -> ThreadRecord:
        """End the running turn and the processes of its commands; return when both have ended.

        The processes of a thread of another program are left to that.

        Raises:
            TurnNotRunning: no turn runs.
            ServerRefused: the turn does not end.
        """
        record = self.registry.find_codex_thread(thread)
        async with self.others.acting_on(record), record.lock:
            await self._interrupt(record)
        return record

    async def kill(self, thread: str) -> ThreadRecord:
        """End a thread for good: its turn, its processes and its approvals; then archive it.

        Its sub-agents end with it. A failure of Codex is logged and keeps no thread alive.

        Raises:
            ServerRefused: it is a thread of another program.
        """
        record = self.registry.find_codex_thread(thread)
        refuse_to_kill(record)
        async with record.lock:
            record.killing = True
            await self.queues.clear(record)
            try:
                await self._stop(record)
            except CodextuiError as error:
                logger.warning("the turn of %s was not ended: %s", record.info.handle, error)
            self.approvals.withdraw(thread_id=record.thread_id)
            # Codex archives them together with it.
            sub_agents = self.registry.sub_agents_of(record)
            await asyncio.gather(*(self.kill(sub_agent.thread_id) for sub_agent in sub_agents))
            await self._archive(record)
            record.loaded = False
            self.registry.update(record, state=ThreadState.KILLED, **AT_REST)
        return record

    async def end_commands(self, record: ThreadRecord) -> None:
        """End the processes of a thread that no turn runs on; do nothing where one runs."""
        async with record.lock:
            if not record.turn.running_id:
                await self.worker.end_commands(record.thread_id)

    async def _steer(
        self, record: ThreadRecord, prompt: str, images: Sequence[str], message_id: str
    ) -> str:
        turn_id = _running_turn(record)
        try:
            await self._steer_once(record, turn_id, prompt, images, message_id)
        except CodexDied:
            # Where only the connection is gone the turn goes on, with the message or without it.
            if not await self._find_turn(record, message_id):
                await self._steer_once(record, _running_turn(record), prompt, images, message_id)
        return turn_id

    async def _steer_once(
        self,
        record: ThreadRecord,
        turn_id: str,
        prompt: str,
        images: Sequence[str],
        message_id: str,
    ) -> None:
        app = await self.worker.app()
        await steer_turn(
            app, record.thread_id, turn_id, prompt, client_message_id=message_id, images=images
        )

    async def _find_turn(self, record: ThreadRecord, message_id: str) -> str:
        """Return the turn that has a message which was sent when the connection broke.

        Empty where none has, or Codex has ended. A turn that is found is joined again by
        `rejoining`.
        """
        app = await self.worker.app()
        if not (self.worker.is_reconnected or self.worker.is_joined):
            return ""
        for turn in await read_turns(app, record.thread_id, limit=2):
            items = fields.objects(turn, "items")
            if any(item.get("clientId") == message_id for item in items):
                turn_id = fields.text(turn, "id")
                if record.turn.running_id != turn_id:
                    self.registry.begin_turn(record, turn_id)
                record.suspended = turn_id
                return turn_id
        return ""

    async def _start(
        self,
        record: ThreadRecord,
        prompt: str,
        images: Sequence[str],
        *,
        message_id: str,
        output_schema: JsonObject | None,
        cwd: str | None,
    ) -> str:
        app = await self.worker.app()
        before = record.info.state
        if not record.info.brief:
            self.registry.set_brief(record, prompt)
        self.registry.update(record, state=ThreadState.STARTING)
        try:
            turn_id = await start_turn(
                app,
                record.thread_id,
                prompt,
                client_message_id=message_id,
                output_schema=output_schema,
                images=images,
                cwd=cwd,
            )
        except CodextuiError:
            self.registry.update(record, state=before)
            raise
        # The notification of the turn's start, and even that of its end, may come before this.
        if record.turn.running_id != turn_id and not record.outcome_of(turn_id).done():
            self.registry.begin_turn(record, turn_id)
        return turn_id

    async def _interrupt(self, record: ThreadRecord) -> None:
        # An approval that nobody can decide any more ends with its turn, rather than declined.
        with self.approvals.hold(record.thread_id):
            await self._interrupt_turn(record, _running_turn(record))

    async def _interrupt_turn(self, record: ThreadRecord, turn_id: str) -> None:
        ended = record.outcome_of(turn_id)
        app = await self.worker.app()
        cleaning = _ending_commands(app, record.thread_id) if record.info.ours else nullcontext()
        async with cleaning:
            try:
                known_as = record.reviewer_turn or turn_id
                await interrupt_turn(app, record.thread_id, known_as)
                async with asyncio.timeout(INTERRUPT_TIMEOUT_S):
                    await asyncio.shield(ended)
            except TimeoutError as error:
                raise ServerRefused(
                    f"Codex did not end the turn of {record.info.handle} "
                    f"within {INTERRUPT_TIMEOUT_S:.0f} seconds"
                ) from error
            except TurnNotRunning:
                pass  # it has just ended by itself

    async def _stop(self, record: ThreadRecord) -> None:
        """End the running turn, or else the processes that earlier turns left."""
        try:
            await self._interrupt(record)
        except TurnNotRunning:
            if record.loaded:
                async with _ending_commands(await self.worker.app(), record.thread_id):
                    pass

    async def _archive(self, record: ThreadRecord) -> None:
        try:
            await archive_thread(await self.worker.app(), record.thread_id)
        except CodextuiError as error:
            logger.warning("%s was not archived: %s", record.info.handle, error)


@asynccontextmanager
async def _ending_commands(app: AppServer, thread_id: str) -> AsyncIterator[None]:
    """End a thread's processes at the end: those that Codex knows, and those that left it."""
    async with app.ending_commands(thread_id):
        try:
            yield
        finally:
            await clean_terminals(app, thread_id)


def _running_turn(record: ThreadRecord) -> str:
    if not record.turn.running_id:
        raise TurnNotRunning(f"no turn runs on {record.info.handle}")
    return record.turn.running_id
