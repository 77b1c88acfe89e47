"""Putting a server into a TOML configuration, with its comments kept."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from codextui.errors import ConfigInvalid
from codextui.setup.recipe import Entry, Place, merge


def with_entry(text: str, place: Place, entry: Entry) -> str:
    """The text of the file with the server in it; the same text where it is there already.

    Settings of the server that codextui does not know, such as `env`, stay.

    Raises:
        ConfigInvalid: the file is broken.
    """
    import tomlkit  # noqa: PLC0415 - only who needs it pays for it
    from tomlkit.items import InlineTable  # noqa: PLC0415

    before = _load(text, place)
    servers = _table(before, place.section, place)
    settings = merge(_table(servers, place.name, place), entry)
    if servers.get(place.name) == settings:
        return text
    document = tomlkit.parse(text)
    section = document.setdefault(place.section, tomlkit.table(is_super_table=True))
    inline = isinstance(section, InlineTable)
    server = section.setdefault(place.name, tomlkit.inline_table() if inline else tomlkit.table())
    for key in [key for key in server if key not in settings]:
        del server[key]
    for key, value in settings.items():
        if server.get(key) != value:
            server[key] = value
    written = tomlkit.dumps(document)
    expected = {**before, place.section: {**servers, place.name: settings}}
    if _load(written, place) != expected:
        raise ConfigInvalid(f"{place.path} cannot be changed safely: change it by hand")
    return written


def servers_in(text: str, place: Place) -> object:
    """What the file has in its section. Raises ConfigInvalid."""
    return _load(text, place).get(place.section)


def _load(text: str, place: Place) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{place.path}: {error}") from error


def _table(parent: Mapping[str, object], key: str, place: Place) -> Mapping[str, object]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise ConfigInvalid(f"{place.path}: {key} must be a table")
    return table
