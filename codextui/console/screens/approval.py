"""The dialog that asks for decisions on approvals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input

from codextui.console.bindings import format_keys
from codextui.console.model.inbox import Inbox, InboxMemory
from codextui.console.model.labels import UNKNOWN_ASKER, Asker
from codextui.console.render.approval import approval_title
from codextui.console.screens.approval_choices import (
    GRANTING,
    PASTE_NOTE,
    SCOPES,
    TYPING_NOTE,
    Choice,
    Step,
    answer_fields,
    choice_label,
    choice_unavailable_reason,
    describe_decision,
    describe_origin,
    describe_outcome,
    describe_position,
    describe_unseen,
    draft_key,
    step_hints,
)
from codextui.console.screens.approval_list import LIST_BINDINGS, ApprovalListActions
from codextui.console.screens.messages import ApprovalDecided, OpenThread
from codextui.console.widgets.answer_form import AnswerDraft, AnswerForm
from codextui.console.widgets.approval_panel import (
    ApprovalPanel,
    DecisionBar,
    DecisionOption,
)
from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.strip_view import StripView
from codextui.protocol.approvals import Approval, Others, QuestionsAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined
from codextui.protocol.events import ApprovalResolved
from codextui.text.sanitize import one_line


class ApprovalScreen(ApprovalListActions):
    """Shows all that waits as a list, and one approval of it whole.

    The list stands left of it where there is room, else a few rows of it above. What arrives
    changes neither what is shown nor the focus.

    Posts `ApprovalDecided` and `OpenThread` to the app. Closes when nothing is left to decide, on
    "later" (esc), and on "open the thread".
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "approval.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "choose('once')", "Approve once", id="approval.once"),
        Binding("s", "choose('session')", "Approve for this session", id="approval.session"),
        Binding("p", "choose('always')", "Approve always (shows the rule)", id="approval.always"),
        Binding("ctrl+s", "choose('answer')", "Send the answers", id="approval.answer"),
        Binding("n", "choose('decline')", "Decline", id="approval.decline"),
        Binding("e", "choose('message')", "Decline and say why", id="approval.message"),
        Binding("exclamation_mark", "choose('stop')", "Stop the turn", id="approval.stop"),
        Binding("escape", "later", "Later, or one step back", id="approval.later"),
        Binding("j,right", "move(1)", "Next approval", id="approval.next"),
        Binding("k,left", "move(-1)", "Previous approval", id="approval.previous"),
        Binding("o", "open_thread", "Open the thread", id="approval.open"),
        Binding("enter", "confirm", "Accept the rule that is shown", id="approval.confirm"),
        Binding("U", "grant_unseen", "Grant it without having seen all", id="approval.unseen"),
        *LIST_BINDINGS,
    ]

    def __init__(
        self,
        approvals: Sequence[Approval],
        *,
        askers: Mapping[str, Asker] | None = None,
        others: Others = Others.SHOW,
        first: str = "",
        by_user: bool = False,
        quiet: float = 0.6,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        drafts: MutableMapping[str, str] | None = None,
        memory: InboxMemory | None = None,
        gone_for: float = 6.0,
    ) -> None:
        """Create the dialog.

        Args:
            approvals: all that are open, oldest first.
            askers: thread id → whose thread it is.
            others: whether rules of ours decide for other programs' threads, too.
            first: id of the approval to show first; the oldest if it is empty or gone.
            by_user: whether a key opened the dialog, so that harmless keys work at once.
            quiet: seconds without a keystroke after which decision keys work.
            clock: returns monotonic seconds, for the typing guard.
            now: returns unix seconds, for waiting times.
            drafts: answers that were not sent, by `draft_key`; changed as they are filled in.
            memory: marks, order and what was seen, which outlive the dialog; changed in place.
            gone_for: seconds for which the list shows what was answered elsewhere.
        """
        queue = Inbox(approvals, first, memory)
        super().__init__(queue, quiet=quiet, clock=clock, now=now, gone_for=gone_for)
        self._askers = dict(askers or {})
        self._others = others
        self._now = now
        self._drafts: MutableMapping[str, str] = {} if drafts is None else drafts
        self._keys: dict[str, str] = {}
        self._by_user = by_user
        self._step = Step.READ
        self._unseen_choice = Choice.ONCE
        self._seen = queue.memory.seen
        self._shown: Approval | None = None
        self._was_ready: bool | None = None
        self._panel = ApprovalPanel()
        self._moved_at = -quiet
        self._is_composed = False
        self._early_note = ""
        self._has_closed = False

    def compose(self) -> ComposeResult:
        """Yield the list and the panel."""
        with Container(classes="dialog", id="frame"):
            yield self._list
            yield self._panel

    def on_mount(self) -> None:
        """Show the first approval, and start the timer of the guard."""
        self._is_composed = True
        for active in self.active_bindings.values():
            self._keys.setdefault(active.binding.id or "", format_keys(active.binding.key))
        self.set_interval(0.1, self._tick)
        self._arrange(self.size)
        self._refresh_queue()
        self._show_note(self._early_note)

    # Updates from the app.

    def refresh_clock(self) -> None:
        """Show how long the request has waited now; called as often as the tree's clocks."""
        if self._is_composed:
            self._show_origin()
            self._list.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Put the list beside the content or above it."""
        self._arrange(event.size)

    def update_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        askers: Mapping[str, Asker] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        """Show the current queue; `resolved` holds the outcomes of approvals that left it."""
        self._askers.update(askers or {})
        before, resolved = self._queue.approvals, resolved or {}
        self._queue.update(approvals)
        self._show_gone(before, resolved)
        shown, outcome = self._shown, ""
        if shown is not None and shown not in approvals:
            same = any(approval.approval_id == shown.approval_id for approval in approvals)
            if not same:
                outcome = self._describe_outcome(shown, resolved.get(shown.approval_id))
            self._show_note(outcome or "What is asked has changed.")
        if outcome and self._queue.current is None:
            self.app.notify(outcome, markup=False)  # The dialog closes, and its note with it.
        if not self._is_wide and len(before) != len(self._queue.approvals):
            self._moved_at = self._clock()
        self._refresh_queue()

    def _tick(self) -> None:
        """Show whether keys decide, and drop what was answered elsewhere a while ago."""
        self._drop_gone()
        self._show_guard()

    def reject_decision(self, approval_id: str, why: str) -> None:
        """Report that a decision did not reach the server, and ask for it again."""
        self._queue.restore(approval_id)
        self._show_note(one_line(f"{approval_id}: {why}"))
        self._refresh_queue()

    # Keys and clicks.

    def on_key(self, event: events.Key) -> None:
        """Record every keystroke for the guard."""
        self._guard.record_key(event.key)

    def on_paste(self, event: events.Paste) -> None:
        """Ignore pasted text, and wait for a quiet moment again."""
        if not isinstance(self.focused, Input):
            self._show_note(PASTE_NOTE)
        self._guard.arm()
        event.stop()

    @on(DecisionBar.Chosen)
    def _click(self, event: DecisionBar.Chosen) -> None:
        if self._clock() - self._moved_at < self._quiet:
            self._show_note("The buttons have just moved: click again.")
        else:
            self.action_choose(event.choice)

    @on(AnswerForm.Submitted)
    def _finish_form(self) -> None:
        self.action_choose(Choice.ANSWER)

    @on(Input.Submitted, "#message")
    def _send_message(self, event: Input.Submitted) -> None:
        if self._step is not Step.MESSAGE:
            return
        if event.value.strip():
            self._decide(Declined(event.value.strip()))
        else:
            self._show_note("Write what the agent should read, or go back with esc and press n.")

    def action_choose(self, choice: str) -> None:
        """Make a choice, if it is available and the guard is ready."""
        shown = self._shown
        if shown is None:
            return
        chosen = Choice(choice)
        is_harmless = chosen is Choice.ALWAYS and self._step is Step.READ and self._by_user
        if not (self._guard.is_ready or is_harmless):
            self._show_note(TYPING_NOTE)
        elif self._step is Step.RULE:
            self._choose_at_rule(chosen)
        elif reason := choice_unavailable_reason(shown.asked, chosen):
            self._show_note(reason)
        elif chosen in GRANTING and self._unseen_count(shown):
            self._unseen_choice = chosen
            self._go_to(Step.UNSEEN)
        else:
            self._choose(chosen)

    def action_grant_unseen(self) -> None:
        """Go on with the choice that waits, although not all of the request was on the screen."""
        if self._step is not Step.UNSEEN:
            self._show_note("This is for what was not shown to its end: press an answer first.")
        elif not self._guard.is_ready:
            self._show_note(TYPING_NOTE)
        else:
            self._step = Step.READ
            self._choose(self._unseen_choice)

    @on(StripView.Scrolled)
    def _update_unseen(self) -> None:
        """Count again what was not on the screen; nothing else is left of it at the end."""
        if self._step is not Step.UNSEEN or self._shown is None:
            return
        if self._unseen_count(self._shown):
            self._show_unseen()
        else:
            self._go_to(Step.READ)
            self._show_note("All of it has been on the screen now.")

    def _remember_seen(self) -> None:
        """Remember the shown request before it is replaced, if it was on the screen to its end."""
        shown, body = self._shown, self._panel.body
        if shown is not None and self._step in (Step.READ, Step.UNSEEN) and body.is_seen:
            self._seen[shown.approval_id] = shown

    def action_confirm(self) -> None:
        """Accept the rule if it is shown; otherwise decide nothing."""
        if self._step is Step.RULE:
            self.action_choose(Choice.ONCE)
        else:
            self._show_note("Enter decides nothing here: press the key of an answer.")

    def action_later(self) -> None:
        """Go back a step; from the first one, close the dialog."""
        if self._step is not Step.READ:
            self._go_to(Step.READ)
        elif isinstance(self.focused, Input):
            self._panel.body.focus()
        else:
            self._close()

    def action_move(self, step: int) -> None:
        """Go through the queue."""
        if self._step is Step.READ:
            self._queue.move(step)
            self._refresh_queue(by_user=True)

    def action_open_thread(self) -> None:
        """Close the dialog, and show the approval's thread."""
        if self._shown is None:
            return
        if not (self._guard.is_ready or self._by_user):
            self._show_note(TYPING_NOTE)
            return
        self.app.post_message(OpenThread(self._shown.thread_id))
        self._close()

    # Decisions.

    def _choose_at_rule(self, choice: Choice) -> None:
        match choice:
            case Choice.ONCE if not self._panel.body.is_seen:
                self._show_note("Not all of the rule has been on the screen: scroll to its end.")
            case Choice.ONCE:
                self._decide(Approved(SCOPES[Choice.ALWAYS]))
            case Choice.ALWAYS:
                self._show_note("This is the rule: y accepts it, esc goes back.")
            case _:
                self._show_note(
                    "First say whether to accept the rule: y or enter, or back with esc."
                )

    def _choose(self, choice: Choice) -> None:
        match choice:
            case Choice.ONCE | Choice.SESSION:
                self._decide(Approved(SCOPES[choice]))
            case Choice.ALWAYS:
                self._go_to(Step.RULE)
            case Choice.ANSWER:
                self._send_answers()
            case Choice.DECLINE:
                self._decide(Declined())
            case Choice.MESSAGE:
                self._go_to(Step.MESSAGE)
            case Choice.STOP:
                self._decide(Aborted())

    def _send_answers(self) -> None:
        form = self._panel.form
        answers = form.answers() if form is not None else None
        if answers is None:
            self._show_note("Something is missing in the form.")
        else:
            self._decide(Answered(answers))

    def _decide(self, decision: Decision) -> None:
        if self._shown is None:
            return
        self._guard.hold()
        self.app.post_message(ApprovalDecided(self._shown.approval_id, decision))
        self._show_note(describe_decision(self._shown, decision))
        self._queue.remove([self._shown])
        self._refresh_queue()

    # What is on the screen.

    def on_screen_resume(self) -> None:
        """Close, if the queue became empty while another screen was above this one."""
        if not self._is_composed:
            return
        if self._queue.current is None:
            self._close()
        else:
            self._panel.body.redraw()

    def _close(self) -> None:
        """Close once, and never another screen instead."""
        if self.is_active and not self._has_closed:
            self._has_closed = True
            self._remember_seen()
            self.dismiss(None)

    def _refresh_queue(self, *, by_user: bool = False) -> None:
        if not self._is_composed:
            return
        current = self._queue.current
        if current is None:
            self._shown = None
            self._close()
            return
        if current != self._shown:
            self._show(current)
            if not by_user:
                self._guard.arm()
        self._panel.show_position(describe_position(self._queue))
        self._show_list()
        self._show_hints()
        self._show_guard()

    @on(Input.Changed)
    @on(ChoiceList.Changed)
    def _keep_draft(self) -> None:
        """Keep what is filled in, also for the next time that the dialog is open."""
        if self._shown is None or not isinstance(self.focused, Input | ChoiceList):
            return  # Nobody has filled it in.
        form, draft = self._panel.form, self._panel.draft
        if form is not None and not draft.fields:
            return  # It is not composed yet.
        self._drafts[draft_key(self._shown)] = draft.to_json()

    def _show(self, approval: Approval) -> None:
        self._remember_seen()
        self._shown = approval
        self._step = Step.READ
        draft = AnswerDraft.from_json(self._drafts.get(draft_key(approval), ""))
        fields, options = answer_fields(approval.asked), self._options(approval)
        title = approval_title(approval, self._asker_of(approval))
        self._panel.show_approval(approval, title, fields, options, draft)
        self._show_origin()

    def _go_to(self, step: Step) -> None:
        self._remember_seen()
        before, self._step = self._step, step
        match step:
            case Step.READ if before is Step.UNSEEN:
                self._panel.show_unseen(False)
            case Step.READ if (shown := self._shown) is not None:
                self._panel.show_request(shown, approval_title(shown, self._asker_of(shown)))
            case Step.RULE if self._shown is not None:
                self._panel.show_rule(self._shown)
            case Step.UNSEEN:
                self._panel.show_unseen(True)
                self._guard.arm()
            case _:
                self._panel.show_message_input()
        self._show_note("")
        self._show_hints()
        if step is Step.UNSEEN:
            self._show_unseen()

    def _unseen_count(self, approval: Approval) -> int:
        """Return how many lines of the shown request were never on the screen.

        Answers to questions count as seen: nothing is granted but what the form says.
        """
        if (
            isinstance(approval.asked, QuestionsAsked)
            or self._seen.get(approval.approval_id) == approval
        ):
            return 0
        return 0 if self._panel.body.is_seen else max(1, self._panel.body.unseen_count)

    def _show_unseen(self) -> None:
        body = self._panel.body
        self._show_note(describe_unseen(body.unseen_count, body.row_count))

    def _options(self, approval: Approval) -> list[DecisionOption]:
        return [
            DecisionOption(
                choice,
                self._key(choice),
                choice_label(approval.asked, choice),
                grants=choice in GRANTING,
            )
            for choice in Choice
            if not choice_unavailable_reason(approval.asked, choice)
        ]

    def _key(self, name: str) -> str:
        """Return the key of an `approval.` binding; empty if the keymap unbinds it."""
        return self._keys.get(f"approval.{name}", "")

    def _show_hints(self) -> None:
        has_form = self._panel.form is not None
        hints = step_hints(self._step, self._queue, self._key, has_form=has_form)
        self._panel.show_hints("   ".join(hints))

    def _show_origin(self) -> None:
        if (shown := self._shown) is not None:
            asker = self._asker_of(shown)
            origin = describe_origin(shown, asker, self._now(), others=self._others)
            self._panel.show_origin(origin)

    def _asker_of(self, approval: Approval) -> Asker:
        return self._askers.get(approval.thread_id, UNKNOWN_ASKER)

    def _show_guard(self) -> None:
        if self._shown is None:
            return
        ready = self._guard.is_ready
        if ready == self._was_ready:
            return
        self._was_ready = ready
        self._panel.show_guard("keys ready" if ready else "reading…", ready=ready)
        form = self._panel.form
        if ready and form is not None and self.focused is self._panel.body:
            form.focus_first()

    def _show_note(self, note: str) -> None:
        if self._is_composed:
            self._panel.show_note(note)
        else:
            self._early_note = note

    def _describe_outcome(self, approval: Approval, resolved: ApprovalResolved | None) -> str:
        lost = " Your message was not sent." if self._step is Step.MESSAGE else ""
        return describe_outcome(approval, resolved, self._asker_of(approval)) + lost
