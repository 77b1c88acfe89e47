"""The settings of a role's Codex threads: models by kind of work."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from codextui.errors import ServerRefused
from codextui.teams.codex.settings import ThreadSettings
from codextui.teams.config.team import Route

ROUTES = (Route("complex", "strong", "design"), Route("checking", "fast"))


def settings(**changed: Any) -> ThreadSettings:
    return ThreadSettings("r-codex", Path("/project"), **{"confined": True, **changed})


def properties(of: ThreadSettings) -> dict[str, Any]:
    schema = cast("dict[str, Any]", of.codex_tool()["inputSchema"])
    return cast("dict[str, Any]", schema["properties"])


def test_a_model_is_offered_the_kinds_of_work_and_no_models() -> None:
    shown = properties(settings(routes=ROUTES))
    assert "model" not in shown
    assert shown["work"]["enum"] == ["complex", "checking"]
    assert "`complex`: design; `checking`." in shown["work"]["description"]


def test_without_kinds_of_work_the_tool_takes_a_model() -> None:
    shown = properties(settings())
    assert "model" in shown
    assert "work" not in shown


def test_a_fixed_model_leaves_no_choice() -> None:
    fixed = settings(routes=ROUTES, model="fast")
    assert {"model", "work"} & set(properties(fixed)) == set()
    assert (
        fixed.start_arguments({"prompt": "x", "work": "complex", "model": "dear"})["model"]
        == "fast"
    )


def test_a_kind_of_work_selects_its_model() -> None:
    arguments = settings(routes=ROUTES).start_arguments({"prompt": "x", "work": "checking"})
    assert arguments["model"] == "fast"
    assert "work" not in arguments


def test_a_requested_model_is_ignored_where_kinds_of_work_exist() -> None:
    assert "model" not in settings(routes=ROUTES).start_arguments({"prompt": "x", "model": "dear"})
    assert settings().start_arguments({"prompt": "x", "model": "dear"})["model"] == "dear"


@pytest.mark.parametrize("work", ["Complex", "hard"])
def test_an_unknown_kind_of_work_is_refused_with_the_known_ones(work: str) -> None:
    with pytest.raises(ServerRefused, match="there are complex, checking"):
        settings(routes=ROUTES).start_arguments({"prompt": "x", "work": work})
