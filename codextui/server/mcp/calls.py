"""The tools `codex` and `codex-reply`: send a prompt, and return the result of its turn."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from codextui.codex.legacy.events import LegacyEvent
from codextui.codex.threads import ThreadOptions
from codextui.errors import CodextuiError, ServerRefused, ThreadUnknown, TurnNotRunning
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval, Deciders, Others, takes_answers
from codextui.protocol.events import EVENT_METHOD, ApprovalAsked
from codextui.server.approvals.elicitation import ElicitationResponder, call_responder
from codextui.server.approvals.input_required import InputRequiredResponder
from codextui.server.clients import Caller
from codextui.server.events.legacy import LegacySubscriber
from codextui.server.mcp.progress import ProgressReporter
from codextui.server.mcp.results import OutputSchema, turn_result
from codextui.server.state import ServerState
from codextui.server.threads.foreign import refuse_to_act
from codextui.server.threads.opening import ThreadSpec
from codextui.server.threads.registry import ThreadRecord
from codextui.server.threads.turn_state import TurnOutcome
from codextui.server.threads.turns import SentMessage


async def call_codex(
    server: ServerState, caller: Caller, arguments: JsonObject
) -> dict[str, object]:
    """Start a thread and return the result of its first turn (`codex`)."""
    prompt = fields.text(arguments, "prompt")
    schema = OutputSchema.from_arguments(arguments)
    subscriber = _legacy_subscriber(caller)
    new = ThreadSpec(
        thread_options(arguments, caller),
        caller.client_name,
        prompt=prompt,
        subscriber=subscriber,
    )
    call = TurnCall(server, caller, prompt, schema, server.opener.start(new))
    return await call.run(subscriber)


async def call_codex_reply(
    server: ServerState, caller: Caller, arguments: JsonObject
) -> dict[str, object]:
    """Send a message to a thread and return the result of its turn (`codex-reply`).

    A thread that the server does not have is looked for in Codex's history. One that another
    program has open is left to that, unless the caller has the tools of a supervisor, or the user
    lets everybody decide (`[approvals] others`).
    """
    thread = fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
    if not thread:
        raise ServerRefused("codex-reply: threadId is missing")
    schema = OutputSchema.from_arguments(arguments)
    prompt = fields.text(arguments, "prompt")
    call = TurnCall(server, caller, prompt, schema, _find(server, caller, thread))
    return await call.run(_legacy_subscriber(caller))


def thread_options(arguments: JsonObject, caller: Caller) -> ThreadOptions:
    """Return the options of a thread that are among a tool's arguments.

    A missing or relative `cwd` is resolved against the caller's. Arguments take precedence over
    the caller's own Codex settings. `on-failure`, which Codex no longer has, becomes `on-request`,
    which asks before rather than after.
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


class TurnCall:
    """One call of `codex` or `codex-reply`, from its prompt to its result.

    A client of MCP 2026-07-28 makes several requests for one call: each round of questions ends
    one. The turn belongs to the server. It goes on where the caller disconnects, and is
    interrupted where the caller cancels.

    Args:
        server: the server.
        caller: the client that makes the call.
        prompt: the message to send.
        schema: the schema of the answer; None for any text.
        opening: starts or finds the thread; it begins at once.

    Attributes:
        caller: the client that made the call, or came back with answers last.
    """

    def __init__(
        self,
        server: ServerState,
        caller: Caller,
        prompt: str,
        schema: OutputSchema | None,
        opening: Coroutine[Any, Any, ThreadRecord],
    ) -> None:
        self.caller = caller
        self._server = server
        self._prompt = prompt
        self._schema = schema
        self._request_state = secrets.token_urlsafe(18)
        self._opened = server.background.start(opening)
        self._sending: asyncio.Task[SentMessage] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._responder: InputRequiredResponder | None = None
        self._orphan_timer: asyncio.TimerHandle | None = None

    async def run(self, subscriber: LegacySubscriber | None) -> dict[str, object]:
        """Send the prompt, and wait for the end of the turn or the first round of questions.

        Args:
            subscriber: gets the legacy events of the thread meanwhile; None for nobody.

        Raises:
            CodextuiError: the thread cannot be opened, or the turn cannot be started.
        """
        caller = self.caller
        with self._progress() as progress, self._streaming(subscriber), self._cancelling():
            record = await asyncio.shield(self._opened)
            if caller.modern and self._asks_caller and caller.elicits and not caller.supervises:
                self._responder = InputRequiredResponder(
                    caller.client_name, record.thread_id, self._sub_agents_of(record)
                )
                self._server.broker.attach(self._responder)
            if subscriber is not None:
                self._server.legacy.attach(record.thread_id, subscriber)
            with self._watching(record, progress):
                self._sending = self._server.background.start(self._send(record))
                return await self._wait(record, self._sending)

    async def resume(self, caller: Caller, responses: Mapping[str, Json]) -> dict[str, object]:
        """Take the answers of a round, and wait for the end of the turn or the next round."""
        self.caller = caller
        if self._orphan_timer is not None:
            self._orphan_timer.cancel()
        record = self._opened.result()
        assert self._sending is not None  # noqa: S101 - a round comes after the prompt was sent
        with self._progress() as progress, self._cancelling(), self._watching(record, progress):
            if self._responder is not None:
                self._responder.end_round(responses)
            return await self._wait(record, self._sending)

    def abandon(self) -> None:
        """Leave the questions to others; where nobody else is asked, interrupt a turn of ours."""
        self._server.suspended_calls.pop(self._request_state, None)
        self._detach_responder()
        record = self._opened.result()
        broker = self._server.broker
        pending = broker.approvals_of(record.thread_id)
        if not record.info.ours:
            return  # its program may ask somebody, too
        if pending and not any(broker.is_attended(one.approval_id) for one in pending):
            self._server.background.start(self._interrupt(record))

    async def _send(self, record: ThreadRecord) -> SentMessage:
        schema = self._schema.schema if self._schema is not None else None
        return await self._server.turns.send(record.thread_id, self._prompt, output_schema=schema)

    async def _wait(
        self, record: ThreadRecord, sending: asyncio.Task[SentMessage]
    ) -> dict[str, object]:
        responder = self._responder
        ending = asyncio.ensure_future(self._outcome(record, sending))
        asking = asyncio.ensure_future(responder.wait_for_approvals()) if responder else None
        try:
            await asyncio.wait(
                {ending} if asking is None else {ending, asking},
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ending.done() or responder is None:
                result = turn_result(record.thread_id, await ending, self._schema)
                self._detach_responder()
                return result
            return self._suspend(responder)
        except CodextuiError:
            self._detach_responder()
            raise
        finally:
            for task in (ending, asking):
                if task is not None:
                    task.cancel()

    async def _outcome(
        self, record: ThreadRecord, sending: asyncio.Task[SentMessage]
    ) -> TurnOutcome:
        return await record.wait_for((await asyncio.shield(sending)).turn_id)

    def _suspend(self, responder: InputRequiredResponder) -> dict[str, object]:
        """End the request with a round of questions, and keep the call for the answers."""
        self._server.suspended_calls[self._request_state] = self
        loop = asyncio.get_running_loop()
        timeout_s = self._server.options.orphan_timeout_s
        self._orphan_timer = loop.call_later(timeout_s, self.abandon)
        return responder.begin_round(self._request_state)

    def _detach_responder(self) -> None:
        if self._responder is not None:
            self._responder.close()
            self._server.broker.detach(self._responder)
            self._responder = None

    @contextmanager
    def _progress(self) -> Iterator[ProgressReporter]:
        interval_s = self._server.options.progress_interval_s
        with ProgressReporter(
            self.caller,
            interval_s=interval_s,
            how_to_answer=self._answer_command,
            how_to_stop=self._stop_command,
        ) as progress:
            yield progress

    def _answer_command(self, approval: Approval) -> str:
        options = self._server.options
        verb = "answer" if takes_answers(approval.asked) else "approve"
        command = options.shell_command(verb, approval.approval_id)
        return f"`{options.shell_command()}` or `{command}`" if command else ""

    def _stop_command(self) -> str:
        opened = self._opened
        if not opened.done() or opened.cancelled() or opened.exception() is not None:
            return ""
        return self._server.options.shell_command("interrupt", opened.result().info.handle)

    @contextmanager
    def _watching(self, record: ThreadRecord, progress: ProgressReporter) -> Iterator[None]:
        """Report progress to the caller meanwhile, and let it decide the thread's approvals."""
        broker = self._server.broker
        responder = self._call_responder(record) if self._asks_caller else None
        if self.caller.progress_token is not None:
            record.watchers.append(progress)
        for approval in broker.approvals_of(record.thread_id):
            progress.on_event(ApprovalAsked(approval))
            if responder is None and not broker.is_attended(approval.approval_id):
                progress.on_unattended(approval)
        if responder is not None:
            self._server.call_responders.attach(responder)
        try:
            yield
        finally:
            if progress in record.watchers:
                record.watchers.remove(progress)
            if responder is not None:
                self._server.call_responders.detach(responder)

    @property
    def _asks_caller(self) -> bool:
        return self._server.options.deciders is not Deciders.CONSOLE

    def _call_responder(self, record: ThreadRecord) -> ElicitationResponder | None:
        decides_at_once = self._server.options.deciders is Deciders.CLIENT
        return call_responder(
            self.caller,
            record.thread_id,
            decides_at_once=decides_at_once,
            is_sub_agent=self._sub_agents_of(record),
        )

    def _sub_agents_of(self, record: ThreadRecord) -> Callable[[str], bool]:
        return partial(self._server.registry.is_sub_agent_of, record.thread_id)

    @contextmanager
    def _streaming(self, subscriber: LegacySubscriber | None) -> Iterator[None]:
        """Unsubscribe at the end of the call; of a cancelled call, at the end of its turn."""
        legacy = self._server.legacy

        def stop(_: asyncio.Task[Any]) -> None:
            opened = self._opened
            if subscriber is not None and not opened.cancelled() and opened.exception() is None:
                legacy.detach(opened.result().thread_id, subscriber)

        try:
            yield
        finally:
            (self._ending or self._opened).add_done_callback(stop)

    @contextmanager
    def _cancelling(self) -> Iterator[None]:
        """Where the client cancels the call, end what it began. MCP wants no answer to it."""
        try:
            yield
        except asyncio.CancelledError:
            self._detach_responder()
            if self.caller.has_cancelled:
                self._start_cancel()
            else:
                self.caller.channel.on_late_cancel(self._start_cancel)
            raise

    def _start_cancel(self) -> None:
        self._ending = self._server.background.start(self._cancel())

    async def _cancel(self) -> None:
        """Interrupt the turn that the call started; one that it steered is another call's."""
        try:
            record = await self._opened
            sent = await self._sending if self._sending is not None else None
        except CodextuiError:
            return  # nothing began
        # A cancellation may come late, when the turn is over and another one runs.
        if sent is not None and not sent.steered and record.turn.running_id == sent.turn_id:
            await self._interrupt(record)

    async def _interrupt(self, record: ThreadRecord) -> None:
        with suppress(TurnNotRunning):
            await self._server.turns.interrupt(record.thread_id)


def _legacy_subscriber(caller: Caller) -> LegacySubscriber | None:
    """Return how a caller gets legacy events; None where it gets none."""
    if not caller.gets_legacy_events:
        return None
    channel, call_id = caller.channel, caller.request_id

    def on_event(event: LegacyEvent) -> None:
        channel.notify_soon(EVENT_METHOD, event.to_params(call_id), for_call=call_id)

    return LegacySubscriber(channel.client_key, on_event)


async def _find(server: ServerState, caller: Caller, thread: str) -> ThreadRecord:
    """Return the thread to reply to. Raises ServerRefused where it is not the caller's business."""
    try:
        record = server.registry.find_codex_thread(thread)
    except ThreadUnknown:
        record = await server.opener.resume(thread, client=caller.client_name)
    may_act = caller.sees_all_tools or server.options.others is Others.DECIDE
    if not may_act:
        refuse_to_act(record)
    return record
