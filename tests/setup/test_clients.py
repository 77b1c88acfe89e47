"""`codextui setup` for each client: what it prints and writes."""

from __future__ import annotations

import ast
import json
import os
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from codextui import cli
from codextui.setup import launch, program, vscode

CLIENTS = ("claude-code", "cursor", "vscode", "codex", "agents-sdk", "inspector")
DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home and project, and codextui where every program finds it."""
    for name in (*launch.LOCATION_VARIABLES, "MCP_CATALOG_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("home", "project", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "codextui").touch(mode=0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(
        program, "COMMON_FOLDERS", dict.fromkeys(("linux", "darwin"), (str(tmp_path / "bin"),))
    )
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "codextui")])
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


class Ran:
    def __init__(self, code: int, captured: Any) -> None:
        self.code, self.out, self.err = code, captured.out, captured.err


@pytest.fixture
def setup(capsys: pytest.CaptureFixture[str]) -> Any:
    def setup(*arguments: str, before: tuple[str, ...] = ()) -> Ran:
        unverified = ["--no-verify"] if "--write" in arguments else []
        code = cli.main([*before, "setup", *arguments, *unverified])
        return Ran(code, capsys.readouterr())

    return setup


def printed_json(out: str) -> Any:
    return json.loads(out[out.index("\n{") : out.index("\n}") + 2])


STDIO = {"type": "stdio", "command": "codextui", "args": ["mcp-server"]}
WRITTEN = [
    (
        ["claude-code"],
        "project/.mcp.json",
        {"mcpServers": {"codextui": {**STDIO, "timeout": DAY_MS}}},
    ),
    (["cursor"], "home/.cursor/mcp.json", {"mcpServers": {"codextui": STDIO}}),
    (["cursor", "--project"], "project/.cursor/mcp.json", {"mcpServers": {"codextui": STDIO}}),
    (["vscode"], "project/.vscode/mcp.json", {"servers": {"codextui": STDIO}}),
    (["vscode", "--user"], "home/.config/Code/User/mcp.json", {"servers": {"codextui": STDIO}}),
    (
        ["inspector"],
        "home/.mcp-inspector/mcp.json",
        {
            "mcpServers": {
                "codextui": {**STDIO, "connectionTimeout": 60_000, "requestTimeout": DAY_MS}
            }
        },
    ),
]


@pytest.mark.parametrize(
    ("arguments", "path", "content"), WRITTEN, ids=lambda value: str(value)[:40]
)
def test_what_is_printed_is_what_is_written(
    setup: Any, home: Path, arguments: list[str], path: str, content: object
) -> None:
    printed = setup(*arguments)
    assert printed.code == 0
    assert f"In {home / path}:" in printed.out
    assert printed_json(printed.out) == content
    assert not (home / path).exists()
    written = setup(*arguments, "--write")
    assert (written.code, written.err) == (0, "")
    assert json.loads((home / path).read_text()) == content
    again = setup(*arguments, "--write")
    assert "is set up already" in again.out
    assert list((home / path).parent.glob("*.bak*")) == []


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["codex"], "home/.codex/config.toml"),
        (["codex", "--project"], "project/.codex/config.toml"),
    ],
)
def test_codex_is_set_up_in_its_configuration(
    setup: Any, home: Path, arguments: list[str], path: str
) -> None:
    content = {
        "mcp_servers": {
            "codextui": {
                "command": "codextui",
                "args": ["mcp-server"],
                "startup_timeout_sec": 60,
                "tool_timeout_sec": 86_400,
            }
        }
    }
    out = setup(*arguments).out
    snippet = out[out.index("[mcp_servers") : out.index("\n\ntool_timeout_sec is")]
    assert tomllib.loads(snippet) == content
    (home / path).parent.mkdir()
    (home / path).write_text('model = "gpt-5.5"  # the good one\n')
    assert setup(*arguments, "--write").code == 0
    text = (home / path).read_text()
    assert text.startswith('model = "gpt-5.5"  # the good one\n')
    assert tomllib.loads(text) == {"model": "gpt-5.5", **content}
    assert (home / f"{path}.bak").exists()
    assert "is set up already" in setup(*arguments, "--write").out


def test_codex_is_set_up_in_its_home(
    setup: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(home / "codex"))
    assert setup("codex", "--write").code == 0
    server = tomllib.loads((home / "codex" / "config.toml").read_text())["mcp_servers"]["codextui"]
    assert server["env"] == {"CODEX_HOME": str(home / "codex")}


def test_the_script_for_the_agents_sdk_is_python_with_a_time_out(
    setup: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", '/it"s')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    out = setup("agents-sdk").out
    script = out[out.index("import asyncio") : out.index("\n\nclient_session_timeout_seconds (")]
    [call] = [
        node
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MCPServerStdio"
    ]
    assert {word.arg: ast.literal_eval(word.value) for word in call.keywords} == {
        "name": "codextui",
        "params": {
            "command": "codextui",
            "args": ["mcp-server"],
            "env": {"XDG_STATE_HOME": '/it"s'},
        },
        "client_session_timeout_seconds": 86_400,
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_every_recipe_mentions_the_time_out_and_no_key(
    setup: Any, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"):
        monkeypatch.setenv(name, "sk-secret")
    out = setup(client).out
    assert any(word in out.lower() for word in ("timeout", "time-out"))
    assert "sk-secret" not in out


def test_claude_codes_own_file_is_not_written(setup: Any, home: Path) -> None:
    printed = setup("claude-code", "--user").out
    line = next(line for line in printed.splitlines() if line.startswith("claude mcp"))
    *command, name, entry = shlex.split(line)
    assert command == ["claude", "mcp", "add-json", "--scope", "user"]
    assert (name, json.loads(entry)) == ("codextui", {**STDIO, "timeout": DAY_MS})
    refused = setup("claude-code", "--user", "--write")
    assert refused.code == 1
    assert line in refused.err
    assert list((home / "home").iterdir()) == []


@pytest.mark.parametrize("arguments", [["agents-sdk"]])
def test_writing_is_refused_if_the_client_has_no_file(
    setup: Any, home: Path, arguments: list[str]
) -> None:
    refused = setup(*arguments, "--write")
    assert refused.code == 2
    assert refused.err
    assert not any(path.is_file() for path in (home / "home").rglob("*"))
    assert setup(*arguments).code == 0


def test_an_entry_of_codex_mcp_server_is_named_and_can_be_taken_over(
    setup: Any, home: Path
) -> None:
    path = home / "home" / ".cursor" / "mcp.json"
    path.parent.mkdir()
    options = ["-m", "o3", "--search", "mcp-server", "--config", "a=1", "--enable", "x"]
    old = {"command": "codex", "args": options, "env": {"RUST_LOG": "debug"}}
    path.write_text(json.dumps({"mcpServers": {"codex": old}}))
    assert "--name codex" in setup("cursor", "--write").out
    assert setup("cursor", "--write", "--name", "codex").code == 0
    servers = json.loads(path.read_text())["mcpServers"]
    assert servers["codex"] == {
        **STDIO,
        "args": ["mcp-server", "-m", "o3", "-c", "a=1", "--enable", "x"],
        "env": {"RUST_LOG": "debug"},
    }
    assert "is set up already" in setup("cursor", "--write", "--name", "codex").out


@pytest.mark.parametrize(
    ("client", "path"),
    [
        ("claude-code", "project/.mcp.json"),
        ("cursor", "home/.cursor/mcp.json"),
        ("vscode", "project/.vscode/mcp.json"),
        ("inspector", "home/.mcp-inspector/mcp.json"),
        ("codex", "home/.codex/config.toml"),
    ],
)
def test_a_broken_file_is_left_alone_and_the_snippet_is_shown(
    setup: Any, home: Path, client: str, path: str
) -> None:
    file = home / path
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n{ broken")
    failed = setup(client, "--write")
    assert failed.code == 2
    assert str(file) in failed.err
    assert "2" in failed.err.rsplit(str(file), 1)[1]
    assert "mcp-server" in failed.err
    assert file.read_text() == "\n{ broken"
    assert [found.name for found in file.parent.iterdir() if found.is_file()] == [file.name]


def test_comments_in_the_editors_files_stay(setup: Any, home: Path) -> None:
    for client, path in (
        ("cursor", "home/.cursor/mcp.json"),
        ("vscode", "project/.vscode/mcp.json"),
    ):
        file = home / path
        file.parent.mkdir()
        file.write_text('{\n  // my servers\n  "inputs": []\n}\n')
        assert setup(client, "--write").code == 0
        assert "// my servers" in file.read_text()


def test_the_server_and_the_configuration_are_in_the_command(setup: Any, home: Path) -> None:
    (home / "own.toml").touch()
    options = ("-L", "team", "--config", str(home / "own.toml"))
    server = printed_json(setup("vscode", before=options).out)["servers"]["codextui"]
    assert server["args"] == ["mcp-server", *options]


def test_a_codextui_that_not_everybody_finds_has_its_whole_path(
    setup: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = home / "venv"
    beside.mkdir()
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    monkeypatch.setattr(program, "_scripts", lambda _: (beside / "codextui",))

    def started() -> list[str]:
        server = printed_json(setup("vscode").out)["servers"]["codextui"]
        return [server["command"], *server["args"]]

    assert started() == [str(beside / "python"), "-P", "-m", "codextui", "mcp-server"]
    assert "is written" in setup("vscode", "--write").out
    assert "is set up already" in setup("vscode", "--write").out
    (beside / "codextui").touch(mode=0o755)
    assert started() == [str(beside / "codextui"), "mcp-server"]


@pytest.mark.parametrize(
    ("given", "named"),
    [("codextui-next", "codextui-next"), ("./c", "{cwd}/c"), ("~/c", "{home}/c")],
)
def test_the_command_can_be_given(setup: Any, home: Path, given: str, named: str) -> None:
    server = printed_json(setup("vscode", "--command", given).out)["servers"]["codextui"]
    assert server["command"] == named.format(cwd=Path.cwd(), home=home / "home")


def test_the_usual_runtime_folder_is_not_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    assert launch.find_launch(None, ()).env == {}
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/other")
    assert launch.find_launch(None, ()).env == {"XDG_RUNTIME_DIR": "/run/other"}


def test_the_profile_of_vs_code_is_elsewhere_on_a_mac(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    user = home / "home" / "Library" / "Application Support" / "Code" / "User"
    assert vscode.read_scopes()[1].path == user / "mcp.json"


@pytest.mark.parametrize(
    "arguments", [["inspector", "--project"], ["inspector", "--local"], ["cursor", "--local"]]
)
def test_a_scope_that_a_client_has_not_is_refused(setup: Any, arguments: list[str]) -> None:
    refused = setup(*arguments)
    assert refused.code == 2
    assert "--user" in refused.err


def test_an_unknown_client_is_refused(setup: Any, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        setup("emacs")
    assert "claude-code" in capsys.readouterr().err


@pytest.mark.parametrize("client", CLIENTS)
def test_paths_in_any_script_are_printed_as_they_are(client: str, home: Path, setup: Any):
    config = home / "hömé-役" / "config.toml"
    config.parent.mkdir()
    config.touch()
    out = setup(client, before=("--config", str(config))).out
    assert str(config) in out
    assert "\\u" not in out


@pytest.mark.parametrize(
    ("arguments", "is_told"),
    [
        (["vscode", "--command", "/opt/codextui"], True),
        (["cursor", "--project", "--command", "/opt/codextui"], True),
        (["cursor", "--command", "/opt/codextui"], False),
        (["vscode", "--command", "codextui"], False),
        (["vscode"], False),
    ],
)
def test_a_path_of_this_machine_in_a_file_that_others_share_is_mentioned(
    setup: Any, arguments: list[str], is_told: bool
) -> None:
    told = "/opt/codextui is a path of this machine" in setup(*arguments).out
    assert told is is_told
