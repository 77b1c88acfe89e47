"""Changing a client's configuration file, so that nothing of it can be lost."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codextui.errors import ConfigInvalid
from codextui.setup import json_file
from codextui.setup.recipe import Entry, Format, Place, merge, old_servers


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


_WRITERS: dict[Format, Callable[[str, Place, Entry], str]] = {
    Format.JSON: json_file.with_entry,
    Format.JSONC: json_file.with_entry,
    Format.TOML: with_entry,
}
_READERS: dict[Format, Callable[[str, Place], object]] = {
    Format.JSON: json_file.servers_in,
    Format.JSONC: json_file.servers_in,
    Format.TOML: servers_in,
}


@dataclass(frozen=True, slots=True)
class Written:
    """What was done.

    Attributes:
        changed: whether the file was not as it should be.
        backup: the copy of what it was; None where there was nothing.
        old: the servers in it that still start `codex mcp-server`.
    """

    changed: bool
    backup: Path | None = None
    old: tuple[str, ...] = ()


def write_entry(place: Place, entry: Entry) -> Written:
    """Put a server into a configuration file, which is made where there is none.

    The file is replaced in one step, keeps its mode, and is copied before to `NAME.bak`, or to
    `NAME.bak.1` and so on where there are older copies.

    Raises:
        ConfigInvalid: the file is broken, or cannot be read or written; nothing has changed.
    """
    path = place.path.resolve()
    try:
        before = path.read_bytes() if path.exists() else b""
        text = _WRITERS[place.format](_decode(before, place), place, entry)
        after = text.encode()
        old = old_servers(_READERS[place.format](text, place))
        if after == before:
            return Written(changed=False, old=old)
        path.parent.mkdir(parents=True, exist_ok=True)
        backup = _back_up(path, before) if path.exists() else None
        _replace(path, after)
    except OSError as error:
        said = error.strerror or error
        raise ConfigInvalid(f"{place.path} cannot be changed: {said}") from error
    return Written(changed=True, backup=backup, old=old)


def _decode(data: bytes, place: Place) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid(f"{place.path}:{line}: the file is not in UTF-8") from error


def _back_up(path: Path, data: bytes) -> Path:
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.bak.{number}" if number else f"{path.name}.bak")
        try:
            handle = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _mode(path))
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return backup


def _replace(path: Path, data: bytes) -> None:
    mode = _mode(path) if path.exists() else _new_mode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _new_mode() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask
