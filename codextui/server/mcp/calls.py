"""A call of `codex` or `codex-reply`: a prompt, and the end of the turn that comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codextui.codex.legacy.events import LegacyEvent
from codextui.codex.threads import ThreadOptions
from codextui.errors import CodextuiError, ServerRefused, ThreadUnknown, TurnNotRunning
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval, ElicitationAsked, QuestionsAsked
from codextui.protocol.events import EVENT_METHOD, ApprovalAsked
from codextui.server.approvals.input_required import InputRequired
from codextui.server.core import Host
from codextui.server.mcp.codex_events import LegacyListener
from codextui.server.mcp.progress import Progress
from codextui.server.mcp.results import OutputSchema, complete, failed, turn_result
from codextui.server.mcp.session import Caller
from codextui.server.threads.opening import NewThread, resume, start
from codextui.server.threads.registry import ThreadRecord, TurnOutcome
from codextui.server.threads.turns import Sent, interrupt, send

_CANCELLED = "The call was cancelled."


class TurnCall:
    """One call, from its prompt to its answer; several requests where it is asked by rounds.

    The turn is the server's: it goes on where the caller hangs up, and is interrupted where the
    caller takes its call back.

    Attributes:
        state: what the client returns with its answers, so that the call is found again.
        caller: who made the call, or went on with it last.
    """

    def __init__(
        self,
        host: Host,
        caller: Caller,
        prompt: str,
        schema: OutputSchema | None,
        opening: Coroutine[Any, Any, ThreadRecord],
    ) -> None:
        """Begin to open the thread; `opening` finds it, or starts it."""
        self.state = secrets.token_urlsafe(18)
        self.caller = caller
        self._host = host
        self._prompt = prompt
        self._schema = schema
        self._opened = host.background.start(opening)
        self._sending: asyncio.Task[Sent] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._rounds: InputRequired | None = None
        self._reaper: asyncio.TimerHandle | None = None

    async def run(self, listener: LegacyListener | None) -> dict[str, object]:
        """Say the prompt, and wait for the turn's end or for a round of questions.

        `listener` is told what happens meanwhile, as `codex mcp-server` told it. Raises what
        opening the thread and starting the turn raise.
        """
        caller = self.caller
        with self._progress() as progress, self._listening(listener), self._taking_back():
            record = await asyncio.shield(self._opened)
            if caller.modern and caller.elicits and not caller.supervises:
                self._rounds = InputRequired(caller.client, record.info.thread_id)
                self._host.core.broker.attach(self._rounds)
            if listener is not None:
                self._host.core.legacy.attach(record.info.thread_id, listener)
            with self._attending(record, progress):
                self._sending = self._host.background.start(self._send(record))
                return await self._wait(record)

    async def go_on(self, caller: Caller, responses: Mapping[str, Json]) -> dict[str, object]:
        """Take the answers of a round, and wait on."""
        self.caller = caller
        if self._reaper is not None:
            self._reaper.cancel()
        record = self._opened.result()
        with (
            self._progress() as progress,
            self._taking_back(),
            self._attending(record, progress),
        ):
            if self._rounds is not None:
                self._rounds.take(responses)
            return await self._wait(record)

    def leave(self) -> None:
        """The client will not come back: its questions are for others, or end the turn."""
        self._host.parked.pop(self.state, None)
        self._end_rounds()
        record = self._opened.result()
        broker = self._host.core.broker
        waits = broker.approvals_of(record.info.thread_id)
        if waits and not any(broker.is_attended(one.approval_id) for one in waits):
            self._host.background.start(self._interrupt(record))

    async def _send(self, record: ThreadRecord) -> Sent:
        schema = self._schema.schema if self._schema is not None else None
        return await send(
            self._host.core, record.info.thread_id, self._prompt, output_schema=schema
        )

    async def _wait(self, record: ThreadRecord) -> dict[str, object]:
        assert self._sending is not None  # noqa: S101 - a call goes on after it was begun
        ending = asyncio.ensure_future(self._outcome(record, self._sending))
        asking = asyncio.ensure_future(self._rounds.wait()) if self._rounds is not None else None
        try:
            await asyncio.wait(
                {ending} if asking is None else {ending, asking},
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ending.done() or self._rounds is None:
                result = turn_result(record, await ending, self._schema)
                self._end_rounds()
                return result
            return self._park(self._rounds)
        except CodextuiError:
            self._end_rounds()
            raise
        finally:
            for task in (ending, asking):
                if task is not None:
                    task.cancel()

    async def _outcome(self, record: ThreadRecord, sending: asyncio.Task[Sent]) -> TurnOutcome:
        return await record.wait_for((await asyncio.shield(sending)).turn_id)

    def _park(self, rounds: InputRequired) -> dict[str, object]:
        """Keep the call until its client comes back with answers."""
        self._host.parked[self.state] = self
        loop = asyncio.get_running_loop()
        self._reaper = loop.call_later(self._host.options.orphan_timeout_s, self.leave)
        return rounds.begin(self.state)

    def _end_rounds(self) -> None:
        if self._rounds is not None:
            self._rounds.end()
            self._host.core.broker.detach(self._rounds)
            self._rounds = None

    @contextmanager
    def _progress(self) -> Iterator[Progress]:
        interval_s = self._host.options.progress_interval_s
        with Progress(self.caller, interval_s=interval_s, how_to_answer=self._how) as progress:
            yield progress

    def _how(self, approval: Approval) -> str:
        name = self._host.options.name
        if not name:
            return ""  # nobody can come to a server that is one client's own
        where = "" if name == "default" else f" -L {name}"
        word = "approve"
        if isinstance(approval.asked, QuestionsAsked | ElicitationAsked):
            word = "answer"
        return f"`codextui{where}` or `codextui {word}{where} {approval.approval_id}`"

    @contextmanager
    def _attending(self, record: ThreadRecord, progress: Progress) -> Iterator[None]:
        """Meanwhile the caller hears what happens, and can be asked."""
        broker = self._host.core.broker
        # A supervisor is asked about every thread already.
        answerer = self.caller.answerer(record.info.thread_id)
        if self.caller.progress_token is not None:
            record.watchers.append(progress)
        for approval in broker.approvals_of(record.info.thread_id):
            progress.hear(ApprovalAsked(approval))
            if answerer is None and not broker.is_attended(approval.approval_id):
                progress.unattended(approval)
        client = self.caller.channel.client
        if answerer is not None:
            self._host.calling.attach(broker, client, answerer)
        try:
            yield
        finally:
            if progress in record.watchers:
                record.watchers.remove(progress)
            if answerer is not None:
                self._host.calling.detach(broker, client, answerer)

    @contextmanager
    def _listening(self, listener: LegacyListener | None) -> Iterator[None]:
        """Afterwards the caller hears no events; of a call that it took back, it hears the end."""
        legacy = self._host.core.legacy

        def stop(_: asyncio.Task[Any]) -> None:
            opened = self._opened
            if listener is not None and not opened.cancelled() and opened.exception() is None:
                legacy.detach(opened.result().info.thread_id, listener)

        try:
            yield
        finally:
            (self._ending or self._opened).add_done_callback(stop)

    @contextmanager
    def _taking_back(self) -> Iterator[None]:
        """Where the client cancels the call, end what it began, and answer it all the same."""
        try:
            yield
        except asyncio.CancelledError:
            self._end_rounds()
            if self.caller.took_back:
                self._end()
            else:
                self.caller.channel.when_taken_back(self._end)
            raise

    def _end(self) -> None:
        self._ending = self._host.background.start(self._take_back())

    async def _take_back(self) -> None:
        """Interrupt the turn that the call started; one that it steered is another's."""
        try:
            record = await self._opened
            sent = await self._sending if self._sending is not None else None
        except CodextuiError as error:
            return self._answer_late(failed(error))
        leaves = sent is not None and sent.steered
        # Who hung up before may say so when that turn is long over, and another one runs.
        if sent is not None and not leaves and record.running == sent.turn_id:
            await self._interrupt(record)
        turn_id, why = sent.turn_id if sent is not None else "", "left" if leaves else "interrupted"
        outcome = TurnOutcome(turn_id, record.last_message, why, _CANCELLED)
        return self._answer_late(turn_result(record, outcome, None))

    def _answer_late(self, result: dict[str, object]) -> None:
        answer = complete(result) if self.caller.modern else result
        self.caller.channel.answer_late(self.caller.request_id, answer)

    async def _interrupt(self, record: ThreadRecord) -> None:
        with contextlib.suppress(TurnNotRunning):
            await interrupt(self._host.core, record.info.thread_id)


