"""Dispatches keys and pastes in their order, and tells text from commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Protocol, runtime_checkable

from textual import events
from textual.app import App
from textual.widgets import Input, TextArea

from codextui.console.bindings import format_keys
from codextui.console.screens.main import MainScreen
from codextui.console.widgets.dialog_keys import DialogKeys

TYPING_PAUSE = 1.5
"""Seconds without a key after which an open composer no longer holds back the approval dialog."""

IGNORED_TEXT = "Letters were ignored: the text field that they were for has gone."

IGNORED_PASTE = "Pasted text was ignored: no text field has the focus."


@runtime_checkable
class TakesKeys(Protocol):
    """A screen that at times takes any key as it is, before the bindings."""

    def take_key(self, key: str) -> bool:
        """Return whether the key was taken."""


class KeyDispatchingApp(App[int]):
    """The input of the console: what is typed for a text field never runs as a command."""

    def __init__(self, typing_pause: float = TYPING_PAUSE) -> None:
        """Create an app.

        Args:
            typing_pause: seconds without a key after which the user no longer types.
        """
        super().__init__()
        self._typing_pause = typing_pause
        self._last_key_at = 0.0
        self._is_typing = False
        self._inputs = 0

    @cached_property
    def main(self) -> MainScreen:
        """The main screen."""
        raise NotImplementedError

    def _build_may_focus(self) -> Callable[[], bool]:
        """Return a function that returns whether the user has done nothing since this call."""
        inputs = self._inputs
        return lambda: self._inputs == inputs

    async def on_event(self, event: events.Event) -> None:
        """Dispatch keys in the order in which they were pressed."""
        if isinstance(event, events.Paste) and not event.is_forwarded:
            self._last_key_at = time.monotonic()
            if (composer := self.main.workbench.opening_composer) is not None:
                composer.receive_paste(event.text)
                return
        if isinstance(event, events.MouseDown):
            self._inputs += 1
            self._is_typing = False
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._inputs += 1
            self.explain_in_dialog("")
            was_typing = self._is_typing and self._is_soon_after_key()
            self._last_key_at = time.monotonic()
            if isinstance(self.screen, TakesKeys) and self.screen.take_key(event.key):
                return
            self._is_typing = event.is_printable and (was_typing or self._takes_text())
            if was_typing and event.is_printable and not self._takes_text():
                self._explain_ignored_text()
                return
            if self.screen is self.main and self.main.keys_are_commands():
                await self._run_key(event)
                return
        await super().on_event(event)

    async def _on_key(self, event: events.Key) -> None:
        """Run the binding of a key that no widget took; say so where there is none."""
        event.prevent_default()  # Textual's own method would look the binding up again
        if await self._check_bindings(event.key):
            return
        if self.screen is self.main:
            self.main.explain_key(event)
        elif not self.main.is_help_key(event.key):
            self.explain_in_dialog(f"{format_keys(event.key)} does nothing here.")
        elif not isinstance(self.focused, Input | TextArea):
            self.main.show_help(self.screen.BINDINGS)

    def explain_in_dialog(self, note: str) -> None:
        """Show a note beside the keys of a dialog until the next key, or remove it."""
        if self.screen_stack and self.screen is not self.main:
            lines = self.screen.query(DialogKeys)
            for keys in lines:
                keys.explain(note)
            if note and not any(keys.display for keys in lines):
                self.bell()

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Run the binding of a key; the one for pictures also above a dialog.

        Textual hides the bindings of the app from a dialog.
        """
        if await super()._check_bindings(key, priority):
            return True
        if priority or not self.screen.is_modal:
            return False
        for namespace, bindings in self.screen._binding_chain:  # noqa: SLF001 - as Textual does
            if namespace is self:
                found = bindings.key_to_bindings.get(key, ())
                actions = [b.action for b in found if b.action == "save_picture"]
                return bool(actions) and await self.run_action(actions[0], self)
        return False

    async def on_click(self, event: events.Click) -> None:
        """Do what a key does whose hint in a dialog was clicked."""
        if self.screen.is_modal:
            from codextui.console.hint_clicks import run_hint  # noqa: PLC0415 - no dialog yet

            await run_hint(self, event)

    def _takes_text(self) -> bool:
        """Return whether what is typed now is text: a field has the focus, or is about to."""
        opening = self.screen is self.main and self.main.workbench.opening_composer is not None
        return opening or isinstance(self.focused, Input | TextArea)

    def _is_soon_after_key(self) -> bool:
        return time.monotonic() - self._last_key_at < self._typing_pause

    def _explain_ignored_text(self) -> None:
        """Say that letters were ignored, as their text field has gone."""
        if not any(one.message == IGNORED_TEXT for one in self._notifications):
            self.notify(IGNORED_TEXT, severity="warning", markup=False)

    def on_paste(self) -> None:
        """Say that pasted text was ignored, if no text field and no dialog took it."""
        if not isinstance(self.focused, Input | TextArea):
            self.notify(IGNORED_PASTE, severity="warning", markup=False)

    async def _run_key(self, event: events.Key) -> None:
        """Run a key's binding at once, as the focused widget takes no text.

        Textual passes a key up from the focused widget and looks its binding up on arrival. By
        then an earlier key may have opened the composer, and a letter of the prompt would run as
        a command.
        """
        if await self._check_bindings(event.key, priority=True):
            return
        if (composer := self.main.workbench.opening_composer) is not None:
            composer.receive_key(event)
        elif not await self._check_bindings(event.key):
            self.main.explain_key(event)
