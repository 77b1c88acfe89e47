"""What is found on a machine: the real Codex, its login without any part of a key, old entries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codextui.codex.binary import search_codex
from codextui.commands.first_steps import inspect_machine
from codextui.config.schema import CodexConfig, Config
from codextui.console.model.findings import Finding, Verdict

needs_codex = pytest.mark.skipif(search_codex().binary is None, reason="no Codex here")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CODEX_HOME", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".codex").mkdir()
    return tmp_path


def find(title: str, config: Config | None = None) -> list[Finding]:
    return [one for one in inspect_machine(config or Config()) if one.title == title]


@needs_codex
def test_the_real_codex_says_whether_it_is_logged_in_and_no_part_of_a_key_is_shown(
    home: Path,
) -> None:
    [login] = find("Login")
    assert login.verdict is Verdict.BAD
    assert login.advice.startswith("Type: ")
    key = "sk-test-0123456789abcdef"
    (home / ".codex" / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": key}))
    found = inspect_machine(Config())
    [login] = [one for one in found if one.title == "Login"]
    assert login == Finding(Verdict.GOOD, "Login", "Codex is logged in with an API key")
    assert key[-5:] not in str(found)


@needs_codex
def test_the_version_and_the_path_of_codex_and_its_daemon_are_told(home: Path) -> None:
    [codex] = find("Codex")
    assert codex.verdict is Verdict.GOOD
    assert codex.text.endswith("codex")
    [daemon] = find("Daemon")
    assert "does not run" in daemon.text
    assert find("More"), "what is told is not all that can be checked"


def test_without_codex_it_is_told_how_to_get_it(home: Path) -> None:
    config = Config(codex=CodexConfig(binary=home / "nothing"))
    [codex] = find("Codex", config)
    assert codex.verdict is Verdict.BAD
    assert find("Login", config) == []


def test_old_entries_of_known_clients_are_found(home: Path) -> None:
    config = Config(codex=CodexConfig(binary=home / "nothing"))
    [none] = find("Clients", config)
    assert none.verdict is Verdict.GOOD
    old = {"command": "codex", "args": ["mcp-server"]}
    ours = {"command": "codextui", "args": ["mcp-server"]}
    servers = json.dumps({"mcpServers": {"worker": old, "new": ours}})
    (home / ".claude.json").write_text(servers)
    (home / ".mcp.json").write_text(servers)
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text("{ broken")
    codex = '[mcp_servers.old]\ncommand = "/usr/bin/codex"\nargs = ["mcp-server"]\n'
    (home / ".codex" / "config.toml").write_text(codex)
    found = find("Clients", config)
    assert [one.advice.split()[3] for one in found] == ["codex", "claude-code", "claude-code"]
    assert found[1].verdict is Verdict.NOTE, "the other one takes its place until it is approved"
    assert found[2].verdict is Verdict.BAD
    assert found[2].text.endswith("its server worker: ~/.claude.json")
    assert not any("server new" in one.text for one in found)
