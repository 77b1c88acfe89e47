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
            yield Finding(
                Severity.PROBLEM,
                "clients.old-entry",
                f"{entries.client} starts `codex mcp-server`, which Codex has removed: the server "
                f"{name}",
                Place(entries.path),
                command=f"codextui setup {entries.setup} --name {name} --write",
            )
    if not found:
        yield fine("clients.old-entry", "no client starts the removed `codex mcp-server`")
