"""Checks the entries of codextui and Codex in the files of MCP clients on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.setup.old_entries import find_old_entries


def check_entries(_: Machine) -> Iterator[Finding]:
    """Check for entries that still start `codex mcp-server`."""
    found = False
    for entries in find_old_entries():
        for name in entries.names:
            found = True
            where = f" {entries.only}" if entries.only else ""
            shadowed = "; another entry shadows it here" if name in entries.shadowed else ""
            yield Finding(
                Severity.PROBLEM,
                "clients.old-entry",
                f"{entries.client} starts `codex mcp-server`, which Codex has removed: the server "
                f"{name}{where}{shadowed}",
                Place(entries.path),
                advice="" if entries.remedy(name) else _BY_HAND,
                command=entries.remedy(name),
            )
    if not found:
        yield fine("clients.old-entry", "no client starts the removed `codex mcp-server`")


_BY_HAND = "Write codextui in the place of codex there"
