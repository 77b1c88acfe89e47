"""A CODEX_HOME of its own for the scripted model."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

CONFIG = """\
model = {model}
model_provider = "script"
check_for_update_on_startup = false
{extra}
[model_providers.script]
name = "script"
base_url = {base_url}
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[features]
apps = false
plugins = false

[analytics]
enabled = false
"""


def write_codex_home(path: Path, base_url: str, *, model: str = "gpt-5.5", extra: str = "") -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    c = path / "config.toml"
    c.write_text(CONFIG.format(model=json.dumps(model), base_url=json.dumps(base_url), extra=extra))
    return path


def scratch_codex_home() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "codextui"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="codex-home-", dir=folder))
