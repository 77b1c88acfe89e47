"""Advice about teams."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from teams.scripted import role, team

from codextui.config.prices import Price, Prices
from codextui.teams.config.advice import advise, advise_prices, missing_prices
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
        ({"sandbox": "read-only"}, "maker must produce a.txt and may not write"),
        ({"sandbox": "danger-full-access", "approval_policy": "never"}, "never asks"),
        ({"produces": ()}, "maker produces nothing that could be checked"),
        ({"about": "tests the plan"}, 'sandbox = "read-only" and writes = ["a.txt"]'),
        ({"writes": ("b.txt",)}, "writes grants nothing more"),
        ({"codex": False}, 'maker must produce a.txt and may not write: writes = ["a.txt"]'),
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


@pytest.mark.parametrize("writes", [("**",), ("REVIEW.md", "*.txt"), ("REVIEW.md", "a.txt")])
def test_there_is_advice_about_a_reviewer_that_may_write_what_it_reviews(
    writes: tuple[str, ...],
) -> None:
    boss, maker = GOOD
    reviewer = Role(
        "reviewer",
        "Review.",
        handoffs=("boss",),
        requires=(Artifact("a.txt"),),
        produces=(Artifact("REVIEW.md"),),
        writes=writes,
    )
    team_ = of(boss, replace(maker, handoffs=("reviewer",)), reviewer)
    (told,) = advise(team_)
    assert "reviewer checks what others make and may write" in told
    assert 'a.txt, which is theirs: writes = ["REVIEW.md"]' in told
    followed = replace(reviewer, writes=("REVIEW.md",))
    assert advise(replace(team_, roles={**team_.roles, "reviewer": followed})) == ()


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


@pytest.mark.parametrize("name", ["maker", "tester"])
@pytest.mark.parametrize("sandbox", ["read-only", "workspace-write"])
@pytest.mark.parametrize("writes", [(), ("a.txt",), ("*.txt",)])
@pytest.mark.parametrize("produces", [(), ("a.txt",), ("a.txt", "b.md")])
def test_who_follows_the_advice_about_writing_gets_no_other(
    name: str, sandbox: str, writes: tuple[str, ...], produces: tuple[str, ...]
) -> None:
    boss, maker = GOOD
    made = tuple(map(Artifact, produces))
    one = replace(maker, name=name, sandbox=sandbox, writes=writes, produces=made)
    said = about_writing(replace(boss, handoffs=(name,)), one)
    assert len(said) <= 1
    for _ in range(2 if said else 0):
        one = follow(said[0], one) if said else one
        said = about_writing(replace(boss, handoffs=(name,)), one)
    assert said == []


def about_writing(*roles: Role) -> list[str]:
    words = ("sandbox", "writes", "may write", "may not write", "may change")
    return [line for line in advise(of(*roles)) if any(word in line for word in words)]


def follow(advice: str, one: Role) -> Role:
    if "grants nothing more" in advice:
        return replace(one, writes=())
    if 'sandbox = "read-only"' in advice:
        one = replace(one, sandbox="read-only")
    if found := re.search(r"writes = (\[.*?\])", advice):
        one = replace(one, writes=(*one.writes, *json.loads(found[1])))
    return one


@pytest.mark.parametrize(
    ("prices", "missing"),
    [
        ({}, ["known", "strange"]),
        ({"known": Price(1.0, 1.0)}, ["strange"]),
        ({"strange": Price(1.0, 1.0)}, ["known"]),
    ],
)
def test_a_limit_of_money_needs_the_prices_of_all_models(
    prices: dict[str, Price], missing: list[str]
) -> None:
    told = missing_prices(limited(), Prices("EUR", prices))
    assert [line.split('"')[1] for line in told] == missing


def test_a_limit_of_money_with_all_prices_lacks_nothing() -> None:
    prices = Prices("EUR", {"known": Price(1.0, 1.0), "strange": Price(1.0, 1.0)})
    assert missing_prices(limited(), prices) == ()
    assert missing_prices(of(*GOOD), Prices()) == ()
    (unnamed,) = advise_prices(limited(), prices)
    assert "name the model of maker" in unnamed
    assert advise_prices(of(*GOOD), prices) == ()


def limited() -> Team:
    boss, maker = GOOD
    return replace(
        of(replace(boss, model="known"), maker),
        limits=Limits(money=5.0),
        routes=(Route("hard", "strange"),),
    )
