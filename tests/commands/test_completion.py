"""`codextui completion`: the scripts, and where they go."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from e2e.terminal import Terminal

from codextui.cli import main
from codextui.commands.completion import find_program, script

PROGRAM = [sys.executable, "-m", "codextui"]
SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_script_is_all_that_is_printed(run: Any, shell: str) -> None:
    result = await run("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert result.out == script(shell, find_program())


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_on_a_terminal_is_followed_by_where_it_belongs(shell: str) -> None:
    with Terminal([*PROGRAM, "completion", shell], lines=80) as terminal:
        terminal.wait_for(f"codextui completion {shell}")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_the_help_says_where_each_script_belongs(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    assert f"codextui completion {shell}" in capsys.readouterr().out


def test_the_program_of_a_script_is_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "codextui"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["./codextui"])
    assert find_program() == [str(program)]
    assert f"program=({program})" in script("bash", find_program())


def test_without_a_program_of_its_own_nothing_of_the_current_folder_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    our_python, python = sys.executable, tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "argv", ["/x/codextui/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(python))
    command = find_program()
    assert command == [str(python), "-P", "-m", "codextui"]
    (tmp_path / "argparse.py").write_text("raise SystemExit(7)\n")
    ran = subprocess.run(
        [our_python, *command[1:], "complete", "bash", "codextui kill-s", " ="],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "values 0\nkill-server\n")


def test_completion_survives_a_locale_without_unicode(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[teams.shop]\n[teams."käse"]\n', encoding="utf-8")
    ran = subprocess.run(
        [*PROGRAM, "complete", "zsh", "codextui", "--config", str(config), "run", ""],
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert ran.stdout == b"values 0\nshop\t\n"


def test_the_words_of_every_program_are_quoted() -> None:
    words = ["/o'dd pl\\ace/$(x)/codextui", "-P"]
    for shell in ("bash", "zsh"):
        assert f"program=({shlex.join(words)})" in script(shell, words)
    assert r"program '/o\'dd pl\\ace/$(x)/codextui' '-P'" in script("fish", words)
