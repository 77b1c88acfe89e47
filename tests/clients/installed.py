"""Clients that others wrote, installed once, in the versions that the files beside this name."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from caching import CACHE, locked, unavailable

HERE = Path(__file__).parent
FOLDER = CACHE / "clients"
NODE_PACKAGES = ("package.json", "package-lock.json")
CLAUDE_CODE = ("claude-code/package.json", "claude-code/package-lock.json")
NO_CODEX = "no-codex"
PYTHON_PACKAGES = ("requirements.txt",)
NODE_AT_LEAST = (22, 19)
LONGEST_S = 600


class Installed:
    """Installs what a test asks for. Without npm or a network it fails in CI, else it skips."""

    @cached_property
    def node(self) -> tuple[Path, Path]:
        """A Node that is new enough, and the folder that has `node_modules`."""
        npm = _find_npm()

        def install(folder: Path) -> None:
            for name in NODE_PACKAGES:
                shutil.copy(HERE / name, folder)
            # In place of the binaries that the Codex SDK brings: it is told what to start.
            shutil.copytree(HERE / NO_CODEX, folder / NO_CODEX)
            _run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], folder)

        folder = _install("node", NODE_PACKAGES, install)
        return _find_node(folder), folder

    @cached_property
    def claude(self) -> Path:
        """The folder of Claude Code's program `claude`."""
        npm = _find_npm()

        def install(folder: Path) -> None:
            for name in CLAUDE_CODE:
                shutil.copy(HERE / name, folder)
            _run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], folder)

        return _install("claude-code", CLAUDE_CODE, install) / "node_modules" / ".bin"

    @cached_property
    def python(self) -> Path:
        """The Python of an environment that has the Python SDK 1.x, and the Codex SDK."""

        def install(folder: Path) -> None:
            _run([sys.executable, "-m", "venv", "--clear", str(folder)], folder)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            _run([*pip, "--requirement", str(HERE / "requirements.txt")], folder)

        return _install("python", PYTHON_PACKAGES, install) / "bin" / "python"


def _install(name: str, files: tuple[str, ...], install: Callable[[Path], None]) -> Path:
    """The folder where it is installed; whoever else installs at the moment is waited for."""
    digest = hashlib.sha256(b"".join((HERE / file).read_bytes() for file in files))
    folder = FOLDER / name
    stamp = FOLDER / f"{name}.installed"
    with locked(FOLDER, name):
        if not stamp.exists() or stamp.read_text() != digest.hexdigest():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            stamp.write_text(digest.hexdigest())
    return folder


def _find_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise _unavailable("there is no npm")
    return npm


def _find_node(folder: Path) -> Path:
    """The one that was installed for this machine, else the machine's own."""
    own = shutil.which("node")
    found = [*folder.glob("node_modules/node-*/bin/node"), *([Path(own)] if own else [])]
    for node in found:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        numbers = version.stdout.strip().lstrip("v").split(".")
        if version.returncode == 0 and tuple(map(int, numbers[:2])) >= NODE_AT_LEAST:
            return node
    raise _unavailable(f"there is no Node of {NODE_AT_LEAST[0]}.{NODE_AT_LEAST[1]} or newer")


def _run(command: list[str], folder: Path) -> None:
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    if ran.returncode:
        raise _unavailable(f"{' '.join(command)} failed: {(ran.stdout + ran.stderr)[-1000:]}")


def _unavailable(why: str) -> BaseException:
    return unavailable(f"the clients that others wrote cannot be installed: {why}")
