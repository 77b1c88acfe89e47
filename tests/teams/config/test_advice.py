"""Advice about teams."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teams.scripted import role, team

from codextui.config.prices import Price, Prices
from codextui.teams.config.advice import advise, advise_prices
from codextui.teams.config.team import Artifact, Limits, Role, Route, Team

GOOD = (
    Role(
        "boss",
        "Plan.",
        sandbox="workspace-write",
        handoffs=("maker",),
        produces=(Artifact("plan.md"),),
    ),
    Role(
        "maker",
        "Make.",
        sandbox="workspace-write",
        handoffs=("boss",),
        requires=(Artifact("plan.md"),),
        produces=(Artifact("a.txt"),),
    ),
)


def of(*roles: Role) -> Team:
    return Team("t", {one.name: one for one in roles}, roles[0].name)


def test_a_careful_team_gets_no_advice() -> None:
    assert advise(of(*GOOD)) == ()


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"requires": ()}, "boss hands off to maker without a gate"),
        ({"sandbox": "read-only"}, "maker must produce files and may not write"),
        ({"sandbox": "danger-full-access", "approval_policy": "never"}, "never asks"),
        ({"produces": ()}, "maker produces nothing that could be checked"),
        ({"about": "tests the plan"}, "consider read-only"),
        ({"handoffs": ()}, "maker hands off to nobody"),
    ],
)
def test_there_is_advice_about_an_unwise_role(changed: dict[str, object], advice: str) -> None:
    boss, maker = GOOD
    lines = advise(of(boss, replace(maker, **changed)))  # type: ignore[arg-type]
    assert any(advice in line for line in lines)


def test_the_advice_against_full_access_for_all_roles_comes_first() -> None:
    roles = [replace(one, sandbox="danger-full-access") for one in GOOD]
    assert "every role has danger-full-access" in advise(of(*roles))[0]


def test_there_is_advice_about_a_role_that_never_starts() -> None:
    advice = advise(team(role("boss"), role("lost")))
    assert "nobody hands off to lost: it never begins" in advice


def test_there_is_advice_about_a_team_without_limits() -> None:
    endless = replace(of(*GOOD), limits=Limits(turns=0))
    assert any("never ends" in line for line in advise(endless))


def test_there_is_advice_about_tools_without_approval() -> None:
    boss, maker = GOOD
    tools = ("web_search", "my.tools:send")
    advice = advise(of(boss, replace(maker, tools=tools, approve_tools=())))
    assert any("maker calls my.tools:send without asking" in line for line in advice)
    assert advise(of(boss, replace(maker, tools=tools))) == ()


def test_there_is_advice_about_a_limit_of_money_without_prices() -> None:
    boss, maker = GOOD
    limited = replace(
        of(replace(boss, model="known"), maker),
        limits=Limits(money=5.0),
        routes=(Route("hard", "strange"),),
    )
    prices = Prices("EUR", {"known": Price(1.0, 1.0)})
    missing, unnamed = advise_prices(limited, prices)
    assert '[prices."strange"]' in missing
    assert "name that of maker" in unnamed
    assert advise_prices(of(*GOOD), prices) == ()
