"""A list of options to select from, with marks that need no colour."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from codextui.text.sanitize import one_line

_MAX_LABEL_LENGTH = 4_000


class ChoiceItem(Static):
    """An option."""

    def __init__(self, index: int) -> None:
        """Create the option of an index."""
        super().__init__()
        self.index = index

    def on_click(self) -> None:
        """Report the click to the list."""
        self.post_message(ChoiceList.Clicked(self.index))


class ChoiceList(Widget, can_focus=True):
    """A list of options.

    The arrow keys select an option; with `multiple` they move the cursor, and space toggles.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,right", "step(1)", "Next option", show=False, id="choice.next"),
        Binding("up,left", "step(-1)", "Previous option", show=False, id="choice.previous"),
        Binding("space", "toggle_option", "Choose, or not", show=False, id="choice.turn"),
        Binding("backspace", "clear", "Choose nothing", show=False, id="choice.clear"),
        Binding("enter", "submit", "Next field", show=False, id="choice.submit"),
    ]

    class Clicked(Message):
        """An option was clicked on."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Changed(Message):
        """Other options are selected."""

        def __init__(self, choice_list: ChoiceList) -> None:
            super().__init__()
            self.choice_list = choice_list

        @property
        def control(self) -> ChoiceList:
            """The list, for selectors of `on`."""
            return self.choice_list

    class Submitted(Changed):
        """Enter was pressed."""

    def __init__(
        self,
        labels: Sequence[str],
        selected: Collection[int] = (),
        *,
        multiple: bool = False,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        """Create a list.

        Args:
            labels: the options.
            selected: the indexes of those that are selected at first.
            multiple: whether several can be selected.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._labels = [one_line(label, _MAX_LABEL_LENGTH) for label in labels]
        self._selected = set(selected)
        self._multiple = multiple
        self._cursor = min(self._selected, default=-1)

    @property
    def selected(self) -> list[int]:
        """The indexes of the selected options, in order."""
        return sorted(self._selected)

    def compose(self) -> ComposeResult:
        """Yield an item for each option."""
        for index in range(len(self._labels)):
            yield ChoiceItem(index)

    def on_mount(self) -> None:
        """Draw the marks."""
        self._draw()

    def on_focus(self) -> None:
        """Show the cursor."""
        if self._cursor < 0 and self._multiple:
            self._cursor = 0
        self._draw()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._draw()

    def on_choice_list_clicked(self, event: Clicked) -> None:
        """Move the cursor to an option and toggle it."""
        event.stop()
        self._cursor = event.index
        self.action_toggle_option()

    def action_step(self, step: int) -> None:
        """Move the cursor; select the option unless several can be selected."""
        if self._labels:
            self._cursor = max(0, min(self._cursor + step, len(self._labels) - 1))
            self._select_cursor() if not self._multiple else self._draw()

    def action_toggle_option(self) -> None:
        """Select the option, or the first one; toggle it if several can be selected."""
        if not self._labels:
            return
        self._cursor = max(0, self._cursor)
        if self._multiple and self._cursor in self._selected:
            self._selected.discard(self._cursor)
            self._notify_changed()
        else:
            self._select_cursor()

    def action_clear(self) -> None:
        """Select nothing."""
        self._selected.clear()
        self._notify_changed()

    def action_submit(self) -> None:
        """Post `Submitted`."""
        self.post_message(self.Submitted(self))

    def _select_cursor(self) -> None:
        if not self._multiple:
            self._selected.clear()
        self._selected.add(self._cursor)
        self._notify_changed()

    def _notify_changed(self) -> None:
        self._draw()
        self.post_message(self.Changed(self))

    def _draw(self) -> None:
        for item in self.query(ChoiceItem):
            index = item.index
            is_cursor = index == max(0, self._cursor) and self.has_focus
            item.update(Content(f"{self._mark(index)} {self._labels[index]}"))
            item.set_class(is_cursor, "-here")
            item.set_class(index in self._selected, "-chosen")

    def _mark(self, index: int) -> str:
        is_selected = index in self._selected
        if self._multiple:
            return "[x]" if is_selected else "[ ]"
        return "(•)" if is_selected else "( )"
