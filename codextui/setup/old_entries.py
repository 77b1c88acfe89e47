"""Finds entries in the files of known clients that start `codex mcp-server`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codextui.setup import claude_code, codex, cursor, inspector, vscode
from codextui.setup.entries import Starts, what_starts
from codextui.setup.recipe import ConfigScope
from codextui.setup.scopes import Scope, find_started, old_names

CLIENTS: Final = {
    "codex": codex,
    "claude-code": claude_code,
    "cursor": cursor,
    "vscode": vscode,
    "inspector": inspector,
}
"""The clients whose files are known, by their names for `codextui setup`."""


@dataclass(frozen=True, slots=True)
class OldEntries:
    """Entries of one scope that start `codex mcp-server`, which Codex has removed.

    Attributes:
        client: the client's name.
        setup: the client's name for `codextui setup`.
        path: the file.
        names: the servers' names.
        scope: the scope, for `codextui setup`; None where that does not write.
        only: where the scope counts, if not in this folder, such as "in /other"; else empty.
        shadowed: those of the names for which the client starts something else here.
        wrapped: those that are started in a command which only the user can change.
    """

    client: str
    setup: str
    path: Path
    names: tuple[str, ...]
    scope: ConfigScope | None = None
    only: str = ""
    shadowed: tuple[str, ...] = ()
    wrapped: tuple[str, ...] = ()

    def remedy(self, name: str) -> str:
        """Return the command that takes over one of the entries; empty if none does."""
        is_elsewhere = self.only and self.scope is not ConfigScope.LOCAL
        if self.scope is None or is_elsewhere or name in self.wrapped:
            return ""
        folder = f"cd {shlex.quote(self.only.removeprefix('in '))} && " if self.only else ""
        name = shlex.quote(name)  # which somebody else's file may have
        return f"{folder}codextui setup {self.setup} --name {name} --{self.scope} --write"


def find_old_entries() -> tuple[OldEntries, ...]:
    """Look at all scopes of all clients; what cannot be read is left out."""
    return tuple(
        entries
        for setup, client in CLIENTS.items()
        for entries in old_entries_of(setup, client.TITLE, client.read_scopes())
    )


def old_entries_of(setup: str, title: str, scopes: Sequence[Scope]) -> Iterator[OldEntries]:
    """Yield the old entries of one client.

    Args:
        setup: the client's name for `codextui setup`.
        title: its name for people.
        scopes: its scopes in their order of precedence.
    """
    for scope in scopes:
        names = old_names(scope)
        shadowed = tuple(
            name for name in names if not scope.only and not _is_started(scopes, scope, name)
        )
        wrapped = tuple(
            name for name in names if what_starts(scope.entry(name)) is Starts.WRAPPED_CODEX
        )
        if names:
            where = (title, setup, scope.path)
            yield OldEntries(*where, names, scope.kind, scope.only, shadowed, wrapped)


def _is_started(scopes: Sequence[Scope], scope: Scope, name: str) -> bool:
    """Return whether nothing else is started in the place of a scope's server."""
    started = find_started(scopes, name)
    return started is None or started.scope is scope
