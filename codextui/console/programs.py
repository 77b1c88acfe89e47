"""What reaches beyond the console: Codex's own TUI, the user's editor and shell, the clipboard."""

from __future__ import annotations

import os

from textual import on

from codextui.console.codex_tui import TuiPresenter
from codextui.console.comfort import ComfortApp
from codextui.console.connection import ServerConnection
from codextui.console.editor import EditorPresenter
from codextui.console.model.state import ConsoleState
from codextui.console.screens import messages
from codextui.console.widgets.prompt_field import PromptField
from codextui.errors import CodextuiError
from codextui.protocol.threads import ThreadInfo
from codextui.text.sanitize import one_line

NOTICE_TIMEOUT = 10
"""Seconds for which a notice about the whole server stays on the screen."""


class ProgramsApp(ComfortApp):
    """Wires the messages of the screens to other programs of this terminal.

    Attributes:
        state: everything that the screens show.
        tui: opens threads in Codex's own TUI.
        editor: opens the user's editor and shell.
    """

    state: ConsoleState
    tui: TuiPresenter
    editor: EditorPresenter

    _connection: ServerConnection

    @property
    def _is_aside(self) -> bool:
        """Whether another program has this terminal."""
        return self.tui.is_aside or self.editor.is_aside

    def _notify_error(self, what: str, error: CodextuiError) -> None:
        message = f"{what}: {one_line(str(error))}"
        self.notify(message, severity="error", timeout=NOTICE_TIMEOUT, markup=False)

    @on(messages.OpenInCodex)
    def _handle_open_in_codex(self, message: messages.OpenInCodex) -> None:
        view = self.state.threads.get(message.thread_id)
        if view is not None:
            work = self._open_in_codex(view.info)
            self.run_worker(work, group="tui", exit_on_error=False)

    async def _open_in_codex(self, thread: ThreadInfo) -> None:
        """Open a thread in Codex's own TUI; say how that went, where it is not plain to see."""
        try:
            said = await self.tui.open(self._connection.call, thread)
        except CodextuiError as error:
            self._notify_error("Cannot open it in Codex's own TUI", error)
            return
        if said:
            self.notify(said, markup=False)

    # The user's editor and shell.

    @on(messages.EditText)
    def _handle_edit_text(self, message: messages.EditText) -> None:
        work = self._edit_text(message)
        self.run_worker(work, group="editor", exclusive=True, exit_on_error=False)

    async def _edit_text(self, message: messages.EditText) -> None:
        try:
            text = await self.editor.edit(message.text)
        except CodextuiError as error:
            self._notify_error("Cannot edit it", error)
        else:
            self.main.take_edited(message.thread_id, message.text, text)

    @on(PromptField.EditorWanted)
    def _handle_edit_field(self, message: PromptField.EditorWanted) -> None:
        work = self._edit_field(message)
        self.run_worker(work, group="editor", exclusive=True, exit_on_error=False)

    async def _edit_field(self, message: PromptField.EditorWanted) -> None:
        try:
            text = await self.editor.edit(message.text)
        except CodextuiError as error:
            self._notify_error("Cannot edit it", error)
        else:
            message.field.take_edited(text)

    @on(messages.OpenFolder)
    def _handle_open_folder(self, message: messages.OpenFolder) -> None:
        view = self.state.threads.get(message.thread_id)
        if view is not None:
            work = self._open_folder(view.info, in_shell=message.in_shell)
            self.run_worker(work, group="editor", exit_on_error=False)

    async def _open_folder(self, info: ThreadInfo, *, in_shell: bool) -> None:
        open_ = self.editor.open_shell if in_shell else self.editor.open_folder
        try:
            said = await open_(info.cwd, info.handle)
        except CodextuiError as error:
            self._notify_error("Cannot open the folder", error)
            return
        if said:
            self.notify(said, markup=False)

    # The clipboard.

    @on(messages.CopyText)
    def _handle_copy(self, message: messages.CopyText) -> None:
        self.copy_to_clipboard(message.text)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, and say how that went."""
        self._clipboard = text
        self.run_worker(self._copy(text), group="clipboard", exclusive=True, exit_on_error=False)

    async def _copy(self, text: str) -> None:
        from codextui.console.clipboard import Clipboard  # noqa: PLC0415 - on first use

        command = self._config.ui.copy_command or ""
        try:
            said = await Clipboard(self._write, os.environ, command).copy(text)
        except CodextuiError as error:
            self._notify_error("Nothing was copied", error)
        else:
            self.notify(said, markup=False)
            self.explain_in_dialog(said)

    def _write(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
