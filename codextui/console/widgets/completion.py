"""Completes what is typed in a text area: files after `@`, and commands after `/`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.widgets import TextArea

from codextui.console.folder_files import list_files
from codextui.console.model.suggestions import (
    Suggestion,
    Typed,
    parse_command,
    suggest_commands,
    suggest_files,
    typed_before,
)
from codextui.console.widgets.suggestion_list import SuggestionList


class Completion:
    """Fills the list of suggestions of a text area, and handles the keys that choose from it.

    Attributes:
        folder: the folder whose files are suggested; empty for none.
    """

    def __init__(
        self,
        area: TextArea,
        suggestions: SuggestionList,
        *,
        folder: str,
        room: Callable[[], int],
        has_commands: bool = False,
    ) -> None:
        """Complete what is typed in a text area.

        Args:
            area: the text area.
            suggestions: the list.
            folder: the folder whose files are suggested; empty for none.
            room: returns how many suggestions fit.
            has_commands: whether a text that begins with `/` is a command.
        """
        self.folder = folder
        self._area = area
        self._suggestions = suggestions
        self._room = room
        self._has_commands = has_commands
        self._files: tuple[str, ...] = ()
        self._listed = ""
        self._dismissed: Typed | None = None

    def handle_key(self, key: str) -> bool:
        """Return whether a key was for the suggestions."""
        self.update()
        if self._suggestions.current is None:
            return False
        match key:
            case "up" | "down":
                self._suggestions.move(-1 if key == "up" else 1)
            case "tab":
                self._take()
            case "enter" if self._suggestions.is_chosen or self._is_half_a_command:
                self._take()
            case "escape":
                self.dismiss()
            case _:
                return False
        return True

    def update(self) -> None:
        """Show the suggestions for what stands before the cursor."""
        typed = self._typed
        if typed is None or typed != self._dismissed:
            self._dismissed = None
        found = () if typed is None or typed == self._dismissed else self._find(typed)
        self._suggestions.show(found[: self._room()])

    def dismiss(self) -> None:
        """Suggest nothing for what stands before the cursor now."""
        self._dismissed = self._typed
        self._suggestions.show(())

    @property
    def _typed(self) -> Typed | None:
        row, column = self._area.cursor_location
        if not self._area.selection.is_empty:
            return None
        line = self._area.document.get_line(row)[:column]
        return typed_before(line, is_first=row == 0 and self._has_commands)

    @property
    def _is_half_a_command(self) -> bool:
        typed = self._typed
        return typed is not None and typed.kind == "/" and not parse_command(self._area.text)

    def _take(self) -> None:
        """Replace what was typed by the chosen suggestion."""
        typed, chosen = self._typed, self._suggestions.current
        if typed is None or chosen is None:
            return
        row, column = self._area.cursor_location
        self._area.history.checkpoint()
        self._area.replace(chosen.text, (row, column - typed.length), (row, column))
        self._area.history.checkpoint()
        self.dismiss()

    def _find(self, typed: Typed) -> tuple[Suggestion, ...]:
        if typed.kind == "/":
            is_whole = self._area.text.strip() == f"/{typed.query}"
            return suggest_commands(typed.query) if is_whole else ()
        if self._listed != self.folder:
            self._listed, self._files = self.folder, ()
            self._area.run_worker(
                self._load_files(self.folder), group="files", exclusive=True, exit_on_error=False
            )
        return suggest_files(typed.query, self._files, self.folder)

    async def _load_files(self, folder: str) -> None:
        files = await asyncio.to_thread(list_files, folder) if folder else ()
        if folder == self._listed:
            self._files = files
            self.update()
