"""The team in config.example.toml and that of the demo."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from codextui.config.schema import load_config
from codextui.config.tables import keys_of
from codextui.demo.team_script import FOLDER
from codextui.teams.config.advice import advise
from codextui.teams.config.reader import ROLE_KEYS, load_teams, parse_teams
from codextui.teams.config.team import Limits, Role, Team

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def example(tmp_path: Path) -> tuple[str, Team]:
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text[text.index("#[teams.pair]") :]
    text = re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE)
    (tmp_path / "builder.md").write_text("Build.", encoding="utf-8")
    return text, parse_teams(text, folder=tmp_path)["pair"]


def test_the_example_describes_a_team_that_can_be_run(tmp_path: Path) -> None:
    _, team = example(tmp_path)
    assert team.entry == "planner"
    assert team.roles["builder"].instructions == "Build."
    assert [route.work for route in team.routes] == ["complex", "checking"]
    assert team.roles["builder"].codex_model == "gpt-5.5-mini"


@pytest.mark.parametrize("key", sorted({*keys_of(Team), *keys_of(Limits), *ROLE_KEYS}))
def test_the_example_shows_every_key(tmp_path: Path, key: str) -> None:
    text, _ = example(tmp_path)
    assert re.search(rf"^({key} = |\[teams\.pair\.{key}\]$)", text, re.MULTILINE)


def test_the_example_states_the_defaults(tmp_path: Path) -> None:
    text, team = example(tmp_path)
    assert team.limits == Limits()
    plain = Role("planner", "")
    stated = set(re.findall(r"^([a-z_]+) = ", text[text.index(".defaults") :], re.MULTILINE))
    defaults = parse_teams(text.partition("[teams.pair.roles")[0] + """
[teams.pair.roles.planner]
instructions = "x"
""", folder=tmp_path)["pair"].roles["planner"]  # fmt: skip
    for one in fields(Role):
        if one.name in stated and one.name not in ("model", "effort", "instructions"):
            assert getattr(defaults, one.name) == getattr(plain, one.name)


def test_there_is_no_advice_about_the_gates_of_the_demos_team() -> None:
    team = load_teams(FOLDER / "team.toml")["bug-busters"]
    assert len(team.roles) == 5
    assert [line for line in advise(team) if "without a gate" in line] == []
    assert [line for line in advise(team) if "may not write" in line] == []


def test_teams_do_not_change_the_rest_of_the_configuration(tmp_path: Path) -> None:
    assert load_config(FOLDER / "team.toml") == load_config(tmp_path / "no-such-file")


@pytest.mark.parametrize(
    "arguments",
    [
        ["teams"],
        ["run", "--help"],
        ["run"],
        ["runs"],
        ["demo", "--help"],
    ],
)
def test_the_agents_sdk_is_imported_only_where_a_team_runs(arguments: list[str]) -> None:
    given = [*arguments[:1], "--config", str(FOLDER / "team.toml"), *arguments[1:]]
    probe = (
        "import sys\nfrom codextui.cli import main\n"
        f"try: main({given!r})\nexcept SystemExit: pass\n"
        "print('agents' in sys.modules, 'openai' in sys.modules, 'mcp' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "False False False"
