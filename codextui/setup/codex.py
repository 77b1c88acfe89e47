"""Codex as a client: its agents can start other agents, which the console shows.

Checked with `codex mcp list` of 0.163.0 and 0.169.0:

* Servers are in `[mcp_servers.NAME]` of `config.toml`, in CODEX_HOME or a trusted project's
  `.codex`.
* `startup_timeout_sec` has the default 10, `tool_timeout_sec` 60.
* Codex starts its servers with few variables; `env` adds others.
* A server with a `url` takes its token from the variable `bearer_token_env_var`.
"""

from __future__ import annotations

import os
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.launch import CALL_TIMEOUT_S, START_TIMEOUT_S, HttpEndpoint, Launch
from codextui.setup.recipe import ConfigScope, Entry, EntryLocation, Format, Recipe
from codextui.setup.toml_file import set_entry

_NOTES = (
    (
        f"tool_timeout_sec is in seconds ({CALL_TIMEOUT_S // 3600} hours); Codex gives a call 60 "
        "otherwise, and a start 10."
    ),
    "The agents that codextui itself runs read the same file, and do without this entry.",
)


def stdio_recipe(launch: Launch, name: str, scope: ConfigScope | None) -> Recipe:
    """Return the recipe for Codex; for the user if `scope` is None."""
    entry: dict[str, object] = {
        "command": launch.command,
        "args": list(launch.args),
        "startup_timeout_sec": START_TIMEOUT_S,
        "tool_timeout_sec": CALL_TIMEOUT_S,
    }
    if launch.env:
        entry["env"] = dict(launch.env)
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: ConfigScope | None) -> Recipe:
    """Return the recipe for Codex with a server that it reaches by HTTP."""
    entry: Entry = {
        "url": endpoint.url,
        "bearer_token_env_var": TOKEN_VARIABLE,
        "startup_timeout_sec": START_TIMEOUT_S,
        "tool_timeout_sec": CALL_TIMEOUT_S,
    }
    return _recipe(entry, name, scope, (*_NOTES, *endpoint.notes("Codex")))


def _recipe(entry: Entry, name: str, scope: ConfigScope | None, notes: tuple[str, ...]) -> Recipe:
    home = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")
    in_project = scope is ConfigScope.PROJECT
    folder = Path.cwd() / ".codex" if in_project else home
    location = EntryLocation(folder / "config.toml", Format.TOML, "mcp_servers", name)
    trusted = ("Codex reads it in a project that it trusts.",) if in_project else ()
    snippet = set_entry("", location, entry).rstrip()
    return Recipe(f"In {location.path}", snippet, (*notes, *trusted), location, entry)
