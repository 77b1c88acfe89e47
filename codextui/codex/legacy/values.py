"""Converts values of app-server's protocol into those of `codex mcp-server`. Pure.

The old server sent the types of Codex's core as they are, with names in snake case; app-server has
types of its own, with names in camel case. The recordings of 0.153.4 in `tests/contract/legacy`
are the reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from codextui.codex.items import parse_changes
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import FileChange

_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")
_WORD = re.compile(r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+""", re.DOTALL)
_PART = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^'"\\]+)""", re.DOTALL)
_ESCAPED = re.compile(r'\\([$`"\\])')


def snake_case(name: str) -> str:
    """Convert a name from camel case: `inProgress` becomes `in_progress`."""
    return _HUMP.sub(lambda hump: "_" + hump[0], name).lower()


def snake_keys(value: Json, depth: int = 50) -> Json:
    """Convert the keys of all objects in a JSON value to snake case, `depth` levels deep."""
    match value:
        case dict() if depth:
            return {snake_case(key): snake_keys(one, depth - 1) for key, one in value.items()}
        case list() | tuple() if depth:
            return [snake_keys(one, depth - 1) for one in value]
        case _:
            return value


def without_nulls(source: JsonObject) -> dict[str, Json]:
    """Remove the members that are null, which the old server left out."""
    return {key: value for key, value in source.items() if value is not None}


def split_command(line: str) -> list[str]:
    """Split a command line that Codex has joined.

    Follows the rules of a shell: unlike with `shlex.split`, a backslash between double quotes
    escapes the dollar sign and the backtick. A line with an open quote is returned as one word.
    """
    words = _WORD.findall(line)
    if _WORD.sub("", line).strip():
        return [line]
    return [_PART.sub(_unquote, word) for word in words]


def _unquote(part: re.Match[str]) -> str:
    single, double, escaped, bare = part.groups()
    if double is not None:
        return _ESCAPED.sub(r"\1", double)
    return str(next(text for text in (single, escaped, bare) if text is not None))


def file_uri(path: str) -> str:
    """Convert an absolute path to a `file:` URI; other paths stay as they are."""
    return f"file://{quote(path, errors='replace')}" if path.startswith("/") else path


def parsed_cmd(source: JsonObject) -> list[Json]:
    """Convert the `commandActions` of a command to `parsed_cmd`. Raises MessageInvalid."""
    cwd = fields.text_or(source, "cwd")
    return [_action(action, cwd) for action in fields.objects(source, "commandActions")]


def _action(action: JsonObject, cwd: str) -> dict[str, Json]:
    """Convert an action. app-server makes the paths of reads absolute; here they are as typed."""
    renamed = {"cmd" if key == "command" else key: value for key, value in action.items()}
    path, command = action.get("path"), fields.text_or(action, "command")
    if isinstance(path, str) and path not in command:
        renamed["path"] = path.removeprefix(f"{cwd}/")
    return renamed | {"type": snake_case(fields.text(action, "type"))}


def file_changes_by_path(source: JsonObject) -> dict[str, Json]:
    """Convert `changes` to an object of `file_change` by path. Raises MessageInvalid."""
    return {change.path: file_change(change) for change in parse_changes(source)}


def file_change(change: FileChange) -> dict[str, Json]:
    """Convert the change of one file."""
    if change.kind != "update":
        return {"type": change.kind, "content": change.diff}
    diff = change.diff
    if change.move_path:
        diff = diff.removesuffix(f"\n\nMoved to: {change.move_path}")
    return {"type": "update", "unified_diff": diff, "move_path": change.move_path or None}


def duration(milliseconds: int) -> dict[str, Json]:
    """Convert a duration to `{secs, nanos}`."""
    seconds, rest = divmod(milliseconds, 1000)
    return {"secs": seconds, "nanos": rest * 1_000_000}


def error_info(value: Json) -> Json:
    """Convert `codexErrorInfo`, a word or an object of one word with its details."""
    return snake_case(value) if isinstance(value, str) else snake_keys(value)


def permission_profile(sandbox: JsonObject, cwd: str) -> dict[str, Json]:
    """Convert a `SandboxPolicy` to a permission profile. Raises MessageInvalid."""
    kind = fields.text(sandbox, "type")
    if kind == "dangerFullAccess":
        return {"type": "disabled"}
    network = "enabled" if sandbox.get("networkAccess") in (True, "enabled") else "restricted"
    if kind == "externalSandbox":
        return {"type": "external", "network": network}
    entries: list[Json] = [_special("root", "read")]
    if kind == "workspaceWrite":
        entries += _writable(sandbox, cwd)
    files = {"type": "restricted", "entries": entries}
    return {"type": "managed", "file_system": files, "network": network}


def _writable(sandbox: JsonObject, cwd: str) -> list[Json]:
    """Return the writable entries in the old server's order, which has every root twice."""
    roots = [root for root in fields.texts(sandbox, "writableRoots") if root != cwd]
    entries: list[Json] = [_entry(root, "write") for root in (cwd, *roots)]
    for kind, excluded in (("slash_tmp", "excludeSlashTmp"), ("tmpdir", "excludeTmpdirEnvVar")):
        if not fields.flag(sandbox, excluded):
            entries.append(_special(kind, "write"))
    entries += [_entry(root, "write") for root in roots]
    for name in (".git", ".agents", ".codex"):
        for root in (cwd, *roots):
            protected = _entry(f"{root}/{name}", "read")
            entries.append({**protected, "missing_path_behavior": "skip"})
    return entries


def _entry(path: str, access: str) -> dict[str, Json]:
    return {"path": {"type": "path", "path": path}, "access": access}


def _special(kind: str, access: str) -> Mapping[str, Json]:
    return {"path": {"type": "special", "value": {"kind": kind}}, "access": access}
