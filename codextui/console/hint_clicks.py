"""Clicks on the keys that a dialog names in its last lines: each does what its key does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from textual import events
from textual.app import App
from textual.errors import NoWidget
from textual.screen import Screen
from textual.widget import Widget

from codextui.console.bindings import format_keys

HINTS_CLASS, HINTS_ID = "dialog-keys", "keys"
"""The class or the id of the widgets whose text is hints: `esc close   ↑ ↓ scroll`."""

_HINT = re.compile(r"\S+(?: \S+)*")
_WORD = re.compile(r"\S+")


def key_at(line: str, x: int, keys: Collection[str]) -> str:
    """Return the key that a click at a cell of a line of hints means; empty if it means none.

    Args:
        line: hints, with two blanks or more between them; each begins with its keys.
        x: the cell. Those of a line of hints are characters.
        keys: the keys that do something now, formatted.
    """
    for hint in _HINT.finditer(line):
        if hint.start() <= x < hint.end():
            named = list(_keys_of(hint, keys))
            under = [key for start, key in named if start <= x < start + len(key)]
            return under[0] if under else named[0][1] if len(named) == 1 else ""
    return ""


def _keys_of(hint: re.Match[str], keys: Collection[str]) -> Iterator[tuple[int, str]]:
    for word in _WORD.finditer(hint.group()):
        if word.group() not in keys:
            return
        yield hint.start() + word.start(), word.group()


async def run_hint(app: App[int], event: events.Click) -> bool:
    """Do what the key does whose hint was clicked; return false if none was."""
    screen = app.screen
    try:
        widget, _ = screen.get_widget_at(event.screen_x, event.screen_y)
    except NoWidget:
        return False
    if not _has_hints(widget):
        return False
    region = widget.content_region
    x, y = event.screen_x - region.x, event.screen_y - region.y
    if not (0 <= x < region.width and 0 <= y < region.height):
        return False
    line = widget.render_line(event.screen_y - widget.region.y).text
    return await _run(app, screen, key_at(line[region.x - widget.region.x :], x, _keys(screen)))


def _has_hints(widget: Widget) -> bool:
    return widget.has_class(HINTS_CLASS) or widget.id == HINTS_ID


def _keys(screen: Screen[object]) -> dict[str, str]:
    """Return the keys that do something now, by how they are shown."""
    return {format_keys(key): key for key, one in screen.active_bindings.items() if one.enabled}


async def _run(app: App[int], screen: Screen[object], shown: str) -> bool:
    key = _keys(screen).get(shown)
    if key is None:
        return False
    active = screen.active_bindings[key]
    return await app.run_action(active.binding.action, active.node)
