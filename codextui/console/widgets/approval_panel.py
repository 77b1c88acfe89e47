"""The content of the approval dialog: what is asked, its form, and the decision buttons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import structs
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from codextui.console.render.approval import render_approval
from codextui.console.render.palette import Palette
from codextui.console.widgets.answer_form import AnswerDraft, AnswerForm
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.form_fields import FormField
from codextui.console.widgets.strip_view import StripView, wrap_text
from codextui.protocol.approval_text import lasting_rule
from codextui.protocol.approvals import Approval, ElicitationAsked
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line, reveal

MAX_MESSAGE_LENGTH = 4_000
"""Characters of a message to an agent."""

_MIN_BODY_ROWS = 3
"""Rows of the body in a terminal of any size."""

SHORT = 20
"""Rows of a terminal below which margins and quiet texts are left out."""


class DecisionOption(msgspec.Struct, frozen=True):
    """An answer to an approval, as a button shows it.

    Attributes:
        choice: what a click posts.
        key: its key, formatted; empty if the keymap unbinds it.
        label: what it does.
        grants: whether it grants something, which the button shows by its row and colour.
    """

    choice: str
    key: str
    label: str
    grants: bool


class ApprovalPanel(Vertical):
    """Shows an approval in full, its form if it has one, and the decision buttons.

    Attributes:
        body: shows what is asked.
        message_input: takes a message to the agent.
    """

    def __init__(self) -> None:
        """Create an empty panel."""
        super().__init__(id="panel")
        self.body = StripView(lambda _width, _palette: [], id="body")
        self.message_input = LineInput(
            id="message",
            placeholder="what the agent should read",
            max_length=MAX_MESSAGE_LENGTH,
            select_on_focus=False,  # A letter would replace the draft.
            compact=True,
        )
        self._title = _line("title", "dialog-title")
        self._position_in_queue = _line("place")
        self._origin = _line("facts", "dialog-quiet")
        self._form_slot = Vertical(id="form-slot")
        self._scroll_position = _line("position")
        self._guard = _line("guard")
        self._note = _line("note")
        self._decisions = DecisionBar(id="decisions")
        self._hints = DialogKeys(id="keys", are_bound=True)
        self._form: AnswerForm | None = None
        self._reserved = 0

    def compose(self) -> ComposeResult:
        """Yield the parts from top to bottom."""
        yield Horizontal(self._title, self._position_in_queue, id="heading")
        yield self._origin
        yield self.body
        yield self._form_slot
        yield Horizontal(self._scroll_position, self._guard, id="status")
        yield self._note
        yield self._decisions
        yield self.message_input
        yield self._hints

    @property
    def draft(self) -> AnswerDraft:
        """What is filled in."""
        form = {} if self._form is None else self._form.state()
        return AnswerDraft(self.message_input.value, form)

    @property
    def form(self) -> AnswerForm | None:
        """The form of the approval; None if it has none."""
        return self._form

    def show_approval(
        self,
        approval: Approval,
        title: str,
        fields: Sequence[FormField],
        options: Sequence[DecisionOption],
        draft: AnswerDraft,
    ) -> None:
        """Show another approval from its start, with what was filled in before."""
        self._replace_form(fields, draft)
        self._decisions.show(options)
        self.message_input.value = draft.message
        self.message_input.cursor_position = len(draft.message)
        self.show_request(approval, title)

    def show_request(self, approval: Approval, title: str) -> None:
        """Show what is asked below a sanitized title, and the answers."""
        self._title.update(title)
        shown = _without_form(approval) if self._form is not None else approval
        self.body.show(partial(render_approval, shown), is_settled=False)
        self.set_class(False, "-rule", "-message", "-unseen")
        self.body.focus()

    def show_rule(self, approval: Approval) -> None:
        """Show the rule that "always" would set in place of what is asked."""
        self._title.update("Always allow this?")
        self.body.show(partial(render_rule, approval), is_settled=False)
        self.set_class(True, "-rule")
        self.body.focus()

    def show_unseen(self, asking: bool) -> None:  # as Textual's set_class
        """Show what is asked without the answers, while it was not on the screen to its end."""
        self.set_class(asking, "-unseen")
        self.body.focus()

    def show_message_input(self) -> None:
        """Show the input for a message in place of the answers."""
        self.set_class(True, "-message")
        self.message_input.focus()

    def show_position(self, position: str) -> None:
        """Show the place in the queue, such as `2 of 5`."""
        self._position_in_queue.update(position)

    def show_origin(self, origin: str) -> None:
        """Show a sanitized text about the approval's thread and waiting time."""
        self._origin.update(origin)

    def show_note(self, note: str) -> None:
        """Show a sanitized note: why a key did nothing, or the outcome of an approval."""
        self._note.update(note)
        self._note.set_class(bool(note), "-shown")
        self.call_after_refresh(self.fit)

    def show_guard(self, text: str, *, ready: bool) -> None:
        """Show whether decision keys work."""
        self._guard.update(text)
        self._guard.set_class(ready, "-ready")
        self._decisions.set_class(ready, "-armed")

    def show_hints(self, hints: str) -> None:
        """Show the keys other than the decision keys."""
        self._hints.update(hints)
        self.call_after_refresh(self.fit)

    def set_reserved(self, rows: int) -> None:
        """Leave rows of the dialog to what stands above the panel."""
        if rows != self._reserved:
            self._reserved = rows
            self.call_after_refresh(self.fit)

    def fit(self) -> None:
        """Fit the height to the content, up to the height of the screen.

        The body gets the rows that the other parts leave, so the answers are always visible.
        """
        if not self.body.is_attached:
            return
        room = self.screen.size.height
        self.screen.set_class(room < SHORT, "-short")
        room -= self._reserved + (4 if room > 30 else 0)
        free = max(_MIN_BODY_ROWS, room - self._other_rows())
        form = max(2, self._form.virtual_size.height + 1) if self._form is not None else 0
        form = min(form, max(free - self.body.row_count, free * 6 // 10))
        self._form_slot.styles.height = form
        height = max(1, min(self.body.row_count, free - form))
        self.body.styles.height = height
        is_settled = self._decisions.is_settled and self._form_slot.size.height == form
        if is_settled and self.body.size.height == height and self.body.row_count:
            self.body.settle()

    def _other_rows(self) -> int:
        """Return the rows of all parts but the body and the form."""
        frame = self.parent.gutter.height if isinstance(self.parent, Widget) else 0
        rest = frame + self.gutter.height + self.body.styles.margin.height
        for child in self.children:
            if child.display and child not in (self.body, self._form_slot):
                rest += child.outer_size.height + child.styles.margin.height
        return rest

    def on_resize(self) -> None:
        """Fit again, with or without margins first."""
        self.screen.set_class(self.screen.size.height < SHORT, "-short")
        self.call_after_refresh(self.fit)

    def on_decision_bar_resized(self, event: DecisionBar.Resized) -> None:
        """Fit again."""
        event.stop()
        self.call_after_refresh(self.fit)

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        """Show the scroll position, and how much has never been on the screen."""
        place = f"lines {event.first} to {event.last} of {event.total}"
        unseen = self.body.unseen_count
        place += f", {format_count(unseen)} not seen yet" if unseen else ""
        is_all = event.first <= 1 and event.last == event.total
        self._scroll_position.update("all of it is shown" if is_all else place)
        self.fit()

    def _replace_form(self, fields: Sequence[FormField], draft: AnswerDraft) -> None:
        self._form_slot.remove_children()
        self._form = AnswerForm(fields, draft.fields) if fields else None
        if self._form is not None:
            self.watch(self._form, "virtual_size", self.fit, init=False)
            self._form_slot.mount(self._form)
        self.call_after_refresh(self.fit)


class DecisionBar(Vertical):
    """Rows of buttons: those that grant something, and below them the others."""

    class Chosen(Message):
        """An answer was clicked."""

        def __init__(self, choice: str) -> None:
            super().__init__()
            self.choice = choice

    class Resized(Message):
        """The rows need another room."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        """Create a bar without buttons."""
        super().__init__(id=id)
        self._options: tuple[DecisionOption, ...] = ()
        self._width = 0

    def compose(self) -> ComposeResult:
        """Yield rows that fit in the width."""
        granting = [DecisionButton(option) for option in self._options if option.grants]
        others = [DecisionButton(option) for option in self._options if not option.grants]
        for row in (*self._break_rows(granting), *self._break_rows(others)):
            with Horizontal():
                yield from row

    def on_resize(self, event: events.Resize) -> None:
        """Break the rows again if the width changed."""
        if event.size.width != self._width:
            self._width = event.size.width
            self.refresh(recompose=True)
        self.post_message(self.Resized())

    async def recompose(self) -> None:
        """Replace the buttons, and report it also where their rows are as many as before."""
        await super().recompose()
        self.call_after_refresh(self.post_message, self.Resized())

    @property
    def is_settled(self) -> bool:
        """Whether all buttons have their place."""
        buttons = [button.option for button in self.query(DecisionButton)]
        is_current = self._width == self.size.width and buttons == list(self._options)
        return not self.display or (is_current and self.size.height == len(self.children))

    def show(self, options: Sequence[DecisionOption]) -> None:
        """Replace the answers."""
        if tuple(options) != self._options:
            self._options = tuple(options)
            self.refresh(recompose=True)

    def _break_rows(self, buttons: Sequence[DecisionButton]) -> list[list[DecisionButton]]:
        rows: list[list[DecisionButton]] = []
        room = 0
        for button in buttons:
            if not rows or button.needed_width > room:
                rows.append([])
                room = self._width or 1_000
            rows[-1].append(button)
            room -= button.needed_width + 1
        return rows


class DecisionButton(Static, can_focus=False):
    """A button for an answer. It cannot be focused, so enter cannot press it."""

    def __init__(self, option: DecisionOption) -> None:
        """Create the button of an answer."""
        key = f"{option.key} " if option.key else ""
        label = Content.assemble((key, "bold"), option.label)
        super().__init__(label, classes="-yes" if option.grants else "-no")
        self.option = option
        self.needed_width = label.cell_length + 2

    def on_click(self) -> None:
        """Post the choice."""
        self.post_message(DecisionBar.Chosen(self.option.choice))


def render_rule(approval: Approval, width: int, palette: Palette) -> list[Strip]:
    """Render in full what "always" would allow from now on."""
    rule = lasting_rule(approval.asked)
    if rule is None:
        return wrap_text(Text("There is no rule."), width, palette.text)
    text = Text(f"{rule.before}\n\n" if rule.before else "")
    text.append(f"{'  ' if rule.before else ''}{reveal(rule.allowed)}\n\n", palette.code)
    text.append(f"{one_line(rule.after, 200)} ")
    text.append(
        "in every thread, for good.\n" if rule.note else "in every thread, for good.",
        palette.warning,
    )
    text.append(rule.note, palette.muted)
    return wrap_text(text, width, palette.text)


def _line(name: str, classes: str = "") -> Static:
    return Static(id=name, classes=classes, markup=False)


def _without_form(approval: Approval) -> Approval:
    """Return the approval without its schema, which is already shown as a form."""
    match approval.asked:
        case ElicitationAsked() as asked:
            return structs.replace(approval, asked=structs.replace(asked, schema={}))
        case _:
            return approval
