"""The dialog that shows and changes the keys of `[ui.keys]`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from codextui.console.bindings import KeyGroup, format_keys
from codextui.console.screens.help import MAX_SEARCH_LENGTH, matching_groups
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.errors import ConfigInvalid
from codextui.text.sanitize import one_line, sanitize

_KEYS_WIDTH = 14
"""Cells of the column of keys."""

_HINTS = "⏎ other key   + one more   ⌫ default   del no key   / search   esc close"

ListKeys = Callable[[], Sequence[KeyGroup]]
"""Returns the keys of all places as they are now."""

Change = Callable[[str, str | None], Awaitable[None]]
"""Gives a binding other keys, or its default ones (None). Raises ConfigInvalid."""


class KeysContext(msgspec.Struct, frozen=True):
    """What the dialog shows and changes.

    Attributes:
        path: the configuration file, which is named.
        list_keys: returns the keys of all places.
        defaults: the keys of each binding where none are configured, in Textual's notation.
        read_keys: returns the keys that are configured, by binding id.
        change: gives a binding other keys; raises ConfigInvalid.
    """

    path: str
    list_keys: ListKeys
    defaults: Mapping[str, str]
    read_keys: Callable[[], Mapping[str, str]]
    change: Change


class KeysScreen(ModalScreen[None]):
    """Lists all bindings; each change is checked as at the start, saved, and applied at once."""

    CSS_PATH: ClassVar = ["dialog.tcss", "keys.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "press(True)", "Press one more key", id="keys.add"),
        Binding("backspace", "reset", "The default keys", id="keys.reset"),
        Binding("delete", "unbind", "No key", id="keys.unbind"),
        Binding("slash", "search", "Search", id="keys.search"),
        Binding("j", "move(1)", "Next one", show=False, id="keys.next"),
        Binding("k", "move(-1)", "Previous one", show=False, id="keys.previous"),
        Binding("escape", "close", "Clear the search, or close", id="keys.close"),
    ]

    def __init__(self, context: KeysContext) -> None:
        """Show the keys of `context`."""
        super().__init__()
        self._shown = context
        self._search = ""
        self._ids: list[str] = []
        self._pressing = ""
        self._adds = False

    def compose(self) -> ComposeResult:
        """Yield the search, the bindings, and what the one of the cursor is called."""
        with Vertical(classes="dialog"):
            yield Static("Keys of the console", classes="dialog-title", markup=False)
            yield Static(one_line(self._shown.path), classes="dialog-quiet", markup=False)
            yield LineInput(
                id="search",
                placeholder="a key, or what it does",
                max_length=MAX_SEARCH_LENGTH,
                compact=True,
            )
            yield OptionList(compact=True)
            yield Static(id="about", classes="dialog-quiet", markup=False)
            yield Static(id="said", markup=False)
            yield DialogKeys(_HINTS, id="hints")

    def on_mount(self) -> None:
        """List all keys."""
        self.query_one("#search").display = False
        self._list()
        self.query_one(OptionList).focus()

    # The list.

    def _list(self) -> None:
        """List what the search finds; the cursor stays on its binding."""
        listed = self.query_one(OptionList)
        current = self._current
        defaults = self._shown.defaults
        configured = self._shown.read_keys()
        options: list[Option] = []
        self._ids = []
        for group in matching_groups(self._shown.list_keys(), self._search):
            rows = [row for row in group.keys if row.binding_id in defaults]
            if rows:
                options.append(Option(Content.styled(group.title, "bold"), disabled=True))
                self._ids.append("")
            for row in rows:
                is_own = row.binding_id in configured
                options.append(Option(_line(row.keys, row.description, is_own=is_own)))
                self._ids.append(row.binding_id)
        listed.clear_options()
        listed.add_options(options or [Option("No key does that.", disabled=True)])
        choices = [at for at, id_ in enumerate(self._ids) if id_]
        if choices:
            at = self._ids.index(current) if current in self._ids and current else choices[0]
            listed.highlighted = at
        self._show_about()

    @property
    def _current(self) -> str:
        """The id of the binding of the cursor; empty if there is none."""
        at = self.query_one(OptionList).highlighted
        return self._ids[at] if at is not None and at < len(self._ids) else ""

    @on(OptionList.OptionHighlighted)
    def _show_about(self) -> None:
        about = ""
        if current := self._current:
            default = format_keys(self._shown.defaults[current]) or "none"
            about = f"{current}   default: {default}"
        self.query_one("#about", Static).update(about)

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        listed = self.query_one(OptionList)
        if step > 0:
            listed.action_cursor_down()
        else:
            listed.action_cursor_up()

    # The search.

    def action_search(self) -> None:
        """Write what to look for."""
        field = self.query_one("#search", Input)
        field.display = True
        field.focus()

    @on(Input.Changed)
    def _look_for(self, message: Input.Changed) -> None:
        self._search = message.value
        self._list()

    @on(Input.Submitted)
    def _choose(self) -> None:
        self.query_one(OptionList).focus()

    def action_close(self) -> None:
        """Clear the search, or close the dialog."""
        field = self.query_one("#search", Input)
        if field.display:
            field.value = ""
            field.display = False
            self.query_one(OptionList).focus()
        elif self.is_active:
            self.dismiss(None)

    # Changes.

    @on(OptionList.OptionSelected)
    def _replace(self) -> None:
        self.action_press(adds=False)

    def action_press(self, adds: bool) -> None:
        """Wait for the key that the binding gets: in place of its keys, or beside them."""
        if self._current:
            self._pressing, self._adds = self._current, adds
            self._say("")
            what = "one more key" if adds else "the new key"
            self.query_one("#hints", Static).update(f"Press {what} …   esc: none")
            self.add_class("-pressing")

    def take_key(self, key: str) -> bool:
        """Take the key that is waited for; return false while none is."""
        if not self._pressing:
            return False
        binding_id, self._pressing = self._pressing, ""
        self.query_one("#hints", Static).update(_HINTS)
        self.remove_class("-pressing")
        if key != "escape":
            keys = self._keys_of(binding_id) if self._adds else []
            self._change(binding_id, ",".join(dict.fromkeys([*keys, key])))
        return True

    def _keys_of(self, binding_id: str) -> list[str]:
        configured = self._shown.read_keys().get(binding_id)
        keys = self._shown.defaults[binding_id] if configured is None else configured
        return [key.strip() for key in keys.split(",") if key.strip()]

    def action_reset(self) -> None:
        """Give the binding its default keys."""
        if self._current in self._shown.read_keys():
            self._change(self._current, None)
        elif self._current:
            self._say("It has its default keys.")

    def action_unbind(self) -> None:
        """Leave the binding without a key."""
        if self._current:
            self._change(self._current, "")

    def _change(self, binding_id: str, keys: str | None) -> None:
        if keys == self._shown.defaults[binding_id]:
            keys = None
        work = self._save(binding_id, keys)
        self.run_worker(work, group="save", exit_on_error=False)

    async def _save(self, binding_id: str, keys: str | None) -> None:
        try:
            await self._shown.change(binding_id, keys)
        except ConfigInvalid as error:
            self._say(f"Nothing was changed. {error}", is_problem=True)
            return
        self._list()
        now = format_keys(self._shown.defaults[binding_id] if keys is None else keys)
        self._say(f"Saved, and in use: {binding_id} is {now or 'without a key'}.")

    def _say(self, text: str, *, is_problem: bool = False) -> None:
        line = self.query_one("#said", Static)
        line.update(sanitize(text))
        line.set_class(is_problem, "-problem")


def _line(keys: str, description: str, *, is_own: bool) -> Content:
    mark = "• " if is_own else "  "
    shown = keys or "—"
    return Content.assemble(mark, (f"{shown:<{_KEYS_WIDTH}}", "bold"), description)
