"""What prevents a team from running on this machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from teams.scripted import role, team

from codextui.config.prices import Price, Prices
from codextui.config.schema import Export, TracesConfig
from codextui.teams.config.team import Command, Limits, Team
from codextui.teams.runner.check import Problem, Subject, check_team


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def problems(
    of: Team, project: Path, prices: Prices | None = None, traces: TracesConfig | None = None
) -> tuple[Problem, ...]:
    found = check_team(of, prices or Prices(), traces or TracesConfig(), project)
    return found.problems


def only(found: tuple[Problem, ...]) -> tuple[Subject, str, str]:
    (one,) = found
    return one.subject, one.key, one.text


def test_nothing_prevents_a_plain_team(tmp_path: Path) -> None:
    assert problems(team(role("one", to=["two"]), role("two")), tmp_path) == ()


def test_every_tool_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    tools = ("absent_tool:x", "teams.own_tools:lookup", "teams.own_tools:number", "web_search")
    found = problems(team(replace(role("one"), tools=tools)), tmp_path)
    assert [problem.key for problem in found] == ["teams.t.roles.one.tools"] * 2
    assert "absent_tool:x of one cannot be imported" in found[0].text
    assert "teams.own_tools:number of one is a value of the type int" in found[1].text


def test_two_tools_of_one_name_are_told(tmp_path: Path) -> None:
    tools = ("teams.own_tools:lookup", "teams.own_tools:lookup")
    subject, _, text = only(problems(team(replace(role("one"), tools=tools)), tmp_path))
    assert (subject, text) == (Subject.TOOLS, "one has 2 tools of the name lookup: rename one")


def test_a_missing_key_is_told_once_for_all_roles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    subject, _, text = only(problems(team(role("one", to=["two"]), role("two")), tmp_path))
    assert subject is Subject.MODELS
    assert text.startswith("the model of one, two cannot be used: OPENAI_API_KEY is not set")


@pytest.mark.parametrize("url", ["", "localhost:8000/v1", "http://"])
def test_an_address_of_a_provider_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    _, _, text = only(problems(team(role("one")), tmp_path))
    assert "OPENAI_BASE_URL must be an http:// or https:// address such as" in text


@pytest.mark.parametrize(
    ("model", "told"), [("nobody/x", "Unknown prefix"), ("litellm/a/b", "pip install")]
)
def test_a_model_whose_provider_is_not_there_is_told(tmp_path: Path, model: str, told: str) -> None:
    _, key, text = only(problems(team(replace(role("one"), model=model)), tmp_path))
    assert key == "teams.t.roles.one.model"
    assert told in text


def test_a_limit_of_money_without_prices_is_told(tmp_path: Path) -> None:
    limited = replace(team(replace(role("one"), model="m")), limits=Limits(money=1.0))
    assert only(problems(limited, tmp_path))[:2] == (Subject.PRICES, "teams.t.limits.money")
    assert problems(limited, tmp_path, Prices("EUR", {"m": Price(1.0, 1.0)})) == ()


def test_a_command_of_a_gate_that_cannot_run_is_told(tmp_path: Path) -> None:
    gated = replace(role("one"), requires=(Command("no-such-program"), Command("ls")))
    subject, _, text = only(problems(team(gated), tmp_path))
    assert subject is Subject.GATES
    assert text.startswith("`no-such-program`, which one waits for, runs no-such-program")


def test_a_folder_that_is_none_or_leads_out_is_told(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "file").touch()
    (project / "out").symlink_to(tmp_path)
    found = problems(
        team(replace(role("one"), cwd="file"), replace(role("two"), cwd="out")), project
    )
    assert [problem.text.rpartition(", ")[2] for problem in found] == [
        "which is no folder",
        "a link that leads out of the project",
    ]


def test_there_is_advice_about_a_folder_that_is_not_there(tmp_path: Path) -> None:
    absent = team(replace(role("one"), cwd="api"))
    report = check_team(absent, Prices(), TracesConfig(), tmp_path)
    assert report.problems == ()
    (told,) = report.advice
    assert told.startswith(f"one works in api, which is not in {tmp_path}: make the folder")


def test_there_is_advice_about_web_search_at_another_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    searching = team(replace(role("one"), tools=("web_search",)))
    (told,) = check_team(searching, Prices(), TracesConfig(), tmp_path).advice
    assert told.startswith("one may search the web")


@pytest.mark.parametrize(("sandbox", "told"), [("read-only", False), ("workspace-write", True)])
def test_there_is_advice_about_tools_that_agents_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str, told: bool
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    (tmp_path / "tool_in_project.py").write_text("def look(): return 1")
    one = replace(role("one", codex=True, makes=["a"]), sandbox=sandbox, writes=("a",))
    using = replace(
        team(replace(one, tools=("tool_in_project:look", "teams.own_tools:lookup"))),
        folder=tmp_path,
    )
    advice = check_team(using, Prices(), TracesConfig(), tmp_path).advice
    named = [line for line in advice if "outside of every sandbox" in line]
    assert [line.split()[0] for line in named] == [str(tmp_path / "tool_in_project.py")] * told


def test_traces_for_openai_need_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    found = problems(team(role("one")), tmp_path, traces=TracesConfig(export=Export.OPENAI))
    assert [problem.key for problem in found] == ["teams.t.roles.one.model", "traces.export"]
