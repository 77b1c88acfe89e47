"""What `codextui doctor` prints for people."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from doctor.conftest import LOGGED_OUT, Stage


def break_it(stage: Stage) -> None:
    stage.write_codex(login=LOGGED_OUT)
    stage.setenv(TERM="dumb")
    stage.runtime.chmod(0o755)


async def test_problems_are_first_and_of_what_is_fine_only_the_names_are_told(
    stage: Stage, examine_text: Any
) -> None:
    break_it(stage)
    told = await examine_text()
    severities = [line.split()[0] for line in told.lines if line[:1].strip()][:-1]
    assert severities[:2] == ["problem", "problem"]
    assert severities[2:-2] == ["advice"] * len(severities[2:-2])
    fine = next(line for line in told.lines if line.startswith("ok "))
    assert "codex.binary, codex.config, " in fine
    assert "--all" in fine
    assert told.lines[-2].startswith("2 problems, ")
    assert "doctor --fix` repairs 1 of them" in told.lines[-1]


async def test_all_says_what_was_found_where_all_is_well(stage: Stage, examine_text: Any) -> None:
    told = await examine_text("--all")
    assert "ok       codex.binary: Codex 0.163.0 (on PATH); " in told.out
    assert str(stage.state) in told.out
    assert "--all" not in told.out


async def test_a_terminal_gets_lines_that_break_between_words(
    stage: Stage, examine_text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(stage)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    stage.setenv(COLUMNS="50", LINES="24")
    told = await examine_text()
    lines = [line for line in told.lines if "/" not in line and "type: " not in line]
    assert max(map(len, lines)) <= 50
    texts = [line for line in told.lines if line.startswith(" ")]
    assert all(line.startswith(" " * 9) for line in texts)
