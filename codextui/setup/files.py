"""Reading a client's configuration files, and changing them so that nothing of them is lost."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from codextui.config.files import replace_file
from codextui.errors import ConfigInvalid
from codextui.setup import json_file, toml_file
from codextui.setup.recipe import Entry, EntryLocation, Format
from codextui.setup.scopes import Scope

MAX_FILE_SIZE = 16 * 1024 * 1024
"""Bytes of a file that is read; larger ones are no configuration."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The result of writing an entry.

    Attributes:
        changed: whether the file has changed.
        backup: the copy of the earlier file; None if there was none.
    """

    changed: bool
    backup: Path | None = None


def read_document(path: Path, file_format: Format) -> Mapping[str, object]:
    """Return what a file of JSON or TOML says; empty if there is no such file.

    Raises:
        ConfigInvalid: it is broken, or cannot be read.
    """
    text = _read_text(path)
    try:
        if not text.strip():
            return {}
        document = tomllib.loads(text) if file_format is Format.TOML else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ConfigInvalid(f"{path} must contain an object")
    return document


def read_scope(scope: Scope) -> Scope:
    """Return a scope with the servers of its file, or with the problem that it has."""
    file_format = toml_file if scope.format is Format.TOML else json_file
    try:
        servers = file_format.read_servers(_read_text(scope.path), scope.location(""))
    except ConfigInvalid as error:
        return replace(scope, problem=str(error))
    return replace(scope, servers=servers if isinstance(servers, Mapping) else {})


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        if path.stat().st_size > MAX_FILE_SIZE:
            raise ConfigInvalid(f"{path} is too large for a configuration")
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}") from error


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
        if after == before:
            return WriteResult(changed=False)
        backup = _back_up(path, before) if path.exists() else None
        try:
            replace_file(path, after, new_mode=_default_mode())
        except BaseException:
            if backup is not None:
                backup.unlink(missing_ok=True)
            raise
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = error.strerror if isinstance(error, OSError) else ""
        raise ConfigInvalid(f"{location.path} cannot be changed: {reason or error}") from error
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 40) : error.end]
        raise ConfigInvalid(
            f"{location.path} cannot be changed: what belongs into it is not UTF-8: {around!r}"
        ) from error
    return WriteResult(changed=True, backup=backup)


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
