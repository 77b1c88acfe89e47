"""The form of an approval: an agent's questions, or the fields that an MCP server asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from codextui.console.widgets.choice_list import ChoiceList
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.form_fields import (
    CheckedAnswer,
    FieldKind,
    FormField,
    check_choice,
    check_text,
)
from codextui.jsonrpc.fields import Json
from codextui.text.sanitize import one_line

MAX_TEXT_LENGTH = 20_000
"""Characters of an answer."""

MAX_LABEL_LENGTH = 4_000
"""Characters of a label that are shown."""


class FieldState(msgspec.Struct, frozen=True):
    """What is filled in in a field: its text, and the indexes of its selected options."""

    text: str = ""
    selected: tuple[int, ...] = ()


class AnswerDraft(msgspec.Struct, frozen=True):
    """An answer that was not sent: the message of a refusal, and the fields of a form by key."""

    message: str = ""
    fields: dict[str, FieldState] = {}

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> AnswerDraft:
        """Read it from JSON; what cannot be read is empty."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except (msgspec.DecodeError, UnicodeError):
            return cls()


class FieldRow(Vertical):
    """A field: its label, its control and what is wrong with the answer."""

    def __init__(self, field: FormField, state: FieldState | None = None) -> None:
        """Show a field, filled in with its default or with a state."""
        super().__init__()
        self.field = field
        self._initial = state

    def compose(self) -> ComposeResult:
        """Yield the label, the control, and an empty problem line."""
        if self.field.kind is not FieldKind.BOOLEAN:
            yield Static(Content(self._label()), classes="field-label")
        yield from self._controls()
        yield Static("", classes="field-problem", markup=False)

    def focus_control(self) -> None:
        """Focus the control."""
        for control in self.query("Input, ChoiceList").results(Widget):
            control.focus()
            return

    def state(self) -> FieldState:
        """Return what is filled in, without secrets."""
        is_secret = self.field.kind is FieldKind.SECRET
        texts = [] if is_secret else [one.value for one in self.query(Input)]
        selected = (index for one in self.query(ChoiceList) for index in one.selected)
        return FieldState("".join(texts), tuple(selected))

    def validate(self) -> CheckedAnswer:
        """Check the answer, and show what is wrong under the control."""
        checked = self._check()
        line = self.query_one(".field-problem", Static)
        line.update(checked.problem)
        line.set_class(bool(checked.problem), "-shown")
        return checked

    def _label(self) -> str:
        mark = "" if self.field.required else " (optional)"
        return one_line(self.field.label, MAX_LABEL_LENGTH) + mark

    def _controls(self) -> ComposeResult:
        field, initial = self.field, self._initial
        match field.kind:
            case FieldKind.CHOICE | FieldKind.CHOICES:
                default = field.default if isinstance(field.default, tuple) else (field.default,)
                chosen = [i for i, option in enumerate(field.options) if option.value in default]
                labels = [option.label for option in field.options]
                if initial is not None:
                    chosen = [i for i in initial.selected if i < len(labels)]
                yield ChoiceList(labels, chosen, multiple=field.kind is FieldKind.CHOICES)
                if field.allows_other:
                    yield LineInput(
                        "" if initial is None else initial.text,
                        placeholder="another answer",
                        max_length=MAX_TEXT_LENGTH,
                        select_on_focus=initial is None,
                        compact=True,
                    )
            case FieldKind.BOOLEAN:
                is_true = field.default is True if initial is None else 0 in initial.selected
                chosen = [0] if is_true else []
                yield ChoiceList([self._label()], chosen, multiple=True)
            case _:
                text = str(field.default) if initial is None else initial.text
                yield LineInput(
                    one_line(text, MAX_TEXT_LENGTH),
                    password=field.kind is FieldKind.SECRET,
                    max_length=MAX_TEXT_LENGTH,
                    select_on_focus=initial is None,
                    compact=True,
                )

    def _check(self) -> CheckedAnswer:
        field = self.field
        match field.kind:
            case FieldKind.CHOICE | FieldKind.CHOICES:
                values = [field.options[i].value for i in self.query_one(ChoiceList).selected]
                other = self.query_one(Input).value if field.allows_other else ""
                return check_choice(field, values, other)
            case FieldKind.BOOLEAN:
                return CheckedAnswer(bool(self.query_one(ChoiceList).selected))
            case _:
                return check_text(field, self.query_one(Input).value)


class AnswerForm(VerticalScroll, can_focus=False):
    """The fields of a form, each with what is wrong under it."""

    class Submitted(Message):
        """Enter was pressed in the last field."""

    def __init__(
        self,
        fields: Sequence[FormField],
        state: Mapping[str, FieldState] | None = None,
        *,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        """Show fields in order, filled in with their states by key."""
        super().__init__(id=id)
        self._fields = tuple(fields)
        self._initial = state or {}

    def compose(self) -> ComposeResult:
        """Yield a row for each field."""
        for field in self._fields:
            yield FieldRow(field, self._initial.get(field.key))

    def focus_first(self) -> None:
        """Focus the first field."""
        for row in self.query(FieldRow):
            row.focus_control()
            return

    def state(self) -> dict[str, FieldState]:
        """Return what is filled in by key, empty before the fields are composed."""
        rows = list(self.query(FieldRow))
        return (
            {row.field.key: row.state() for row in rows} if len(rows) == len(self._fields) else {}
        )

    def answers(self) -> dict[str, Json] | None:
        """Return the answers by key, or None after showing what is wrong with some."""
        answers: dict[str, Json] = {}
        invalid: list[FieldRow] = []
        rows = list(self.query(FieldRow))
        if len(rows) < len(self._fields):
            return None  # The rows are not composed yet.
        for row in rows:
            checked = row.validate()
            if checked.problem:
                invalid.append(row)
            elif checked.value is not None:
                answers[row.field.key] = checked.value
        if invalid:
            invalid[0].focus_control()
            invalid[0].scroll_visible(animate=False)
            return None
        return answers

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field on enter."""
        event.stop()
        self._focus_next_field(event.input)

    def on_choice_list_submitted(self, event: ChoiceList.Submitted) -> None:
        """Go to the next field on enter."""
        event.stop()
        self._focus_next_field(event.choice_list)

    def _focus_next_field(self, control: Widget) -> None:
        """Focus the field after a control; after the last one, post `Submitted`."""
        rows = list(self.query(FieldRow))
        index = next(index for index, row in enumerate(rows) if row in control.ancestors)
        if index + 1 < len(rows):
            rows[index + 1].focus_control()
        else:
            self.post_message(self.Submitted())
