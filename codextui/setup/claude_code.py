"""Claude Code.

From its documentation (code.claude.com/docs/en/mcp and …/env-vars, autumn 2026), and checked with
`claude mcp get` of 2.1.197:

* A server's name has letters, digits, dashes and underscores.
* The local scope, its default, is in `~/.claude.json` below `projects`, by the root of the
  repository's main worktree, or by the folder. It shadows `.mcp.json` of the folder and its parents
  (section `mcpServers`, the nearest first), which shadows `mcpServers` of `~/.claude.json`.
* `~/.claude.json` changes while Claude Code runs: `claude mcp add-json` and `remove` change it.
* It asks before it starts a server of `.mcp.json`, which shadows nothing until then. The answer
  is in its settings, by the server's name.
* A file of the administrator, `managed-mcp.json`, takes the place of all others.
* A server's `timeout` (milliseconds) limits a whole call and overrides MCP_TOOL_TIMEOUT. Progress
  does not prolong it. It raises the idle limit (30 minutes for stdio) to at least itself.
* MCP_TIMEOUT (milliseconds, default 30,000) limits the start.
* `${NAME}` is replaced from the environment, for example in the `headers` of a server.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from codextui.config.address import TOKEN_VARIABLE
from codextui.errors import ConfigInvalid
from codextui.setup.entries import conceal_values, merge_entry
from codextui.setup.files import read_document, read_scope
from codextui.setup.launch import CALL_TIMEOUT_S, START_TIMEOUT_S, HttpEndpoint, Launch
from codextui.setup.project import exists, find_root, main_root
from codextui.setup.recipe import ConfigScope, Entry, Format, Recipe, json_snippet
from codextui.setup.scopes import Block, Scope
from codextui.text.sanitize import dump_json

TITLE: Final = "Claude Code"
DEFAULT_SCOPE: Final = ConfigScope.PROJECT
INHERITED: Final = None

_NOTES = (
    (
        f"timeout is in milliseconds ({CALL_TIMEOUT_S // 3600} hours) and counts for this server; "
        "MCP_TOOL_TIMEOUT in Claude Code's environment counts for the others."
    ),
    (
        "On a slow machine start Claude Code with "
        f"MCP_TIMEOUT={START_TIMEOUT_S * 1000}: it waits 30 seconds for a server otherwise."
    ),
)
_SHARED = (
    "The file is for all who work on the project, and Claude Code asks before it starts what is in "
    "it. For you alone in this folder, without that question: --local."
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_ASKS = Block(
    "Claude Code asks you once about a server of .mcp.json: start `claude` here and say yes.",
    asks=True,
)
_REJECTED = Block(
    "You have said no to it: `claude mcp reset-project-choices` lets Claude Code ask again."
)
_DISABLED = Block("It is disabled in this folder: `/mcp` in Claude Code enables it.")


def read_scopes() -> tuple[Scope, ...]:
    """Return Claude Code's scopes in their order of precedence."""
    cwd = Path.cwd()
    path = _own_path()
    try:
        own, problem = read_document(path, Format.JSON), ""
    except ConfigInvalid as error:
        own, problem = {}, str(error)
    project = str(main_root(find_root(cwd) or cwd))
    projects = _object(own, "projects")
    settings = _read_settings(cwd)
    state = _Answers(settings, _object(projects, project))
    disabled = dict.fromkeys(state.names("disabledMcpServers"), _DISABLED)
    local = [
        Scope(
            "the local scope",
            path,
            ConfigScope.LOCAL,
            servers=_object(_object(projects, folder), "mcpServers"),
            blocked=disabled,
            only="" if folder == project else f"in {folder}",
            problem=problem,
        )
        for folder in (project, *(folder for folder in projects if folder != project))
    ]
    shared = [
        state.block(read_scope(Scope("the project's file", parent / ".mcp.json", DEFAULT_SCOPE)))
        for parent in (cwd, *cwd.parents[:-1])
    ]
    user = Scope(
        "the user scope",
        path,
        ConfigScope.USER,
        servers=_object(own, "mcpServers"),
        blocked=disabled,
        problem=problem,
    )
    return _with_managed((local[0], *shared, user, *local[1:]))


def stdio_recipe(launch: Launch, name: str, scope: Scope) -> Recipe:
    """Return the recipe for Claude Code."""
    entry: Entry = {
        "type": "stdio",
        "command": launch.command,
        "args": list(launch.args),
        "timeout": CALL_TIMEOUT_S * 1000,
    }
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: Scope) -> Recipe:
    """Return the recipe for Claude Code with a server that it reaches by HTTP."""
    entry: Entry = {
        "type": "http",
        "url": endpoint.url,
        "headers": {"Authorization": f"Bearer ${{{TOKEN_VARIABLE}}}"},
        "timeout": CALL_TIMEOUT_S * 1000,
    }
    return _recipe(entry, name, scope, (_NOTES[0], *endpoint.notes("Claude Code")))


