"""Models by the kind of work, as a role's Codex threads get them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from codextui.errors import ServerRefused
from codextui.teams.codex.terms import Terms
from codextui.teams.config.team import Route

ROUTES = (Route("complex", "strong", "design"), Route("checking", "fast"))


def terms(**changed: Any) -> Terms:
    return Terms("r-codex", Path("/project"), **{"confined": True, **changed})


def properties(of: Terms) -> dict[str, Any]:
    schema = cast("dict[str, Any]", of.tool()["inputSchema"])
    return cast("dict[str, Any]", schema["properties"])


def test_a_model_is_offered_the_kinds_of_work_and_no_models() -> None:
    shown = properties(terms(routes=ROUTES))
    assert "model" not in shown
    assert shown["work"]["enum"] == ["complex", "checking"]
    assert "`complex`: design; `checking`." in shown["work"]["description"]


def test_without_kinds_of_work_the_tool_is_as_before() -> None:
    shown = properties(terms())
    assert "model" in shown
    assert "work" not in shown


def test_a_fixed_kind_of_work_leaves_nothing_to_choose() -> None:
    fixed = terms(routes=ROUTES, model="fast")
    assert {"model", "work"} & set(properties(fixed)) == set()
    assert fixed.arguments({"prompt": "x", "work": "complex", "model": "dear"})["model"] == "fast"


def test_a_kind_of_work_becomes_its_model() -> None:
    arguments = terms(routes=ROUTES).arguments({"prompt": "x", "work": "checking"})
    assert arguments["model"] == "fast"
    assert "work" not in arguments


def test_a_model_that_is_named_all_the_same_is_not_taken() -> None:
    assert "model" not in terms(routes=ROUTES).arguments({"prompt": "x", "model": "dear"})
    assert terms().arguments({"prompt": "x", "model": "dear"})["model"] == "dear"


@pytest.mark.parametrize("work", ["Complex", "hard"])
def test_an_unknown_kind_of_work_is_refused_with_those_there_are(work: str) -> None:
    with pytest.raises(ServerRefused, match="there are complex, checking"):
        terms(routes=ROUTES).arguments({"prompt": "x", "work": work})
