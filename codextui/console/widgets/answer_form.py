"""A form: the questions of an agent, or what an MCP server asks for."""

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
    Checked,
    FieldKind,
    FormField,
    check_choice,
    check_text,
)
from codextui.jsonrpc.fields import Json
from codextui.text.sanitize import one_line

TEXT_LIMIT = 20_000
LABEL_LIMIT = 4_000


class FieldRow(Vertical):
    """Draws a field after its kind."""

    def __init__(self, field: FormField) -> None:
        """Take the field."""
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        """The label, the control, and the complaint, empty at first."""
        if self.field.kind is not FieldKind.BOOLEAN:
            yield Static(Content(self._label()), classes="field-label")
        yield from self._controls()
        yield Static("", classes="field-problem", markup=False)

    def focus_control(self) -> None:
        """Put the cursor into this field."""
        for control in self.query("Input, ChoiceList").results(Widget):
            control.focus()
            return

    def check(self) -> Checked:
        """The answer, checked; a complaint is shown under the field."""
        checked = self._check()
        complaint = self.query_one(".field-problem", Static)
        complaint.update(checked.problem)
        complaint.set_class(bool(checked.problem), "-shown")
        return checked

    def _label(self) -> str:
        mark = "" if self.field.required else " (optional)"
        return one_line(self.field.label, LABEL_LIMIT) + mark

    def _controls(self) -> ComposeResult:
        field = self.field
        match field.kind:
            case FieldKind.CHOICE | FieldKind.CHOICES:
                default = field.default if isinstance(field.default, tuple) else (field.default,)
                chosen = [i for i, option in enumerate(field.options) if option.value in default]
                labels = [option.label for option in field.options]
                yield ChoiceList(labels, chosen, several=field.kind is FieldKind.CHOICES)
                if field.other:
                    yield Input(placeholder="another answer", max_length=TEXT_LIMIT, compact=True)
            case FieldKind.BOOLEAN:
                chosen = [0] if field.default is True else []
                yield ChoiceList([self._label()], chosen, several=True)
            case _:
                yield Input(
                    one_line(str(field.default), TEXT_LIMIT),
                    password=field.kind is FieldKind.SECRET,
                    max_length=TEXT_LIMIT,
                    compact=True,
                )

    def _check(self) -> Checked:
        field = self.field
        match field.kind:
            case FieldKind.CHOICE | FieldKind.CHOICES:
                values = [field.options[i].value for i in self.query_one(ChoiceList).chosen]
                other = self.query_one(Input).value if field.other else ""
                return check_choice(field, values, other)
            case FieldKind.BOOLEAN:
                return Checked(bool(self.query_one(ChoiceList).chosen))
            case _:
                return check_text(field, self.query_one(Input).value)


class AnswerForm(VerticalScroll, can_focus=False):
    """All fields of a form, each with its own complaint under it."""

    class Finished(Message):
        """Enter was pressed in the last field."""

    def __init__(self, fields: Sequence[FormField], *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        """Take the fields, in order."""
        super().__init__(id=id)
        self._fields = tuple(fields)

    def compose(self) -> ComposeResult:
        """A row per field."""
        for field in self._fields:
            yield FieldRow(field)

    def focus_first(self) -> None:
        """Put the cursor into the first field."""
        for row in self.query(FieldRow):
            row.focus_control()
            return

    def answers(self) -> dict[str, Json] | None:
        """What was filled in, by key; None where something is wrong, which is then shown."""
        answers: dict[str, Json] = {}
        wrong: list[FieldRow] = []
        rows = list(self.query(FieldRow))
        if len(rows) < len(self._fields):
            return None  # it is not on the screen yet
        for row in rows:
            checked = row.check()
            if checked.problem:
                wrong.append(row)
            elif checked.value is not None:
                answers[row.field.key] = checked.value
        if wrong:
            wrong[0].focus_control()
            wrong[0].scroll_visible(animate=False)
            return None
        return answers

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field."""
        event.stop()
        self._go_on(event.input)

    def on_choice_list_submitted(self, event: ChoiceList.Submitted) -> None:
        """Enter goes to the next field."""
        event.stop()
        self._go_on(event.choices)

    def _go_on(self, control: Widget) -> None:
        """To the next field; after the last one, say so."""
        rows = list(self.query(FieldRow))
        here = next(index for index, row in enumerate(rows) if row in control.ancestors)
        if here + 1 < len(rows):
            rows[here + 1].focus_control()
        else:
            self.post_message(self.Finished())
