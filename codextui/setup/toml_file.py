"""Setting a server's entry in a TOML configuration; everything else stays, comments too."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping

from codextui.errors import ConfigInvalid
from codextui.setup.entries import merge_entry
from codextui.setup.recipe import Entry, EntryLocation

_MARK = "\ufeff"
"""The byte order mark, which Windows puts before a file's text."""


def set_entry(text: str, location: EntryLocation, entry: Entry) -> str:
    """Return the text of the file with the entry; the same text if it has it already.

    Other settings of the server, such as `env`, stay.

    Raises:
        ConfigInvalid: the file is broken.
    """
    import tomlkit  # noqa: PLC0415 - slow to import
    from tomlkit.items import InlineTable  # noqa: PLC0415

    mark, text = text[: text.startswith(_MARK)], text.removeprefix(_MARK)
    before = _parse(text, location)
    servers = _table(before, location.section, location)
    settings = merge_entry(_table(servers, location.name, location), entry)
    if servers.get(location.name) == settings:
        return mark + text
    document = tomlkit.parse(text)
    section = document.setdefault(location.section, tomlkit.table(is_super_table=True))
    inline = isinstance(section, InlineTable)
    new = tomlkit.inline_table() if inline else tomlkit.table()
    _update(section.setdefault(location.name, new), settings)
    changed = tomlkit.dumps(document)
    expected = {**before, location.section: {**servers, location.name: settings}}
    if _parse(changed, location) != expected:
        raise ConfigInvalid(f"{location.path} cannot be changed safely: change it by hand")
    return mark + changed


def read_servers(text: str, location: EntryLocation) -> object:
    """Return the section of the servers in the file; None if there is none.

    Raises:
        ConfigInvalid: the file is broken.
    """
    return _parse(text, location).get(location.section)


def _update(table: MutableMapping[str, object], settings: Entry) -> None:
    for key in [key for key in table if key not in settings]:
        del table[key]
    for key, value in settings.items():
        if table.get(key) != value:
            table[key] = value


def _parse(text: str, location: EntryLocation) -> dict[str, object]:
    try:
        return tomllib.loads(text.removeprefix(_MARK))
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{location.path}: {error}") from error


def _table(parent: Mapping[str, object], key: str, location: EntryLocation) -> Mapping[str, object]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise ConfigInvalid(f"{location.path}: {key} must be a table")
    return table
