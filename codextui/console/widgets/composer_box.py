"""The composer below what sending does, and what it suggests."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from codextui.console.model.image_marks import describe_images
from codextui.console.model.suggestions import (
    command_problem,
    queued_command_problem,
    recall,
)
from codextui.console.widgets.completion import Completion
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.suggestion_list import SuggestionList

_OTHER_ROWS = 5
"""Rows of a pane beside the suggestions and the text: its frame and header, purpose and keys."""


class ComposerBox(Vertical):
    """The composer of a thread, with a line that says what sending does.

    Attributes:
        composer: the composer.
    """

    def __init__(
        self,
        thread_id: str,
        draft: str,
        hint: str,
        *,
        folder: str = "",
        past: Sequence[str] = (),
        has_commands: bool = True,
    ) -> None:
        """Create the composer of a thread.

        Args:
            thread_id: the thread.
            draft: the text to start from; may be empty.
            hint: says what sending does.
            folder: the thread's folder, whose files are suggested.
            past: the thread's prompts, oldest first, which the arrow keys recall.
            has_commands: whether a text that begins with `/` is a command.
        """
        super().__init__()
        self._hint = hint
        self._past = past
        self._has_commands = has_commands
        self._images = describe_images(draft)
        self._problem = ""
        self._suggestions = SuggestionList()
        self.composer = Composer(thread_id, draft)
        self._completion = Completion(
            self.composer,
            self._suggestions,
            folder=folder,
            room=self._read_room,
            has_commands=has_commands,
        )
        self.composer.take_key = self._handle_key
        self.composer.may_send = self._may_send

    def compose(self) -> ComposeResult:
        """Yield the hint, the suggestions and the composer."""
        yield Static(self._purpose, markup=False, classes="purpose")
        yield self._suggestions
        yield self.composer

    def show_hint(self, hint: str) -> None:
        """Show what sending does now."""
        if hint != self._hint:
            self._hint = hint
            self._show_purpose()

    # Keys.

    def _handle_key(self, key: str) -> bool:
        """Return whether a key was for the suggestions, or for the earlier prompts."""
        if self._completion.handle_key(key):
            return True
        match key:
            case "up" | "down":
                return self._recall(-1 if key == "up" else 1)
            case _:
                return False

    def _may_send(self, queued: bool) -> bool:
        """Return whether the text may be sent; say what is wrong with a command."""
        if not self._has_commands:
            return True
        find = queued_command_problem if queued else command_problem
        self._problem = find(self.composer.text)
        self._show_purpose()
        return not self._problem

    def _recall(self, step: int) -> bool:
        """Show an earlier or a later prompt, unless something else was written."""
        composer = self.composer
        if not composer.selection.is_empty:
            return False
        edge = 0 if step < 0 else composer.document.line_count - 1
        if composer.cursor_location[0] != edge:
            return False
        prompt = recall(self._past, composer.text, step)
        if prompt is None:
            return False
        composer.replace_text(prompt)
        if step < 0:
            composer.move_cursor((0, 0))
        self._completion.dismiss()
        return True

    # What is suggested.

    def _read_room(self) -> int:
        """Return how many suggestions fit above the text, at least one."""
        height = self.parent.size.height if isinstance(self.parent, Widget) else 0
        text = max(1, self.composer.size.height) + self._purpose.count("\n")
        return max(1, height - _OTHER_ROWS - text)

    @on(Composer.Changed)
    def _handle_change(self) -> None:
        self._completion.update()
        images = describe_images(self.composer.text)
        if images != self._images or self._problem:
            self._images, self._problem = images, ""
            self._show_purpose()

    @on(Composer.SelectionChanged)
    def _handle_move(self) -> None:
        self._completion.update()

    def _show_purpose(self) -> None:
        self.query_one(".purpose", Static).update(self._purpose)

    @property
    def _purpose(self) -> str:
        return "\n".join(filter(None, (self._hint, self._images, self._problem)))
