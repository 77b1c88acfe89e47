"""The editor of a comment on a line of a diff."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from codextui.console.widgets.composer import Composer
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.prompt_field import PromptField
from codextui.text.sanitize import one_line, one_revealed_line, sanitize


class CommentScreen(ModalScreen[str | None]):
    """Edits a comment; returns its text, None if it stays a draft."""

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        where: str,
        line: str,
        text: str,
        on_change: Callable[[str], None],
        *,
        folder: str = "",
    ) -> None:
        """Create the editor.

        Args:
            where: the file and the line's number.
            line: the line, with its sign.
            text: the comment so far.
            on_change: called with the text whenever it changes.
            folder: the folder whose files are suggested.
        """
        super().__init__()
        self._where = where
        self._line = line
        self._text = sanitize(text)
        self._on_change = on_change
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Yield the line and the editor."""
        with Vertical(classes="dialog"):
            title = f"Comment on {one_line(self._where, 200)}"
            yield Static(title, classes="dialog-title", markup=False)
            line = one_revealed_line(self._line, 300)
            yield Static(line, classes="dialog-quiet", id="line", markup=False)
            yield PromptField(Composer("comment", self._text), folder=self._folder)
            yield DialogKeys(
                "⏎ keep   ^j new line   @ file   ^g your editor   esc leave it as a draft   "
                "an empty one is removed"
            )

    @on(TextArea.Changed)
    def _report_change(self) -> None:
        if self.is_mounted:
            self._on_change(self.query_one(Composer).text)

    @on(Composer.Sent)
    def _keep(self, message: Composer.Sent) -> None:
        message.stop()
        if self.is_active:
            self.dismiss(message.text)

    @on(Composer.Dismissed)
    def _leave(self, message: Composer.Dismissed) -> None:
        """Close; an editor that is empty removes the comment."""
        message.stop()
        if self.is_active:
            self.dismiss(None if self.query_one(Composer).text.strip() else "")
