"""Finds the Codex binary to run, and its version.

A candidate is the binary that the configuration names; otherwise that of the Python package
`openai-codex-cli-bin` (the extra `codex`) and every `codex` on `PATH`. The newest of them
is run, so that a newer Codex on `PATH` goes before the package's.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from codextui.codex.versions import (
    OLDEST,
    Version,
    format_version,
    parse_version,
    require_supported,
)
from codextui.errors import CodexMissing
from codextui.installation import install_command

Origin: TypeAlias = Literal["config", "package", "PATH"]
"""Where a binary was found: named in the configuration, in the Python package, on `PATH`."""

ORIGIN_TEXTS: Mapping[Origin, str] = {
    "config": "named in the configuration",
    "package": "the Python package openai-codex-cli-bin",
    "PATH": "on PATH",
}
"""What people read of an origin."""

VERSION_TIMEOUT = 10.0
"""Seconds that a binary may take to print its version."""

SHIM_MARK = "codextui's stand-in for codex"
"""What stands in the second line of a stand-in, by which it is not taken for Codex."""

_FINDING = "CODEXTUI_FINDS_CODEX"
_PACKAGE = "codex_cli_bin"
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
        return format_version(self.version)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A candidate that is not run.

    Attributes:
        path: where it is.
        origin: where it was found.
        version: as text; empty where it does not say one.
        reason: why it is not run.
    """

    path: Path
    origin: Origin
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class CodexSearch:
    """What a search for Codex has found.

    Attributes:
        binary: the one to run; None where none can be used.
        problem: why there is none, and how to install one; empty where there is one.
        passed_over: the other candidates, in the order in which they were found.
    """

    binary: CodexBinary | None
    problem: str = ""
    passed_over: tuple[PassedOver, ...] = ()


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
    search = search_codex(configured, version_timeout_s=version_timeout_s)
    if search.binary is None:
        raise CodexMissing(search.problem)
    return search.binary


def search_codex(
    configured: Path | None = None, *, version_timeout_s: float = VERSION_TIMEOUT
) -> CodexSearch:
    """Return what `find_codex` chooses, and what it passes over with the reasons."""
    if configured is not None:
        try:
            return CodexSearch(_inspect_configured(configured, version_timeout_s))
        except CodexMissing as error:
            return CodexSearch(None, str(error))
    found: list[CodexBinary] = []
    unusable: list[PassedOver] = []
    for origin, path in _candidates():
        try:
            binary = _inspect(path, origin, version_timeout_s)
        except CodexMissing as error:
            unusable.append(PassedOver(path, origin, "", str(error)))
            continue
        try:
            require_supported(binary.version, str(binary.path))
            found.append(binary)
        except CodexMissing as error:
            unusable.append(PassedOver(binary.path, origin, binary.version_text, str(error)))
    if not found:
        problems = "; ".join(one.reason for one in unusable)
        where = problems or "neither the package openai-codex-cli-bin nor PATH has it"
        problem = f"No usable Codex was found: {where}. {install_hint()}"
        return CodexSearch(None, problem, tuple(unusable))
    newest = max(found, key=lambda binary: binary.version)
    others = (_pass_over(one, newest) for one in found if one is not newest)
    return CodexSearch(newest, passed_over=(*others, *unusable))


def _pass_over(binary: CodexBinary, chosen: CodexBinary) -> PassedOver:
    is_older = binary.version < chosen.version
    reason = f"older than {chosen.version_text}" if is_older else "the same version, found later"
    return PassedOver(binary.path, binary.origin, binary.version_text, reason)


def install_hint() -> str:
    """Return how to install Codex, for error messages."""
    return f"Type: {install_command('codex')}   or: npm install -g @openai/codex"


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


def is_on_path(binary: CodexBinary) -> bool:
    """Whether `codex`, typed in this environment, starts this Codex."""
    on_path = shutil.which(_EXE)
    return on_path is not None and native_binary(Path(on_path)) == binary.path.resolve()


def shell_command(binary: CodexBinary, home: Path | None) -> str:
    """Return the shell command that starts this Codex, for people to type.

    It is `codex` where that is this binary, and its path otherwise: the package's binary is not
    on `PATH`, where there may be another one.

    Args:
        binary: the binary.
        home: the CODEX_HOME to set; None for the user's own.
    """
    command = _EXE if is_on_path(binary) else shlex.quote(str(binary.path))
    return command if home is None else f"CODEX_HOME={shlex.quote(str(home))} {command}"


def login_command(binary: CodexBinary, home: Path | None) -> str:
    """Return the shell command that logs this Codex in, for people to type.

    Args:
        binary: the binary.
        home: the CODEX_HOME to set; None for the user's own.
    """
    command = shell_command(binary, home)
    # The package's binary is not on PATH, and its whole path is nothing to type.
    return f"{command} login" if command == _EXE or home is not None else "codextui login"


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
        f"it takes the word as a prompt. Use {format_version(OLDEST)} or newer. {install_hint()}"
    )


def _inspect_configured(configured: Path, timeout_s: float) -> CodexBinary:
    path = configured.expanduser()
    if not path.is_absolute():
        path = next(_on_path(str(configured)), path)
    try:
        binary = _inspect(path, "config", timeout_s)
        require_supported(binary.version, str(binary.path))
    except CodexMissing as error:
        raise CodexMissing(
            f"The configured Codex is of no use: {error}. Correct `binary` under [codex] in the "
            "configuration, or leave it out; a server that runs has to be ended to read it again."
        ) from error
    return binary


def _candidates() -> Iterator[tuple[Origin, Path]]:
    """Yield every executable that may be a Codex, each file once."""
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield "package", Path(spec.origin).parent / "bin" / _EXE
    for path in _on_path(_EXE):
        yield "PATH", path


def _on_path(name: str) -> Iterator[Path]:
    """Yield every executable of a name, each file once, and no stand-in of ours."""
    if os.sep in name:
        return
    seen: set[Path] = set()
    for folder in os.get_exec_path():
        path = Path(folder or ".") / name
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            if not _is_shim(path):
                yield path


def _is_shim(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return SHIM_MARK.encode() in file.read(256)
    except OSError:
        return False


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
            # Another program may start the stand-in, which would look for Codex in turn.
            env={**os.environ, _FINDING: "1"},
            timeout=timeout_s,
            check=False,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileNotFoundError) and path.exists():
            why = "the program that its first line names is missing"
        raise CodexMissing(f"{path} cannot be run: {why}") from error
    except subprocess.TimeoutExpired as error:
        message = f"{path} has not said its version within {timeout_s:g} s"
        raise CodexMissing(message) from error
    version = parse_version(ran.stdout.decode("utf-8", "replace")[:1000])
    if ran.returncode != 0 or version is None:
        raise CodexMissing(f"{path} does not say its version: it is no Codex")
    return version


def _vendored(folder: Path) -> Iterator[Path]:
    target = f"{_MACHINES.get(platform.machine().lower(), '*')}-*{platform.system().lower()}*"
    for vendor in (*sorted(folder.glob("codex-*/vendor")), folder / "vendor"):
        yield from vendor.glob(f"{target}/bin/{_EXE}")
        yield from vendor.glob(f"{target}/codex/{_EXE}")
