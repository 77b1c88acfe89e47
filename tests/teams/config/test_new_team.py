"""The team that `codextui teams new` adds to a configuration."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from codextui.config.schema import load_config
from codextui.errors import ConfigInvalid
from codextui.teams.config.advice import advise
from codextui.teams.config.new_team import add_team
from codextui.teams.config.reader import load_teams


def test_a_new_team_is_in_a_new_private_file_and_there_is_no_advice_about_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "folder" / "config.toml"
    team = add_team(path, "shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_teams(path) == {"shop": team}
    assert list(team.roles) == ["builder", "reviewer"]
    assert advise(team) == ()


@pytest.mark.parametrize(
    "before",
    [
        b"# Mine.\n[ui]\ntheme = 'paper'  # and stays\n",
        b"[ui]\ntheme = 'paper'",
        b"\xef\xbb\xbf# Mine.\r\n[ui]\r\nbell = false\r\n",
        b"[teams.other.roles.a]\ninstructions = 'x'\n",
        b"teams.other.roles.a.instructions = 'x'\n",
    ],
)
def test_what_was_in_the_file_stays_as_it_was(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before)
    path.chmod(0o640)
    known = load_config(path), load_teams(path)
    add_team(path, "shop")
    add_team(path, "second-team")
    after = path.read_bytes()
    assert after.startswith(before)
    assert (b"\n" in after.replace(b"\r\n", b"")) is (b"\r\n" not in before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert load_config(path) == known[0]
    teams = load_teams(path)
    assert {"shop", "second-team"} <= teams.keys()
    assert {name: teams[name] for name in known[1]} == known[1]


@pytest.mark.parametrize("name", ["", "Shop", "a b", "../x", "x" * 50, "a.b", "-a"])
def test_what_cannot_name_a_team_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigInvalid, match="cannot name a team: it must be named with"):
        add_team(tmp_path / "config.toml", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("[teams.shop.roles.a]\ninstructions = 'x'\n", "there is a team shop already"),
        ("[teams.shop]\nabout = 1\n", "must be a text"),
        ("[ui\n", "is no TOML"),
        ("teams = { other = { roles = { a = { instructions = 'x' } } } }\n", "write its teams as"),
    ],
)
def test_a_file_that_cannot_take_the_team_stays_as_it_was(
    tmp_path: Path, before: str, told: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)
    with pytest.raises(ConfigInvalid, match=told):
        add_team(path, "shop")
    assert path.read_text() == before


def test_a_file_that_is_read_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(0o400)
    with pytest.raises(ConfigInvalid, match="read-only"):
        add_team(path, "shop")


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "config.toml"
    real.write_text("# Mine.\n")
    link.symlink_to(real)
    add_team(link, "shop")
    assert link.is_symlink()
    assert "shop" in tomllib.loads(real.read_text())["teams"]
