"""Codex as a client: its agents can start other agents, which the console shows.

Checked with `codex mcp list` of 0.163.0 and 0.169.0:

* Servers are in `[mcp_servers.NAME]` of `config.toml`, in CODEX_HOME, in `/etc/codex`, and in
  `.codex` of a trusted project: of the folder and its parents up to the root of the repository.
  Tables of one name are added, and the nearest counts; `enabled = false` switches a server off.
* `codex --profile NAME` adds `NAME.config.toml` in CODEX_HOME.
* `startup_timeout_sec` has the default 10, `tool_timeout_sec` 60.
* Codex starts its servers with few variables; `env` adds others.
* A server with a `url` takes its token from the variable `bearer_token_env_var`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from codextui.config.address import TOKEN_VARIABLE
from codextui.errors import ConfigInvalid
from codextui.setup.entries import conceal_values, merge_entry
from codextui.setup.files import read_document, read_scope
from codextui.setup.launch import CALL_TIMEOUT_S, START_TIMEOUT_S, HttpEndpoint, Launch
from codextui.setup.project import find_root, main_root
from codextui.setup.recipe import ConfigScope, Entry, Format, Recipe
from codextui.setup.scopes import Block, Scope
from codextui.setup.toml_file import set_entry

TITLE: Final = "Codex"
DEFAULT_SCOPE: Final = ConfigScope.USER
INHERITED: Final = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
)
"""The variables that Codex passes on to a server beside its `env`."""

SYSTEM_FOLDER = Path("/etc/codex")

_NAME = re.compile(r"[A-Za-z0-9_:@/.-]+")  # as `codex mcp add` says
_UNTRUSTED = Block(
    "Codex reads the file once you trust the folder: start `codex` here and say yes.", asks=True
)
_NOTES = (
    (
        f"tool_timeout_sec is in seconds ({CALL_TIMEOUT_S // 3600} hours); Codex gives a call 60 "
        "otherwise, and a start 10."
    ),
    "The agents that codextui itself runs read the same file, and do without this entry.",
)


def read_scopes() -> tuple[Scope, ...]:
    """Return Codex's scopes in their order of precedence, then its profiles."""
    home = _home()
    user = _scope("the user's file", home / "config.toml", ConfigScope.USER)
    return (
        _scope("the administrator's file", SYSTEM_FOLDER / "managed_config.toml"),
        *_project_scopes(home, user),
        user,
        _scope("the machine's file", SYSTEM_FOLDER / "config.toml"),
        *(
            replace(_scope("the profile's file", path), only=f"with `codex --profile {name}`")
            for path in sorted(home.glob("*.config.toml"))
            if (name := path.name.removesuffix(".config.toml"))
        ),
    )


def _project_scopes(home: Path, user: Scope) -> Iterator[Scope]:
    cwd = Path.cwd()
    root = find_root(cwd, with_head=True) or cwd
    trusted = _trusted_folders(user)
    for folder in (cwd, *cwd.parents):
        path = folder / ".codex" / "config.toml"
        if path.parent != home:
            scope = _scope("the project's file", path, ConfigScope.PROJECT)
            if trusted.isdisjoint(map(str, (folder, root, main_root(root)))):
                scope = replace(scope, blocked=dict.fromkeys(scope.servers, _UNTRUSTED))
            yield scope
        if folder == root:
            return


def _trusted_folders(user: Scope) -> frozenset[str]:
    try:
        projects = read_document(user.path, Format.TOML).get("projects")
    except ConfigInvalid:
        return frozenset()
    return frozenset(
        folder
        for folder, settings in (projects.items() if isinstance(projects, Mapping) else ())
        if isinstance(settings, Mapping) and settings.get("trust_level") == "trusted"
    )


def _scope(title: str, path: Path, kind: ConfigScope | None = None) -> Scope:
    return read_scope(Scope(title, path, kind, Format.TOML, "mcp_servers", layered=True))


def _home() -> Path:
    return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")


def stdio_recipe(launch: Launch, name: str, scope: Scope) -> Recipe:
    """Return the recipe for Codex."""
    entry: dict[str, object] = {
        "command": launch.command,
        "args": list(launch.args),
        "startup_timeout_sec": START_TIMEOUT_S,
        "tool_timeout_sec": CALL_TIMEOUT_S,
    }
    if launch.env:
        entry["env"] = dict(launch.env)
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: Scope) -> Recipe:
    """Return the recipe for Codex with a server that it reaches by HTTP."""
    entry: Entry = {
        "url": endpoint.url,
        "bearer_token_env_var": TOKEN_VARIABLE,
        "startup_timeout_sec": START_TIMEOUT_S,
        "tool_timeout_sec": CALL_TIMEOUT_S,
    }
    return _recipe(entry, name, scope, (*_NOTES, *endpoint.notes("Codex")))


def _recipe(entry: Entry, name: str, scope: Scope, notes: tuple[str, ...]) -> Recipe:
    if not _NAME.fullmatch(name):
        raise ConfigInvalid(
            f"{name!r} cannot name a server of Codex: use letters, digits and any of - _ : @ / ."
        )
    location, merged = scope.location(name), merge_entry(scope.entry(name), entry)
    snippet = set_entry("", location, conceal_values(merged, entry)).rstrip()
    return Recipe(f"In {location.path}", snippet, notes, location, merged)
