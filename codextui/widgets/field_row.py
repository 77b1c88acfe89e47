"""One field of a form: what is asked, where to answer, what is wrong with the answer."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from codextui.render.sanitize import one_line
from codextui.widgets.choice_list import ChoiceList
from codextui.widgets.form_field import Checked, FieldKind, FormField, check_choice, check_text

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
