"""Rebinding: the keys of `[ui.keys]`, checked, as Textual wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """The keys of one place, for the help screen.

    Attributes:
        title: where they work.
        keys: `(keys as a person reads them, what they do)` pairs.
    """

    title: str
    keys: tuple[tuple[str, str], ...]


def key_groups(
    places: Mapping[str, Sequence[BindingType]], keymap: Mapping[str, str]
) -> tuple[KeyGroup, ...]:
    """The keys of every place (title → its `BINDINGS`) as they are bound now."""
    raise NotImplementedError


def check_keymap(
    keys: Mapping[str, str], places: Mapping[str, Sequence[BindingType]], where: str
) -> dict[str, str]:
    """Check `[ui.keys]` against the bindings of every place; what `App.set_keymap` needs.

    Places are what is active at the same time (a screen and its panes), so that a key may mean
    one thing in the console and another in a dialog.

    Raises:
        ConfigInvalid: unknown ids, keys that do not exist, two bindings on one key; all of
            them in one message that starts with `where` (the file).
    """
    raise NotImplementedError


def is_unbound(binding: Binding) -> bool:
    """Whether the keymap took this binding's key away; footers leave it out."""
    raise NotImplementedError
