"""Copies of this checkout in which codextui was installed as the README says."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from caching import locked, unavailable

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".ci" / "cache" / "documents"
"""The copies are of this checkout, so that no other one shares them."""

SYSTEM_PATH = os.pathsep.join(
    dict.fromkeys([f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"])
)
"""Where the machine's own programs are, Python among them."""

_INSTALLER_VARIABLES = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_CA", "HTTP", "http", "NO_PROXY", "no_")
_LONGEST_S = 900
_MADE = {".git", ".hypothesis", ".venv", "__pycache__", "cache", "venv"}


def installed_clone(name: str, install: str) -> Path:
    """Return a copy of this checkout in which a shell has run `install`.

    It is made once for each state of the checkout; later ones keep its environment while they
    require the same packages. Whoever else makes it is waited for.

    Args:
        name: of the folder.
        install: the command line, run in the copy.
    """
    folder = CACHE / name / "codextui"
    stamp = CACHE / f"{name}.installed"
    files = _files()
    of_all = _digest(files, install)
    with locked(CACHE, name):
        if stamp.exists() and stamp.read_text() == of_all:
            return folder
        stamp.unlink(missing_ok=True)
        of_packages = _digest([ROOT / "pyproject.toml"], sys.version)
        _copy(files, folder, keep_environment=_is(folder / ".venv" / "packages", of_packages))
        _install(install, folder)
        (folder / ".venv" / "packages").write_text(of_packages)
        stamp.write_text(of_all)
    return folder


def copied_clone(name: str, environment: Path) -> Path:
    """Return a copy of this checkout with an environment that is there already."""
    folder = CACHE / name / "codextui"
    stamp = CACHE / f"{name}.copied"
    files = _files()
    of_all = _digest(files, str(environment))
    with locked(CACHE, name):
        if not (stamp.exists() and stamp.read_text() == of_all):
            stamp.unlink(missing_ok=True)
            _copy(files, folder, keep_environment=False)
            (folder / ".venv").symlink_to(environment)
            stamp.write_text(of_all)
    return folder


def installing_environment(home: Path) -> dict[str, str]:
    """The variables of a shell that installs: pip's settings and cache are this machine's."""
    own = {k: v for k, v in os.environ.items() if k.startswith(_INSTALLER_VARIABLES)}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return {**own, "HOME": str(home), "PATH": SYSTEM_PATH, "XDG_CACHE_HOME": cache}


def _files() -> list[Path]:
    """The files of the checkout, as git has them; without git all that no tool has made."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, check=False)
    names = sorted(done.stdout.decode().split("\0"))
    found = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    return found or sorted(_walk(ROOT))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif path.is_dir() and path.name not in _MADE and not path.name.endswith("_cache"):
            yield from _walk(path)


def _digest(files: list[Path], *words: str) -> str:
    digest = hashlib.sha256("\0".join(words).encode())
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _copy(files: list[Path], folder: Path, *, keep_environment: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name == ".venv" and keep_environment:
            continue
        shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    for file in files:
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)


def _install(command: str, folder: Path) -> None:
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=installing_environment(folder.parent),
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    if ran.returncode:
        raise unavailable(f"{command} failed: {(ran.stdout + ran.stderr)[-2000:]}")
