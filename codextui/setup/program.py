"""The command that starts this codextui: for other programs, and in a shell.

MCP clients start their servers with a PATH of their own: what a desktop starts knows of no virtual
environment that is active in a shell, and often of nothing that a shell's profile adds. So the name
alone is for a program in the folders that every program finds; anything else is an absolute path.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAME: Final = "codextui"

COMMON_FOLDERS: Final = {
    "linux": ("/usr/local/bin", "/usr/bin", "/bin"),
    "darwin": ("/usr/bin", "/bin"),
}
"""The folders where every program finds others, those that a desktop starts too, by system."""

_OWN_NAME = re.compile(rf"(?:^|(?<=&& )){NAME}(?= )")

_ENVIRONMENT_MARKS: Final = ("pyvenv.cfg", "conda-meta")
"""What the folder of a virtual environment, and of one of conda, contains."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides how this codextui is started.

    Attributes:
        path: the folders of PATH.
        python: the interpreter that runs it, absolute.
        scripts: where its own program may be, the likeliest first; files, which need not exist.
        common: the folders where every program of this machine finds others.
        caches: the folders whose environments are removed at any time.
        source: the folder that it was imported from where it is not installed; else None.
    """

    path: tuple[Path, ...]
    python: Path
    scripts: tuple[Path, ...]
    common: tuple[Path, ...] = ()
    caches: tuple[Path, ...] = ()
    source: Path | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """How this codextui is started.

    Attributes:
        words: the program and its first arguments, for every program of this machine.
        typed: the same for a shell, quoted; only the name if shells find it.
        problem: why it may not be found later, and what to do; empty if nothing is wrong.
    """

    words: tuple[str, ...]
    typed: str
    problem: str = ""


def find_program(surroundings: Surroundings) -> Program:
    """Return how this codextui is started. Only looks at files."""
    own = next(filter(_is_program, surroundings.scripts), None)
    if own is None:
        # Without -P a folder of that name, where the client starts it, would be run.
        module = (str(surroundings.python), "-P", "-m", NAME)
        return Program(module, shlex.join(module), _problem(surroundings.python, surroundings))
    found = tuple(_programs_on(surroundings.path))
    shells_find_it = bool(found) and _is_same(found[0], own)
    all_find_it = next((_is_same(one, own) for one in _programs_in(surroundings.common)), False)
    path = next((one for one in found if _is_same(one, own)), own)
    words = (NAME,) if shells_find_it and all_find_it else (str(path),)
    typed = NAME if shells_find_it else shlex.quote(str(path))
    return Program(words, typed, _problem(path, surroundings))


def this_program() -> Program:
    """Return how this process's codextui is started."""
    return find_program(_surroundings())


def as_typed(command: str, typed: str) -> str:
    """Return a command line that begins with our name, or does so after `&&`, as a shell finds it.

    Args:
        command: the command line; any other one stays as it is.
        typed: see `Program.typed`.
    """
    return _OWN_NAME.sub(lambda _: typed, command)


def _surroundings() -> Surroundings:
    python = Path(sys.executable).absolute()
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return Surroundings(
        path=tuple(map(Path, filter(None, folders))),
        python=python,
        scripts=_scripts(python),
        common=tuple(map(Path, COMMON_FOLDERS.get(sys.platform, ()))),
        caches=_caches(),
        source=_source(),
    )


def _scripts(python: Path) -> tuple[Path, ...]:
    """Return where the program of this interpreter may be: first what was started, if it is one."""
    import sysconfig  # noqa: PLC0415 - only for `setup`

    started = Path(sys.argv[0]).absolute()
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    folders = (python.parent, sysconfig.get_path("scripts"), user)
    beside = tuple(Path(folder) / NAME for folder in folders)
    return (started, *beside) if started.name == NAME else beside


def _caches() -> tuple[Path, ...]:
    """Return the folders of the environments of `uv run`, `uvx` and `pipx run`."""
    home, environ = Path.home(), os.environ
    given = (environ.get("XDG_CACHE_HOME"), environ.get("UV_CACHE_DIR"))
    pipx = Path(environ.get("PIPX_HOME") or home / ".local" / "pipx") / ".cache"
    usual = (home / ".cache", home / "Library" / "Caches", pipx)
    return (*(Path(folder).absolute() for folder in given if folder), *usual)


def _source() -> Path | None:
    from importlib.metadata import distributions  # noqa: PLC0415 - slow
    from site import getsitepackages, getusersitepackages  # noqa: PLC0415

    folders = [*getsitepackages(), getusersitepackages()]
    if any(True for _ in distributions(name=NAME, path=folders)):
        return None
    return Path(__file__).absolute().parents[2]


def _problem(path: Path, surroundings: Surroundings) -> str:
    if any(path.is_relative_to(cache) for cache in surroundings.caches):
        return (
            f"{path} is in an environment that uv or pipx removes when it clears its cache: "
            "install codextui with `uv tool install .` or `pipx install .` in its folder and set "
            "the client up again, or say --command PATH"
        )
    if surroundings.source is not None and path == surroundings.python:
        return (
            f"{path} finds codextui only in {surroundings.source}: install it with "
            f"`{path} -m pip install {surroundings.source}`, or say --command PATH"
        )
    return ""


def _programs_on(path: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the programs on PATH that are there in any shell, whatever environment is active."""
    for program in _programs_in(path):
        folder = program.parent
        if folder.is_absolute() and not _is_environment(folder.parent):
            yield program


def _programs_in(folders: tuple[Path, ...]) -> Iterator[Path]:
    return filter(_is_program, (folder / NAME for folder in folders))


def _is_environment(folder: Path) -> bool:
    return any((folder / mark).exists() for mark in _ENVIRONMENT_MARKS)


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _is_same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()