def listener_of(caller: Caller) -> LegacyListener | None:
    """How a caller hears `codex/event` in the old form; None where it does not."""
    if not caller.hears_events:
        return None
    tell, call_id = caller.channel.tell, caller.request_id

    def listen(event: LegacyEvent) -> None:
        tell(EVENT_METHOD, event.to_params(call_id), for_call=call_id)

    return LegacyListener(caller.channel.client, listen)


async def codex(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Start a thread, and answer with what its first turn comes to."""
    prompt = fields.text(arguments, "prompt")
    schema = OutputSchema.of(arguments)
    listener = listener_of(caller)
    options = thread_options(arguments, caller)
    new = NewThread(options, caller.client, prompt=prompt, listener=listener)
    call = TurnCall(host, caller, prompt, schema, start(host.core, new))
    return await call.run(listener)


async def codex_reply(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Say something to a thread, and answer with what the turn comes to.

    A thread that this server does not know is looked for in Codex's history.
    """
    thread = fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
    if not thread:
        raise ServerRefused("codex-reply: threadId is missing")
    schema = OutputSchema.of(arguments)
    prompt = fields.text(arguments, "prompt")
    call = TurnCall(host, caller, prompt, schema, _find(host, thread, caller.client))
    return await call.run(listener_of(caller))


async def _find(host: Host, thread: str, client: str) -> ThreadRecord:
    try:
        return host.core.registry.find_codex(thread)
    except ThreadUnknown:
        return await resume(host.core, thread, client=client)


def thread_options(arguments: JsonObject, caller: Caller) -> ThreadOptions:
    """The options of a thread that are in a tool's arguments.

    Where the caller works is the cwd where the arguments name none, and what a relative one is
    relative to; settings of its own hold where the arguments have none.
    `on-failure`, which Codex no longer has, becomes `on-request`: it asks before, not after.
    """
    policy = fields.maybe_text(arguments, "approval-policy")
    cwd = Path(caller.cwd, Path(fields.text_or(arguments, "cwd")).expanduser())
    return ThreadOptions(
        model=fields.maybe_text(arguments, "model"),
        cwd=None if cwd == Path() else str(cwd.absolute()),
        sandbox=fields.maybe_text(arguments, "sandbox"),
        approval_policy="on-request" if policy == "on-failure" else policy,
        base_instructions=fields.maybe_text(arguments, "base-instructions"),
        developer_instructions=fields.maybe_text(arguments, "developer-instructions"),
        compact_prompt=fields.maybe_text(arguments, "compact-prompt"),
        profile=fields.maybe_text(arguments, "profile"),
        config={**caller.channel.config, **fields.as_object(arguments.get("config", {}), "config")},
    )
