"""The prices that a limit of money needs before a run starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codextui.config.prices import Price, Prices
from codextui.errors import ConfigInvalid
from codextui.teams.config.team import Limits, Role, Route, Team
from codextui.teams.runner.prices import check_prices, price_problems

ONE = Price(1.0, 1.0)
NAMED = Role("one", "Do it.", model="strong", codex_work="easy", codex_model="fast")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CODEX_HOME whose configuration names a model."""
    (tmp_path / "config.toml").write_text('model = "codex-model"\n')
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "sdk-model")
    return tmp_path


def team(*roles: Role, money: float = 1.0) -> Team:
    routes = (Route("easy", "fast"),)
    by_name = {role.name: role for role in roles}
    return Team("t", by_name, roles[0].name, limits=Limits(money=money), routes=routes)


def unpriced(of: Team, home: Path, *priced: str) -> list[str]:
    """Return the models whose prices are asked for."""
    prices = Prices("EUR", dict.fromkeys(priced, ONE))
    return [problem.split('"')[1] for problem in price_problems(of, prices, home)]


def test_every_model_that_may_be_used_needs_a_price(home: Path) -> None:
    unnamed = Role("two", "Do it.")
    both = team(NAMED, unnamed)
    every = ["fast", "strong", "sdk-model", "codex-model"]
    assert unpriced(both, home) == every
    for left_out in every:
        assert unpriced(both, home, *(set(every) - {left_out})) == [left_out]
    assert unpriced(both, home, *every) == []


def test_models_that_cannot_be_used_need_no_price(home: Path) -> None:
    assert unpriced(team(NAMED), home, "strong", "fast") == []
    without_codex = replace(NAMED, codex=False, codex_work="", codex_model="")
    assert unpriced(team(without_codex), home, "strong", "fast") == []


def test_without_a_limit_of_money_no_price_is_needed(home: Path) -> None:
    assert unpriced(team(Role("one", "Do it."), money=0.0), home) == []


@pytest.mark.parametrize("content", ["", "model = 3\n", "model = \n", None])
def test_a_model_that_nobody_names_is_told_with_what_to_write(
    home: Path, content: str | None
) -> None:
    file = home / "config.toml"
    file.unlink() if content is None else file.write_text(content)
    some = replace(NAMED, codex_work="", codex_model="")
    with pytest.raises(ConfigInvalid) as refused:
        check_prices(team(some), Prices("EUR", {"strong": ONE, "fast": ONE}), home)
    said = str(refused.value)
    assert said.startswith("teams.t: limits.money needs the name of the model of the Codex threads")
    assert "of one: say it by codex_work and [teams.t.models], or by `model` in" in said
    assert str(file) in said
