"""`codextui setup claude-code --write` has Claude Code's own program change what is its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from setup.test_clients import home, setup

__all__ = ["home", "setup"]

OLD = {"command": "codex", "args": ["mcp-server"], "env": {"KEY": "sk-secret"}}
PLAYED = """#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word" >> "$HOME/calls"; done
printf '\\n' >> "$HOME/calls"
case "$*" in *{when}*) echo 'it says no' >&2; exit 1;; esac
"""


@pytest.fixture
def person(home: Path) -> Path:
    (home / "project" / ".git").mkdir()
    own = {"projects": {str(home / "project"): {"mcpServers": {"codex": OLD}}}}
    (home / "home" / ".claude.json").write_text(json.dumps(own))
    return home


def play(path: Path, *, fails_when: str = "nothing of it") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PLAYED.replace("{when}", f"'{fails_when}'"))
    path.chmod(0o755)


def calls(home: Path) -> list[list[str]]:
    text = (home / "home" / "calls").read_text()
    return [line.rstrip("\0").split("\0") for line in text.splitlines()]


REMOVE = ["mcp", "remove", "--scope", "local", "codex"]
ADD = ["mcp", "add-json", "--scope", "local", "codex"]


@pytest.mark.parametrize("folder", ["bin", "home/.local/bin", "home/.claude/local"])
def test_the_program_is_found_where_its_installers_put_it(
    setup: Any, person: Path, folder: str
) -> None:
    play(person / folder / "claude")
    done = setup("claude-code", "--name", "codex", "--write")
    assert calls(person)[0] == REMOVE
    assert calls(person)[1][:-1] == ADD
    entry = json.loads(calls(person)[1][-1])
    assert (entry["command"], entry["env"]) == ("codextui", OLD["env"])
    assert done.code == 1  # what was played has changed nothing
    assert "does not start codextui yet" in done.err
    assert "sk-secret" not in done.out + done.err


def test_what_was_removed_is_restored_where_the_rest_fails(setup: Any, person: Path) -> None:
    play(person / "bin" / "claude", fails_when='"codextui"')
    done = setup("claude-code", "--name", "codex", "--write")
    assert done.code == 2
    assert "failed: it says no\nWhat was there is there again." in done.err
    assert "sk-secret" not in done.out + done.err
    assert [call[:-1] for call in calls(person)] == [REMOVE[:-1], ADD, ADD]
    assert json.loads(calls(person)[-1][-1]) == OLD


def test_nothing_else_is_done_where_the_first_step_fails(setup: Any, person: Path) -> None:
    play(person / "bin" / "claude", fails_when="remove")
    done = setup("claude-code", "--name", "codex", "--write")
    assert done.code == 2
    assert "claude mcp remove --scope local codex failed: it says no" in done.err
    assert calls(person) == [REMOVE]


def test_what_was_removed_is_restored_where_a_person_interrupts(
    setup: Any, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(person / "bin" / "claude")
    run = subprocess.run

    def interrupted(command: list[str], **options: Any) -> Any:
        if command[2] == "add-json" and "codextui" in command[-1]:
            raise KeyboardInterrupt
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", interrupted)
    done = setup("claude-code", "--name", "codex", "--write")
    assert done.code == 130
    assert "was interrupted.\nWhat was there is there again." in done.err
    assert [call[:-1] for call in calls(person)] == [REMOVE[:-1], ADD]
    assert json.loads(calls(person)[-1][-1]) == OLD


def test_a_program_that_hangs_is_told_without_what_it_was_told(
    setup: Any, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(person / "bin" / "claude")
    (person / "bin" / "claude").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr("codextui.commands.setup.COMMAND_TIMEOUT_S", 0.1)
    done = setup("claude-code", "--name", "codex", "--write")
    assert done.code == 2
    assert "claude mcp remove --scope local codex failed: it did not end within" in done.err
    assert "sk-secret" not in done.out + done.err


def test_a_broken_file_is_left_to_the_person_and_not_to_claude_code(
    setup: Any, person: Path
) -> None:
    play(person / "bin" / "claude")
    broken = person / "home" / ".claude.json"
    broken.write_text('{"mcpServers": {')
    done = setup("claude-code", "--user", "--write")
    assert done.code == 2
    assert f"{broken} cannot be read: " in done.err
    assert "Nothing was changed: repair the file first" in done.err
    assert not (person / "home" / "calls").exists()


def test_no_command_is_printed_that_would_lose_what_is_not_shown(setup: Any, person: Path) -> None:
    printed = setup("claude-code", "--name", "codex").out
    assert "Type:\n\ncodextui setup claude-code --name codex --local --write\n" in printed
    refused = setup("claude-code", "--name", "codex", "--write")
    assert refused.code == 1
    assert "and claude is not on PATH. Put its folder there" in refused.err
    for said in (printed, refused.out, refused.err):
        assert "add-json" not in said
        assert "[masked]" not in said
    assert "sk-secret" in (person / "home" / ".claude.json").read_text()
