"""The last line of a dialog: its keys, and why another key did nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

_GAP = re.compile("( {2,})")


class DialogKeys(Static):
    """Shows keys with what they do; a line ends between two of them, never within one.

    Where there is no room for all, the last one, which is the way out, stays.
    """

    def __init__(self, keys: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        """Show `keys`, which are separated by two blanks or more."""
        super().__init__(keys, id=id, classes="dialog-keys", markup=False)
        self._note = ""

    def explain(self, note: str) -> None:
        """Show a note before the keys; remove it where it is empty."""
        if note != self._note:
            self._note = note
            self.set_class(bool(note), "-noted")
            self.refresh(layout=True)

    def render(self) -> Content:
        """Return the keys or the note."""
        return Content("\n".join(wrap_keys(self._text, *self.size)))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Return the lines that are needed."""
        return len(wrap_keys(self._text, width))

    @property
    def _text(self) -> str:
        return "   ".join(text for text in (self._note, str(self.content)) if text)


def wrap_keys(keys: str, width: int, height: int = 100) -> list[str]:
    """Break keys into lines; leave out some where they do not fit, but never the last one.

    Args:
        keys: separated by two blanks or more.
        width: the cells of a line.
        height: the most lines.
    """
    first, *others = _GAP.split(keys)
    hints = [("", first), *zip(others[::2], others[1::2], strict=True)]
    while len(lines := _fill(hints, width)) > max(1, height) and len(hints) > 2:
        del hints[-2]
    return lines


def _fill(hints: Sequence[tuple[str, str]], width: int) -> list[str]:
    lines: list[str] = []
    for gap, hint in hints:
        if lines and cell_len(longer := f"{lines[-1]}{gap}{hint}") <= width:
            lines[-1] = longer
        else:
            lines.append(hint)
    return lines
