"""`codextui login`: the login of the Codex that codextui uses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A machine whose configured Codex prints how it was started."""
    codex = tmp_path / "my codex"
    codex.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo codex-cli 0.163.0 && exit\n'
        'echo "$CODEX_HOME: $*"; cat; exit 7\n'
    )
    codex.chmod(0o755)
    folder = tmp_path / "config" / "codextui"
    folder.mkdir(parents=True)
    settings = f'[codex]\nbinary = "{codex}"\nhome = "{tmp_path}/own home"\n'
    (folder / "config.toml").write_text(settings)
    return {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ([], "login"),
        (["--status"], "login status"),
        (["--with-api-key"], "login --with-api-key"),
        (["--device-auth"], "login --device-auth"),
    ],
)
def test_the_login_is_that_of_the_configured_codex_and_home(
    env: dict[str, str], tmp_path: Path, arguments: list[str], passed: str
) -> None:
    command = [sys.executable, "-m", "codextui", "login", *arguments]
    ran = subprocess.run(
        command, env=env, input="key", capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 7
    # Codex's own words on other ways name a `codex` that is not on PATH.
    note = "where Codex says `codex login`, type `codextui login`\n"
    assert ran.stderr == ("" if arguments else note)
    assert ran.stdout == f"{tmp_path}/own home: {passed}\nkey"
