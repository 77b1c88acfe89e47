"""Says why a key of the main screen did nothing: not bound here, or bound elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from codextui.console.bindings import KeyGroup, format_keys

MAIN_PLACES = ("Console", "Panes", "Threads")
"""The headings of the bindings that work on the main screen."""


def explain_dead_key(key: str, groups: Iterable[KeyGroup], *, help_key: str = "?") -> str:
    """Return why a key does nothing, and what would be right.

    Args:
        key: in Textual's notation.
        groups: the keys of every place (`codextui.console.bindings.key_groups`).
        help_key: the key that lists all keys, formatted.
    """
    shown = format_keys(key)
    for group in groups:
        for row in group.keys:
            if shown in row.keys.split() and group.title in MAIN_PLACES:
                return f"{shown} works in {_PLACE_NAMES[group.title]}: {row.description}."
    return f"{shown} does nothing here. {help_key} lists every key, and ^p every action."


_PLACE_NAMES = {
    "Console": "the console",
    "Panes": "a pane (tab goes there)",
    "Threads": "the tree (shift+tab goes there)",
}
