"""The places where a client looks for its servers, and which of several entries it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codextui.errors import ConfigInvalid
from codextui.setup.entries import Starts, describe_start, what_starts
from codextui.setup.recipe import ConfigScope, Entry, EntryLocation, Format

Servers = Mapping[str, object]
"""The settings of servers by name, as they stand in a file."""


@dataclass(frozen=True, slots=True)
class Block:
    """Why a client does not start a server.

    Attributes:
        reason: a sentence, with what to do.
        asks: whether the client asks the person by itself before it starts the server.
    """

    reason: str
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """A place where a client looks for its servers.

    Attributes:
        title: what it is, such as "the local scope".
        path: its file.
        kind: what `codextui setup` calls it; None for what it never writes.
        format: the file's format.
        section: the key of the servers in the file.
        servers: its servers.
        blocked: those that the client does not start, by name.
        only: where it counts, if not here, such as "in /other"; else empty.
        layered: whether its entries add to those of the scopes after it.
        problem: why the file cannot be read; empty if it can be.
    """

    title: str
    path: Path
    kind: ConfigScope | None = None
    format: Format = Format.JSON
    section: str = "mcpServers"
    servers: Servers = field(default_factory=dict)
    blocked: Mapping[str, Block] = field(default_factory=dict)
    only: str = ""
    layered: bool = False
    problem: str = ""

    @property
    def place(self) -> str:
        """The scope and its file."""
        return f"{self.title} ({self.path})"

    def is_same(self, other: Scope) -> bool:
        """Return whether this is the same place as another, whatever is there."""
        return (self.path, self.kind, self.only) == (other.path, other.kind, other.only)

    def location(self, name: str) -> EntryLocation:
        """Return the location of a server in the file."""
        return EntryLocation(self.path, self.format, self.section, name)

    def entry(self, name: str) -> Entry:
        """Return the settings of a server; empty if there are none."""
        settings = self.servers.get(name)
        return settings if isinstance(settings, Mapping) else {}

    def defines(self, name: str) -> bool:
        """Return whether there is a server of that name, which can be started."""
        return not {"command", "url"}.isdisjoint(self.entry(name))


@dataclass(frozen=True, slots=True)
class Started:
    """What a client starts under a name.

    Attributes:
        scope: the scope that says so.
        settings: the server's settings, with those of other scopes if the client adds them.
    """

    scope: Scope
    settings: Entry


def find_started(scopes: Sequence[Scope], name: str) -> Started | None:
    """Return what a client starts here under a name.

    Args:
        scopes: the client's scopes in their order of precedence.
        name: the server's name.
    """
    free = [scope for scope in _here(scopes) if name not in scope.blocked]
    for at, scope in enumerate(free):
        if scope.defines(name):
            layers = free if scope.layered else free[at : at + 1]
            settings: Entry = {}
            for layer in reversed(layers):
                settings = _add(settings, layer.entry(name))
            return None if settings.get("enabled") is False else Started(scope, settings)
    return None


def find_block(scopes: Sequence[Scope], scope: Scope, name: str) -> Block | None:
    """Return why a client does not start a scope's server; None if only another shadows it."""
    started = find_started(scopes, name)
    if started is not None and scopes.index(started.scope) <= scopes.index(scope):
        return None
    if name in scope.blocked:
        return scope.blocked[name]
    for one in (scope, *_here(scopes)):
        if one.entry(name).get("enabled") is False:
            return Block(f"{one.path} says `enabled = false`: set it to true.")
    return None


def choose_scope(
    scopes: Sequence[Scope], name: str, wanted: ConfigScope | None, default: ConfigScope
) -> Scope:
    """Return the scope whose entry is to be written.

    It is the wanted one, else the one that the client starts under that name, else one that has
    the name, else the default.

    Raises:
        ConfigInvalid: the client has no such scope, or the entry is not ours to replace.
    """
    started = find_started(scopes, name)
    if wanted is not None:
        chosen = _first_of_kind(scopes, wanted)
    elif started is not None:
        chosen = started.scope
    else:
        having = [scope for scope in _here(scopes) if scope.defines(name) and scope.kind]
        chosen = having[0] if having else _first_of_kind(scopes, default)
    if started is not None:
        _check_replaceable(started.scope, name, started.settings)
    if chosen.defines(name):
        _check_replaceable(chosen, name, chosen.entry(name))
    if chosen.kind is None:
        raise ConfigInvalid(f"{name} is in {chosen.place}, which codextui does not change")
    return chosen


def tell_entries(client: str, scopes: Sequence[Scope], name: str) -> Iterator[str]:
    """Yield a sentence for each entry of a name here: what it starts, and what shadows it."""
    started = find_started(scopes, name)
    for scope in _here(scopes):
        if not scope.defines(name):
            continue
        text = f"{name} in {scope.place} starts `{describe_start(scope.entry(name))}`"
        if started is not None and scope is started.scope:
            yield f"{text}: {client} starts this one."
        elif name in scope.blocked:
            yield f"{text}: {client} does not start it. {scope.blocked[name].reason}"
        elif started is not None:
            yield f"{text}: {started.scope.title} shadows it."
        else:
            yield f"{text}."


def old_names(scope: Scope) -> tuple[str, ...]:
    """Return the names of a scope's servers that start `codex mcp-server`."""
    old = (Starts.CODEX, Starts.WRAPPED_CODEX)
    return tuple(name for name, entry in scope.servers.items() if what_starts(entry) in old)


def _here(scopes: Sequence[Scope]) -> Iterator[Scope]:
    return (scope for scope in scopes if not scope.only)


def _first_of_kind(scopes: Sequence[Scope], kind: ConfigScope) -> Scope:
    for scope in _here(scopes):
        if scope.kind is kind:
            return scope
    kinds = dict.fromkeys(f"--{scope.kind}" for scope in _here(scopes) if scope.kind)
    raise ConfigInvalid(f"this client has no {kind} scope: type {' or '.join(kinds)}")


def _check_replaceable(scope: Scope, name: str, entry: Entry) -> None:
    other = "codextui" if name != "codextui" else "codextui-2"
    where = f"{name} in {scope.place} starts `{describe_start(entry)}`"
    match what_starts(entry):
        case Starts.OTHER:
            raise ConfigInvalid(
                f"{where}, which is no Codex, and stays: choose another name, such as "
                f"--name {other}"
            )
        case Starts.WRAPPED_CODEX:
            raise ConfigInvalid(
                f"{where}, which only you can change: write codextui in the place of codex there, "
                f"or choose another name, such as --name {other}"
            )
        case Starts.CODEX | Starts.CODEXTUI:
            pass


def _add(below: Entry, above: Entry) -> Entry:
    """Return settings with those of a higher layer; tables are added, values replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _add(old, value) if both else value  # type: ignore[arg-type] # they are tables
    return merged
