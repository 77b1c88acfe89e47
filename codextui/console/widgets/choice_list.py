"""Options to choose one or several from, with marks that need no colour."""

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

_LABEL_LIMIT = 4_000


class ChoiceItem(Static):
    """One option, to click on."""

    def __init__(self, index: int) -> None:
        """Take its place in the list."""
        super().__init__()
        self.index = index

    def on_click(self) -> None:
        """Choose it."""
        self.post_message(ChoiceList.Clicked(self.index))


class ChoiceList(Widget, can_focus=True):
    """A list of options; the arrows choose, or with `several` move, and space turns one over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,right", "step(1)", "Next option", show=False, id="choice.next"),
        Binding("up,left", "step(-1)", "Previous option", show=False, id="choice.previous"),
        Binding("space", "turn", "Choose, or not", show=False, id="choice.turn"),
        Binding("backspace", "clear", "Choose nothing", show=False, id="choice.clear"),
        Binding("enter", "submit", "Next field", show=False, id="choice.submit"),
    ]

    class Clicked(Message):
        """An option was clicked on."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Changed(Message):
        """Other options are chosen now."""

        def __init__(self, choices: ChoiceList) -> None:
            super().__init__()
            self.choices = choices

        @property
        def control(self) -> ChoiceList:
            """Whose message it is."""
            return self.choices

    class Submitted(Changed):
        """Enter was pressed."""

    def __init__(
        self,
        labels: Sequence[str],
        chosen: Collection[int] = (),
        *,
        several: bool = False,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        """Take the options, which of them are chosen, and whether that may be several."""
        super().__init__(id=id)
        self._labels = [one_line(label, _LABEL_LIMIT) for label in labels]
        self._chosen = set(chosen)
        self._several = several
        self._at = min(self._chosen, default=-1)

    @property
    def chosen(self) -> list[int]:
        """The indexes of the chosen options, in order."""
        return sorted(self._chosen)

    def compose(self) -> ComposeResult:
        """An item per option."""
        for index in range(len(self._labels)):
            yield ChoiceItem(index)

    def on_mount(self) -> None:
        """Draw the marks."""
        self._draw()

    def on_focus(self) -> None:
        """Show where the arrows are."""
        if self._at < 0 and self._several:
            self._at = 0
        self._draw()

    def on_blur(self) -> None:
        """Show it no longer."""
        self._draw()

    def on_choice_list_clicked(self, event: Clicked) -> None:
        """Take a click as going there and pressing space."""
        event.stop()
        self._at = event.index
        self.action_turn()

    def action_step(self, step: int) -> None:
        """To another option; where only one can be chosen, choose it."""
        if self._labels:
            self._at = max(0, min(self._at + step, len(self._labels) - 1))
            self._choose_here() if not self._several else self._draw()

    def action_turn(self) -> None:
        """Choose the option, or where several can be, turn it over."""
        if self._at < 0:
            return
        if self._several and self._at in self._chosen:
            self._chosen.discard(self._at)
            self._tell()
        else:
            self._choose_here()

    def action_clear(self) -> None:
        """Choose nothing."""
        self._chosen.clear()
        self._tell()

    def action_submit(self) -> None:
        """Say that enter was pressed."""
        self.post_message(self.Submitted(self))

    def _choose_here(self) -> None:
        if not self._several:
            self._chosen.clear()
        self._chosen.add(self._at)
        self._tell()

    def _tell(self) -> None:
        self._draw()
        self.post_message(self.Changed(self))

    def _draw(self) -> None:
        for item in self.query(ChoiceItem):
            index = item.index
            is_here = index == max(0, self._at) and self.has_focus
            item.update(Content(f"{self._mark(index)} {self._labels[index]}"))
            item.set_class(is_here, "-here")
            item.set_class(index in self._chosen, "-chosen")

    def _mark(self, index: int) -> str:
        is_chosen = index in self._chosen
        if self._several:
            return "[x]" if is_chosen else "[ ]"
        return "(•)" if is_chosen else "( )"
