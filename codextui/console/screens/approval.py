"""The dialog that asks a person for a decision."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from codextui.console.bindings import show_keys
from codextui.console.screens.approval_choices import (
    SCOPES,
    Choice,
    Step,
    facts_words,
    fields_of,
    label,
    many_were_sent,
    offer_tone,
    place_words,
    step_keys,
    what_became,
    what_was_sent,
    why_not,
)
from codextui.console.screens.approval_queue import ApprovalQueue
from codextui.console.screens.approve_many import ApproveManyScreen
from codextui.console.screens.messages import ApprovalDecided, ThreadOpened
from codextui.console.screens.quiet_guard import QuietGuard
from codextui.console.widgets.answer_form import AnswerForm
from codextui.console.widgets.approval_sheet import ApprovalSheet, DecisionBar, Offer
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.protocol.events import ApprovalResolved
from codextui.text.sanitize import one_line

_TYPING = "Not taken as a decision: keys decide after a moment without typing."


class ApprovalScreen(ModalScreen[None]):
    """One approval at a time out of the queue, oldest first.

    Posts `ApprovalDecided` and `ThreadOpened`. It goes away by itself when nothing is left to
    decide, on "later" (esc) and on "open the thread".
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
        Binding("m", "mark", "Mark it, to decide several at once", id="approval.mark"),
        Binding("M", "mark_all", "Mark all that can be approved", id="approval.mark_all"),
        Binding("Y", "approve_marked", "Approve all marked (shows them)", id="approval.many"),
        Binding("N", "decline_marked", "Decline all marked", id="approval.decline_many"),
    ]

    def __init__(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        first: str = "",
        quiet: float = 0.6,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the queue.

        Args:
            approvals: all that are open, oldest first.
            clients: thread id → name of the MCP client that started the thread.
            first: the id of the approval to show first; the oldest where empty or gone.
            quiet: seconds without a keystroke after which decision keys work.
            clock: monotonic seconds, for the quiet moment.
            now: unix seconds, for the ages.
        """
        super().__init__()
        self._queue = ApprovalQueue(approvals, first)
        self._clients = dict(clients or {})
        self._quiet, self._clock = quiet, clock
        self._guard = QuietGuard(quiet, clock)
        self._now = now
        self._keys: dict[str, str] = {}
        self._step = Step.READ
        self._shown: Approval | None = None
        self._is_armed: bool | None = None
        self._is_drawn = False
        self._has_left = False

    def compose(self) -> ComposeResult:
        """The sheet."""
        yield ApprovalSheet()

    def on_mount(self) -> None:
        """Show the first, and keep its age and the quiet moment up to date."""
        self._is_drawn = True
        for active in self.active_bindings.values():
            self._keys.setdefault(active.binding.id or "", show_keys(active.binding.key))
        self.set_interval(1.0, self._show_facts)
        self.set_interval(0.1, self._show_guard)
        self._refresh_queue()

    # -- what the app tells

    def show_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        """Take the queue as it is now; `resolved` says what became of those that are gone."""
        self._clients.update(clients or {})
        self._queue.update(approvals)
        shown = self._shown
        if shown is not None and shown not in approvals:
            same = any(approval.approval_id == shown.approval_id for approval in approvals)
            outcome = (resolved or {}).get(shown.approval_id)
            self._say("What is asked has changed." if same else self._what_became(shown, outcome))
        self._refresh_queue()

    def reject_decision(self, approval_id: str, why: str) -> None:
        """Say that a decision did not reach the server, and ask for it again."""
        self._queue.restore(approval_id)
        self._say(one_line(f"{approval_id}: {why}"))
        self._refresh_queue()

    # -- what the person does

    def on_key(self) -> None:
        """Every keystroke counts for the quiet moment, whatever it does."""
        self._guard.note_key()

    @on(DecisionBar.Chosen)
    def _click(self, event: DecisionBar.Chosen) -> None:
        self.action_choose(event.choice)

    @on(AnswerForm.Finished)
    def _finish_form(self) -> None:
        self.action_choose(Choice.ANSWER)

    @on(Input.Submitted, "#message")
    def _send_message(self, event: Input.Submitted) -> None:
        if self._step is not Step.MESSAGE:
            return
        if event.value.strip():
            self._decide(Declined(event.value.strip()))
        else:
            self._say("Write what the agent should read, or go back with esc and press n.")

    def action_choose(self, choice: str) -> None:
        """Take a decision key, if it applies and nobody was typing."""
        shown = self._shown
        chosen = Choice(choice)
        if shown is None:
            return
        if not self._guard.ready:
            self._say(_TYPING)
        elif self._step is Step.RULE:
            self._choose_at_rule(chosen)
        elif reason := why_not(shown.asked, chosen):
            self._say(reason)
        else:
            self._choose(chosen)

    def action_confirm(self) -> None:
        """Enter: the rule is accepted where it is shown; anywhere else it decides nothing."""
        if self._step is Step.RULE:
            self.action_choose(Choice.ONCE)
        else:
            self._say("Enter decides nothing here: press the key of an answer.")

    def action_later(self) -> None:
        """One step back; from the first step, leave it for later."""
        if self._step is not Step.READ:
            self._go(Step.READ)
        elif isinstance(self.focused, Input):
            self._sheet.body.focus()
        else:
            self._leave()

    def action_move(self, step: int) -> None:
        """Through the queue."""
        if self._step is Step.READ:
            self._queue.move(step)
            self._refresh_queue(by_person=True)

    def action_open_thread(self) -> None:
        """Leave it for later, and show its thread."""
        if self._shown is None:
            return
        if not self._guard.ready:
            self._say(_TYPING)
            return
        self.app.post_message(ThreadOpened(self._shown.thread_id))
        self._leave()

    # -- several at once

    def action_mark(self) -> None:
        """Mark the one that is shown and go on to the next, or take the mark away."""
        if self._shown is None or self._step is not Step.READ:
            return
        if why := why_not(self._shown.asked, Choice.ONCE):
            self._say(f"Only what can be approved can be marked. {why}")
        else:
            if self._queue.toggle_mark():
                self._queue.move(1)
            self._refresh_queue(by_person=True)

    def action_mark_all(self) -> None:
        """Mark all that can be approved."""
        if self._step is Step.READ:
            self._queue.mark_all(lambda approval: not why_not(approval.asked, Choice.ONCE))
            self._refresh_queue(by_person=True)

    def action_approve_marked(self) -> None:
        """Show all that is marked in full, and approve it where the person agrees then."""
        if self._may_decide_marked():
            dialog = ApproveManyScreen(self._queue.marked, quiet=self._quiet, clock=self._clock)
            self.app.push_screen(dialog, self._approve_marked)

    def action_decline_marked(self) -> None:
        """Decline all that is marked."""
        if self._may_decide_marked():
            self._decide_marked(self._queue.marked, Declined())

    def _may_decide_marked(self) -> bool:
        if self._step is not Step.READ:
            return False
        if not self._guard.ready:
            self._say(_TYPING)
        elif not self._queue.marked:
            self._say("Nothing is marked: m marks what is shown, M all that can be approved.")
        return self._guard.ready and bool(self._queue.marked)

    def _approve_marked(self, shown: tuple[Approval, ...] | None) -> None:
        """Approve what was shown in full and still stands as it was."""
        still = [approval for approval in shown or () if approval in self._queue.marked]
        self._decide_marked(still, Approved(Scope.ONCE))

    def _decide_marked(self, approvals: Sequence[Approval], decision: Decision) -> None:
        for approval in approvals:
            self.app.post_message(ApprovalDecided(approval.approval_id, decision))
        if approvals:
            self._say(many_were_sent(approvals, decision))
            self._queue.decide_marked(approvals)
            self._refresh_queue()

    # -- deciding

    def _choose_at_rule(self, choice: Choice) -> None:
        match choice:
            case Choice.ONCE:
                self._decide(Approved(SCOPES[Choice.ALWAYS]))
            case Choice.ALWAYS:
                self._say("This is the rule: y accepts it, esc goes back.")
            case _:
                self._say("First say whether to accept the rule: y or enter, or back with esc.")

    def _choose(self, choice: Choice) -> None:
        match choice:
            case Choice.ONCE | Choice.SESSION:
                self._decide(Approved(SCOPES[choice]))
            case Choice.ALWAYS:
                self._go(Step.RULE)
            case Choice.ANSWER:
                self._send_answers()
            case Choice.DECLINE:
                self._decide(Declined())
            case Choice.MESSAGE:
                self._go(Step.MESSAGE)
            case Choice.STOP:
                self._decide(Aborted())

    def _send_answers(self) -> None:
        form = self._sheet.form
        answers = form.answers() if form is not None else None
        if answers is None:
            self._say("Something is missing in the form.")
        else:
            self._decide(Answered(answers))

    def _decide(self, decision: Decision) -> None:
        if self._shown is None:
            return
        self.app.post_message(ApprovalDecided(self._shown.approval_id, decision))
        self._say(what_was_sent(self._shown, decision))
        self._queue.decide()
        self._refresh_queue()

    # -- what is on the screen

    @property
    def _sheet(self) -> ApprovalSheet:
        return self.query_one(ApprovalSheet)

    def on_screen_resume(self) -> None:
        """Go, where nothing was left while another screen was over this one."""
        if self._is_drawn and self._queue.current is None:
            self._leave()

    def _leave(self) -> None:
        """Go away, once; never take another screen down instead."""
        if self.is_active and not self._has_left:
            self._has_left = True
            self.dismiss(None)

    def _refresh_queue(self, *, by_person: bool = False) -> None:
        if not self._is_drawn:
            return
        current = self._queue.current
        if current is None:
            self._shown = None
            self._leave()
            return
        if current != self._shown:
            self._show(current)
            if not by_person:
                self._guard.arm()
        self._sheet.show_place(place_words(self._queue))
        self._show_keys()
        self._show_guard()

    def _show(self, approval: Approval) -> None:
        self._shown = approval
        self._step = Step.READ
        self._sheet.show_approval(approval, fields_of(approval.asked), self._offers(approval))
        self._show_facts()

    def _go(self, step: Step) -> None:
        """To another step of the same approval."""
        self._step = step
        match step:
            case Step.READ if self._shown is not None:
                self._sheet.show_request(self._shown)
            case Step.RULE if self._shown is not None:
                self._sheet.show_rule(self._shown)
            case _:
                self._sheet.ask_message()
        self._say("")
        self._show_keys()

    def _offers(self, approval: Approval) -> list[Offer]:
        return [
            Offer(choice, self._key(choice), label(approval.asked, choice), offer_tone(choice))
            for choice in Choice
            if not why_not(approval.asked, choice)
        ]

    def _key(self, name: str) -> str:
        """The key of one of our bindings, as the keymap has it; empty where it took it away."""
        return self._keys.get(f"approval.{name}", "")

    def _show_keys(self) -> None:
        has_form = self._sheet.form is not None
        words = step_keys(self._step, self._queue, self._key, has_form=has_form)
        self._sheet.show_keys("   ".join(words))

    def _show_facts(self) -> None:
        if (shown := self._shown) is not None:
            client = self._clients.get(shown.thread_id, "")
            self._sheet.show_facts(facts_words(shown, client, self._now()))

    def _show_guard(self) -> None:
        if self._shown is None:
            return
        ready = self._guard.ready
        if ready == self._is_armed:
            return
        self._is_armed = ready
        self._sheet.show_guard("keys ready" if ready else "reading…", ready=ready)
        form = self._sheet.form
        if ready and form is not None and self.focused is self._sheet.body:
            form.focus_first()

    def _say(self, note: str) -> None:
        if self._is_drawn:
            self._sheet.show_note(note)

    def _what_became(self, approval: Approval, resolved: ApprovalResolved | None) -> str:
        lost = " Your message was not sent." if self._step is Step.MESSAGE else ""
        return what_became(approval, resolved) + lost
