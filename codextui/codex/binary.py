"""Find the Codex binary to run, and its version."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from codextui.errors import CodexMissing

Origin: TypeAlias = Literal["config", "package", "PATH"]
"""Where a binary was found: named by the configuration, the `codextui[codex]` extra, `PATH`."""

Version: TypeAlias = tuple[int, int, int]
"""Major, minor, patch."""

INSTALL = "Type: pip install 'codextui[codex]'   or: npm install -g @openai/codex"
"""What to type where there is no usable Codex."""

_PACKAGE = "codex_cli_bin"
_VERSION_TIMEOUT = 10
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_NO_APP_SERVER = ("stdin is not a terminal", "unrecognized subcommand")
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_EXE = "codex.exe" if os.name == "nt" else "codex"


@dataclass(frozen=True, slots=True)
class CodexBinary:
    """A Codex binary that can be run.

    Attributes:
        path: the native binary, absolute; never npm's node wrapper where that can be seen through.
        version: what `--version` says.
        origin: where it was found.
    """

    path: Path
    version: Version
    origin: Origin

    @property
    def version_text(self) -> str:
        """The version as people write it: `0.163.0`."""
        return ".".join(str(part) for part in self.version)


def find_codex(configured: Path | None = None) -> CodexBinary:
    """Return the binary to run: the configured one, otherwise the newest of package and `PATH`.

    Of two of the same version the package's comes first. It runs each candidate with
    `--version`, for 10 s at most, so call it off the event loop.
    Raises CodexMissing, which says where it looked and what to type.
    """
    if configured is not None:
        return _configured(configured)
    found: list[CodexBinary] = []
    troubles: list[str] = []
    for origin, path in _candidates():
        try:
            found.append(_inspect(path, origin))
        except CodexMissing as error:
            troubles.append(str(error))
    if not found:
        where = "; ".join(troubles) or "neither the package openai-codex-cli-bin nor PATH has it"
        raise CodexMissing(f"No usable Codex was found: {where}. {INSTALL}")
    return max(found, key=lambda binary: binary.version)


def native_binary(path: Path) -> Path:
    """Return the native binary behind npm's node wrapper, or `path` itself where it is none.

    npm puts a link to `@openai/codex/bin/codex.js` on `PATH`, which starts the binary of a
    package for the platform (`@openai/codex-linux-x64/vendor/TRIPLE/bin/codex`, up to 0.9x
    `vendor/TRIPLE/codex/codex` in the package itself). Starting it directly saves node's start.
    """
    script = path.resolve()
    if script.suffix != ".js":
        return script
    package = script.parent.parent
    for folder in (package / "node_modules" / "@openai", package.parent, package):
        for binary in _vendored(folder):
            if os.access(binary, os.X_OK):
                return binary
    return script


def shell_words(binary: CodexBinary, home: Path | None) -> str:
    """Return how a shell starts this Codex with this CODEX_HOME, None for the usual one.

    The binary of the package `openai-codex-cli-bin` is not on `PATH`, and another one may be.
    """
    on_path = shutil.which(_EXE)
    is_usual = on_path is not None and native_binary(Path(on_path)) == binary.path.resolve()
    words = _EXE if is_usual else shlex.quote(str(binary.path))
    return words if home is None else f"CODEX_HOME={shlex.quote(str(home))} {words}"


def missing_app_server(binary: CodexBinary, last_errors: Sequence[str]) -> CodexMissing | None:
    """Return the error that says that this Codex has no `app-server`, if that is what it said.

    A Codex that does not know a subcommand takes the word as a prompt, and complains that it
    has no terminal.
    """
    said = "\n".join(last_errors)
    if not any(words in said for words in _NO_APP_SERVER):
        return None
    return CodexMissing(
        f"Codex {binary.version_text} at {binary.path} has no app-server, which codextui needs: "
        f"it takes the word as a prompt. Use 0.153.4 or newer. {INSTALL}"
    )


def _configured(path: Path) -> CodexBinary:
    absolute = path.expanduser()
    named = absolute if absolute.is_absolute() else Path(shutil.which(str(path)) or absolute)
    try:
        return _inspect(named, "config")
    except CodexMissing as error:
        raise CodexMissing(
            f"The configured Codex is of no use: {error}. Correct `binary` under [codex] in the "
            "configuration, or leave it out; a server that runs has to be ended to read it again."
        ) from error


def _candidates() -> Iterator[tuple[Origin, Path]]:
    """Every Codex that can be found, each file once."""
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield "package", Path(spec.origin).parent / "bin" / _EXE
    seen: set[Path] = set()
    for folder in os.get_exec_path():
        path = Path(folder or ".") / _EXE
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield "PATH", path


def _inspect(path: Path, origin: Origin) -> CodexBinary:
    native = native_binary(path)
    return CodexBinary(native.absolute(), _version(native), origin)


def _version(path: Path) -> Version:
    """Ask a binary for its version. Raises CodexMissing naming the binary."""
    try:
        ran = subprocess.run(  # noqa: S603 - a Codex that the user has named or installed
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise CodexMissing(f"{path} cannot be run ({error})") from error
    except subprocess.TimeoutExpired as error:
        raise CodexMissing(
            f"{path} has not said its version within {_VERSION_TIMEOUT} s"
        ) from error
    match = _VERSION.search(ran.stdout.decode("utf-8", "replace")[:1000])
    if ran.returncode != 0 or match is None:
        raise CodexMissing(f"{path} does not say its version: it is no Codex")
    return int(match[1]), int(match[2]), int(match[3])


def _vendored(folder: Path) -> Iterator[Path]:
    target = f"{_MACHINES.get(platform.machine().lower(), '*')}-*{platform.system().lower()}*"
    for vendor in (*sorted(folder.glob("codex-*/vendor")), folder / "vendor"):
        yield from vendor.glob(f"{target}/bin/{_EXE}")
        yield from vendor.glob(f"{target}/codex/{_EXE}")
