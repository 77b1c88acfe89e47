"""`codextui setup` keeps the secrets of an entry, and prints none of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from setup.test_clients import home, setup

__all__ = ["home", "setup"]

OLD = {"command": "codex", "args": ["mcp-server"]}
SECRET = "sk-abcdefgh12345678"
FILES = {
    "cursor": ("home/.cursor/mcp.json", "mcpServers"),
    "vscode": ("project/.vscode/mcp.json", "servers"),
    "inspector": ("home/.mcp-inspector/mcp.json", "mcpServers"),
    "codex": ("home/.codex/config.toml", "mcp_servers"),
    "claude-code": ("project/.mcp.json", "mcpServers"),
}


def write_entry(home: Path, client: str, entry: object) -> Path:
    """Write an entry named codex where the client looks for it; returns the file."""
    name, section = FILES[client]
    path = home / name
    path.parent.mkdir(exist_ok=True)
    document = {section: {"codex": entry}}
    path.write_text(tomlkit.dumps(document) if client == "codex" else json.dumps(document))
    return path


@pytest.mark.parametrize("client", FILES)
@pytest.mark.parametrize(
    "entry",
    [
        {**OLD, "env": {"HARMLESS": SECRET}},
        {"command": "codex", "args": ["-c", f'a.api_key="{SECRET}"', "mcp-server"]},
        {"command": "codex", "args": ["mcp-server", "--api-key", SECRET]},
        {"command": "sh", "args": ["-c", f"OPENAI_API_KEY={SECRET} codex mcp-server"]},
        {"command": "sh", "args": ["-c", f"export API_KEY={SECRET}; codex mcp-server"]},
        {"command": "other", "args": [f"--token={SECRET}"]},
        {"url": f"https://me:{SECRET}@example.org/mcp"},
        {"url": "http://[::1]:1/mcp", "headers": {"A": SECRET, "B": "Bearer ${CODEXTUI_TOKEN}"}},
    ],
)
def test_no_secret_of_an_entry_is_printed(
    setup: Any, home: Path, client: str, entry: dict[str, object]
) -> None:
    path = write_entry(home, client, entry)
    for options in ([], ["--write"], ["--http", "127.0.0.1:1"]):
        done = setup(client, "--name", "codex", *options)
        assert SECRET not in done.out + done.err
    assert SECRET in path.read_text() or "--api-key" in str(entry) or "headers" in entry


@pytest.mark.parametrize("client", FILES)
def test_what_is_not_shown_is_said_and_kept(setup: Any, home: Path, client: str) -> None:
    env = {"PIN": "1234", "CODEX_HOME": "/codex", "OTHER": "${OTHER}"}
    path = write_entry(home, client, {**OLD, "env": env})
    printed = setup(client, "--name", "codex").out
    assert "[masked] stands for a value" in printed
    assert "1234" not in printed
    assert "${OTHER}" in printed
    assert '"/codex"' in printed
    setup(client, "--name", "codex", "--write")
    assert "1234" in path.read_text()


def test_where_nothing_is_hidden_nothing_is_said_to_be(setup: Any, home: Path) -> None:
    write_entry(home, "cursor", OLD)
    assert "masked" not in setup("cursor", "--name", "codex").out
