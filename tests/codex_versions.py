"""Codex in the versions that npm has, each installed once into the tests' cache.

`codex_versions.json` names the versions with the checksum of their package for each platform, as
npm's registry has it (`npm view @openai/codex@VERSION-PLATFORM dist.integrity`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from functools import cache
from pathlib import Path, PurePosixPath

from caching import CACHE, locked, unavailable

OLDEST = "0.153.4"
NEWEST = "0.171.0"

FOLDER = CACHE / "codex"
CHECKSUMS = json.loads(Path(__file__).with_suffix(".json").read_text())
REGISTRY = os.environ.get("NPM_CONFIG_REGISTRY") or "https://registry.npmjs.org"
LONGEST_S = 600
ATTEMPTS = 3
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


@cache
def codex_version(version: str) -> Path:
    """The native binary of a version, with the programs beside it that it runs.

    It is downloaded where the cache does not have it, which takes a network. Without one the test
    fails in CI, else it skips.
    """
    folder = FOLDER / version
    with locked(FOLDER, version):
        if not folder.exists():
            _install(version, folder)
    (binary,) = folder.glob("vendor/*/bin/codex")
    return binary


def named_codex(name: str) -> Path:
    """The binary of a version that is pinned here, or else the one at a path."""
    return codex_version(name) if name in CHECKSUMS else Path(name)


def codex_153() -> Path:
    """The oldest version that is supported."""
    return codex_version(OLDEST)


def codex_171() -> Path:
    """The newest version that is supported."""
    return codex_version(NEWEST)


def target() -> str:
    """This machine in npm's words."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"


def _install(version: str, folder: Path) -> None:
    """Put it into the folder as a whole or not at all."""
    for left in FOLDER.glob(f"{version}.new-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=f"{version}.new-", dir=FOLDER) as temporary:
        problems: list[str] = []
        for _ in range(ATTEMPTS):
            try:
                archive = _download(version, Path(temporary))
                break
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                problems.append(str(error))
        else:
            why = f"Codex {version} is not in {FOLDER}, and it cannot be downloaded"
            raise unavailable(f"{why}: {problems[-1]}")
        unpacked = Path(temporary) / "unpacked"
        _unpack(archive, unpacked)
        (unpacked / "package").rename(folder)


def _download(version: str, folder: Path) -> Path:
    """Fetch the package by npm, or without it from where npm would fetch it. Checks it."""
    expected = CHECKSUMS[version].get(target())
    if expected is None:
        raise unavailable(f"there is no Codex {version} for {target()}")
    npm = shutil.which("npm")
    archive = folder / "codex.tgz"
    if npm is None:
        url = f"{REGISTRY.rstrip('/')}/@openai/codex/-/codex-{version}-{target()}.tgz"
        with urllib.request.urlopen(url, timeout=60) as response, archive.open("wb") as file:
            shutil.copyfileobj(response, file)
    else:
        _pack(npm, f"@openai/codex@{version}-{target()}", folder).rename(archive)
    with archive.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if f"sha512-{found}" != expected:
        raise ValueError(f"what was downloaded is not the package: sha512-{found}")
    return archive


def _pack(npm: str, package: str, folder: Path) -> Path:
    command = [npm, "pack", package, "--silent", "--cache", str(folder / "npm")]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    if ran.returncode:
        raise ValueError(f"{' '.join(command)} failed: {(ran.stdout + ran.stderr)[-1000:]}")
    return folder / ran.stdout.split()[-1]


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the binary and what it runs, without the program for voices and its libraries."""
    with tarfile.open(archive) as package:
        members = [one for one in package if "voice" not in PurePosixPath(one.name).parts]
        package.extractall(folder, members, filter="data")
