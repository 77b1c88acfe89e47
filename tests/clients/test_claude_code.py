"""Claude Code itself says what it starts, before and after `codextui setup`."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clients.installed import Installed

from codextui.setup import claude_code
from codextui.setup.entries import describe_start
from codextui.setup.scopes import find_started

pytestmark = pytest.mark.slow

STDIO = {"type": "stdio"}
OLD = {
    **STDIO,
    "command": "codex",
    "args": ["-c", 'title="it\'s"', "mcp-server"],
    "env": {"A": "1 2"},
}
OTHER = {**STDIO, "command": "false", "args": ["something"]}
OURS = {**STDIO, "command": "codextui", "args": ["mcp-server"]}
TIMEOUT_S = 120


@dataclass(frozen=True)
class Seen:
    """What `claude mcp get` says of a server."""

    scope: str
    status: str
    command: str
    args: str


class Person:
    """Somebody's home, project and programs."""

    def __init__(self, folder: Path, claude: Path, runtime: str) -> None:
        self.home, self.project = folder / "home", folder / "project"
        programs = folder / "bin"
        for made in (self.home, self.project, programs, self.project / ".git"):
            made.mkdir()
        config = self.home / ".config" / "codextui" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[codex]\nattach = "private"\n')  # no daemon that would stay
        (programs / "codextui").symlink_to(Path(sys.executable).with_name("codextui"))
        self.without_claude = {
            "HOME": str(self.home),
            "PATH": f"{programs}:{os.defpath}",
            "XDG_RUNTIME_DIR": runtime,
            "CODEX_HOME": str(self.home / ".codex"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        self.env = {**self.without_claude, "PATH": f"{programs}:{claude}:{os.environ['PATH']}"}

    def has(self, servers: dict[str, Any], answers: dict[str, Any] | None = None) -> None:
        """Put the server `codex` into scopes; `answers` are those to Claude Code's questions."""
        own: dict[str, Any] = {"projects": {str(self.project): {}}}
        mine = own["projects"][str(self.project)]
        for scope, entry in servers.items():
            section = {"mcpServers": {"codex": entry}}
            if scope == "project":
                (self.project / ".mcp.json").write_text(json.dumps(section))
            else:
                (mine if scope == "local" else own).update(section)
        if answers:
            mine["hasTrustDialogAccepted"] = True
            (self.project / ".claude").mkdir()
            (self.project / ".claude" / "settings.local.json").write_text(json.dumps(answers))
        (self.home / ".claude.json").write_text(json.dumps(own))

    def entries(self) -> list[Any]:
        """Return what the scopes say of `codex`: local, project, user."""
        own = json.loads((self.home / ".claude.json").read_text())
        file = self.project / ".mcp.json"
        shared = json.loads(file.read_text()) if file.exists() else {}
        scopes = (own["projects"][str(self.project)], shared, own)
        return [scope.get("mcpServers", {}).get("codex") for scope in scopes]

    def run(
        self, *command: str, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or self.project,
            env=env or self.env,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def set_up(
        self, *options: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.run("codextui", "setup", "claude-code", *options, env=env)

    def get(self, name: str = "codex", cwd: Path | None = None) -> Seen | None:
        """Ask Claude Code what it starts under a name."""
        said = self.run("claude", "mcp", "get", name, cwd=cwd)
        if said.returncode:
            return None
        lines = dict(re.findall(r"^  (\w+): *(.*)$", said.stdout, re.MULTILINE))
        return Seen(
            lines["Scope"].split()[0].lower(),
            lines["Status"].split(" ", 1)[1],
            Path(lines["Command"]).name,
            lines["Args"],
        )


@pytest.fixture(scope="module")
def runtime() -> Iterator[str]:
    """The folder of the server's socket, which one server keeps for all tests."""
    with tempfile.TemporaryDirectory(prefix="codextui-claude-") as folder:
        yield folder
        codextui = [sys.executable, "-m", "codextui", "kill-server"]
        subprocess.run(codextui, env={**os.environ, "XDG_RUNTIME_DIR": folder}, check=False)


@pytest.fixture
def person(
    installed: Installed, tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> Person:
    person = Person(tmp_path, installed.claude, runtime)
    monkeypatch.setenv("HOME", str(person.home))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.chdir(person.project)
    return person


ENABLED = {"enabledMcpjsonServers": ["codex"]}
REJECTED = {"disabledMcpjsonServers": ["codex"]}
CONNECTED, PENDING, SAID_NO = "Connected", "Pending approval", "Rejected"
CODEX, CODEXTUI, FALSE = "codex", "codextui", "false"

TAKEN_OVER = [
    # What is there, the answers, options; the exit code, then what Claude Code says afterwards.
    ({}, None, [], 0, ("project", CODEXTUI, PENDING)),
    ({}, None, ["--local"], 0, ("local", CODEXTUI, CONNECTED)),
    ({}, None, ["--user"], 0, ("user", CODEXTUI, CONNECTED)),
    ({"local": OLD}, None, [], 0, ("local", CODEXTUI, CONNECTED)),
    ({"project": OLD}, None, [], 0, ("project", CODEXTUI, PENDING)),
    ({"project": OLD}, ENABLED, [], 0, ("project", CODEXTUI, CONNECTED)),
    ({"project": OLD}, REJECTED, [], 1, ("project", CODEXTUI, SAID_NO)),
    ({"user": OLD}, None, [], 0, ("user", CODEXTUI, CONNECTED)),
    ({"user": OLD}, None, ["--local"], 0, ("local", CODEXTUI, CONNECTED)),
    ({"user": OLD}, None, ["--project"], 1, ("user", CODEX, "Failed")),
    ({"local": OLD}, None, ["--project"], 1, ("local", CODEX, "Failed")),
    ({"local": OLD}, None, ["--user"], 1, ("local", CODEX, "Failed")),
    ({"project": OLD, "user": OLD}, None, [], 0, ("user", CODEXTUI, CONNECTED)),
    ({"project": OLD, "user": OLD}, ENABLED, [], 0, ("project", CODEXTUI, CONNECTED)),
    ({"project": OLD, "user": OLD}, REJECTED, [], 0, ("user", CODEXTUI, CONNECTED)),
    ({"local": OLD, "project": OLD, "user": OLD}, ENABLED, [], 0, ("local", CODEXTUI, CONNECTED)),
    ({"local": OURS, "user": OLD}, None, [], 0, ("local", CODEXTUI, CONNECTED)),
    ({"local": OTHER}, None, [], 2, ("local", FALSE, "Failed")),
    ({"local": OTHER, "user": OLD}, None, ["--user"], 2, ("local", FALSE, "Failed")),
    ({"user": OTHER}, None, [], 2, ("user", FALSE, "Failed")),
    ({"user": OTHER}, None, ["--local"], 2, ("user", FALSE, "Failed")),
    ({"local": OLD, "user": OTHER}, None, [], 0, ("local", CODEXTUI, CONNECTED)),
]


@pytest.mark.parametrize(
    "row",
    TAKEN_OVER,
    ids=lambda row: " ".join([*(f"{at}:{one['command']}" for at, one in row[0].items()), *row[2]]),
)
def test_what_setup_says_is_what_claude_code_starts(person: Person, row: Any) -> None:
    servers, answers, options, code, after = row
    person.has(servers, answers)
    before = person.entries()
    done = person.set_up("--name", "codex", "--write", *options)
    assert done.returncode == code, done.stdout + done.stderr
    seen = person.get()
    assert seen is not None
    scope, command, status = after
    assert (seen.scope, seen.command) == (scope, command)
    assert seen.status.startswith(status)
    assert ("Verified:" in done.stdout) == (command == CODEXTUI)
    if servers.get(scope) is OLD and command == CODEXTUI:
        assert seen.args == 'mcp-server -c title="it\'s"'
    for line in re.findall(r"Type: .*(codextui setup .*)", done.stderr):
        assert person.run(*line.split()).returncode == 0
        typed = person.get()
        assert typed is not None
        assert (typed.scope, typed.command) == (scope, CODEXTUI)
    assert ("shadows what was written" in done.stderr) == (code == 1 and scope == "local")
    if code == 2:
        assert "--name codextui" in done.stderr
        assert person.entries() == before


def test_the_printed_line_works_where_it_is_pasted(person: Person) -> None:
    person.has({"local": {**OLD, "env": {}}})
    printed = person.set_up("--name", "codex")
    assert printed.returncode == 0
    refused = person.set_up("--name", "codex", "--write", env=person.without_claude)
    assert refused.returncode == 1
    assert (person.get() or Seen("", "", "", "")).command == CODEX
    [line] = [line for line in printed.stdout.splitlines() if line.startswith("claude mcp")]
    assert line in refused.stderr
    pasted = person.run("bash", "-c", line)
    assert pasted.returncode == 0, pasted.stderr
    assert person.get() == Seen("local", CONNECTED, CODEXTUI, 'mcp-server -c title="it\'s"')
    for options in ([], ["--write"]):
        again = person.set_up("--name", "codex", *options)
        assert again.returncode == 0
        assert "is set up already" in again.stdout
        assert "claude mcp" not in again.stdout


def test_an_old_entry_of_another_name_is_told_with_the_command_that_takes_it_over(
    person: Person,
) -> None:
    person.has({"local": OLD})
    done = person.set_up("--write", "--user")
    assert done.returncode == 0
    [line] = re.findall(r"(codextui setup .*) changes that", done.stdout)
    assert line == "codextui setup claude-code --name codex --local --write"
    assert (person.get("codextui") or Seen("", "", "", "")).scope == "user"
    assert person.run(*line.split()).returncode == 0
    assert (person.get() or Seen("", "", "", "")).command == CODEXTUI


def test_an_entry_that_cannot_be_restored_is_printed(person: Person) -> None:
    person.has({"local": OLD})
    policy = {"deniedMcpServers": [{"serverName": "codex"}]}
    (person.home / ".claude").mkdir()
    (person.home / ".claude" / "settings.json").write_text(json.dumps(policy))
    done = person.set_up("--name", "codex", "--write")
    assert done.returncode == 2
    line = done.stderr.split("until you type: ")[1].split(" (Cannot add")[0]
    assert json.loads(shlex.split(line)[-1]) == OLD
    (person.home / ".claude" / "settings.json").unlink()
    assert person.run("bash", "-c", line).returncode == 0
    assert person.entries() == [OLD, None, None]


def test_folders_are_looked_up_as_claude_code_does(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (
        (*git, "init", "-q"),
        (*git, "commit", "-q", "--allow-empty", "-m", "x"),
        (*git, "worktree", "add", "-q", "../worktree"),
    ):
        assert person.run(*command).returncode == 0
    inner = person.project / "a" / "b"
    inner.mkdir(parents=True)
    person.has({"local": OURS, "project": OTHER, "user": OLD}, ENABLED)
    (person.project / "a" / ".mcp.json").write_text(json.dumps({"mcpServers": {"near": OTHER}}))
    outside = person.project.parent / "outside"
    outside.mkdir()
    for folder in (person.project, inner, person.project.parent / "worktree", outside):
        monkeypatch.chdir(folder)
        for name in ("codex", "near"):
            seen = person.get(name, cwd=folder)
            started = find_started(claude_code.read_scopes(), name)
            if seen is None or not seen.status.startswith((CONNECTED, "Failed")):
                assert started is None
            else:
                assert started is not None
                assert str(started.scope.kind) == seen.scope
                words = shlex.split(describe_start(started.settings))
                assert " ".join(words) == f"{seen.command} {seen.args}"
