"""Each way onto a machine that the README names, and the advice that adds Codex afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from caching import locked, unavailable
from documents.installed import CACHE, SYSTEM_PATH, installing_environment
from documents.machine import a_machine
from documents.trials import must

pytestmark = [pytest.mark.slow, pytest.mark.contract]

WAYS = {
    "pipx": ("pipx install .", "~/.local/bin/codextui"),
    "uv tool": ("uv tool install .", "~/.local/bin/codextui"),
}
"""What is typed in the clone, and where the program is then. The README's first line tries pip."""


@pytest.fixture(scope="session")
def installers() -> Path:
    """A folder that has pipx and uv."""
    folder = CACHE / "installers"
    programs = folder / "bin"
    with locked(CACHE, "installers"):
        if not (programs / "pipx").exists():
            venv = [sys.executable, "-m", "venv", "--clear", str(folder)]
            pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "uv", "pipx"]
            for command in (venv, pip):
                ran = subprocess.run(command, capture_output=True, text=True, check=False)
                if ran.returncode:
                    raise unavailable(f"pipx and uv cannot be installed: {ran.stderr[-1000:]}")
    return programs


@pytest.mark.parametrize("way", WAYS)
def test_what_is_advised_adds_codex_to_each_kind_of_installation(
    way: str, installers: Path, newcomer_clone: Path
) -> None:
    install, program = WAYS[way]
    with a_machine(newcomer_clone) as machine:
        for name in machine.recorder.variables:  # what is installed comes from an index
            machine.env.pop(name)
        machine.env |= installing_environment(machine.home)
        machine.env["PATH"] = f"{machine.home}/.local/bin:{installers}:{SYSTEM_PATH}"
        machine.cwd = machine.home / "codextui"
        must(machine, install)
        before = machine.run(f"{program} --version --codex").output
        if "No usable Codex" not in before:
            pytest.skip("this machine has a Codex of its own on its PATH")
        [advised] = re.findall(r"Type: (.*?)   or:", before)
        machine.cwd = machine.home
        must(machine, advised)
        assert "openai-codex-cli-bin" in must(machine, f"{program} --version --codex")
