"""Says why a key of the main screen did nothing: not bound here, or bound elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

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


def help_keys(groups: Iterable[KeyGroup]) -> tuple[str, ...]:
    """Return the keys that list all keys, formatted."""
    rows = (row for group in groups for row in group.keys if row.binding_id == "console.help")
    return tuple(key for row in rows for key in row.keys.split())


def place_of(bindings: Iterable[BindingType], groups: Iterable[KeyGroup]) -> str:
    """Return the heading under which the help lists some bindings; empty if it does not."""
    ids = {one.id for one in bindings if isinstance(one, Binding)}
    listed = (group.title for group in groups for row in group.keys if row.binding_id in ids)
    return next(listed, "")


_PLACE_NAMES = {
    "Console": "the console",
    "Panes": "a pane (tab goes there)",
    "Threads": "the tree (shift+tab goes there)",
}
