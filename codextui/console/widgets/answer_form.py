"""The form of an approval: an agent's questions, or the fields that an MCP server asks for."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from codextui.console.widgets.choice_list import ChoiceList
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


class FieldRow(Vertical):
    """A field: its label, its control and what is wrong with the answer."""

    def __init__(self, field: FormField) -> None:
        """Show a field."""
        super().__init__()
        self.field = field

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
        field = self.field
        match field.kind:
            case FieldKind.CHOICE | FieldKind.CHOICES:
                default = field.default if isinstance(field.default, tuple) else (field.default,)
                chosen = [i for i, option in enumerate(field.options) if option.value in default]
                labels = [option.label for option in field.options]
                yield ChoiceList(labels, chosen, multiple=field.kind is FieldKind.CHOICES)
                if field.allows_other:
                    yield Input(
                        placeholder="another answer", max_length=MAX_TEXT_LENGTH, compact=True
                    )
            case FieldKind.BOOLEAN:
                chosen = [0] if field.default is True else []
                yield ChoiceList([self._label()], chosen, multiple=True)
            case _:
                yield Input(
                    one_line(str(field.default), MAX_TEXT_LENGTH),
                    password=field.kind is FieldKind.SECRET,
                    max_length=MAX_TEXT_LENGTH,
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

    def __init__(self, fields: Sequence[FormField], *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        """Show fields in order."""
        super().__init__(id=id)
        self._fields = tuple(fields)

    def compose(self) -> ComposeResult:
        """Yield a row for each field."""
        for field in self._fields:
            yield FieldRow(field)

    def focus_first(self) -> None:
        """Focus the first field."""
        for row in self.query(FieldRow):
            row.focus_control()
            return

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
