"""The screen that lists all keys."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.bindings import KeyGroup
from codextui.console.render.palette import Palette
from codextui.console.widgets.strip_view import StripView, wrap_text

_MIN_DESCRIPTION = 28
"""Cells of the column of descriptions; where there are fewer, the ids stand below them."""


class HelpScreen(ModalScreen[None]):
    """Lists all bindings by the place where they are active."""

    CSS_PATH: ClassVar = ["dialog.tcss", "help.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "close", "Close", id="help.close"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="help.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="help.up"),
    ]

    def __init__(self, groups: Sequence[KeyGroup]) -> None:
        """Show groups made by `codextui.console.bindings.key_groups`."""
        super().__init__()
        self._groups = tuple(groups)

    def compose(self) -> ComposeResult:
        """Yield the keys, and how to rebind them."""
        with Vertical(classes="dialog"):
            yield Static("Keys", classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield Static(
                "The grey ids are for [ui.keys] in config.toml.   esc close",
                classes="dialog-keys",
                markup=False,
            )

    def action_close(self) -> None:
        """Close the screen."""
        if self.is_active:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        rows = [row for group in self._groups for row in group.keys]
        keys_width = max((cell_len(row.keys) for row in rows), default=0) + 3
        ids_width = max((cell_len(row.binding_id) for row in rows), default=0)
        described = width - keys_width - ids_width - 1
        is_narrow = described < _MIN_DESCRIPTION
        if is_narrow:
            described = max(width - keys_width, _MIN_DESCRIPTION // 2)
        text = Text()
        for group in self._groups:
            text.append(f"{group.title}\n", palette.heading)
            for row in group.keys:
                first, *rest = textwrap.wrap(row.description, described) or [""]
                text.append(row.keys.rjust(keys_width - 2) + "  ", palette.accent)
                text.append(first)
                if not is_narrow:
                    text.append(" " * (described - len(first) + 1))
                    text.append(row.binding_id.ljust(ids_width), palette.faint)
                text.append("\n")
                for line in rest:
                    text.append(f"{' ' * keys_width}{line}\n")
                if is_narrow:
                    text.append(f"{' ' * keys_width}{row.binding_id}\n", palette.faint)
            text.append("\n")
        text.rstrip()
        return wrap_text(text, width, palette.text)
