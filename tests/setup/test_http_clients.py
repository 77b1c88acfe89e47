"""`codextui setup --http`: clients that use HTTP, and the token."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from setup.test_clients import CLIENTS, DAY_MS, STDIO, home, printed_json, setup

from codextui.config import paths
from codextui.server.transports.http.token import TokenFile

__all__ = ["home", "setup"]


@pytest.fixture(autouse=True)
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server runs, also where the person who tests has one."""
    monkeypatch.setattr("codextui.commands.running_server.find_running", lambda _: None)


ADDRESS = "127.0.0.1:8040"
URL = f"http://{ADDRESS}/mcp"


def bearer(variable: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {variable}"}


CLAUDE = {
    "type": "http",
    "url": URL,
    "headers": bearer("${CODEXTUI_TOKEN}"),
    "timeout": DAY_MS,
}
CURSOR = {"url": URL, "headers": bearer("${env:CODEXTUI_TOKEN}")}
WRITTEN = [
    (["claude-code"], "project/.mcp.json", {"mcpServers": {"codextui": CLAUDE}}),
    (["cursor"], "home/.cursor/mcp.json", {"mcpServers": {"codextui": CURSOR}}),
    (
        ["vscode"],
        "project/.vscode/mcp.json",
        {"servers": {"codextui": {"type": "http", **CURSOR}}},
    ),
]
CODEX = {
    "url": URL,
    "bearer_token_env_var": "CODEXTUI_TOKEN",
    "startup_timeout_sec": 60,
    "tool_timeout_sec": 86_400,
}


@pytest.mark.parametrize(("arguments", "path", "content"), WRITTEN)
def test_what_is_printed_is_what_is_written(
    setup: Any, home: Path, arguments: list[str], path: str, content: object
) -> None:
    printed = setup(*arguments, "--http", ADDRESS)
    assert f"In {home / path}:" in printed.out
    assert printed_json(printed.out) == content
    written = setup(*arguments, "--http", ADDRESS, "--write")
    assert (written.code, written.err) == (0, "")
    assert json.loads((home / path).read_text()) == content
    assert "is set up already" in setup(*arguments, "--http", ADDRESS, "--write").out


@pytest.mark.parametrize("client", CLIENTS)
def test_the_token_is_only_in_its_own_file(
    setup: Any, home: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    token = TokenFile(paths.token_path("default")).read()
    monkeypatch.setenv("CODEXTUI_TOKEN", token)
    printed = setup(client, "--http", ADDRESS)
    assert "codextui token" in printed.out or '["codextui", "token"]' in printed.out
    assert f"codextui serve --http {ADDRESS}" in printed.out
    written = setup(client, "--http", ADDRESS, "--write")
    assert token not in printed.out + printed.err + written.out + written.err
    files = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".token"]
    assert not [path for path in files if token in path.read_text()]


@pytest.mark.parametrize(("client", "path"), [("cursor", "home/.cursor/mcp.json")])
def test_a_client_switches_between_stdio_and_http(
    setup: Any, home: Path, client: str, path: str
) -> None:
    assert setup(client, "--write").code == 0
    file = home / path
    servers = json.loads(file.read_text())
    servers["mcpServers"]["codextui"]["disabled"] = False
    servers["mcpServers"]["codextui"]["env"] = {"RUST_LOG": "debug"}
    file.write_text(json.dumps(servers))
    assert setup(client, "--http", ADDRESS, "--write").code == 0
    kept = {"disabled": False}
    assert json.loads(file.read_text())["mcpServers"]["codextui"] == {**CURSOR, **kept}
    assert setup(client, "--write").code == 0
    assert json.loads(file.read_text())["mcpServers"]["codextui"] == {**STDIO, **kept}


def test_codex_switches_between_stdio_and_http(setup: Any, home: Path) -> None:
    file = home / "home" / ".codex" / "config.toml"
    file.parent.mkdir()
    file.write_text('model = "gpt-5.5"  # the good one\n')
    assert setup("codex", "--write").code == 0
    before = tomllib.loads(file.read_text())
    assert setup("codex", "--http", ADDRESS, "--write").code == 0
    assert tomllib.loads(file.read_text())["mcp_servers"] == {"codextui": CODEX}
    assert setup("codex", "--write").code == 0
    assert tomllib.loads(file.read_text()) == before
    assert file.read_text().startswith('model = "gpt-5.5"  # the good one\n')


def test_the_script_for_the_agents_sdk_asks_for_the_token_when_it_runs(setup: Any) -> None:
    out = setup("agents-sdk", "--http", ADDRESS).out
    script = out[out.index("import asyncio") : out.index("\n\nclient_session_timeout_seconds (")]
    [call] = [
        node
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MCPServerStreamableHttp"
    ]
    assert f"'{URL}'" in ast.unparse(call)
    assert "Bearer {TOKEN}" in ast.unparse(call)
    assert 'check_output(["codextui", "token"]' in script


def test_the_inspector_is_set_up_on_its_command_line(setup: Any) -> None:
    out = setup("inspector", "--http", ADDRESS).out
    assert f'--server-url {URL} --header "Authorization: Bearer $(codextui token)"' in out
    refused = setup("inspector", "--http", ADDRESS, "--write")
    assert refused.code == 2
    assert "token" in refused.err


def test_the_default_address_is_that_of_the_configuration(setup: Any, home: Path) -> None:
    refused = setup("cursor", "--http")
    assert refused.code == 2
    assert "--http HOST:PORT" in refused.err
    config = home / "own.toml"
    config.write_text('[server]\nhttp = "[::1]:9000"\n')
    told = setup("cursor", "--http", before=("--config", str(config)))
    assert printed_json(told.out)["mcpServers"]["codextui"]["url"] == "http://[::1]:9000/mcp"
    other = setup("cursor", "--http", before=("-L", "team", "--config", str(config)))
    assert other.code == 2  # the configuration speaks of the server `default` alone


def test_another_server_is_named_in_the_commands(setup: Any) -> None:
    out = setup("cursor", "--http", "0.0.0.0:8040", before=("-L", "team")).out
    assert "under [server]" not in out, "the configuration says where the default server listens"
    assert "codextui token -L team" in out
    assert "`codextui serve -L team --http 0.0.0.0:8040 --http-anywhere`" in out
    assert printed_json(out)["mcpServers"]["codextui"]["url"] == URL
