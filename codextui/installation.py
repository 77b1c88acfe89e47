"""How this codextui was installed, and what to type to add one of its extras.

codextui is on no package index, where anybody could take its name: the advice names the packages of
the extra themselves, or the folder that codextui was installed from, and never codextui's own name.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

Extra: TypeAlias = Literal["codex", "otel"]
"""An optional part of codextui, as in `pip install '.[codex]'`."""

Installer: TypeAlias = Literal["pip", "uv", "pipx", "uv tool"]
"""What installs packages beside this codextui."""

_PROJECT = "codextui"
_OF_EXTRA = re.compile(r"""([^;]+?)\s*;.*\bextra\s*==\s*['"]([^'"]+)['"]""")
_RECEIPTS: tuple[tuple[str, Installer], ...] = (
    ("uv-receipt.toml", "uv tool"),
    ("pipx_metadata.json", "pipx"),
)


@dataclass(frozen=True, slots=True)
class Installation:
    """How codextui was installed.

    Attributes:
        installer: what installs packages beside it.
        python: the interpreter that runs it, absolute.
        environment: the folder of the interpreter's environment.
        source: the folder it was installed from; None where that is not known or gone.
        requirements: what the installed metadata requires, as lines such as
            `openai-codex-cli-bin>=0.163; extra == 'codex'`.
    """

    installer: Installer
    python: Path
    environment: Path
    source: Path | None = None
    requirements: tuple[str, ...] = ()


def install_command(extra: Extra, installation: Installation | None = None) -> str:
    """Return the shell command that adds an extra to a codextui.

    Args:
        extra: what is missing.
        installation: how that codextui was installed; None for this one.
    """
    there = find_installation() if installation is None else installation
    from_source = f"{there.source or '.'}[{extra}]"
    packages = _packages(extra, there.requirements) or [from_source]
    match there.installer:
        case "uv tool" if there.source is not None:
            return shlex.join(["uv", "tool", "install", from_source])
        case "uv tool" | "uv":
            return shlex.join(["uv", "pip", "install", "--python", str(there.python), *packages])
        case "pipx":
            return shlex.join(["pipx", "inject", there.environment.name, *packages])
        case "pip":
            return shlex.join([str(there.python), "-m", "pip", "install", *packages])


@functools.cache
def find_installation() -> Installation:
    """Return how this codextui was installed, from what the installers leave on the disk."""
    from importlib.metadata import Distribution, PackageNotFoundError  # noqa: PLC0415 - slow

    environment = Path(sys.prefix)
    receipts = (kind for file, kind in _RECEIPTS if (environment / file).exists())
    installer: Installer = next(receipts, "pip" if find_spec("pip") else "uv")
    python = Path(sys.executable)
    try:
        distribution = Distribution.from_name(_PROJECT)
    except PackageNotFoundError:
        return Installation(installer, python, environment)
    source = _source_folder(distribution.read_text("direct_url.json") or "{}")
    requirements = tuple(distribution.requires or ())
    return Installation(installer, python, environment, source, requirements)


def _packages(extra: Extra, requirements: Iterable[str]) -> list[str]:
    """Return the packages of an extra, without those that a machine does not need."""
    found = (_OF_EXTRA.match(line) for line in requirements)
    return [match[1] for match in found if match and match[2] == extra]


def _source_folder(direct_url: str) -> Path | None:
    """Return the folder that `direct_url.json` (PEP 610) names, if it is there."""
    try:
        url = urlsplit(json.loads(direct_url).get("url", ""))
    except (ValueError, AttributeError):
        return None
    folder = Path(unquote(url.path))
    return folder if url.scheme == "file" and folder.is_dir() else None
