"""A form: the questions of an agent, or what an MCP server asks for."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from codextui.widgets.choice_list import ChoiceList
from codextui.widgets.field_row import FieldRow
from codextui.widgets.form_field import FormField
from codextui.wire.fields import Json


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
