"""`codextui teams` and the usage of `codextui run`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from codextui.cli import main
from codextui.demo.team_script import FOLDER

TEAM = ["--config", str(FOLDER / "team.toml")]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_the_teams_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teams", *TEAM]) == 0
    assert "bug-busters" in capsys.readouterr().out


def test_without_teams_the_file_to_describe_one_in_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["teams"]) == 0
    out = capsys.readouterr().out
    assert "config.toml: `codextui teams new NAME` adds a small one" in out


def test_a_check_explains_the_gates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teams", "check", "bug-busters", *TEAM]) == 0
    out = capsys.readouterr().out
    assert "project-manager (gets the task)" in out
    assert "begins once there is frontend/index.html from frontend-developer" in out
    assert "is done once there is backend/package.json (valid JSON)" in out


def test_a_check_explains_the_command_of_a_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "team.toml"
    gate = 'requires = [{ command = "test -e x" }]'
    config.write_text(f'[teams.one.roles.a]\ninstructions = "Build."\n{gate}\n')
    assert main(["teams", "check", "one", "--config", str(config)]) == 0
    assert "  begins once `test -e x` succeeds" in capsys.readouterr().out.splitlines()


def test_a_check_as_json_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teams", "check", "bug-busters", "--json", *TEAM]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["entry"] == "project-manager"
    assert told["roles"]["tester"]["requires"][0] == "TEST.md"


ROUTED = """
[prices.strong]
input = 1
output = 1
[teams.duo.limits]
money = 5
[teams.duo.models]
complex = "strong"
checking = { model = "fast", about = "looking" }
[teams.duo.roles.writer]
instructions = "Write."
work = "complex"
tools = ["web_search", "duo_tools:send"]
handoffs = ["reader"]
[teams.duo.roles.reader]
instructions = "Read."
codex_work = "checking"
"""


def test_a_check_shows_models_and_approvals_of_tools(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "team.toml"
    config.write_text(ROUTED, encoding="utf-8")
    (tmp_path / "duo_tools.py").write_text("def send(text: str) -> str: return text")
    assert main(["teams", "check", "duo", "--config", str(config)]) == 2
    out = capsys.readouterr().out
    assert "at most 100 turns, 5 in money" in out
    assert "work of the kind checking goes to fast (looking)" in out
    assert "model strong (for complex work)" in out
    assert "its model fast (for checking work)" in out
    assert "its model as it says: complex, checking work, or default" in out
    assert "tool web_search\n" in out
    assert "tool duo_tools:send, after a person's approval" in out
    assert f'{config}:6: limits.money needs [prices."fast"]' in out
    assert main(["teams", "check", "duo", "--json", "--config", str(config)]) == 2
    told = json.loads(capsys.readouterr().out)
    assert {one["subject"] for one in told["problems"]} == {"prices"}
    assert told["advice"]
    assert told["models"] == {"complex": "strong", "checking": "fast"}
    assert told["roles"]["writer"]["approved_tools"] == ["duo_tools:send"]
    assert told["roles"]["reader"]["codex_model"] == "fast"


def test_a_new_team_is_checked_and_the_next_command_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "my config.toml"
    assert main(["teams", "new", "shop", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert f"added the team shop (builder, reviewer) to {config}" in out
    assert f"  codextui run --config '{config}' shop 'what to build'" in out.splitlines()
    assert f"`codextui teams check --config '{config}' shop` explains it" in out
    assert "advice" not in out
    assert main(["teams", "check", "shop", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "may write REVIEW.md, by the tool write_file" in out
    assert "no advice" in out
    assert main(["teams", "new", "shop", "--config", str(config)]) == 2
    assert "there is a team shop already" in capsys.readouterr().err


def test_a_new_team_says_what_prevents_it_from_running(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert main(["teams", "new", "shop"]) == 0
    assert "OPENAI_API_KEY is not set" in capsys.readouterr().out
    assert main(["teams", "new", "second", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["next"] == "codextui run second 'what to build'"
    assert [one["subject"] for one in told["problems"]] == ["models"]


def test_a_new_team_is_not_added_to_a_file_with_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "team.toml"
    config.write_text("[ui]\nlayout = 77\n")
    assert main(["teams", "new", "shop", "--config", str(config)]) == 2
    assert f"{config}:2: ui.layout" in capsys.readouterr().err
    assert config.read_text() == "[ui]\nlayout = 77\n"


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_a_new_team_is_not_added_to_what_is_no_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / kind
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    assert main(["teams", "new", "shop", "--config", str(path)]) == 2
    assert f"{path} is no file" in capsys.readouterr().err


def test_what_a_tool_prints_when_it_is_imported_is_no_part_of_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "team.toml"
    config.write_text(
        '[teams.one.roles.a]\ninstructions = "x"\ntools = ["loud_tool:say"]\n', encoding="utf-8"
    )
    (tmp_path / "loud_tool.py").write_text("print('Hello!')\ndef say(a: str) -> str: return a")
    assert main(["teams", "check", "one", "--json", "--config", str(config)]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["problems"] == []
    assert "Hello!" in captured.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["teams", "check", "bug-busters", "-C", "/no-such-folder"], "is no folder"),
        (["teams", "check", "bug-buster"], "did you mean bug-busters?"),
        (["run"], "say which TEAM is to run"),
        (["run", "bug-busters"], "say which TEAM is to run"),
        (["run", "nobody", "task"], "there is no team 'nobody'"),
        (["run", "bug-busters", " "], "the prompt is empty"),
        (["run", "bug-busters", "task", "-C", "/no-such-folder"], "is no folder"),
        (["run", "--resume", "../../etc"], "there is no run"),
        (["run", "--resume", "x", "--json"], "there is no run"),
        (["run", "bug-busters", "task", "--resume", "x"], "name none"),
    ],
)
def test_wrong_usage_starts_nothing(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([arguments[0], *TEAM, *arguments[1:]]) == 2
    assert told in capsys.readouterr().err
