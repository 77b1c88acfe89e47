"""The stand-in for `codex`: its path, and what it leaves to the genuine Codex."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from codextui.cli import main
from codextui.codex.binary import find_codex
from codextui.commands.codex_shim import write_shim
from codextui.errors import CodexMissing

ECHO = """\
[ "$1" != --version ] || { echo codex-cli 0.999.0; exit; }
printf '%s\\n' "home=$CODEX_HOME" "$@"
cat
exit 7
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a program called `codex` that prints its arguments and its input."""
    for name in ("STATE", "CONFIG", "RUNTIME"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        variable = "XDG_RUNTIME_DIR" if name == "RUNTIME" else f"XDG_{name}_HOME"
        monkeypatch.setenv(variable, str(folder))
    monkeypatch.delenv("CODEX_HOME", raising=False)
    program(tmp_path / "bin" / "codex", ECHO)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run(shim: Path, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shim, *words],
        input=stdin,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_path_is_printed_and_stays(
    machine: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["shim-path"]) == 0
    [path] = map(Path, capsys.readouterr().out.splitlines())
    assert path.is_absolute()
    assert path.name == "codex"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    changed = path.stat().st_mtime_ns
    assert main(["shim-path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(path), "server": "default"}
    assert path.stat().st_mtime_ns == changed
    assert write_shim("other", None) != path
    assert str(sys.executable) in path.read_text()


def test_a_stand_in_that_was_changed_is_written_again(machine: Path) -> None:
    path = write_shim("default", None)
    path.write_text("#!/bin/sh\nexit 0\n")
    assert write_shim("default", None) == path
    assert "codex_shim" in path.read_text()


def test_what_is_no_turn_is_run_by_codex_itself(machine: Path) -> None:
    ran = run(write_shim("default", None), "login", "--with-api-key", stdin="a key")
    assert (ran.returncode, ran.stderr) == (7, "")
    assert ran.stdout == "home=\nlogin\n--with-api-key\na key"


def test_a_note_says_what_the_console_does_not_see(machine: Path) -> None:
    ran = run(write_shim("default", None), "exec", "--ephemeral", "-", stdin="the prompt")
    assert ran.stdout == "home=\nexec\n--ephemeral\n-\nthe prompt"
    assert ran.stderr.startswith("codextui: left to Codex itself, out of the console's sight: ")


def test_the_configured_codex_and_its_home_are_used(machine: Path) -> None:
    folder = machine / "config" / "codextui"
    folder.mkdir()
    other = program(machine / "other" / "codex", ECHO.replace("home=", "other home="))
    (folder / "config.toml").write_text(f'[codex]\nbinary = "{other}"\nhome = "/a/home"\n')
    shim = write_shim("default", None)
    assert run(shim, "login").stdout == "other home=/a/home\nlogin\n"
    assert run(shim, "login", CODEX_HOME="/mine").stdout == "other home=/mine\nlogin\n"


def test_a_folder_lends_it_no_modules(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "codextui.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(machine)
    assert run(write_shim("default", None), "login").returncode == 7


@pytest.mark.parametrize("configured", [None, Path("codex")])
def test_the_stand_in_is_no_codex(
    machine: Path, configured: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = write_shim("default", None)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")
    found = find_codex(configured)
    assert found.path == machine / "bin" / "codex"
    assert run(shim, "login").stdout == "home=\nlogin\n"


def test_a_program_that_starts_the_stand_in_is_no_codex_either(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = write_shim("default", None)
    wrapper = program(machine / "wrapped" / "codex", f'exec "{shim}" "$@"')
    with pytest.raises(CodexMissing):
        find_codex(wrapper)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    assert run(shim, "login").stdout == "home=\nlogin\n"


def test_without_a_codex_it_says_so(machine: Path) -> None:
    folder = machine / "config" / "codextui"
    folder.mkdir()
    (folder / "config.toml").write_text('[codex]\nbinary = "/nowhere/codex"\n')
    ran = run(write_shim("default", None), "login")
    assert ran.returncode == 1
    assert "/nowhere/codex cannot be run" in ran.stderr
