"""Which command lines `codex exec` accepts: ours are those that the genuine one does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.conftest import CONFIGURED
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.commands.exec_arguments import LeftToCodex, parse_exec
from codextui.commands.exec_options import OPTIONS, Effect, Place
from codextui.demo import codex_environment, scratch_codex_home, write_codex_home

pytestmark = pytest.mark.contract

REJECTED = 2
NOWHERE = "http://127.0.0.1:9/v1"
VALUES = ["a", "-", "", "read-only", "never", "k=v", "x,y", "resume"]
OWN = [option for option in OPTIONS if option.effect in (Effect.HONOURED, Effect.IGNORED)]
STARTS_A_TURN = ("--yolo", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check")
NAMES = [name for option in OWN for name in option.names if name not in STARTS_A_TURN]
VALUED = [f"{name}=read-only" for name in ("--model", "-m", "-i", "--cd", "-s", "--color")]
ODD = ["--no-such", "--json=1", "-mm", "-ck=v", "-ia", "--config=k", "-c=k=v", "-x", "-7", "--sand"]
WORDS = st.sampled_from([*NAMES, *VALUES, *VALUED, *ODD, "prompt", "--", "--last"])


@pytest.fixture(scope="module", params=CONFIGURED or ["bundled"], ids=str)
def codex(request: pytest.FixtureRequest) -> Iterator[tuple[Path, dict[str, str]]]:
    """The genuine Codex, which starts nothing outside of a repository."""
    binary = request.param
    if not isinstance(binary, Path):
        import codex_cli_bin  # noqa: PLC0415

        binary = Path(codex_cli_bin.bundled_codex_path())
    folder = scratch_codex_home()
    home = write_codex_home(folder / "home", NOWHERE)
    (folder / "a").mkdir()
    yield binary, {**codex_environment(home), "HOME": str(folder), "PWD": str(folder)}
    shutil.rmtree(folder, ignore_errors=True)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(words=st.lists(WORDS, max_size=5))
def test_a_command_line_is_understood_if_codex_understands_it(
    codex: tuple[Path, dict[str, str]], words: list[str]
) -> None:
    words = ["exec", *words]
    binary, env = codex
    ran = subprocess.run(
        [binary, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=env["PWD"],
        env=env,
        text=True,
        check=False,
        timeout=60,
    )
    understood = ran.returncode != REJECTED and "Invalid override" not in ran.stderr
    assert is_understood(words) is understood, ran.stderr


def is_understood(words: list[str]) -> bool:
    try:
        parse_exec(words)
    except LeftToCodex:
        return False
    return True


def test_every_option_of_codex_has_a_row(codex: tuple[Path, dict[str, str]]) -> None:
    binary, env = codex
    known = {name for option in OPTIONS for name in option.names}
    for command in (["exec"], ["exec", "resume"]):
        shown = subprocess.run(
            [binary, *command, "--help"], env=env, capture_output=True, text=True, check=True
        ).stdout
        lines = [line.strip() for line in shown.splitlines()]
        options = [line for line in lines if line.startswith("-") and not line.startswith("- ")]
        names = {word.strip(",") for line in options for word in line.split()[:2] if word[0] == "-"}
        assert names <= known
        places = {Place.ANYWHERE, Place.RESUME if "resume" in command else Place.EXEC}
        allowed = {name for option in OPTIONS if option.place in places for name in option.names}
        assert names <= allowed
