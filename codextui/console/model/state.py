"""All that a screen shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from msgspec import structs

from codextui.console.model.item_reading import clip, note_of
from codextui.console.model.run import RunView
from codextui.console.model.standing import run_of
from codextui.console.model.thread import ThreadView
from codextui.console.model.tree import TreeRow, tree_rows
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState


@dataclass(frozen=True, slots=True)
class Changes:
    """What one event changed. False where nothing did.

    Attributes:
        rows: threads whose row in the tree or whose header changed (state, tokens, plan …).
        transcripts: threads whose transcripts changed; ask `Transcript.changed_since`.
        tree: whether threads came or moved in the tree.
        approvals: whether the open approvals changed.
        asked: approvals that are new: ring for these.
        server: whether the connection, the Codex process or the notices changed.
        runs: runs whose gate board or spans changed.
    """

    rows: frozenset[str] = frozenset()
    transcripts: frozenset[str] = frozenset()
    tree: bool = False
    approvals: bool = False
    asked: tuple[Approval, ...] = ()
    server: bool = False
    runs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(
            self.rows or self.transcripts or self.tree or self.approvals or self.server or self.runs
        )

    def __or__(self, other: Changes) -> Changes:
        """Both together."""
        if not other:
            return self
        if not self:
            return other
        return Changes(
            rows=self.rows | other.rows,
            transcripts=self.transcripts | other.transcripts,
            tree=self.tree or other.tree,
            approvals=self.approvals or other.approvals,
            asked=self.asked + other.asked,
            server=self.server or other.server,
            runs=self.runs | other.runs,
        )


NOTHING = Changes()
"""Nothing changed."""


MAX_NOTICES = 100
"""Notices that are kept."""

MAX_RESOLVED = 10_000
"""Outcomes of approvals that are remembered."""


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection to the shared server stands.

    Attributes:
        online: whether there is one.
        caught_up: whether the past has been replayed on it.
        reason: why there is none, in a sentence.
        retry_in: seconds until it is tried again, None where it is not.
    """

    online: bool = False
    caught_up: bool = False
    reason: str = ""
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the whole server that a person should read: `error` or `warning`."""

    at: float
    kind: str
    text: str


class ConsoleState:
    """Threads, transcripts and approvals, changed only by the methods below. Deterministic.

    Applying an event twice changes nothing the second time (`seq` only grows).

    Attributes:
        threads: by id, in the order in which they became known; `tree` has the screen's order.
            Roles of teams, and the runs themselves, are among them.
        runs: gate boards and spans by the run's id.
        approvals: open ones by id, oldest first.
        resolved: what became of the others, by id.
        link: the connection.
        codex_problem: why no Codex process is up, empty where one is.
        codex_version: of the Codex process, empty where unknown.
        notices: about the whole server, oldest first, the last `MAX_NOTICES`.
        head: the `seq` of the newest event applied; subscribe with `since=head`.
    """

    def __init__(self) -> None:
        self.link = Link()
        self._forget()

    def _forget(self) -> None:
        self.threads: dict[str, ThreadView] = {}
        self.runs: dict[str, RunView] = {}
        self.approvals: dict[str, Approval] = {}
        self.resolved: dict[str, ev.ApprovalResolved] = {}
        self.codex_problem = ""
        self.codex_version = ""
        self.notices: list[Notice] = []
        self.head = 0
        self._unresolved: dict[str, Approval] = {}

    # Events.

    def apply(self, event: ev.Event) -> Changes:
        """Take one event. Never raises; what it does not understand stays visible."""
        if event.seq <= self.head:
            return NOTHING
        self.head = event.seq
        match event.msg:
            case ev.ThreadChanged(thread):
                return self._change_thread(thread)
            case ev.ApprovalAsked(approval):
                return self._ask(approval, event.at)
            case ev.ApprovalResolved():
                return self._resolve(event.msg)
            case ev.CodexLost(message):
                return self._lose_codex(message, event.at)
            case ev.CodexReady(version):
                self.codex_problem, self.codex_version = "", version
                return Changes(server=True)
            case _ if not event.thread_id:
                return self._notice(event)
            case _:
                view, added = self._view(event.thread_id)
                return added | self._apply_to(view, event)

    def _apply_to(self, view: ThreadView, event: ev.Event) -> Changes:
        """Take what concerns one thread."""
        transcript, turn_id, at = view.transcript, event.turn_id, event.at
        match event.msg:
            case ev.TurnStarted():
                return self._begin_turn(view, turn_id, at)
            case ev.TurnCompleted():
                return self._end_turn(view, event, "completed", "")
            case ev.TurnAborted(reason, message):
                return self._end_turn(view, event, reason, message)
            case ev.ItemStarted(item):
                return _wrote(view, transcript.put_item(turn_id, item, at, done=False))
            case ev.ItemCompleted(item):
                return _wrote(view, transcript.put_item(turn_id, item, at, done=True))
            case (
                ev.TextDelta()
                | ev.ReasoningDelta()
                | ev.PlanDelta()
                | ev.OutputDelta()
                | ev.PatchUpdated() as delta
            ):
                return _wrote(view, transcript.add_delta(turn_id, delta, at))
            case ev.TokensCounted() | ev.DiffUpdated() | ev.PlanUpdated():
                return self._measure(view, event.msg)
            case ev.GatesChecked() | ev.SpanChanged():
                return self._follow_run(view, event.msg, at)
            case msg:
                note = note_of(msg)
                return _wrote(view, note and transcript.add_note(turn_id, note, at))

    def _begin_turn(self, view: ThreadView, turn_id: str, at: float) -> Changes:
        total = view.info.usage.total
        before = None if view.info.forked_from and not total else total
        if not view.transcript.begin_turn(turn_id, at, before):
            return NOTHING
        view.plan, view.diff = None, ""
        return _wrote(view, True) | _row(view)

    def _end_turn(self, view: ThreadView, event: ev.Event, reason: str, message: str) -> Changes:
        total = view.info.usage.total or None
        ended = view.transcript.end_turn(event.turn_id, reason, message, event.at, total)
        return _wrote(view, ended) | (_row(view) if ended else NOTHING)

    def _measure(
        self, view: ThreadView, msg: ev.TokensCounted | ev.DiffUpdated | ev.PlanUpdated
    ) -> Changes:
        match msg:
            case ev.TokensCounted(total, last, window):
                window = view.info.context_window if window is None else window
                view.info = structs.replace(view.info, usage=total, context_window=window)
                view.last_tokens = last.total
            case ev.DiffUpdated(diff):
                view.diff = clip(diff)
            case ev.PlanUpdated():
                view.plan = msg
        return _row(view)

    def _follow_run(
        self, view: ThreadView, msg: ev.GatesChecked | ev.SpanChanged, at: float
    ) -> Changes:
        run_id = self.run_of(view.thread_id) or view.thread_id
        run = self.runs.setdefault(run_id, RunView())
        match msg:
            case ev.GatesChecked(gates):
                changed = run.set_gates(gates)
            case ev.SpanChanged(span):
                changed = run.put_span(span, at)
        return Changes(runs=frozenset({run_id}), rows=frozenset({run_id})) if changed else NOTHING

    def _change_thread(self, info: ThreadInfo) -> Changes:
        view, added = self._view(info.thread_id)
        if view.info == info:
            return added
        old, view.info = view.info, info
        moved = (
            (old.forked_from, old.parent) != (info.forked_from, info.parent)
            or old.created_at != info.created_at
            or (old.state is ThreadState.KILLED) != (info.state is ThreadState.KILLED)
        )
        # A role's brief says what it is for; it is nothing that it was told.
        is_told = info.kind is ThreadKind.CODEX and view.transcript.set_brief(info.brief)
        wrote = _wrote(view, is_told)
        return added | wrote | self._rows_of(view) | Changes(tree=moved)

    def _rows_of(self, view: ThreadView) -> Changes:
        """Its row, and that of the run which counts what its roles do."""
        run_id = self.run_of(view.thread_id)
        return _row(view) | (_row_changes(run_id) if run_id in self.threads else NOTHING)

    def _view(self, thread_id: str) -> tuple[ThreadView, Changes]:
        """The thread, made up where it was never heard of, so that its events have a place."""
        view = self.threads.get(thread_id)
        if view is not None:
            return view, NOTHING
        view = ThreadView(ThreadInfo(thread_id, thread_id[:8], ThreadState.STARTING))
        self.threads[thread_id] = view
        return view, Changes(rows=frozenset({thread_id}), tree=True)

    def _lose_codex(self, message: str, at: float) -> Changes:
        self.codex_problem = message or "the Codex process ended"
        return self._add_notice(Notice(at, "error", self.codex_problem))

    def _notice(self, event: ev.Event) -> Changes:
        match event.msg:
            case ev.ErrorRaised(message):
                return self._add_notice(Notice(event.at, "error", message))
            case ev.Warned(message):
                return self._add_notice(Notice(event.at, "warning", message))
            case ev.UnknownEvent(kind):
                return self._add_notice(Notice(event.at, "warning", f"unknown event {kind}"))
            case msg:
                text = f"{type(msg).__name__} came without a thread"
                return self._add_notice(Notice(event.at, "warning", text))

    def _add_notice(self, notice: Notice) -> Changes:
        self.notices.append(notice)
        del self.notices[:-MAX_NOTICES]
        return Changes(server=True)

    # Approvals.

    def offer(self, approval: Approval) -> Changes:
        """Take an approval that the server asks us for; nothing changes where it is known."""
        return self._ask(approval, approval.asked_at)

    def withdraw(self, approval_id: str) -> Changes:
        """Take it back: the server no longer asks us. Its outcome comes as an event."""
        approval = self.approvals.pop(approval_id, None)
        if approval is None:
            return NOTHING
        return Changes(approvals=True, rows=frozenset({approval.thread_id}))

    def _ask(self, approval: Approval, at: float) -> Changes:
        if approval.approval_id in self.resolved or approval.approval_id in self.approvals:
            return NOTHING
        new = approval.approval_id not in self._unresolved
        self.approvals[approval.approval_id] = approval
        self._unresolved[approval.approval_id] = approval
        self._sort_approvals()
        view, added = self._view(approval.thread_id)
        wrote = _wrote(view, view.transcript.put_approval(approval, at))
        asked = (approval,) if new else ()
        return added | wrote | _row(view) | Changes(approvals=True, asked=asked)

    def _sort_approvals(self) -> None:
        oldest_first = sorted(self.approvals.values(), key=lambda approval: approval.asked_at)
        self.approvals = {approval.approval_id: approval for approval in oldest_first}

    def _resolve(self, outcome: ev.ApprovalResolved) -> Changes:
        self.resolved.setdefault(outcome.approval_id, outcome)
        if len(self.resolved) > MAX_RESOLVED:
            del self.resolved[next(iter(self.resolved))]
        was_open = self.approvals.pop(outcome.approval_id, None) is not None
        approval = self._unresolved.pop(outcome.approval_id, None)
        if approval is None:
            return Changes(approvals=was_open)
        view, _ = self._view(approval.thread_id)
        wrote = _wrote(view, view.transcript.resolve_approval(approval, outcome))
        return wrote | _row(view) | Changes(approvals=was_open)

    # The connection.

    def connect(self, *, fresh: bool) -> Changes:
        """The connection stands; with `fresh` the server has another past: forget everything."""
        if fresh:
            self._forget()
        self.link = Link(online=True)
        return self._everything()

    def catch_up(self) -> Changes:
        """The past has been replayed."""
        self.link = Link(online=True, caught_up=True)
        return Changes(server=True)

    def disconnect(self, reason: str, retry_in: float | None = None) -> Changes:
        """The connection is gone."""
        self.link = Link(reason=reason, retry_in=retry_in)
        return self._everything()

    def reset(self) -> Changes:
        """Forget everything but the connection."""
        self._forget()
        return self._everything()

    def _everything(self) -> Changes:
        rows, runs = frozenset(self.threads), frozenset(self.runs)
        return Changes(rows, rows, tree=True, approvals=True, server=True, runs=runs)

    # Reading.

    def tree(self, *, killed: bool = True) -> list[TreeRow]:
        """The rows of the tree; without `killed`, forks of a killed thread move up."""
        return tree_rows((view.info for view in self.threads.values()), killed=killed)

    def state_of(self, thread_id: str) -> ThreadState:
        """What to show as its state: `disconnected` for all but killed ones while offline."""
        view = self.threads.get(thread_id)
        state = ThreadState.STARTING if view is None else view.info.state
        if self.link.online or state is ThreadState.KILLED:
            return state
        return ThreadState.DISCONNECTED

    def run_of(self, thread_id: str) -> str:
        """The id of the run that a row is, or stands below; empty where it belongs to none."""
        return run_of(self.threads, thread_id)

    def below(self, run_id: str) -> list[ThreadInfo]:
        """The rows that stand below a run, in the order in which they became known."""
        return [
            view.info
            for thread_id, view in self.threads.items()
            if thread_id != run_id and self.run_of(thread_id) == run_id
        ]

    def roles_of(self, run_id: str) -> list[str]:
        """The names of a run's roles, in the order of the tree."""
        ids = (row.thread_id for row in self.tree())
        return [
            role_id.removeprefix(f"{run_id}/")
            for role_id in ids
            if role_id.startswith(f"{run_id}/")
        ]

    def approvals_of(self, thread_id: str) -> list[Approval]:
        """The open approvals of a thread, oldest first."""
        return [a for a in self.approvals.values() if a.thread_id == thread_id]


def _wrote(view: ThreadView, changed: object) -> Changes:
    return _transcript_changes(view.thread_id) if changed else NOTHING


def _row(view: ThreadView) -> Changes:
    return _row_changes(view.thread_id)


@lru_cache(maxsize=1024)
def _transcript_changes(thread_id: str) -> Changes:
    return Changes(transcripts=frozenset({thread_id}))


@lru_cache(maxsize=1024)
def _row_changes(thread_id: str) -> Changes:
    return Changes(rows=frozenset({thread_id}))
