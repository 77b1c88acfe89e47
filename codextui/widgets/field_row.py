"""One field of a form: what is asked, where to answer, what is wrong with the answer."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, RadioButton, RadioSet, Static

from codextui.render.sanitize import one_line
from codextui.widgets.form_field import Checked, FieldKind, FormField, check_choice, check_text

TEXT_LIMIT = 20_000


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
        for control in self.query("Input, RadioSet, Checkbox").results(Widget):
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
        return one_line(self.field.label, 300) + mark

    def _controls(self) -> ComposeResult:
        field = self.field
        match field.kind:
            case FieldKind.CHOICE:
                with RadioSet(compact=True):
                    for option in field.options:
                        chosen = option.value == field.default
                        yield RadioButton(
                            Content(one_line(option.label, 300)), chosen, compact=True
                        )
                if field.other:
                    yield Input(placeholder="another answer", max_length=TEXT_LIMIT, compact=True)
            case FieldKind.CHOICES:
                chosen_values = field.default if isinstance(field.default, tuple) else ()
                for option in field.options:
                    label = Content(one_line(option.label, 300))
                    yield Checkbox(label, option.value in chosen_values, compact=True)
            case FieldKind.BOOLEAN:
                yield Checkbox(Content(self._label()), field.default is True, compact=True)
            case _:
                yield self._text_input()

    def _text_input(self) -> Input:
        field = self.field
        return Input(
            str(field.default),
            password=field.kind is FieldKind.SECRET,
            max_length=TEXT_LIMIT,
            compact=True,
        )

    def _check(self) -> Checked:
        field = self.field
        match field.kind:
            case FieldKind.CHOICE:
                index = self.query_one(RadioSet).pressed_index
                values = [field.options[index].value] if index >= 0 else []
                other = self.query_one(Input).value if field.other else ""
                return check_choice(field, values, other)
            case FieldKind.CHOICES:
                boxes = zip(self.query(Checkbox), field.options, strict=True)
                return check_choice(field, [option.value for box, option in boxes if box.value])
            case FieldKind.BOOLEAN:
                return Checked(self.query_one(Checkbox).value)
            case _:
                return check_text(field, self.query_one(Input).value)
