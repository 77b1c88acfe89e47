"""How a client starts the entry of a server: with which environment, folder and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codextui.errors import ConfigInvalid
from codextui.setup.recipe import Entry

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}")
_FOLDERS = {"workspaceFolder", "userHome"}


@dataclass(frozen=True, slots=True)
class ClientProcess:
    """A client, as it runs.

    Attributes:
        environ: its environment.
        inherited: the variables that it passes on to a server; None for all.
        cwd: its folder.
        home: the user's folder.
    """

    environ: Mapping[str, str]
    inherited: Sequence[str] | None
    cwd: Path
    home: Path


def command_line(entry: Entry, around: ClientProcess) -> list[str]:
    """Return the command line, with its variables replaced. Raises ConfigInvalid."""
    arguments = entry.get("args")
    words = [entry.get("command"), *(arguments if isinstance(arguments, list) else ())]
    return [_expand(word, around) for word in words]


def environment(entry: Entry, around: ClientProcess) -> dict[str, str]:
    """Return the server's environment. Raises ConfigInvalid."""
    passed = entry.get("env_vars")
    names = around.inherited
    if names is not None:
        names = [*names, *(passed if isinstance(passed, list) else ())]
    inherited = {
        name: value for name, value in around.environ.items() if names is None or name in names
    }
    return {**inherited, **_expand_values(entry.get("env"), around)}


def folder(entry: Entry, around: ClientProcess) -> Path:
    """Return the server's folder. Raises ConfigInvalid."""
    return around.cwd / _expand(entry.get("cwd", "."), around)


def headers(entry: Entry, around: ClientProcess) -> dict[str, str]:
    """Return the headers of a request to a server. Raises ConfigInvalid."""
    found = _expand_values(entry.get("headers") or entry.get("http_headers"), around)
    variable = entry.get("bearer_token_env_var")
    if isinstance(variable, str):
        found["Authorization"] = f"Bearer {_expand(f'${{{variable}}}', around)}"
    return found


def _expand_values(values: object, around: ClientProcess) -> dict[str, str]:
    pairs = values.items() if isinstance(values, Mapping) else ()
    return {str(name): _expand(value, around) for name, value in pairs}


def _expand(text: object, around: ClientProcess) -> str:
    def replace(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if name in _FOLDERS:
            return str(around.cwd if name == "workspaceFolder" else around.home)
        value = around.environ.get(name, default)
        if value is None:
            raise ConfigInvalid(f"{name} is not in the environment")
        return value

    expanded = _VARIABLE.sub(replace, str(text))
    if "${" in expanded:
        raise ConfigInvalid(f"only the client itself knows what {expanded} is")
    return expanded
