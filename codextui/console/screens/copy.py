"""Asks which part of an item to copy: all of it, a code block, a command, its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.item_text import ItemPart
from codextui.console.render.palette import Palette
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView, wrap_text
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line

MAX_PARTS = 9
"""Parts that can be chosen, each by a digit."""


class CopyScreen(ModalScreen[str]):
    """Returns the chosen text, empty for none."""

    CSS_PATH: ClassVar = ["dialog.tcss", "copy.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "choose(1)", "Copy all of it", id="copy.all"),
        *(
            Binding(str(n), f"choose({n})", f"Copy part {n}", id=f"copy.part_{n}", show=False)
            for n in range(1, MAX_PARTS + 1)
        ),
        Binding("escape,q", "close", "Copy nothing", id="copy.close"),
    ]

    def __init__(self, parts: Sequence[ItemPart]) -> None:
        """Offer the parts of an item, the whole of it first."""
        super().__init__()
        self._parts = tuple(parts[:MAX_PARTS])

    def compose(self) -> ComposeResult:
        """Yield the parts, each with its first line."""
        with Vertical(classes="dialog"):
            yield Static("Copy", classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield DialogKeys("y all   1-9 a part   esc nothing")

    def action_choose(self, number: int) -> None:
        """Return a part."""
        if number > len(self._parts):
            self.query_one(DialogKeys).explain(f"There is no part {number}.")
        elif self.is_active:
            self.dismiss(self._parts[number - 1].text)

    def action_close(self) -> None:
        """Return nothing."""
        if self.is_active:
            self.dismiss("")

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        text = Text()
        for number, part in enumerate(self._parts, 1):
            count = part.text.count("\n") + 1
            lines = "1 line" if count == 1 else f"{format_count(count)} lines"
            text.append(f" {number}  ", palette.accent)
            text.append(f"{one_line(part.name, 60)}", palette.strong)
            text.append(f"  {lines}\n", palette.muted)
            first = next((line for line in part.text.split("\n") if line.strip()), "")
            text.append(f"    {one_line(first, max(10, width - 5))}\n", palette.muted)
        text.rstrip()
        return wrap_text(text, width, palette.text)
