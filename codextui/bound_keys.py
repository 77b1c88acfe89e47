"""The keys as the person has bound them, in every place where keys work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from codextui.keymap import KeyGroup, check_keymap, key_groups


def checked_keys(keys: Mapping[str, str], path: Path | None) -> dict[str, str]:
    """`[ui.keys]` as Textual wants it.

    Args:
        keys: binding id → keys, as they stand in the file.
        path: the configuration's file, to name in messages.

    Raises:
        ConfigInvalid: a binding or a key does not exist, or two bindings have one key.
    """
    if not keys:
        return {}
    from codextui.places import PLACES  # noqa: PLC0415 - has the dialogs: only where needed

    return check_keymap(keys, PLACES, path)


def grouped_keys(keymap: Mapping[str, str]) -> tuple[KeyGroup, ...]:
    """The keys of every place, as `checked_keys` has bound them."""
    from codextui.places import PLACES  # noqa: PLC0415 - has the dialogs: only where needed

    return key_groups(PLACES, keymap)
