"""Finds the Codex binary to run, and its version.

A candidate is the binary that the configuration names; otherwise that of the Python package
`openai-codex-cli-bin` (the extra `codextui[codex]`) and every `codex` on `PATH`.
"""

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
"""Where a binary was found: named in the configuration, in the Python package, on `PATH`."""

Version: TypeAlias = tuple[int, int, int]
"""Major, minor, patch."""

INSTALL_HINT = "Type: pip install 'codextui[codex]'   or: npm install -g @openai/codex"
"""How to install Codex, for error messages."""

VERSION_TIMEOUT = 10.0
"""Seconds that a binary may take to print its version."""

_PACKAGE = "codex_cli_bin"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_NO_APP_SERVER = ("stdin is not a terminal", "unrecognized subcommand")
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_EXE = "codex.exe" if os.name == "nt" else "codex"


@dataclass(frozen=True, slots=True)
class CodexBinary:
    """A Codex binary that can be run.

    Attributes:
        path: absolute; the native binary behind npm's node wrapper where it is found.
        version: as `codex --version` prints it.
        origin: where it was found.
    """

    path: Path
    version: Version
    origin: Origin

    @property
    def version_text(self) -> str:
        """The version as text, such as `0.163.0`."""
        return ".".join(str(part) for part in self.version)


def find_codex(
    configured: Path | None = None, *, version_timeout_s: float = VERSION_TIMEOUT
) -> CodexBinary:
    """Return the configured binary, otherwise the newest one of the package and `PATH`.

    The package wins over `PATH` where both have the same version. Runs every candidate with
    `--version`, so it blocks: call it off the event loop.

    Args:
        configured: the binary that the configuration names: a path, or a name on `PATH`.
        version_timeout_s: seconds that a binary may take to print its version.

    Raises:
        CodexMissing: no usable binary. The message has every problem and how to install Codex.
    """
    if configured is not None:
        return _inspect_configured(configured, version_timeout_s)
    found: list[CodexBinary] = []
    problems: list[str] = []
    for origin, path in _candidates():
        try:
            found.append(_inspect(path, origin, version_timeout_s))
        except CodexMissing as error:
            problems.append(str(error))
    if not found:
        where = "; ".join(problems) or "neither the package openai-codex-cli-bin nor PATH has it"
        raise CodexMissing(f"No usable Codex was found: {where}. {INSTALL_HINT}")
    return max(found, key=lambda binary: binary.version)


def native_binary(path: Path) -> Path:
    """Return the native binary behind npm's node wrapper, or `path` itself where there is none.

    npm links `@openai/codex/bin/codex.js` to `PATH`. That script starts node, and then the binary
    of a package for the platform (`@openai/codex-linux-x64/vendor/TRIPLE/bin/codex`; up to 0.9x
    `vendor/TRIPLE/codex/codex` in the package itself). The binary alone starts faster.
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


def shell_command(binary: CodexBinary, home: Path | None) -> str:
    """Return the shell command that starts this Codex, for people to type.

    It is `codex` where that is this binary, and its path otherwise: the package's binary is not
    on `PATH`, where there may be another one.

    Args:
        binary: the binary.
        home: the CODEX_HOME to set; None for the user's own.
    """
    on_path = shutil.which(_EXE)
    is_on_path = on_path is not None and native_binary(Path(on_path)) == binary.path.resolve()
    command = _EXE if is_on_path else shlex.quote(str(binary.path))
    return command if home is None else f"CODEX_HOME={shlex.quote(str(home))} {command}"


def missing_app_server(binary: CodexBinary, error_lines: Sequence[str]) -> CodexMissing | None:
    """Return the error for a Codex without `app-server`, None where it ended for another reason.

    A Codex that does not know a subcommand takes the word as a prompt, and complains that it
    has no terminal.

    Args:
        binary: what was run.
        error_lines: the last lines of its standard error.
    """
    output = "\n".join(error_lines)
    if not any(text in output for text in _NO_APP_SERVER):
        return None
    return CodexMissing(
        f"Codex {binary.version_text} at {binary.path} has no app-server, which codextui needs: "
        f"it takes the word as a prompt. Use 0.153.4 or newer. {INSTALL_HINT}"
    )


def _inspect_configured(configured: Path, timeout_s: float) -> CodexBinary:
    path = configured.expanduser()
    if not path.is_absolute():
        path = Path(shutil.which(str(configured)) or path)
    try:
        return _inspect(path, "config", timeout_s)
    except CodexMissing as error:
        raise CodexMissing(
            f"The configured Codex is of no use: {error}. Correct `binary` under [codex] in the "
            "configuration, or leave it out; a server that runs has to be ended to read it again."
        ) from error


def _candidates() -> Iterator[tuple[Origin, Path]]:
    """Yield every executable that may be a Codex, each file once."""
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield "package", Path(spec.origin).parent / "bin" / _EXE
    seen: set[Path] = set()
    for folder in os.get_exec_path():
        path = Path(folder or ".") / _EXE
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield "PATH", path


def _inspect(path: Path, origin: Origin, timeout_s: float) -> CodexBinary:
    native = native_binary(path)
    return CodexBinary(native.absolute(), _version(native, timeout_s), origin)


def _version(path: Path, timeout_s: float) -> Version:
    """Run a binary for its version. Raises CodexMissing with the binary's path."""
    try:
        ran = subprocess.run(  # noqa: S603 - named or installed by the user
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise CodexMissing(f"{path} cannot be run ({error})") from error
    except subprocess.TimeoutExpired as error:
        message = f"{path} has not said its version within {timeout_s:g} s"
        raise CodexMissing(message) from error
    match = _VERSION.search(ran.stdout.decode("utf-8", "replace")[:1000])
    if ran.returncode != 0 or match is None:
        raise CodexMissing(f"{path} does not say its version: it is no Codex")
    return int(match[1]), int(match[2]), int(match[3])


def _vendored(folder: Path) -> Iterator[Path]:
    target = f"{_MACHINES.get(platform.machine().lower(), '*')}-*{platform.system().lower()}*"
    for vendor in (*sorted(folder.glob("codex-*/vendor")), folder / "vendor"):
        yield from vendor.glob(f"{target}/bin/{_EXE}")
        yield from vendor.glob(f"{target}/codex/{_EXE}")
