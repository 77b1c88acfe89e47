"""Changing a client's configuration file so that nothing of it is lost."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from codextui.config.files import replace_file
from codextui.errors import ConfigInvalid
from codextui.setup import json_file, toml_file
from codextui.setup.recipe import Entry, EntryLocation, Format, obsolete_servers


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of writing an entry.

    Attributes:
        changed: whether the file has changed.
        backup: the copy of the earlier file; None if there was none.
        obsolete: the servers in the file that still start `codex mcp-server`.
    """

    changed: bool
    backup: Path | None = None
    obsolete: tuple[str, ...] = ()


def write_entry(location: EntryLocation, entry: Entry) -> WriteResult:
    """Set a server's entry in a configuration file, which is created if it is missing.

    The file is replaced atomically and keeps its mode. Before, it is copied to `NAME.bak`, or to
    `NAME.bak.1` and so on if there are older copies.

    Raises:
        ConfigInvalid: the file is broken, or cannot be read or written. It has not changed.
    """
    file_format = toml_file if location.format is Format.TOML else json_file
    try:
        path = location.path.resolve()
        before = path.read_bytes() if path.exists() else b""
        text = file_format.set_entry(_decode(before, location), location, entry)
        after = text.encode()
        obsolete = obsolete_servers(file_format.read_servers(text, location))
        if after == before:
            return WriteResult(changed=False, obsolete=obsolete)
        backup = _back_up(path, before) if path.exists() else None
        replace_file(path, after, new_mode=_default_mode())
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = error.strerror if isinstance(error, OSError) else ""
        raise ConfigInvalid(f"{location.path} cannot be changed: {reason or error}") from error
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 40) : error.end]
        raise ConfigInvalid(
            f"{location.path} cannot be changed: what belongs into it is not UTF-8: {around!r}"
        ) from error
    return WriteResult(changed=True, backup=backup, obsolete=obsolete)


def _decode(data: bytes, location: EntryLocation) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid(f"{location.path}:{line}: the file is not in UTF-8") from error


def _back_up(path: Path, data: bytes) -> Path:
    mode = path.stat().st_mode & 0o777
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.bak.{number}" if number else f"{path.name}.bak")
        try:
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return backup


def _default_mode() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask
