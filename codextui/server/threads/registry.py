"""The registry of threads: their records by id, handle and beginning of an id."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import structs

from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import ThreadKind
from codextui.protocol.sub_agents import AgentCall, SubAgent
from codextui.protocol.threads import (
    MAX_HANDLE,
    ThreadInfo,
    ThreadState,
    Usage,
    clean_handle,
    handle_with_suffix,
)
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.handles import Handles, checked_handle
from codextui.server.threads.turn_state import Transition, TurnOutcome, TurnState, advance

MAX_BRIEF = 2_000
"""Characters of a brief. Every change of a thread sends it; the transcript has the whole prompt."""

MAX_OUTCOMES = 64
"""Turns of a thread whose outcome can still be asked for."""

SUB_AGENT_CLIENT = "codex"
"""The client of threads that Codex started by itself."""

_FREQUENT = (ev.TextDelta, ev.OutputDelta)


class TurnWatcher(Protocol):
    """A call that waits for a turn of a thread. Must not block."""

    def on_event(self, msg: ev.Msg) -> None:
        """Handle an event on the thread."""

    def on_unattended(self, approval: Approval) -> None:
        """Handle that nobody is connected who can decide an approval of the thread."""


class ThreadApprovals(Protocol):
    """The part of the broker by which threads withdraw approvals (`approvals.broker`)."""

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """The open approvals, oldest first."""

    def approvals_of(self, thread_id: str) -> tuple[Approval, ...]:
        """Return the open approvals of one thread, oldest first."""

    def hold(self, thread_id: str) -> AbstractContextManager[None]:
        """Let no approval of a thread time out meanwhile."""

    def withdraw(
        self,
        *,
        key: Hashable | None = None,
        thread_id: str | None = None,
        turn_id: str | None = None,
        outcome: str = "withdrawn",
        why: str = "",
    ) -> None:
        """Withdraw the approvals that all given criteria fit; see `ApprovalBroker.withdraw`."""


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """An open approval of a thread.

    Attributes:
        waits_for: what a person has to do (`approval`, `answer`).
        asked_at: unix seconds.
    """

    waits_for: str
    asked_at: float


@dataclass(slots=True, eq=False)
class ThreadRecord:
    """A thread, with what the server knows of it beyond its published info.

    Attributes:
        info: the info as it was published last.
        loaded: whether the current Codex process has the thread loaded and reports on it.
        has_own_handle: whether its handle says what it is; that of a thread that Codex started by
            itself is found later.
        killing: whether it is being killed, so that its turn ends as killed.
        review_turn: the running turn where that is a review; empty otherwise.
        reviewer_turn: the id by which Codex interrupts that review; empty before it is known.
        model_provider: the id of its model's provider; empty while it was not loaded.
        turn: the running turn, or what remains of the last one.
        pending_approvals: the open approvals, by id, the oldest first.
        lock: held while a turn is started or the thread is loaded, so that this happens once.
        watchers: the calls that wait for a turn.
        suspended: the running turn where the connection broke, and what became of it is not known
            yet; empty otherwise.
        deferred: what Codex asks while the thread is joined again, to be handled once its running
            turn is known; None where it is not being joined.
        deferred_ends: the ends of turns that came while the thread is joined again, by their
            turns; None where it is not being joined.
        program_info: of a role or run, the info as its program published it last; None where
            no program does.
    """

    info: ThreadInfo
    loaded: bool = False
    has_own_handle: bool = True
    killing: bool = False
    review_turn: str = ""
    reviewer_turn: str = ""
    model_provider: str = ""
    turn: TurnState = TurnState()  # noqa: RUF009 - it is frozen
    pending_approvals: dict[str, PendingApproval] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    watchers: list[TurnWatcher] = field(default_factory=list)
    suspended: str = ""
    deferred: list[Callable[[], None]] | None = None
    deferred_ends: list[tuple[str, Callable[[], None]]] | None = None
    program_info: ThreadInfo | None = None
    _outcomes: OrderedDict[str, asyncio.Future[TurnOutcome]] = field(default_factory=OrderedDict)

    @property
    def thread_id(self) -> str:
        """The thread's id."""
        return self.info.thread_id

    @property
    def is_codex_thread(self) -> bool:
        """Whether it is a thread of Codex, rather than a role or a run."""
        return self.info.kind is ThreadKind.CODEX

    def waiting(self) -> dict[str, object]:
        """Return the fields of the info that say what the thread waits for, and since when."""
        oldest = next(iter(self.pending_approvals.values()), None)
        if oldest is None:
            return {"waits_for": "", "waits_since": None}
        return {"waits_for": oldest.waits_for, "waits_since": oldest.asked_at}

    def outcome_of(self, turn_id: str) -> asyncio.Future[TurnOutcome]:
        """Return the future outcome of a turn, which may be over already."""
        future = self._outcomes.get(turn_id)
        if future is None:
            future = self._outcomes[turn_id] = asyncio.get_running_loop().create_future()
            while len(self._outcomes) > MAX_OUTCOMES and next(iter(self._outcomes.values())).done():
                self._outcomes.popitem(last=False)
        return future

    async def wait_for(self, turn_id: str) -> TurnOutcome:
        """Wait for the end of a turn. Cancelling this does nothing to the turn."""
        return await asyncio.shield(self.outcome_of(turn_id))

    def apply_transition(self, transition: Transition) -> None:
        """Take the turn's next state, and resolve the outcome of a turn that ended."""
        self.turn = transition.turn
        if transition.outcome is not None:
            future = self.outcome_of(transition.outcome.turn_id)
            if not future.done():
                future.set_result(transition.outcome)


class ThreadRegistry:
    """The threads. Every change of a thread's info goes through here, is stored and published.

    Attributes:
        handles: what the threads are called.
    """

    def __init__(
        self, hub: EventHub, journal: Journal, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._clock = clock
        self._records: dict[str, ThreadRecord] = {}
        self.handles = Handles(self._records)

    def __iter__(self) -> Iterator[ThreadRecord]:
        return iter(tuple(self._records.values()))

    def __contains__(self, thread_id: str) -> bool:
        return thread_id in self._records

    def get(self, thread_id: str) -> ThreadRecord | None:
        """Return the thread with exactly that id; None where there is none."""
        return self._records.get(thread_id)

    def find(self, name: str) -> ThreadRecord:
        """Return the thread that a name means: see `Handles.find`."""
        return self.handles.find(name)

    def find_codex_thread(self, name: str) -> ThreadRecord:
        """Return the Codex thread that `find` finds.

        Raises:
            ThreadUnknown: none fits.
            ServerRefused: several fit, or it is a role or a run.
        """
        record = self.find(name)
        if not record.is_codex_thread:
            raise ServerRefused(
                f"{record.info.handle} is a {record.info.kind.value} of a team, not a Codex thread"
            )
        return record

    def add(self, record: ThreadRecord) -> None:
        """Add and publish a new thread."""
        self._records[record.thread_id] = record
        self._publish_info(record)

    def restore(self, record: ThreadRecord) -> None:
        """Add a thread that the journal has; one that was killed is not published."""
        self._records[record.thread_id] = record
        if record.info.state is not ThreadState.KILLED:
            self._hub.publish(record.thread_id, "", ev.ThreadChanged(record.info))

    def remove(self, record: ThreadRecord) -> None:
        """Remove the thread of another program, with its events."""
        if self._records.pop(record.thread_id, None) is not None:
            self._hub.forget(record.thread_id)

    def is_recorded(self, thread_id: str) -> bool:
        """Return whether the journal records a thread's events: not those of other programs."""
        record = self._records.get(thread_id)
        return record is None or record.info.ours

    def take_over(self, record: ThreadRecord, *, client: str) -> None:
        """Make the thread of another program one of ours; the journal gets what is known of it."""
        if record.info.ours:
            return
        self.update(record, ours=True, followed=True, origin="", client=client)
        for event in self._hub.events_of(record.thread_id):
            self._journal.record_event(event)

    def update(self, record: ThreadRecord, **changes: object) -> None:
        """Change fields of a thread's info and publish it, if that makes a difference."""
        self.replace_info(record, structs.replace(record.info, **changes))

    def replace_info(self, record: ThreadRecord, info: ThreadInfo) -> None:
        """Replace a thread's info and publish it, if that makes a difference."""
        if info != record.info:
            record.info = info
            self._publish_info(record)

    def update_quietly(self, record: ThreadRecord, **changes: object) -> None:
        """Change fields of a thread's info without publishing; the next change publishes them."""
        record.info = structs.replace(record.info, **changes)

    def set_brief(self, record: ThreadRecord, prompt: str) -> None:
        """Make the beginning of a prompt the thread's brief, without publishing."""
        brief = prompt if len(prompt) <= MAX_BRIEF else prompt[: MAX_BRIEF - 1] + "…"
        self.update_quietly(record, brief=brief)

    def rename(self, record: ThreadRecord, wanted: str) -> None:
        """Give a thread another handle.

        Raises:
            ServerRefused: it can be none, or another thread has it.
        """
        wanted = checked_handle(wanted)
        self.handles.check_free(wanted, of=record)
        self.update(record, handle=wanted)

    def place_sub_agent(
        self, record: ThreadRecord, parent: ThreadRecord, call: AgentCall, agent: SubAgent
    ) -> None:
        """Place the thread of a sub-agent under the one that started it, whose settings it has."""
        above, info = parent.info, record.info
        if record is parent or info.parent not in ("", above.thread_id):
            return
        if not info.brief:
            self.set_brief(record, call.prompt)
        self.update(
            record,
            parent=above.thread_id,
            forked_from="",
            cwd=info.cwd or above.cwd,
            branch=info.branch or above.branch,
            model=call.model or info.model or above.model,
            sandbox=info.sandbox or above.sandbox,
            approval_policy=info.approval_policy or above.approval_policy,
            codex_usage=info.codex_usage or Usage(),
        )
        if agent.path:
            self.name_sub_agent(record, agent.name)

    def name_sub_agent(self, record: ThreadRecord, name: str) -> None:
        """Give a sub-agent's thread a handle of its parent's and its own, unless it has one."""
        parent = self.get(record.info.parent)
        if parent is None or record.has_own_handle:
            return
        record.has_own_handle = True
        suffix = clean_handle(name.lower())[: MAX_HANDLE // 2] or "agent"
        wanted = handle_with_suffix(parent.info.handle, f"-{suffix}")
        self.update(record, handle=self.handles.unique(wanted, of=record))

    def sub_agents_of(self, record: ThreadRecord) -> list[ThreadRecord]:
        """Return the living threads that the agent of a Codex thread has started itself."""
        return [
            child
            for child in self
            if child.info.parent == record.thread_id
            and child.info.client == SUB_AGENT_CLIENT
            and child.info.state is not ThreadState.KILLED
        ]

    def is_sub_agent_of(self, above: str, thread_id: str) -> bool:
        """Return whether a thread is a sub-agent of the one above, or one of such a sub-agent."""
        seen: set[str] = set()
        record = self.get(thread_id)
        while record is not None and record.thread_id not in seen:
            seen.add(record.thread_id)
            if record.info.client != SUB_AGENT_CLIENT or not record.info.parent:
                return False
            if record.info.parent == above:
                return True
            record = self.get(record.info.parent)
        return False

    def republish(self, thread_id: str) -> None:
        """Publish a thread's info again, after its restored events."""
        self._publish_info(self._records[thread_id])

    def publish(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> None:
        """Publish an event that changes nothing about its thread."""
        self._hub.publish(record.thread_id, turn_id, msg)
        for watcher in tuple(record.watchers):
            watcher.on_event(msg)

    def apply(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> None:
        """Apply an event to its thread and publish it, with the info where that changes."""
        if isinstance(msg, _FREQUENT):  # they change nothing
            self.publish(record, turn_id, msg)
            return
        transition = self._advance(record, turn_id, msg)
        record.apply_transition(transition)
        match transition.msg:
            case ev.TokensCounted():
                self._change(record, transition, quietly=True)
                self._record(record.info)
                self.publish(record, turn_id, transition.msg)
            case ev.TurnStarted() | ev.TurnCompleted() | ev.TurnAborted():
                self.publish(record, turn_id, transition.msg)
                self._change(record, transition)
            case _:
                self._change(record, transition)
                self.publish(record, turn_id, transition.msg)

    def begin_turn(self, record: ThreadRecord, turn_id: str) -> None:
        """Apply the start of a turn whose event Codex is still to send."""
        transition = self._advance(record, turn_id, ev.TurnStarted())
        record.apply_transition(transition)
        self._change(record, transition)

    def _advance(self, record: ThreadRecord, turn_id: str, msg: ev.Msg) -> Transition:
        return advance(
            record.turn,
            record.info,
            turn_id,
            msg,
            now=self._clock(),
            needs_input=bool(record.pending_approvals),
            killing=record.killing,
        )

    def _change(
        self, record: ThreadRecord, transition: Transition, *, quietly: bool = False
    ) -> None:
        """Change the info, and the program's info, which returns after an approval."""
        changes: Mapping[str, object] = transition.changes
        if not changes:
            return
        if record.program_info is not None:
            record.program_info = structs.replace(record.program_info, **changes)
        if quietly:
            self.update_quietly(record, **changes)
        else:
            self.update(record, **changes)

    def _record(self, info: ThreadInfo) -> None:
        """Store a thread's info; other programs' threads are found by Codex, not by the journal."""
        if info.ours:
            self._journal.record_thread(info)

    def _publish_info(self, record: ThreadRecord) -> None:
        self._record(record.info)
        self._hub.publish(record.thread_id, record.info.turn_id, ev.ThreadChanged(record.info))


def new_message_id() -> str:
    """Return a message id, which Codex returns as the `clientId` of the message's item."""
    return f"{_OUR_MESSAGES}{secrets.token_hex(8)}"


def is_own_message(item: JsonObject, *, adopted: bool) -> bool:
    """Return whether a user message was sent by this server.

    On a thread that was not adopted also by an earlier one: nobody else of codextui writes there.
    """
    client_id = item.get("clientId")
    prefix = _OUR_MESSAGES if adopted else _CODEXTUI_MESSAGES
    return isinstance(client_id, str) and client_id.startswith(prefix)


_CODEXTUI_MESSAGES = "codextui-"
_OUR_MESSAGES = f"{_CODEXTUI_MESSAGES}{secrets.token_hex(4)}"
"""What the ids begin with that this process gives: several servers may share a Codex."""
