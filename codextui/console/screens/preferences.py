"""The dialog that shows and changes the settings of the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from codextui.config.settings import SettingsFile, check_setting, describe_settings
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.settings_list import SettingsList
from codextui.errors import ConfigInvalid
from codextui.text.sanitize import one_line, sanitize

MAX_KEYS = 20
"""Rebound keys that are listed."""

_LATER = ("clients", "unattended_timeout", "others")
"""Settings of `[approvals]` that the shared server reads when it starts."""

UNSAVED_NOTE = "What you changed is not saved. The same key again leaves without it."
"""Shown by the first key that would leave changes behind."""

Save = Callable[[Mapping[str, str]], Awaitable[None]]
"""Saves values by key; raises ConfigInvalid."""


class PreferencesScreen(ModalScreen[None]):
    """Changes the file when asked to; until then, only the theme is shown as it would be.

    What cannot be saved stays on the screen, with the reason.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "preferences.tcss"]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - Textual's type

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "save", "Save", id="preferences.save"),
        Binding("K", "keys", "Show and change all keys", id="preferences.keys"),
        Binding("escape", "cancel", "Leave without saving", id="preferences.cancel"),
    ]

    def __init__(
        self,
        file: SettingsFile,
        save: Save,
        *,
        themes: Sequence[str],
        preview: Callable[[str], None],
        open_keys: Callable[[], None],
    ) -> None:
        """Create the dialog.

        Args:
            file: the configuration file as it is.
            save: saves values by key; raises ConfigInvalid.
            themes: the names of all themes.
            preview: shows a theme, without saving it.
            open_keys: opens the dialog that changes keys.
        """
        super().__init__()
        self._file = file
        self._save = save
        self._preview = preview
        self._open_keys = open_keys
        keys = file.config.ui.keys
        notes = ["[ui.keys]  K shows and changes all keys"]
        notes += [f"{name} = {value}" for name, value in list(keys.items())[:MAX_KEYS]]
        self._list = SettingsList(describe_settings(file.config), {"ui.theme": themes}, notes)
        self._has_saved = False
        self._leaves_changes = False

    def compose(self) -> ComposeResult:
        """Yield the settings, what the one of the cursor does, and a field for its text."""
        with Vertical(classes="dialog"):
            yield Static("Settings of the console", classes="dialog-title", markup=False)
            yield Static(self._describe_file(), id="file", classes="dialog-quiet", markup=False)
            yield self._list
            yield Static(id="about", classes="dialog-quiet", markup=False)
            yield Input(id="value")
            yield Static(id="problem", markup=False)
            keys = "^s save   esc leave   ↑↓ choose   ←→ change   ⏎ write   ⌫ default   K keys"
            yield DialogKeys(keys)

    def on_mount(self) -> None:
        """Show the first setting."""
        self.query_one("#value").display = False
        self._list.focus()
        self._show_about()
        if self._file.problem:
            problem = "It has mistakes, which must be put right in an editor before it is changed:"
            self._show_problem(f"{problem}\n{self._file.problem}")

    @on(SettingsList.Moved)
    def _show_about(self) -> None:
        setting = self._list.current
        when = " The shared server reads it when it starts." if setting.name in _LATER else ""
        self.query_one("#about", Static).update(f"{setting.about}{when}")

    @on(SettingsList.Changed)
    def _check_change(self, message: SettingsList.Changed) -> None:
        if message.key == "ui.theme":
            self._preview(message.value)
        self._leaves_changes = False
        if not self._file.problem:
            self._show_problem("")

    @on(SettingsList.EditRequested)
    def _open_field(self) -> None:
        field = self.query_one("#value", Input)
        field.value = self._list.value_of(self._list.current)
        field.display = True
        field.focus()

    @on(Input.Submitted)
    def _take_text(self) -> bool:
        """Take the text of the field as the value; return false if it is wrong."""
        text = self.query_one("#value", Input).value.strip()
        try:
            check_setting(self._list.current.key, text)
        except ConfigInvalid as error:
            self._show_problem(f"{self._list.current.name} {error}")
            return False
        self._close_field()
        self._list.change(text)
        return True

    def _close_field(self) -> None:
        self.query_one("#value").display = False
        self._list.focus()

    def action_save(self) -> None:
        """Save what was changed, and close; without a change just close."""
        if self.query_one("#value").display and not self._take_text():
            return
        if self._list.values:
            save = self._save_changes(dict(self._list.values))
            self.run_worker(save, group="save", exclusive=True, exit_on_error=False)
        else:
            self._leave()

    async def _save_changes(self, changes: Mapping[str, str]) -> None:
        try:
            await self._save(changes)
        except ConfigInvalid as error:
            self._show_problem(f"Nothing was saved. {error}")
            return
        self._has_saved = True
        self._leave()

    def action_keys(self) -> None:
        """Show and change the keys."""
        if not self.query_one("#value").display:
            self._open_keys()

    def action_cancel(self) -> None:
        """Close the field, or leave; leaving changes behind takes the key twice."""
        if self.query_one("#value").display:
            self._close_field()
        elif self._list.values and not self._leaves_changes:
            self._leaves_changes = True
            self._show_problem(UNSAVED_NOTE)
        else:
            self._leave()

    def _leave(self) -> None:
        if not self._has_saved:
            self._preview("")
        if self.is_active:
            self.dismiss(None)

    def _describe_file(self) -> str:
        path = one_line(str(self._file.path))
        return path if self._file.exists else f"{path} (it is made when you save)"

    def _show_problem(self, problem: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(sanitize(problem))
        line.display = bool(problem)
