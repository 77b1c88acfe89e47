"""A CODEX_HOME of its own for the scripted model."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from pathlib import Path

from codextui.config import paths
from codextui.errors import ConfigInvalid

CONFIG = """\
# Written for a scripted model: nothing here needs a key or the network.
model = {model}
model_provider = "script"
model_providers.script.name = "script"
model_providers.script.base_url = {base_url}
model_providers.script.wire_api = "responses"
model_providers.script.request_max_retries = 0
model_providers.script.stream_max_retries = 0
# These would ask chatgpt.com and github.com.
analytics.enabled = false
check_for_update_on_startup = false
features.apps = false
features.plugins = false
# A login shell would run the user's profile, whose output belongs to no script.
allow_login_shell = false
{extra}"""


def write_codex_home(path: Path, base_url: str, *, model: str = "gpt-5.5", extra: str = "") -> Path:
    """Writes the `config.toml` of a CODEX_HOME whose only model provider is the scripted model.

    What Codex would fetch from the network by itself is switched off: with this configuration
    0.153.4, 0.163.0 and 0.169.0 tried no connection but those to `base_url`.

    Args:
        path: the folder, made with mode 0700 where it does not exist. See `scratch_codex_home`
            for a good place: under the temp folder Codex says on stderr that it refuses to make
            its helper binaries there, and goes on without them.
        base_url: `ScriptedModel.base_url`.
        model: the model's name; it decides which tools Codex offers.
        extra: more TOML, put at the end: keys at the top level, then tables. Features are dotted
            keys here: `features.memories = true`.

    Returns:
        The same path, to be given to Codex as CODEX_HOME.

    Raises:
        ConfigInvalid: `extra` is no TOML, or sets a key that is set here.
    """
    config = CONFIG.format(model=json.dumps(model), base_url=json.dumps(base_url), extra=extra)
    try:
        tomllib.loads(config)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(
            f"The extra configuration of {path} cannot be added: {error}"
        ) from error
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    _write_private(path / "config.toml", config)
    return path


def _write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, at every moment."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def scratch_codex_home() -> Path:
    """Makes a new empty folder for a CODEX_HOME (0700), in codextui's cache folder.

    That is `$XDG_CACHE_HOME/codextui`, else `~/.cache/codextui`. The caller removes it.
    """
    folder = paths.cache_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="codex-home-", dir=folder))


def codex_environment(home: Path) -> dict[str, str]:
    """Returns the environment in which Codex uses that home and asks nobody but its model.

    It is this process's own without the keys and settings of the user's Codex, and with loopback
    kept from any proxy.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CODEX_", "OPENAI_"))
    }
    return {**kept, "CODEX_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
