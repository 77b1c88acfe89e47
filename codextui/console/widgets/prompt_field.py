"""The text of a prompt in a dialog: with suggestions of files, and the user's editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from codextui.console.widgets.completion import Completion
from codextui.console.widgets.composer import Composer, PromptArea
from codextui.console.widgets.suggestion_list import SuggestionList

MAX_SUGGESTIONS = 6
"""Suggestions that are shown in a dialog at most."""

_OTHER_ROWS = 16
"""Rows of a screen that the rest of a dialog needs."""


class PromptField(Vertical):
    """A text area below its suggestions.

    Attributes:
        area: the text area.
        take_key: gets each key that is not for the suggestions; returns whether it has handled it.
    """

    DEFAULT_CSS = """
    PromptField { height: auto; }
    PromptField SuggestionList {
        height: auto;
        padding: 0 1;
        background: $panel;
        color: $foreground;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "edit", "Write in your editor", id="prompt.editor")
    ]

    class EditorWanted(Message):
        """The text is to be edited in the user's editor, and handed to `field.take_edited`."""

        def __init__(self, field: PromptField, text: str) -> None:
            super().__init__()
            self.field = field
            self.text = text

    def __init__(self, area: PromptArea, *, folder: str = "", id: str | None = None) -> None:  # noqa: A002 - as Textual's
        """Create the field of a text area.

        Args:
            area: the text area.
            folder: the folder whose files are suggested after `@`; empty for none.
            id: the id of the field.
        """
        super().__init__(id=id)
        self.area = area
        self.take_key: Callable[[str], bool] = lambda _: False
        self._suggestions = SuggestionList()
        self._completion = Completion(area, self._suggestions, folder=folder, room=self._read_room)
        area.take_key = self._handle_key

    @property
    def folder(self) -> str:
        """The folder whose files are suggested."""
        return self._completion.folder

    @folder.setter
    def folder(self, folder: str) -> None:
        self._completion.folder = folder

    def compose(self) -> ComposeResult:
        """Yield the suggestions and the text area."""
        yield self._suggestions
        yield self.area

    def take_edited(self, text: str) -> None:
        """Show a text that was edited elsewhere; undo takes it back."""
        if self.is_attached:
            self.area.replace_text(text)

    def _handle_key(self, key: str) -> bool:
        return self._completion.handle_key(key) or self.take_key(key)

    def action_edit(self) -> None:
        """Edit the text in the user's editor."""
        if not self.area.read_only:
            self.post_message(self.EditorWanted(self, self.area.text))

    @on(Composer.EditorWanted)
    def _edit_composer(self, message: Composer.EditorWanted) -> None:
        message.stop()
        self.action_edit()

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _suggest(self) -> None:
        self._completion.update()

    def _read_room(self) -> int:
        return max(1, min(MAX_SUGGESTIONS, self.screen.size.height - _OTHER_ROWS))
