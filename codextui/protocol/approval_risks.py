"""What an approval risks, in a few words, and which requests are the same command. Pure.

The words point at what deserves a second look; they are a help for the person who decides, not a
safeguard (`codextui.text.shell`).
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator

from codextui.protocol.approval_parts import name_hidden
from codextui.protocol.approval_text import request_parts
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.text.sanitize import to_json
from codextui.text.shell import (
    DELETES,
    FORCES,
    INTO_SHELL,
    NETWORK,
    OUTSIDE,
    PUBLISHES,
    ROOT,
    find_unusual,
    strip_shell,
)

HIDDEN = "hidden characters"
UNSHOWN = "not shown by Codex"
WRITES_FOLDER = "opens a folder"
PERMISSIONS = "more permissions"
UNKNOWN = "unknown request"

_SEVERITY = {
    HIDDEN: 6,
    ROOT: 5,
    INTO_SHELL: 5,
    DELETES: 4,
    FORCES: 4,
    UNSHOWN: 4,
    PUBLISHES: 3,
    PERMISSIONS: 3,
    UNKNOWN: 3,
    WRITES_FOLDER: 3,
    OUTSIDE: 2,
    NETWORK: 1,
}

RISKS: tuple[str, ...] = tuple(_SEVERITY)
"""Every risk that is named, the gravest first."""

MAX_SAME = 20_000
"""Characters of a command above which it is never taken for the same as another."""

_SHELL_ONLY = frozenset("$`*?[]{}~|&;<>()#!\\\n")
"""What a shell takes apart or expands: a script with it is compared as it is written."""


def risks_of(asked: Asked) -> tuple[str, ...]:
    """Return what a request risks, the gravest first; empty for nothing unusual."""
    found = {*_risks(asked), *([HIDDEN] if name_hidden(request_parts(asked)) else [])}
    return tuple(risk for risk in RISKS if risk in found)


def risk_weight(risks: tuple[str, ...]) -> tuple[int, int]:
    """Return how grave risks are, for sorting: the gravest one, then how many there are."""
    return (max((_SEVERITY[risk] for risk in risks), default=0), len(risks))


def same_key(asked: Asked) -> tuple[str, ...] | None:
    """Return what the same requests have in common; None for one that is like no other.

    Of commands that is their arguments, without the shell in which Codex wraps them; of tools
    what is called, and with what.
    """
    match asked:
        case CommandAsked(command, stdin=False) if len(command) <= MAX_SAME:
            return ("command", *_words(strip_shell(command).strip()))
        case ToolAsked(tool, arguments, server):
            return ("tool", server, tool, to_json(arguments)[:MAX_SAME])
        case _:
            return None


def _risks(asked: Asked) -> Iterator[str]:
    match asked:
        case CommandAsked(stdin=True):
            return
        case CommandAsked(command, cwd):
            for unusual in find_unusual(strip_shell(command), cwd):
                yield from unusual.what
            yield from [NETWORK] if asked.network else []
            yield from [PERMISSIONS] if asked.permissions else []
        case PatchAsked(changes, _, grant_root):
            yield from [WRITES_FOLDER] if grant_root else []
            yield from [] if changes else [UNSHOWN]
            yield from [DELETES] if any(change.kind == "delete" for change in changes) else []
            yield from [OUTSIDE] if any(map(_leaves, changes)) else []
        case PermissionsAsked():
            yield PERMISSIONS
        case UnknownAsked():
            yield UNKNOWN


def _leaves(change: FileChange) -> bool:
    """Return whether a path points above the folder that it is relative to."""
    paths = (change.path, change.move_path)
    return any(posixpath.normpath(path).startswith("..") for path in paths if path)


def _words(script: str) -> list[str]:
    """Split a script that no shell would expand or take apart; return any other as it is."""
    if not _SHELL_ONLY.isdisjoint(script):
        return [script]
    try:
        return shlex.split(script)
    except ValueError:
        return [script]
