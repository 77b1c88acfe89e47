"""How clients and shells start this codextui, wherever it was installed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from codextui.setup import program
from codextui.setup.program import Surroundings, find_program, this_program


@dataclass(frozen=True)
class Case:
    """An installation. All paths are below a folder that stands for the machine's root.

    Attributes:
        own: where the program of this codextui is; "" where it has none.
        path: the folders of PATH.
        command: the first words of what clients start; `/` stands for the root.
        typed: what is typed in a shell.
        links: symbolic links, with what they lead to.
        others: programs of other codextuis.
        environments: the folders of virtual environments.
        common: the folders that every program finds.
    """

    own: str
    path: tuple[str, ...]
    command: tuple[str, ...]
    typed: str
    links: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    common: tuple[str, ...] = ("/usr/local/bin", "/usr/bin")


BARE = ("codextui",)
PYTHON = "/usr/bin/python3"
PIPX = "/home/.local/pipx/venvs/codextui"
SHIM = "/home/.local/bin/codextui"
CASES = {
    "a package of the system": Case(
        "/usr/bin/codextui", ("/usr/local/bin", "/usr/bin"), BARE, "codextui"
    ),
    "pip as root": Case(
        "/usr/local/bin/codextui", ("/usr/local/bin", "/usr/bin"), BARE, "codextui"
    ),
    "pip as root on a Mac, whose desktop does not look there": Case(
        "/usr/local/bin/codextui",
        ("/usr/local/bin", "/usr/bin"),
        ("/usr/local/bin/codextui",),
        "codextui",
        common=("/usr/bin",),
    ),
    "Homebrew, whose link stays when the version changes": Case(
        "/opt/homebrew/Cellar/codextui/1.0/libexec/bin/codextui",
        ("/opt/homebrew/bin", "/usr/bin"),
        ("/opt/homebrew/bin/codextui",),
        "codextui",
        links=(
            (
                "/opt/homebrew/bin/codextui",
                "/opt/homebrew/Cellar/codextui/1.0/libexec/bin/codextui",
            ),
        ),
        environments=("/opt/homebrew/Cellar/codextui/1.0/libexec",),
        common=("/usr/bin",),
    ),
    "an active virtual environment": Case(
        "/shop/.venv/bin/codextui",
        ("/shop/.venv/bin", "/usr/bin"),
        ("/shop/.venv/bin/codextui",),
        "/shop/.venv/bin/codextui",
        environments=("/shop/.venv",),
    ),
    "a virtual environment that is not active": Case(
        "/shop/.venv/bin/codextui",
        ("/usr/bin",),
        ("/shop/.venv/bin/codextui",),
        "/shop/.venv/bin/codextui",
        environments=("/shop/.venv",),
    ),
    "a virtual environment beside another codextui of the system": Case(
        "/shop/.venv/bin/codextui",
        ("/shop/.venv/bin", "/usr/bin"),
        ("/shop/.venv/bin/codextui",),
        "/shop/.venv/bin/codextui",
        others=("/usr/bin/codextui",),
        environments=("/shop/.venv",),
    ),
    "a package of the system while another one's environment is active": Case(
        "/usr/bin/codextui",
        ("/shop/.venv/bin", "/usr/bin"),
        BARE,
        "codextui",
        others=("/shop/.venv/bin/codextui",),
        environments=("/shop/.venv",),
    ),
    "a package of the system that a shell does not find": Case(
        "/usr/bin/codextui",
        ("/home/.local/bin", "/usr/bin"),
        ("/usr/bin/codextui",),
        "/usr/bin/codextui",
        others=(SHIM,),
    ),
    "conda": Case(
        "/opt/conda/bin/codextui",
        ("/opt/conda/bin", "/usr/bin"),
        ("/opt/conda/bin/codextui",),
        "/opt/conda/bin/codextui",
        environments=("/opt/conda",),
    ),
    "pipx or uv tool, whose link stays when it installs again": Case(
        f"{PIPX}/bin/codextui",
        ("/home/.local/bin", "/usr/bin"),
        (SHIM,),
        "codextui",
        links=((SHIM, f"{PIPX}/bin/codextui"),),
        environments=(PIPX,),
    ),
    "pipx or uv tool, started by its link": Case(
        SHIM,
        ("/home/.local/bin", "/usr/bin"),
        (SHIM,),
        "codextui",
        links=((SHIM, f"{PIPX}/bin/codextui"),),
        others=(f"{PIPX}/bin/codextui",),
        environments=(PIPX,),
    ),
    "pipx or uv tool without its folder on PATH": Case(
        f"{PIPX}/bin/codextui",
        ("/usr/bin",),
        (f"{PIPX}/bin/codextui",),
        f"{PIPX}/bin/codextui",
        links=((SHIM, f"{PIPX}/bin/codextui"),),
        environments=(PIPX,),
    ),
    "pipx as root": Case(
        "/opt/pipx/codextui/bin/codextui",
        ("/usr/local/bin", "/usr/bin"),
        BARE,
        "codextui",
        links=(("/usr/local/bin/codextui", "/opt/pipx/codextui/bin/codextui"),),
        environments=("/opt/pipx/codextui",),
    ),
    "pip --user": Case(SHIM, ("/home/.local/bin", "/usr/bin"), (SHIM,), "codextui"),
    "pyenv, whose shims are scripts": Case(
        "/home/.pyenv/versions/3.12/bin/codextui",
        ("/home/.pyenv/shims", "/usr/bin"),
        ("/home/.pyenv/versions/3.12/bin/codextui",),
        "/home/.pyenv/versions/3.12/bin/codextui",
        others=("/home/.pyenv/shims/codextui",),
    ),
    "a folder with a space": Case(
        "/my shop/.venv/bin/codextui",
        (),
        ("/my shop/.venv/bin/codextui",),
        "'/my shop/.venv/bin/codextui'",
        environments=("/my shop/.venv",),
    ),
    "no program at all": Case(
        "", ("/usr/bin",), (PYTHON, "-P", "-m", "codextui"), f"{PYTHON} -P -m codextui"
    ),
    "no program of its own, but another codextui": Case(
        "",
        ("/usr/bin",),
        (PYTHON, "-P", "-m", "codextui"),
        f"{PYTHON} -P -m codextui",
        others=("/usr/bin/codextui",),
    ),
}


def surroundings_of(case: Case, root: Path) -> Surroundings:
    """Make the files of an installation."""

    def place(path: str) -> Path:
        return root / path.removeprefix("/")

    links = dict(case.links)
    for environment in case.environments:
        place(environment).mkdir(parents=True)
        mark = "conda-meta" if "conda" in environment else "pyvenv.cfg"
        (place(environment) / mark).touch()
    for file in (case.own, *case.others):
        if file and file not in links:
            place(file).parent.mkdir(parents=True, exist_ok=True)
            place(file).write_text(f"#!/bin/sh\n# {file}\n")
            place(file).chmod(0o755)
    for link, target in links.items():
        place(link).parent.mkdir(parents=True, exist_ok=True)
        place(link).symlink_to(place(target))
    return Surroundings(
        path=tuple(map(place, case.path)),
        python=place(PYTHON),
        scripts=(place(case.own),) if case.own else (root / "nowhere" / "codextui",),
        common=tuple(map(place, case.common)),
    )


@pytest.mark.parametrize("name", CASES)
def test_a_program_is_started_where_every_client_finds_it(name: str, tmp_path: Path) -> None:
    case, root = CASES[name], tmp_path
    found = find_program(surroundings_of(case, root))
    words = tuple(word.removeprefix(str(root)) for word in found.words)
    assert words == case.command
    assert [word.removeprefix(str(root)) for word in shlex.split(found.typed)] == shlex.split(
        case.typed
    )
    assert found.problem == ""


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin"])
def test_a_folder_of_path_that_depends_on_where_one_is_does_not_count(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surroundings = surroundings_of(CASES["pip --user"], tmp_path)
    monkeypatch.chdir(tmp_path / "home" / ".local")
    own = surroundings.scripts[0]
    for folder in (Path(), Path("bin")):
        (folder / "codextui").unlink(missing_ok=folder == Path())
        (folder / "codextui").touch(mode=0o755)
    path = (Path(entry), *surroundings.path)
    found = find_program(Surroundings(path, surroundings.python, (own,)))
    assert (found.words, found.typed) == ((str(own),), "codextui")


@pytest.mark.parametrize(
    "place",
    [
        ".cache/uv/archive-v0/x1/bin/codextui",
        ".cache/uv/builds-v0/.tmp1/bin/codextui",
        ".cache/pipx/ab12/bin/codextui",
        ".local/pipx/.cache/ab12/bin/codextui",
        "Library/Caches/pipx/ab12/bin/codextui",
        "own-uv-cache/archive-v0/x1/bin/codextui",
    ],
)
def test_an_environment_that_is_removed_one_day_is_named(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "own-uv-cache"))
    monkeypatch.delenv("PIPX_HOME", raising=False)
    own = tmp_path / place
    own.parent.mkdir(parents=True)
    own.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(own), "setup"])
    found = this_program()
    assert found.words == (str(own),)
    assert f"{own} is in an environment that uv or pipx removes" in found.problem
    assert "uv tool install ." in found.problem


def test_a_codextui_that_is_not_installed_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    found = find_program(Surroundings((), python, (), source=tmp_path / "codextui"))
    assert found.words == (str(python), "-P", "-m", "codextui")
    assert f"{python} -m pip install {tmp_path / 'codextui'}" in found.problem


def test_the_program_that_was_typed_counts_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = tmp_path / "bin" / "codextui"
    typed.parent.mkdir()
    typed.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bin/codextui", "setup"])
    assert this_program().words == (str(typed),)


def test_the_program_of_this_environment_is_found_for_its_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Path(sys.executable).with_name("codextui")
    monkeypatch.setattr(sys, "argv", ["-m"])
    for path in (str(own.parent), "/usr/bin"):
        monkeypatch.setenv("PATH", path)
        assert this_program() == program.Program((str(own),), shlex.quote(str(own)))


def test_what_is_written_starts_without_the_environment_of_the_shell(tmp_path: Path) -> None:
    words = this_program().words
    (tmp_path / "codextui").mkdir()
    (tmp_path / "codextui" / "__init__.py").write_text("raise SystemExit('a folder was run')")
    bare = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]}
    for command in (words, (sys.executable, "-P", "-m", "codextui")):
        done = subprocess.run(
            [*command, "--version"], env=bare, cwd=tmp_path, capture_output=True, check=True
        )
        assert done.stdout.startswith(b"codextui ")
