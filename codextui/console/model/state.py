"""The state behind the console's screens: threads, runs, approvals and the connection.

`ConsoleState` changes by events and by what the connection reports. Each change returns
`Changes`, which tell the screens what to draw again.
"""

from __future__ import annotations

import msgspec
from msgspec import structs

from codextui.console.model.changes import (
    NO_CHANGES,
    Changes,
    thread_changes,
    transcript_changes,
)
from codextui.console.model.item_reading import read_note
from codextui.console.model.items import clip
from codextui.console.model.labels import Asker, asker_of
from codextui.console.model.run import NO_RUN, CostFormatter, RunSummary, RunView
from codextui.console.model.transcript import Transcript
from codextui.console.model.tree import TreeEntry, group_of, tree_entries
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage

MAX_NOTICES = 100
"""Server notices stored."""

MAX_OUTCOMES = 10_000
"""Outcomes of approvals stored."""


class ConnectionState(msgspec.Struct, frozen=True):
    """State of the connection to the shared server.

    Attributes:
        connected: whether it is established.
        caught_up: whether all past events have been replayed on it.
        reason: why it is not established, in a sentence; empty before the first attempt.
        retry_in: seconds until the next attempt, None if there is none.
    """

    connected: bool = False
    caught_up: bool = False
    reason: str = ""
    retry_in: float | None = None


class ServerNotice(msgspec.Struct, frozen=True):
    """An error or a warning that concerns the whole server.

    Attributes:
        at: unix seconds.
        severity: `error` or `warning`.
        text: the message.
    """

    at: float
    severity: str
    text: str


class ThreadView(msgspec.Struct):
    """A thread as the console shows it.

    Attributes:
        info: as last published by the server.
        transcript: its turns and items.
        plan: the plan of the current or last turn, None if it has none.
        diff: the unified diff of the current or last turn, empty if it has none.
        waits_since: unix seconds at which its oldest open approval, or that of a thread below it,
            was asked; None if there is none.
    """

    info: ThreadInfo
    transcript: Transcript = msgspec.field(default_factory=Transcript)
    plan: ev.PlanUpdated | None = None
    diff: str = ""
    waits_since: float | None = None

    @property
    def thread_id(self) -> str:
        """Codex's id."""
        return self.info.thread_id


