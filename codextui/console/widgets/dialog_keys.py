"""The last line of a dialog: its keys, and why another key did nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from codextui.console.bindings import format_keys

_GAP = re.compile("( {2,})")


class DialogKeys(Static):
    """Shows keys with what they do; a line ends between two of them, never within one.

    Where there is no room for all, the last one, which is the way out, stays. The user's own keys
    (`[ui.keys]`) are shown in place of the default ones.
    """

    def __init__(
        self,
        keys: str = "",
        *,
        are_bound: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Show keys.

        Args:
            keys: separated by two blanks or more, as they are by default.
            are_bound: whether they are, and will be, the user's own keys already.
            id: the id of the widget.
        """
        super().__init__(keys, id=id, classes="dialog-keys", markup=False)
        self._note = ""
        self._are_bound = are_bound
        self._bound: dict[str, str] = {}

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)

    def _follow(self, screen: Screen[Any]) -> None:
        if not self._are_bound and (bound := bound_keys(screen)) != self._bound:
            self._bound = bound
            self.refresh(layout=True)

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
        keys = with_bound_keys(str(self.content), self._bound)
        return "   ".join(text for text in (self._note, keys) if text)


def bound_keys(screen: Screen[Any]) -> dict[str, str]:
    """Return the keys of the bindings that work on a screen now: by default → the user's own.

    Both are formatted. The user's key is empty where the binding has none.
    """
    bound: dict[str, list[str]] = {}
    nodes: dict[str, DOMNode] = {}
    for active in screen.active_bindings.values():
        if name := active.binding.id:
            nodes.setdefault(name, active.node)
            bound.setdefault(name, []).append(format_keys(active.binding.key))
    found: dict[str, str] = {}
    for name, keys in bound.items():
        for default in _default_keys(nodes[name], name):
            found.setdefault(default, default if default in keys else keys[0])
    return found


def _default_keys(node: DOMNode, name: str) -> Iterator[str]:
    for cls in type(node).__mro__:
        for binding in vars(cls).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id == name:
                yield from (format_keys(key) for key in binding.key.split(","))


def with_bound_keys(keys: str, bound: Mapping[str, str]) -> str:
    """Replace the default keys at the starts of hints; leave hints out that have no key any more.

    Args:
        keys: hints, separated by two blanks or more.
        bound: the keys as they are by default → as they are (`bound_keys`).
    """
    first, *others = _GAP.split(keys)
    shown = _with_bound(first, bound)
    for gap, hint in zip(others[::2], others[1::2], strict=True):
        if named := _with_bound(hint, bound):
            shown += (gap if shown else "") + named
    return shown


def _with_bound(hint: str, bound: Mapping[str, str]) -> str:
    words = hint.split(" ")
    defaults = list(takewhile(bound.__contains__, words))
    own = list(dict.fromkeys(bound[key] for key in defaults if bound[key]))
    if defaults and not own:
        return ""
    return " ".join([*own, *words[len(defaults) :]])


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
