"""What the approval dialog shows. It decides nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from msgspec import structs
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input, Static

from codextui.console.render.approval import approval_title, render_approval
from codextui.console.render.palette import Palette
from codextui.console.widgets.answer_form import AnswerForm
from codextui.console.widgets.form_fields import FormField
from codextui.console.widgets.strip_view import StripView, text_rows
from codextui.protocol.approvals import Approval, CommandAsked, ElicitationAsked
from codextui.text.sanitize import one_line, reveal


def rule_rows(approval: Approval, width: int, palette: Palette) -> list[Strip]:
    """What "always" would allow from now on, in full."""
    text = Text()
    match approval.asked:
        case CommandAsked(network=str(network), rule=rule) if network:
            text.append("Every command could reach\n\n")
            text.append(f"  {reveal(rule[-1] if rule else network)}\n\n", palette.code)
            text.append("over the network without asking: ")
            text.append("in every thread, for good.\n", palette.warning)
            text.append("Codex writes the rule into its own rules folder.", palette.muted)
        case CommandAsked(rule=rule):
            text.append("Every command that begins with\n\n")
            text.append(f"  {reveal(shlex.join(rule))}\n\n", palette.code)
            text.append("would run without asking: ")
            text.append("in every thread, for good.\n", palette.warning)
            text.append("Codex writes the rule into its own rules folder.", palette.muted)
        case ElicitationAsked(server=server, message=message):
            text.append(f"{reveal(message)}\n\n", palette.code)
            text.append(f"{one_line(server, 80)} would not be asked about this again: ")
            text.append("in every thread, for good.", palette.warning)
        case _:
            text.append("There is no rule.")
    return text_rows(text, width, palette.text)


@dataclass(frozen=True, slots=True)
class Offer:
    """One answer.

    Attributes:
        choice: what is posted when it is chosen.
        key: as people read it; empty where the keymap took it away.
        label: what it does.
        tone: `yes`, `no` or `plain`: which colour it has beside its words.
    """

    choice: str
    key: str
    label: str
    tone: str


class DecisionButton(Static, can_focus=False):
    """An answer to click on. It never has the focus, so that enter cannot press it."""

    def __init__(self, offer: Offer) -> None:
        """Take the answer."""
        key = f"{offer.key} " if offer.key else ""
        super().__init__(Content.assemble((key, "bold"), offer.label), classes=f"-{offer.tone}")
        self.offer = offer

    def on_click(self) -> None:
        """Choose it."""
        self.post_message(DecisionBar.Chosen(self.offer.choice))


class DecisionBar(Vertical):
    """Two rows: what says yes, and what says no. Dimmed until keys are decisions."""

    class Chosen(Message):
        """An answer was clicked on."""

        def __init__(self, choice: str) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        """Begin without answers."""
        super().__init__(id=id)
        self._offers: tuple[Offer, ...] = ()

    def compose(self) -> ComposeResult:
        """The rows that have an answer in them."""
        for row in ([o for o in self._offers if o.tone == "yes"], self._others()):
            if row:
                with Horizontal():
                    yield from (DecisionButton(offer) for offer in row)

    def show(self, offers: Sequence[Offer]) -> None:
        """Show these answers instead."""
        if tuple(offers) != self._offers:
            self._offers = tuple(offers)
            self.refresh(recompose=True)

    def _others(self) -> list[Offer]:
        return [offer for offer in self._offers if offer.tone != "yes"]


MESSAGE_LIMIT = 4_000
"""The most characters of a message to an agent."""

_LEAST_BODY = 3
"""Rows that the body keeps, however small the terminal is."""


class ApprovalSheet(Vertical):
    """Title, facts, the whole of what is asked, a form where there is one, and the answers.

    Attributes:
        body: where what is asked can be read.
        message: where a message to the agent is written.
    """

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__(classes="dialog")
        self.body = StripView(lambda _width, _palette: [], id="body")
        self.message = Input(
            id="message",
            placeholder="what the agent should read",
            max_length=MESSAGE_LIMIT,
            compact=True,
        )
        self._title = _line("title", "dialog-title")
        self._place = _line("place")
        self._facts = _line("facts", "dialog-quiet")
        self._slot = Vertical(id="form-slot")
        self._position = _line("position")
        self._guard = _line("guard")
        self._note = _line("note")
        self._decisions = DecisionBar(id="decisions")
        self._keys = _line("keys", "dialog-keys")
        self._form: AnswerForm | None = None

    def compose(self) -> ComposeResult:
        """From the heading down to the keys."""
        yield Horizontal(self._title, self._place, id="heading")
        yield self._facts
        yield self.body
        yield self._slot
        yield Horizontal(self._position, self._guard, id="status")
        yield self._note
        yield self._decisions
        yield self.message
        yield self._keys

    @property
    def form(self) -> AnswerForm | None:
        """The form of what is asked; None where there is none."""
        return self._form

    def show_approval(
        self, approval: Approval, fields: Sequence[FormField], offers: Sequence[Offer]
    ) -> None:
        """Show another approval from its beginning, with an empty form and message."""
        self._replace_form(fields)
        self._decisions.show(offers)
        self.message.value = ""
        self.show_request(approval)

    def show_request(self, approval: Approval) -> None:
        """Show what is asked, and its answers."""
        self._title.update(approval_title(approval))
        shown = _without_form(approval) if self._form is not None else approval
        self.body.show(partial(render_approval, shown))
        self.set_class(False, "-rule", "-message")
        self.body.focus()

    def show_rule(self, approval: Approval) -> None:
        """Show the rule that "always" would set, instead of what is asked."""
        self._title.update("Always allow this?")
        self.body.show(partial(rule_rows, approval))
        self.set_class(True, "-rule")
        self.body.focus()

    def ask_message(self) -> None:
        """Let a message to the agent be written, instead of the answers."""
        self.set_class(True, "-message")
        self.message.focus()

    def show_place(self, place: str) -> None:
        """`2 of 5`."""
        self._place.update(place)

    def show_facts(self, facts: str) -> None:
        """Whose it is and how long it waits. Safe to show."""
        self._facts.update(facts)

    def show_note(self, note: str) -> None:
        """Why a key did nothing, or what became of an approval. Safe to show."""
        self._note.update(note)
        self._note.set_class(bool(note), "-shown")
        self.call_after_refresh(self.fit)

    def show_guard(self, words: str, *, ready: bool) -> None:
        """Whether keys decide now."""
        self._guard.update(words)
        self._guard.set_class(ready, "-ready")
        self._decisions.set_class(ready, "-armed")

    def show_keys(self, words: str) -> None:
        """The keys beside the answers."""
        self._keys.update(words)
        self.call_after_refresh(self.fit)

    def fit(self) -> None:
        """Be as high as what is shown, and no higher than the screen.

        The body gets what the rest leaves, so the answers are always in sight.
        """
        if not self.body.is_attached:
            return
        room = self.screen.size.height
        room -= 4 if room > 30 else 0
        free = max(_LEAST_BODY, room - self._rest_height())
        form = max(2, self._form.virtual_size.height + 1) if self._form is not None else 0
        form = min(form, max(free - self.body.row_count, free * 6 // 10))
        self._slot.styles.height = form
        self.body.styles.height = max(1, min(self.body.row_count, free - form))

    def _rest_height(self) -> int:
        """Rows of everything but the body and the form."""
        rest = self.gutter.height + self.body.styles.margin.height
        for child in self.children:
            if child.display and child not in (self.body, self._slot):
                rest += child.outer_size.height + child.styles.margin.height
        return rest

    def on_resize(self) -> None:
        """Fit again."""
        self.call_after_refresh(self.fit)

    def on_strip_view_moved(self, event: StripView.Moved) -> None:
        """Say where the reader is."""
        event.stop()
        more = f"lines {event.first} to {event.last} of {event.total}"
        is_all = event.first <= 1 and event.last == event.total
        self._position.update("all of it is shown" if is_all else more)
        self.fit()

    def _replace_form(self, fields: Sequence[FormField]) -> None:
        self._slot.remove_children()
        self._form = AnswerForm(fields) if fields else None
        if self._form is not None:
            self.watch(self._form, "virtual_size", self.fit, init=False)
            self._slot.mount(self._form)
        self.call_after_refresh(self.fit)


def _line(name: str, classes: str = "") -> Static:
    return Static(id=name, classes=classes, markup=False)


def _without_form(approval: Approval) -> Approval:
    """The schema is drawn as a form already, with all its words."""
    match approval.asked:
        case ElicitationAsked() as asked:
            return structs.replace(approval, asked=structs.replace(asked, schema={}))
        case _:
            return approval
