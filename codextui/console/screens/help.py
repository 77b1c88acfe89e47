"""The screen that lists all keys: first those that work where the user is; typing searches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from msgspec import structs
from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, Static

from codextui.console.bindings import KeyGroup, KeyRow
from codextui.console.render.palette import Palette
from codextui.console.screens.dead_keys import MAIN_PLACES
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView, wrap_text

MAX_SEARCH_LENGTH = 60
"""Characters of a text to look for."""

_MIN_DESCRIPTION = 28
"""Cells of the column of descriptions; where there are fewer, the ids stand below them."""


class HelpScreen(ModalScreen[None]):
    """Lists all bindings by the place where they are active; what is typed narrows the list."""

    CSS_PATH: ClassVar = ["dialog.tcss", "help.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "close", "Clear the search, or close", id="help.close"),
        Binding("j,down", "scroll(1)", "Down a line", show=False, id="help.down"),
        Binding("k,up", "scroll(-1)", "Up a line", show=False, id="help.up"),
        Binding("pagedown", "page(1)", "Down a page", show=False, id="help.page_down"),
        Binding("pageup", "page(-1)", "Up a page", show=False, id="help.page_up"),
    ]

    def __init__(self, groups: Sequence[KeyGroup], *, first: str = "") -> None:
        """Show groups made by `codextui.console.bindings.key_groups`, `first` (a title) on top."""
        super().__init__()
        self._groups = here_first(groups, first)
        self._search = ""

    def compose(self) -> ComposeResult:
        """Yield the search, the keys, and how to rebind them."""
        with Vertical(classes="dialog"):
            yield Static("Keys", classes="dialog-title", markup=False)
            yield LineInput(
                id="search",
                placeholder="type to search: a key, or what it does",
                max_length=MAX_SEARCH_LENGTH,
                compact=True,
            )
            yield StripView(self._render_rows, id="body")
            yield DialogKeys("The grey ids are for [ui.keys] in config.toml.   esc close")

    def on_mount(self) -> None:
        """Search from the first key on."""
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _look_for(self, event: Input.Changed) -> None:
        if event.value == "?":  # the key that has opened the list closes it, too
            self.dismiss(None)
            return
        self._search = event.value
        self.query_one(StripView).show(self._render_rows)

    def action_close(self) -> None:
        """Clear the search, or close the screen."""
        if not self.is_active:
            return
        if self._search:
            self.query_one(Input).value = ""
        else:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def action_page(self, direction: int) -> None:
        """Scroll by a page."""
        view = self.query_one(StripView)
        view.scroll_relative(y=direction * max(1, view.size.height - 1), animate=False)

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        groups = matching_groups(self._groups, self._search)
        if not groups:
            return wrap_text(Text("No key does that."), width, palette.muted)
        rows = [row for group in groups for row in group.keys]
        keys_width = max((cell_len(row.keys) for row in rows), default=0) + 3
        ids_width = max((cell_len(row.binding_id) for row in rows), default=0)
        described = width - keys_width - ids_width - 1
        is_narrow = described < _MIN_DESCRIPTION
        if is_narrow:
            described = max(width - keys_width, _MIN_DESCRIPTION // 2)
        text = Text()
        for group in groups:
            text.append(f"{group.title}\n", palette.heading)
            for row in group.keys:
                first, *rest = textwrap.wrap(row.description, described) or [""]
                text.append(row.keys.rjust(keys_width - 2) + "  ", palette.accent)
                text.append(first)
                if not is_narrow:
                    text.append(" " * (described - len(first) + 1))
                    text.append(row.binding_id.ljust(ids_width), palette.muted)
                text.append("\n")
                for line in rest:
                    text.append(f"{' ' * keys_width}{line}\n")
                if is_narrow:
                    text.append(f"{' ' * keys_width}{row.binding_id}\n", palette.muted)
            text.append("\n")
        text.rstrip()
        return wrap_text(text, width, palette.text)


def here_first(groups: Sequence[KeyGroup], first: str) -> tuple[KeyGroup, ...]:
    """Return the groups with what works where the user is on top, and called so.

    Args:
        groups: the keys of every place.
        first: the heading of the bindings of what has the focus; empty for any order.
    """
    if not first:
        return tuple(groups)
    places = (first, *MAIN_PLACES)
    here = sorted((g for g in groups if g.title in places), key=lambda g: places.index(g.title))
    named = [structs.replace(g, title=f"Here: {g.title}") if g.title == first else g for g in here]
    return (*named, *(group for group in groups if group.title not in places))


def matching_groups(groups: Sequence[KeyGroup], search: str) -> tuple[KeyGroup, ...]:
    """Return the groups with the rows that have every word of `search`; all if it is empty."""
    words = search.casefold().split()
    found = (
        structs.replace(group, keys=tuple(row for row in group.keys if _has(row, group, words)))
        for group in groups
    )
    return tuple(group for group in found if group.keys)


def _has(row: KeyRow, group: KeyGroup, words: Sequence[str]) -> bool:
    text = f"{row.description} {row.binding_id} {group.title}".casefold()
    return all(word in text or word in row.keys.casefold().split() for word in words)
