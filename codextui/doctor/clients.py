"""Checks the entries of codextui and Codex in the files of MCP clients on this machine."""

from __future__ import annotations

import ipaddress
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from codextui.config.toml_lines import line_of
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.network import why_unreachable
from codextui.errors import ConfigInvalid
from codextui.setup.entries import Starts, what_starts
from codextui.setup.json_document import JsonError, Node, parse
from codextui.setup.old_entries import CLIENTS, OldEntries, old_entries_of
from codextui.setup.recipe import Entry, Format
from codextui.setup.scopes import Scope
from codextui.setup.text_lines import line_of as line_at

MAX_SIZE_FOR_LINES = 512 * 1024
"""Bytes of a file in which the line of an entry is looked for."""


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """An entry of a server in a client's file.

    Attributes:
        setup: the client's name for `codextui setup`.
        client: its name for people.
        scope: the scope that has the entry.
        name: the server's name.
        entry: its settings.
    """

    setup: str
    client: str
    scope: Scope
    name: str
    entry: Entry

    @property
    def remedy(self) -> str:
        """The command that writes the entry anew; empty if none does."""
        scope = self.scope
        entries = OldEntries(
            self.client, self.setup, scope.path, (self.name,), scope.kind, scope.only
        )
        return entries.remedy(self.name)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.scope.path, find_line(self.scope, self.name))


def entries_of(setup: str, title: str, scopes: Sequence[Scope]) -> Iterator[ClientEntry]:
    """Yield all entries in the scopes of a client, however often a file is among them."""
    for scope in scopes:
        for name, entry in scope.servers.items():
            if isinstance(entry, Mapping):
                yield ClientEntry(setup, title, scope, name, entry)


def check_entries(machine: Machine) -> Iterator[Finding]:
    """Check for entries of `codex mcp-server`, and for those of codextui that start nothing."""
    findings: list[Finding] = []
    for setup, client in CLIENTS.items():
        try:
            scopes = client.read_scopes()
        except (OSError, ConfigInvalid) as error:
            found = f"the files of {client.TITLE} cannot be looked at: {error}"
            advice = "What it starts was not checked."
            findings.append(Finding(Severity.ADVICE, "clients.file", found, advice=advice))
            continue
        # What is wrong with Codex's own file, the check of Codex says.
        others = [scope for scope in scopes if scope.path != machine.codex_home / "config.toml"]
        findings += _find_broken_files(client.TITLE, others)
        for entries in old_entries_of(setup, client.TITLE, scopes):
            findings += _tell_old(entries, scopes)
        for entry in entries_of(setup, client.TITLE, scopes):
            if what_starts(entry.entry) is Starts.CODEXTUI:
                findings += _check_program(entry)
    yield from without_repeats(findings)
    if not any(finding.check == "clients.old-entry" for finding in findings):
        yield fine("clients.old-entry", "no client starts the removed `codex mcp-server`")


def without_repeats(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what is found once, where a file is that of several scopes, as in the home folder."""
    seen: set[tuple[str, str, Place | None]] = set()
    for finding in findings:
        key = finding.check, finding.found, finding.place
        if key not in seen:
            seen.add(key)
            yield finding


def _find_broken_files(title: str, scopes: Sequence[Scope]) -> Iterator[Finding]:
    for scope in scopes:
        if scope.problem:
            yield Finding(
                Severity.ADVICE,
                "clients.file",
                f"a file of {title} cannot be read: {scope.problem}",
                Place(scope.path),
                advice="Correct it: the client cannot read it either.",
            )


def _tell_old(entries: OldEntries, scopes: Sequence[Scope]) -> Iterator[Finding]:
    found = (entries.path, entries.only, entries.scope)
    scope = next(one for one in scopes if (one.path, one.only, one.kind) == found)
    where = f" {entries.only}" if entries.only else ""
    for name in entries.names:
        shadowed = name in entries.shadowed
        yield Finding(
            Severity.ADVICE if shadowed else Severity.PROBLEM,
            "clients.old-entry",
            f"{entries.client} starts `codex mcp-server`, which Codex has removed: its server "
            f"{name}{where}" + (" (another entry takes its place here)" if shadowed else ""),
            Place(entries.path, find_line(scope, name)),
            advice="" if entries.remedy(name) else "Write codextui in the place of codex there.",
            command=entries.remedy(name),
        )


def _check_program(entry: ClientEntry) -> Iterator[Finding]:
    url, command = entry.entry.get("url"), entry.entry.get("command")
    if isinstance(url, str):
        yield from _check_url(entry, url)
    elif isinstance(command, str) and "${" not in command:
        missing = _missing(command, entry.scope)
        if missing:
            yield Finding(
                Severity.PROBLEM,
                "clients.program",
                f"{entry.client} starts {command} for its server {entry.name}, {missing}",
                entry.place,
                advice="" if entry.remedy else "Correct the path there.",
                command=entry.remedy,
            )


def _missing(command: str, scope: Scope) -> str:
    """Return what is wrong with a program; empty where it can be started."""
    if os.sep not in command:
        return "" if shutil.which(command) else "which is not on PATH"
    path = Path(command).expanduser()
    if not path.is_absolute():
        path = scope.path.parent / path
    if not path.exists():
        return "which does not exist any more"
    return "" if os.access(path, os.X_OK) else "which cannot be run"


def _check_url(entry: ClientEntry, url: str) -> Iterator[Finding]:
    if not _is_loopback(url):
        return
    why = why_unreachable(url)
    if why:
        address = _address(url)
        yield Finding(
            Severity.ADVICE,
            "clients.http",
            f"{entry.client} looks for codextui at {address} (its server {entry.name}), and "
            f"nobody is there: {why}",
            entry.place,
            command=shlex.join(["codextui", "serve", "--http", address]),
        )


def _address(url: str) -> str:
    """Return the host and port of a URL, without a user's name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_line(scope: Scope, name: str) -> int:
    """Return the line of a server in a scope's file; 0 where it is not known."""
    try:
        if scope.path.stat().st_size > MAX_SIZE_FOR_LINES:
            return 0
        text = scope.path.read_text(encoding="utf-8-sig")
        if scope.format is Format.TOML:
            return line_of(text, f"{scope.section}.{name}")
        start = _find_start(parse(text).root, scope, name)
    except (OSError, ValueError, JsonError):
        return 0
    return line_at(text, start) if start else 0


def _find_start(node: Node, scope: Scope, name: str) -> int:
    """Return where a server's key begins, 0 if nowhere; the section can be anywhere in the file."""
    section = node.member(scope.section)
    server = section.node.member(name) if section is not None else None
    if server is not None and server.node.value == scope.servers.get(name):
        return server.start
    starts = (_find_start(member.node, scope, name) for member in node.members)
    return next((start for start in starts if start), 0)
