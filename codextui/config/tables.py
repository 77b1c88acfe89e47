"""Reads the tables of a configuration file strictly, as dataclasses describe them.

A dataclass describes a table. Its fields are the keys: each is annotated with the reader of its
value, or is itself a dataclass, which describes a table inside the table:

    @dataclass(frozen=True, slots=True)
    class ApprovalsConfig:
        quiet: Annotated[float, number_between(0, 10)] = 0.6

Fields without a reader are not keys. All mistakes in a file are reported together, each as
`FILE:LINE: KEY …` with what would be right.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from codextui.config.readers import Reader, quote, suggest
from codextui.config.toml_lines import describe_syntax_error, line_of
from codextui.errors import ConfigInvalid

_T = TypeVar("_T")

NO_TABLE = "must be a table; write its keys under [{key}]"
"""The problem of a value that should be a table. `{key}` and `{value}` are replaced."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """A mistake in a configuration file.

    Attributes:
        line: the line, from 1, of the key or of the table around it.
        key: the dotted key of the wrong value or table; empty if the file is no TOML.
        problem: the mistake and what would be right, as a sentence after the key's name.
        file: the file's name.
    """

    line: int
    key: str
    problem: str
    file: str

    def __str__(self) -> str:
        key = f"{self.key} " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.problem}"


class ConfigFile:
    """A TOML file and the mistakes that have been found in it.

    Args:
        text: the file's text.
        name: the file's name in messages.
        folder: the folder that paths in the file are relative to.

    Attributes:
        root: the table of the whole file.
        folder: see above.
        problems: the mistakes.

    Raises:
        ConfigInvalid: the text is not TOML.
    """

    def __init__(self, text: str, name: str = "config.toml", folder: Path | None = None) -> None:
        try:
            document = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigInvalid(str(_syntax_mistake(text, name, error))) from error
        self.root = Table(self, "", document)
        self.folder = folder or Path()
        self.problems: list[Mistake] = []
        self._text = text
        self._name = name

    @classmethod
    def load(cls, path: Path | None) -> ConfigFile:
        """Read a file; None, or a file that does not exist, is read as an empty one.

        Raises:
            ConfigInvalid: the file cannot be read or is not TOML.
        """
        if path is None or not path.exists():
            return cls("")
        return cls(read_text(path), str(path), path.absolute().parent)

    def report(self, key: str, problem: str) -> None:
        """Add a mistake.

        Args:
            key: the dotted key of the wrong value or table.
            problem: the mistake and what would be right, as a sentence after the key's name.
        """
        self.problems.append(Mistake(line_of(self._text, key), key, problem, self._name))

    def check(self) -> None:
        """Raise ConfigInvalid with all mistakes, if there are any."""
        if self.problems:
            raise ConfigInvalid("\n".join(map(str, sorted(self.problems))))


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a configuration file.

    Mistakes are reported to the file, and wrong values are left out of what is read.

    Attributes:
        file: the file it is part of.
        key: its dotted key; empty for the root of the file.
        values: its content as TOML has it.
    """

    file: ConfigFile
    key: str
    values: Mapping[str, object]

    def build(self, kind: Callable[..., _T], others: Collection[str] = ()) -> _T:
        """Return the dataclass `kind`, which describes the table.

        Args:
            kind: a dataclass whose keys all have defaults.
            others: keys that are read elsewhere.
        """
        return kind(**self.read(keys_of(kind), others))

    def read(
        self, keys: Mapping[str, Reader | TableReader], others: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return the values of the keys that are there.

        Args:
            keys: the allowed keys and their readers.
            others: allowed keys that are read elsewhere.
        """
        read = {}
        for name, value in self.values.items():
            reader = keys.get(name)
            if isinstance(reader, TableReader):
                read[name] = reader.read(self.subtable(name, reader.problem))
            elif reader is not None:
                with self._reporting(name):
                    read[name] = reader(value)
            elif name not in others:
                self.report(_unknown_key(self.key, name, [*keys, *others]), name)
        return read

    def read_entries(self, read: Callable[[str, object], _T]) -> dict[str, _T]:
        """Return the values of a table whose keys the user names.

        Args:
            read: returns an entry, given its name and value; may raise ConfigInvalid.
        """
        entries = {}
        for name, value in self.values.items():
            with self._reporting(name):
                entries[name] = read(name, value)
        return entries

    def subtable(self, name: str, problem: str = NO_TABLE) -> Table:
        """Return the table `name` inside this one; an empty one if there is none.

        Args:
            name: its key.
            problem: what to report if the value is not a table; see `NO_TABLE`.
        """
        key = self._key_of(name)
        value = self.values.get(name, {})
        if isinstance(value, dict):
            return Table(self.file, key, value)
        self.report(problem.format(key=key, value=quote(value)), name)
        return Table(self.file, key, {})

    def subtables(self, problem: str) -> Iterator[tuple[str, Table]]:
        """Yield the names and tables of a table of tables.

        Args:
            problem: what to report of a value that is not a table; see `NO_TABLE`.
        """
        for name, value in self.values.items():
            table = self.subtable(name, problem)
            if isinstance(value, dict):
                yield name, table

    def report(self, problem: str, name: str = "") -> None:
        """Report a mistake in this table, or in the (dotted) key `name` of it."""
        self.file.report(self._key_of(name) if name else self.key, problem)

    @contextmanager
    def _reporting(self, name: str) -> Iterator[None]:
        try:
            yield
        except ConfigInvalid as error:
            self.report(str(error), name)

    def _key_of(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else name


@dataclass(frozen=True, slots=True)
class TableReader:
    """The reader of a key whose value is a table that no dataclass describes.

    Attributes:
        read: turns the table into a value; reports mistakes to it.
        problem: what to report if the value is not a table; see `NO_TABLE`.
    """

    read: Callable[[Table], Any]
    problem: str = NO_TABLE


@functools.cache
def keys_of(kind: Any) -> Mapping[str, Reader | TableReader]:
    """Return the keys of the table that a dataclass describes, with their readers."""
    hints = get_type_hints(kind, include_extras=True)
    readers = {field.name: _reader_of(hints[field.name]) for field in dataclasses.fields(kind)}
    return {name: reader for name, reader in readers.items() if reader is not None}


def read_text(path: Path) -> str:
    """Return the text of a configuration file, without a byte order mark.

    Raises:
        ConfigInvalid: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigInvalid(f"{path} is not in UTF-8: save it as UTF-8") from error
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}") from error


def find_syntax_mistake(text: str, name: str) -> Mistake | None:
    """Return why a text is no TOML; None if it is."""
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return _syntax_mistake(text, name, error)
    return None


def _syntax_mistake(text: str, name: str, error: Exception) -> Mistake:
    line, problem = describe_syntax_error(text, error)
    return Mistake(line, "", problem, name)


def _reader_of(hint: Any) -> Reader | TableReader | None:
    if dataclasses.is_dataclass(hint):
        return TableReader(lambda table: table.build(cast("type[Any]", hint)))
    return next(iter(getattr(hint, "__metadata__", ())), None)


def _unknown_key(table: str, name: str, known: list[str]) -> str:
    if not table:
        return f"is no section{suggest(name, known, '[{}]')}"
    return f"is no key of [{table}]{suggest(name, known)}"