class ConsoleState:
    """Everything the console shows. Deterministic; an event applied again changes nothing.

    Attributes:
        connection: state of the connection to the shared server.
        threads: by id, in the order in which they were first seen. Runs and roles are among them.
        runs: gates and spans, by the run's id.
        approvals: open approvals by id, oldest first.
        outcomes: outcomes of the other approvals, by id.
        codex_problem: why no Codex process is running, empty if one is.
        codex_version: version of the Codex process, empty if unknown.
        attached: what the server has joined: `daemon` or an address; empty for a Codex of its own.
        notices: the last `MAX_NOTICES` server notices, oldest first.
        last_seq: `seq` of the newest event applied.
    """

    def __init__(self) -> None:
        self.connection = ConnectionState()
        self._clear()

    def _clear(self) -> None:
        self.threads: dict[str, ThreadView] = {}
        self.runs: dict[str, RunView] = {}
        self.approvals: dict[str, Approval] = {}
        self.outcomes: dict[str, ev.ApprovalResolved] = {}
        self.codex_problem = ""
        self.codex_version = ""
        self.attached = ""
        self.notices: list[ServerNotice] = []
        self.last_seq = 0
        self._unresolved: dict[str, Approval] = {}
        self._at_risk: dict[str, ThreadView] = {}

    # Events.

    def apply(self, event: ev.Event) -> Changes:
        """Apply an event. Never raises; an unknown event becomes a note or a notice."""
        if event.seq <= self.last_seq:
            return NO_CHANGES
        self.last_seq = event.seq
        match event.msg:
            case ev.ThreadChanged(thread):
                return self._change_thread(thread)
            case ev.ThreadLeft():
                return self._remove_thread(event.thread_id)
            case ev.ApprovalAsked(approval):
                return self.add_approval(approval)
            case ev.ApprovalResolved():
                return self._resolve_approval(event.msg)
            case ev.CodexLost(message):
                self.codex_problem = message or "the Codex process ended"
                return self._add_notice(event.at, "error", self.codex_problem)
            case ev.CodexReady(version):
                self.codex_problem, self.codex_version = "", version
                return Changes(server=True)
            case _ if not event.thread_id:
                return self._apply_to_server(event)
            case _:
                view, added = self._view(event.thread_id)
                return added | self._apply_to_thread(view, event)

    def _apply_to_server(self, event: ev.Event) -> Changes:
        match event.msg:
            case ev.ErrorRaised(message):
                return self._add_notice(event.at, "error", message)
            case ev.Warned(message):
                return self._add_notice(event.at, "warning", message)
            case ev.UnknownEvent(kind):
                return self._add_notice(event.at, "warning", f"unknown event {kind}")
            case msg:
                text = f"{type(msg).__name__} came without a thread"
                return self._add_notice(event.at, "warning", text)

    def _apply_to_thread(self, view: ThreadView, event: ev.Event) -> Changes:
        thread_id, transcript = view.thread_id, view.transcript
        turn_id, at = event.turn_id, event.at
        match event.msg:
            case ev.TurnStarted(started_at):
                return self._start_turn(view, turn_id, started_at or at)
            case ev.TurnCompleted(_, usage):
                return self._end_turn(view, event, "completed", "", usage)
            case ev.TurnAborted(reason, message, usage):
                return self._end_turn(view, event, reason, message, usage)
            case ev.ItemStarted(item):
                return transcript_changes(thread_id, transcript.put_item(turn_id, item, done=False))
            case ev.ItemCompleted(item):
                return transcript_changes(thread_id, transcript.put_item(turn_id, item, done=True))
            case (
                ev.TextDelta()
                | ev.ReasoningDelta()
                | ev.PlanDelta()
                | ev.OutputDelta()
                | ev.PatchUpdated() as delta
            ):
                return transcript_changes(thread_id, transcript.add_delta(turn_id, delta))
            case ev.ApprovalCorrected() as correction:
                corrected = transcript.correct_approval(turn_id, correction)
                return transcript_changes(thread_id, corrected)
            case ev.TokensCounted() | ev.DiffUpdated() | ev.PlanUpdated():
                return self._update_turn(view, event)
            case ev.GatesChecked() | ev.SpanChanged():
                return self._update_run(view, event.msg, at)
            case msg:
                note = read_note(msg)
                return transcript_changes(
                    view.thread_id, note and transcript.add_note(turn_id, note)
                )

    def _start_turn(self, view: ThreadView, turn_id: str, at: float) -> Changes:
        if not view.transcript.start_turn(turn_id, at):
            return NO_CHANGES
        view.plan, view.diff = None, ""
        return transcript_changes(view.thread_id, True) | thread_changes(view.thread_id)

    def _end_turn(
        self, view: ThreadView, event: ev.Event, reason: str, message: str, usage: Usage | None
    ) -> Changes:
        tokens = None if usage is None else usage.total
        if not view.transcript.end_turn(event.turn_id, reason, message, event.at, tokens):
            return NO_CHANGES
        return transcript_changes(view.thread_id, True) | thread_changes(view.thread_id)

    def _update_turn(self, view: ThreadView, event: ev.Event) -> Changes:
        match event.msg:
            case ev.TokensCounted(total, _, window, context):
                view.info = structs.replace(
                    view.info,
                    usage=total,
                    context_window=view.info.context_window if window is None else window,
                    context_tokens=context,
                )
            case ev.DiffUpdated(diff):
                view.diff = clip(diff)
                view.transcript.set_diff(event.turn_id, view.diff)
            case ev.PlanUpdated() as plan:
                view.plan = plan
        return thread_changes(view.thread_id)

    def _update_run(
        self, view: ThreadView, msg: ev.GatesChecked | ev.SpanChanged, at: float
    ) -> Changes:
        run_id = self.run_id_of(view.thread_id) or view.thread_id
        run = self.runs.setdefault(run_id, RunView())
        match msg:
            case ev.GatesChecked(gates):
                changed = run.set_gates(gates)
            case ev.SpanChanged(span):
                changed = run.put_span(span, at)
        ids = frozenset({run_id})
        return Changes(runs=ids, threads=ids) if changed else NO_CHANGES

    def _change_thread(self, info: ThreadInfo) -> Changes:
        view, added = self._view(info.thread_id)
        if view.info == info:
            return added
        old, view.info = view.info, info
        moved = (
            (old.forked_from, old.parent) != (info.forked_from, info.parent)
            or old.created_at != info.created_at
            or group_of(old) != group_of(info)
            or (old.state is ThreadState.KILLED) != (info.state is ThreadState.KILLED)
        )
        # The brief of a role or a run is its description, not a message to it.
        has_brief = info.kind is ThreadKind.CODEX and view.transcript.set_brief(info.brief)
        self._update_waits(info.thread_id)
        changes = added | thread_changes(view.thread_id) | Changes(tree=moved)
        run_id = self.run_id_of(view.thread_id)
        if run_id in self.threads:
            changes |= thread_changes(run_id)
        return changes | transcript_changes(view.thread_id, has_brief)

    def _view(self, thread_id: str) -> tuple[ThreadView, Changes]:
        """Return the thread; one that is unknown yet is added, so that its events are shown."""
        view = self.threads.get(thread_id)
        if view is not None:
            return view, NO_CHANGES
        view = ThreadView(ThreadInfo(thread_id, thread_id[:8], ThreadState.STARTING))
        if thread_id in self._at_risk:
            view.transcript.recover(self._at_risk.pop(thread_id).transcript.items_at_risk())
        self.threads[thread_id] = view
        return view, Changes(threads=frozenset({thread_id}), tree=True)

    def _remove_thread(self, thread_id: str) -> Changes:
        """Remove a thread of another program that is not open any more."""
        if self.threads.pop(thread_id, None) is None:
            return NO_CHANGES
        asked = [one.approval_id for one in self._unresolved.values() if one.thread_id == thread_id]
        for approval_id in asked:
            del self._unresolved[approval_id]
            self.approvals.pop(approval_id, None)
        return Changes(threads=frozenset({thread_id}), tree=True, approvals=bool(asked))

    def _add_notice(self, at: float, severity: str, text: str) -> Changes:
        self.notices.append(ServerNotice(at, severity, text))
        del self.notices[:-MAX_NOTICES]
        return Changes(server=True)

    # Approvals.

    def add_approval(self, approval: Approval) -> Changes:
        """Add an open approval; ignored if it is known."""
        approval_id = approval.approval_id
        if approval_id in self.outcomes or approval_id in self.approvals:
            return NO_CHANGES
        self._unresolved[approval_id] = approval
        oldest_first = sorted([*self.approvals.values(), approval], key=lambda one: one.asked_at)
        self.approvals = {one.approval_id: one for one in oldest_first}
        view, added = self._view(approval.thread_id)
        transcript = transcript_changes(view.thread_id, view.transcript.add_approval(approval))
        self._update_waits(view.thread_id)
        return added | transcript | thread_changes(view.thread_id) | Changes(approvals=True)

    def remove_approval(self, approval_id: str) -> Changes:
        """Remove an approval this console can no longer answer; its outcome is an event."""
        approval = self.approvals.pop(approval_id, None)
        if approval is None:
            return NO_CHANGES
        return Changes(approvals=True, threads=frozenset({approval.thread_id}))

    def _update_waits(self, thread_id: str) -> None:
        """Update since when a thread waits, and every thread above it."""
        for changed in self._lineage(thread_id):
            if (view := self.threads.get(changed)) is not None:
                asked = [
                    one.asked_at
                    for one in self._unresolved.values()
                    if changed in self._lineage(one.thread_id)
                ]
                view.waits_since = min(asked, default=None)

    def _lineage(self, thread_id: str) -> set[str]:
        """Return a thread and those that it stands under, without sources of forks."""
        lineage: set[str] = set()
        while thread_id and thread_id not in lineage:
            lineage.add(thread_id)
            view = self.threads.get(thread_id)
            thread_id = "" if view is None else view.info.parent
        return lineage

    def _resolve_approval(self, outcome: ev.ApprovalResolved) -> Changes:
        self.outcomes.setdefault(outcome.approval_id, outcome)
        if len(self.outcomes) > MAX_OUTCOMES:
            del self.outcomes[next(iter(self.outcomes))]
        was_open = self.approvals.pop(outcome.approval_id, None) is not None
        approval = self._unresolved.pop(outcome.approval_id, None)
        if approval is None:
            return Changes(approvals=was_open)
        view, _ = self._view(approval.thread_id)
        resolved = view.transcript.resolve_approval(approval, outcome)
        self._update_waits(view.thread_id)
        changes = transcript_changes(view.thread_id, resolved) | thread_changes(view.thread_id)
        return changes | Changes(approvals=was_open)

    # The connection.

    def set_connected(self, *, fresh: bool) -> Changes:
        """Set the connection to established; with `fresh`, discard the state of another server.

        What was open on that server is shown again where this one does not know it.
        """
        if fresh:
            at_risk = self._at_risk | {
                view.thread_id: view
                for view in self.threads.values()
                if view.info.state is not ThreadState.KILLED and view.transcript.items_at_risk()
            }
            self._clear()
            self._at_risk = at_risk
        else:
            self._mark_lost(lost=False)
        self.connection = ConnectionState(connected=True)
        return self._all_changes()

    def set_codex(self, version: str, attached: str) -> Changes:
        """Set which Codex the server uses; see `codex_version` and `attached`."""
        if (version or self.codex_version, attached) == (self.codex_version, self.attached):
            return NO_CHANGES
        self.codex_version, self.attached = version or self.codex_version, attached
        return Changes(server=True)

    def set_caught_up(self, at: float = 0.0) -> Changes:
        """Mark the past events as replayed, at `at` unix seconds."""
        self.connection = ConnectionState(connected=True, caught_up=True)
        changes = Changes(server=True)
        for view in self._at_risk.values():
            changes |= self._restore_unknown(view)
        self._at_risk = {}
        for view in self.threads.values():
            changes |= transcript_changes(view.thread_id, view.transcript.recover_unknown_turns(at))
        return changes

    def set_disconnected(
        self, reason: str, retry_in: float | None = None, *, ended: bool = False
    ) -> Changes:
        """Set the connection to lost; see `ConnectionState`.

        Args:
            reason: why.
            retry_in: seconds until the next attempt.
            ended: whether no server is running: what was open is cut off.
        """
        self.connection = ConnectionState(reason=reason, retry_in=retry_in)
        if ended:
            self._mark_lost(lost=True)
        return self._all_changes()

    def _mark_lost(self, *, lost: bool) -> None:
        for view in self.threads.values():
            view.transcript.mark_lost(lost=lost)

    def _restore_unknown(self, view: ThreadView) -> Changes:
        """Keep a thread that was cut off, and that the restarted server does not know."""
        view.info = structs.replace(
            view.info,
            state=ThreadState.DISCONNECTED,
            turn_started_at=None,
            waits_for="",
            note="the server was lost, and the one that runs now does not know this thread",
        )
        view.transcript.mark_lost(lost=True)
        self.threads[view.thread_id] = view
        return Changes(tree=True) | thread_changes(view.thread_id)

    def _all_changes(self) -> Changes:
        threads, runs = frozenset(self.threads), frozenset(self.runs)
        return Changes(threads, threads, tree=True, approvals=True, server=True, runs=runs)

    # Queries.

    def tree(self) -> list[TreeEntry]:
        """Return the threads in the order of the tree."""
        return tree_entries(view.info for view in self.threads.values())

    def state_of(self, thread_id: str) -> ThreadState:
        """Return the state to show: while disconnected, `DISCONNECTED` unless killed."""
        view = self.threads.get(thread_id)
        state = ThreadState.STARTING if view is None else view.info.state
        if self.connection.connected or state is ThreadState.KILLED:
            return state
        return ThreadState.DISCONNECTED

    def askers(self) -> dict[str, Asker]:
        """Return whose threads those with an open approval are, by thread id."""
        asking = {approval.thread_id for approval in self._unresolved.values()}
        views = (self.threads.get(thread_id) for thread_id in asking)
        return {view.thread_id: asker_of(view.info) for view in views if view is not None}

    def run_id_of(self, thread_id: str) -> str:
        """Return the id of the run that a thread is or belongs to, empty if there is none."""
        seen: set[str] = set()
        while thread_id and thread_id not in seen:
            seen.add(thread_id)
            if thread_id.startswith(RUN_PREFIX):
                return thread_id.partition("/")[0]
            view = self.threads.get(thread_id)
            if view is None:
                return ""
            if view.info.kind is ThreadKind.RUN:
                return thread_id
            thread_id = view.info.parent or view.info.forked_from
        return ""

    def run_members(self, run_id: str) -> list[ThreadInfo]:
        """Return the roles and Codex threads of a run, in the order they were first seen."""
        return [
            view.info
            for thread_id, view in self.threads.items()
            if thread_id != run_id and self.run_id_of(thread_id) == run_id
        ]

    def role_names(self, run_id: str) -> list[str]:
        """Return the names of a run's roles, in the order of the tree."""
        prefix = f"{run_id}/"
        ids = (entry.thread_id for entry in self.tree())
        return [role_id.removeprefix(prefix) for role_id in ids if role_id.startswith(prefix)]

    def summarize_run(self, thread_id: str, format_cost: CostFormatter | None = None) -> RunSummary:
        """Summarise the run of a thread for its tree row and pane header.

        Args:
            thread_id: a Codex thread, a role or a run.
            format_cost: formats what tokens cost; None leaves costs out.
        """
        view = self.threads.get(thread_id)
        if view is None:
            return NO_RUN
        info = view.info
        if info.kind is ThreadKind.RUN:
            return self._summarize_whole_run(thread_id, format_cost)
        run = self.threads.get(self.run_id_of(thread_id))
        parent = self.threads.get(info.parent)
        has_parent = parent is not None and parent.info.kind is not ThreadKind.RUN
        return RunSummary(
            run_handle="" if run is None else run.info.handle,
            parent_handle=parent.info.handle if parent is not None and has_parent else "",
            cost="" if format_cost is None else format_cost([(info.model, info.usage)]),
        )

    def _summarize_whole_run(self, run_id: str, format_cost: CostFormatter | None) -> RunSummary:
        members = self.run_members(run_id)
        roles = [info for info in members if info.kind is ThreadKind.ROLE]
        run = self.runs.get(run_id) or RunView()
        return RunSummary(
            role_count=len(roles),
            done_count=sum(role.state is ThreadState.DONE for role in roles),
            gate_count=len(run.gates),
            met_count=run.met_count,
            cost="" if format_cost is None else format_cost((m.model, m.usage) for m in members),
        )
