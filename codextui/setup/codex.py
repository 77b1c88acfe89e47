"""Codex itself, as the client: its agents can then start others that the console shows.

Checked with `codex mcp list` of 0.163.0 and 0.169.0: `[mcp_servers.NAME]` in `config.toml` of
CODEX_HOME, or in a trusted project's `.codex`; `startup_timeout_sec` (10) and `tool_timeout_sec`
(60). Codex starts its servers with a few variables only, so the others go into `env`. A server
with a `url` has `bearer_token_env_var`.
"""

from __future__ import annotations

import os
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.files import with_entry
from codextui.setup.launch import CALL_LIMIT_S, START_LIMIT_S, Endpoint, Launch
from codextui.setup.recipe import Entry, Format, Place, Recipe, Scope

_NOTES = (
    (
        f"tool_timeout_sec is in seconds ({CALL_LIMIT_S // 3600} hours); Codex gives a call 60 "
        "otherwise, and a start 10."
    ),
    "The agents that codextui itself runs read the same file, and do without this entry.",
)


def recipe(launch: Launch, name: str, scope: Scope | None) -> Recipe:
    """What to do for Codex; for the user, if the scope is left open."""
    entry: dict[str, object] = {
        "command": launch.command,
        "args": list(launch.args),
        "startup_timeout_sec": START_LIMIT_S,
        "tool_timeout_sec": CALL_LIMIT_S,
    }
    if launch.locations:
        entry["env"] = dict(launch.locations)
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(reached: Endpoint, name: str, scope: Scope | None) -> Recipe:
    """What to do for Codex that comes by HTTP."""
    entry: Entry = {
        "url": reached.url,
        "bearer_token_env_var": TOKEN_VARIABLE,
        "startup_timeout_sec": START_LIMIT_S,
        "tool_timeout_sec": CALL_LIMIT_S,
    }
    return _recipe(entry, name, scope, (*_NOTES, *reached.notes("Codex")))


def _recipe(entry: Entry, name: str, scope: Scope | None, notes: tuple[str, ...]) -> Recipe:
    home = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")
    folder = Path.cwd() / ".codex" if scope is Scope.PROJECT else home
    place = Place(folder / "config.toml", Format.TOML, "mcp_servers", name)
    trusted = ("Codex reads it in a project that it trusts.",) if scope is Scope.PROJECT else ()
    snippet = with_entry("", place, entry).rstrip()
    return Recipe(f"In {place.path}", snippet, (*notes, *trusted), place, entry)