def _recipe(entry: Entry, name: str, scope: Scope, notes: tuple[str, ...]) -> Recipe:
    if not _NAME.fullmatch(name):
        raise ConfigInvalid(
            f"{name!r} cannot name a server of Claude Code: use letters, digits, dashes and "
            "underscores"
        )
    if scope.kind is not DEFAULT_SCOPE:
        return _commands_recipe(entry, name, scope, notes)
    location = scope.location(name)
    merged = merge_entry(scope.entry(name), entry)
    shown = conceal_values(merged, entry)
    return Recipe(
        f"In {location.path}",
        json_snippet(location, shown),
        (*notes, _SHARED, "For all your projects instead: --user."),
        location,
        merged,
    )


def _commands_recipe(entry: Entry, name: str, scope: Scope, notes: tuple[str, ...]) -> Recipe:
    before, kind = scope.entry(name), str(scope.kind)
    merged = merge_entry(before, entry)
    shown = conceal_values(merged, entry)
    remove = ("claude", "mcp", "remove", "--scope", kind, name)
    first = [remove] if name in scope.servers else []
    if not first:
        notes = (*notes, f"`{shlex.join(remove)}` takes it away again.")
    typed = (*first, _add_command(name, kind, shown))
    commands = (*first, _add_command(name, kind, merged))
    return Recipe(
        "Type",
        " && ".join(map(shlex.join, typed)),
        notes,
        entry=merged,
        commands=() if dict(before) == merged else commands,
        undo=(_add_command(name, kind, before),) if name in scope.servers else (),
    )


def _add_command(name: str, scope: str, entry: Entry) -> tuple[str, ...]:
    return ("claude", "mcp", "add-json", "--scope", scope, name, dump_json(entry))


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a person has answered to Claude Code's questions about servers.

    Attributes:
        settings: the settings of the user, which count in every folder, then those of the folder.
        project: what `~/.claude.json` says of the project.
    """

    settings: Sequence[Mapping[str, object]]
    project: Mapping[str, object]

    def names(self, key: str) -> frozenset[str]:
        """Return the names in a list of the project."""
        return _names(self.project, key)

    def block(self, scope: Scope) -> Scope:
        """Return a scope of `.mcp.json` with what Claude Code does not start of it."""
        trusted = self.project.get("hasTrustDialogAccepted") is True
        asked = [*self.settings, self.project] if trusted else self.settings[:1]
        rejected = [_names(one, "disabledMcpjsonServers") for one in (*self.settings, self.project)]
        blocked: dict[str, Block] = {}
        for name in scope.servers:
            key = _same_name(name)
            if name in self.names("disabledMcpServers"):
                blocked[name] = _DISABLED
            elif any(key in names for names in rejected):
                blocked[name] = _REJECTED
            elif not any(
                one.get("enableAllProjectMcpServers") is True
                or key in _names(one, "enabledMcpjsonServers")
                for one in asked
            ):
                blocked[name] = _ASKS
        return replace(scope, blocked=blocked)


def _with_managed(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """Return the scopes with the administrator's file, where there is one."""
    path = _managed_folder() / "managed-mcp.json"
    if not exists(path):
        return scopes
    block = Block(f"Only the servers in {path} count, which your administrator has written.")
    managed = read_scope(Scope("the administrator's file", path))
    return (
        managed,
        *(replace(scope, blocked=dict.fromkeys(scope.servers, block)) for scope in scopes),
    )


def _read_settings(cwd: Path) -> list[Mapping[str, object]]:
    folder = cwd / ".claude"
    return [
        _read_or_nothing(path)
        for path in (
            _own_folder() / "settings.json",
            _managed_folder() / "managed-settings.json",
            folder / "settings.json",
            folder / "settings.local.json",
        )
    ]


def _read_or_nothing(path: Path) -> Mapping[str, object]:
    try:
        return read_document(path, Format.JSON)
    except ConfigInvalid:  # Claude Code says so itself, and does without it
        return {}


def _own_path() -> Path:
    old = _own_folder() / ".config.json"
    if exists(old):
        return old
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json"


def _own_folder() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")


def _managed_folder() -> Path:
    if sys.platform == "darwin":
        return Path("/Library/Application Support/ClaudeCode")
    return Path("/etc/claude-code")


def _object(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _names(parent: Mapping[str, object], key: str) -> frozenset[str]:
    value = parent.get(key)
    return frozenset(map(_same_name, value if isinstance(value, list) else ()))


def _same_name(name: object) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", str(name))
