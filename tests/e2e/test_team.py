"""`codextui demo --team` and `codextui run` in a terminal."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path

import pytest
from e2e.conftest import OpenTerminal, Serve

from codextui.demo.script import INSTANT
from codextui.demo.team_script import FILES, FOLDER, TASK, TeamScript, content_of

START_S = 120
ROLES = ("project-manager", "designer", "frontend-developer", "backend-developer", "tester")


@pytest.mark.slow
def test_a_person_approves_for_the_demos_team_and_sees_its_roles_gates_and_times(
    open_terminal: OpenTerminal,
):
    terminal = open_terminal("demo", "--team", "--mode", "parallel", columns=200, lines=45)
    for role in ROLES:
        terminal.wait_for(f"@{role}", timeout=START_S)
    terminal.wait_for("tester-codex asks to run a command", timeout=START_S)
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_gone("asks to run a command")
    for role in ROLES:
        terminal.wait_until(
            lambda role=role: re.search(rf"✓ @{role} +done", terminal.text) is not None,
            f"{role} is done",
            timeout=START_S,
        )
    terminal.wait_for("▣ bug-busters done")
    terminal.press("g")
    terminal.wait_for("10 of 10 gates met")
    terminal.press("esc")
    terminal.wait_gone("gates met")
    terminal.press("T")
    terminal.wait_for("where the time went")
    for role in ROLES:
        terminal.wait_for(role[:14])
    terminal.press("esc")
    terminal.wait_gone("where the time went")
    terminal.press("q")
    assert terminal.wait_exit(timeout=60) == 0
    assert terminal.modes_left() == {}
    found = re.search(r"What was made is in (\S+)", terminal.text)
    assert found, terminal.text
    assert "project-manager is sent back:" in terminal.text
    for name in FILES:
        assert (Path(found[1]) / name).read_text(encoding="utf-8") == content_of(name)


@pytest.mark.slow
def test_a_run_continues_after_its_console_is_left(
    open_terminal: OpenTerminal, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    served = serve(TeamScript(INSTANT))
    codex = tomllib.loads((served.workspace.codex_home / "config.toml").read_text("utf-8"))
    monkeypatch.setenv("OPENAI_BASE_URL", codex["model_providers"]["script"]["base_url"])
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    project = served.workspace.root / "project"
    project.mkdir()
    team = ("--config", str(FOLDER / "team.toml"), "bug-busters", TASK)
    place = ("-L", "e2e", "-C", str(project), "--mode", "parallel")
    terminal = open_terminal("run", *team, *place, columns=200, lines=45)
    terminal.wait_for("tester-codex asks to run a command", timeout=START_S)
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_gone("tester-codex asks to run a command")
    terminal.press("q")
    assert terminal.wait_exit(timeout=60) == 0
    found = re.search(r"what happened and happens is in (\S+)", terminal.text)
    assert found, terminal.text
    log = Path(found[1])
    deadline = time.monotonic() + START_S
    while not re.search(r"^[0-9:]{8} done: ", log.read_text("utf-8"), re.MULTILINE):
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.05)
    for name in FILES:
        assert (project / name).read_text(encoding="utf-8") == content_of(name)
