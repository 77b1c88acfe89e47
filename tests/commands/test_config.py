"""`codextui config`, and the whole file in other commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codextui.cli import main
from codextui.commands.config import find_mistakes
from codextui.config import paths

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

BAD = """\
[codex]
binary = "/no/such/codex"
[ui]
theme = "papr"
layout = 77
[ui.keys]
"thread.kill" = "ctrl+banana"
"thread.kil" = "x"
[sever]
[server]
http = "0.0.0.0:8040"
[prices.x]
input = 1
[teams.a.limits]
tokens = -1
[teams.a.roles.b]
"""

TOLD = [
    (2, "codex.binary", "names /no/such/codex, which is no program that can be run"),
    (4, "ui.theme", "is no theme; did you mean paper?"),
    (5, "ui.layout", 'must be "auto" or a whole number from 1 to 9, not 77'),
    (7, "ui.keys.thread.kill", "has 'ctrl+banana', which is no key"),
    (8, "ui.keys.thread.kil", "is no binding; did you mean thread.kill?"),
    (9, "sever", "is no section; did you mean [server]?"),
    (11, "server.http", "can be reached by other machines"),
    (12, "prices.x", "needs output"),
    (15, "teams.a.limits.tokens", "must be a whole number from 0 to 1,000,000,000,000, not -1"),
    (16, "teams.a.roles.b", "has no instructions: write instructions, or instructions_file"),
]
"""The mistakes of BAD: line, key, and how what is told of it begins."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    path = paths.config_path()
    path.parent.mkdir(parents=True)
    return path


def test_every_mistake_is_told_with_its_line_and_what_would_be_right(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(BAD)
    assert main(["config", "check"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TOLD)
    for line, (number, key, text) in zip(lines, TOLD, strict=True):
        assert line.startswith(f"{config}:{number}: {key} {text}")


def test_every_mistake_is_in_the_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(BAD)
    assert main(["config", "check", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["exists"]) == (str(config), True)
    assert [(one["line"], one["key"]) for one in told["mistakes"]] == [one[:2] for one in TOLD]


def test_a_text_that_is_no_toml_is_one_mistake(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text("[ui]\ntheme = \n")
    assert main(["config", "check"]) == 2
    assert capsys.readouterr().out == (
        f"{config}:2: is no TOML: Invalid value; write a value after =\n"
    )


@pytest.mark.parametrize("arguments", [["config"], ["teams"], ["runs"]])
def test_other_commands_refuse_a_mistake_anywhere_in_the_file(
    config: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[ui]\nlayout = 77\n[ui.keys]\n"thread.kill" = "nokey"\n')
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert f"{config}:2: ui.layout must be" in error
    assert f"{config}:4: ui.keys.thread.kill has 'nokey'" in error


def test_a_file_without_mistakes_is_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[ui]\ntheme = "paper"\n[ui.keys]\n"thread.kill" = "ctrl+k"\n')
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"no mistakes: {config}\n"


def test_a_missing_file_means_the_defaults(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"no mistakes: there is no {config}, so defaults\n"
    assert main(["config", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exists"] is False


def test_the_example_has_no_mistakes() -> None:
    assert find_mistakes(EXAMPLE) == ()


def test_a_theme_of_ones_own_is_known_unless_it_cannot_be_used(config: Path) -> None:
    themes = config.parent / "themes"
    themes.mkdir()
    (themes / "mine.toml").write_text('name = "mine"\nprimary = "#ff0000"\n')
    (themes / "broken.toml").write_text('name = "broken"\nprimary = "reddish"\n')
    config.write_text('[ui]\ntheme = "mine"\n')
    assert find_mistakes(config) == ()
    config.write_text('[ui]\ntheme = "broken"\n')
    (mistake,) = find_mistakes(config)
    assert f"cannot be used: {themes}/broken.toml: line 2: primary must be" in mistake.problem


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('[codex]\nhome = "/no/such/home"', "codex.home: there is no folder /no/such/home"),
        ('[codex]\ntoken_env = "NO_SUCH_TOKEN"', "codex.token_env is only used where attach"),
        (
            '[codex]\nattach = "ws://h:1"\ntoken_env = "NO_SUCH_TOKEN"',
            "codex.token_env: NO_SUCH_TOKEN is not set in this shell",
        ),
        ('[ui]\nnotify_command = ["no-such-program"]', "ui.notify_command: there is no program"),
        ('[ui]\ncopy_command = "no-such-program -x"', "ui.copy_command: there is no program"),
        ('[ui]\nterminal = "no-such-program -e {command}"', "ui.terminal: there is no program"),
        ('[traces]\nendpoint = "http://h/v1"', "traces.endpoint is only used with"),
        (
            '[teams.a.limits]\nmoney = 5\n[teams.a.roles.b]\ninstructions = "Build."',
            "teams.a cannot run: limits.money needs [prices.",
        ),
    ],
)
def test_what_is_right_and_still_of_no_use_is_advice(
    config: Path, text: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    assert main(["config", "check"]) == 0
    assert f"advice: {advice}" in capsys.readouterr().out


def test_what_applies_is_shown_and_what_was_changed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[ui]\nlayout = 6\n[approvals]\nunattended_timeout = "never"\n')
    assert main(["config"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["ui.layout"] == ["6", "changed"]
    assert rows["approvals.unattended_timeout"] == ["never", "changed"]
    assert rows["ui.theme"] == ["harbour"]
    assert main(["config", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert (values["ui"]["layout"], values["server"]["idle_timeout"]) == (6, 1800.0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_refused(config: Path) -> None:
    config.write_text("")
    config.chmod(0)
    assert main(["config", "check"]) == 2
