"""A Codex profile: a config.toml of its own that is laid over the user's."""

from __future__ import annotations

import tomllib
from pathlib import Path

from codextui.errors import ConfigInvalid
from codextui.wire.fields import JsonObject


def read_profile(home: Path, name: str) -> JsonObject:
    """Return the settings of a profile: those of `NAME.config.toml` in CODEX_HOME.

    `codex --profile NAME` reads the same file; app-server takes no profile for a thread.
    Raises ConfigInvalid.
    """
    path = home / f"{name}.config.toml"
    if Path(name).name != name:
        raise ConfigInvalid(f"A profile's name cannot be {name!r}: it names a file in {home}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigInvalid(f"There is no profile {name!r}: {path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"The profile {name!r} cannot be used: {path}: {error}") from error
