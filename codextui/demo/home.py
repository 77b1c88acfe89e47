"""A CODEX_HOME of its own for the scripted model."""

from __future__ import annotations

from pathlib import Path


def write_codex_home(path: Path, base_url: str, *, model: str = "gpt-5.5", extra: str = "") -> Path:
    """Writes the `config.toml` of a CODEX_HOME whose only model provider is the scripted model.

    What Codex would fetch from the network by itself is switched off.

    Args:
        path: the folder, made with mode 0700 where it does not exist. See `scratch_codex_home`
            for a good place: under the temp folder Codex refuses to install its helpers.
        base_url: `ScriptedModel.base_url`.
        model: the model's name; it decides which tools Codex offers.
        extra: more TOML, put after the top-level keys' own: start it with a table header, or
            with keys that are not set yet.

    Returns:
        The same path, to be given to Codex as CODEX_HOME.
    """
    raise NotImplementedError


def scratch_codex_home() -> Path:
    """Makes a new empty folder for a CODEX_HOME under `$XDG_CACHE_HOME/codextui/` (0700).

    The caller removes it.
    """
    raise NotImplementedError
