"""Codex's own configuration: entries of codextui are disabled, profiles are read."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Timer

import pytest

from codextui.codex.configuration import own_server_overrides, read_profile
from codextui.errors import ConfigInvalid


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)
    return folder


@pytest.mark.parametrize(
    "entry",
    [
        'command = "codextui"\nargs = ["mcp-server"]',
        'command = "/home/me/.venv/bin/codextui"\nargs = ["-L", "other", "mcp-server"]',
        'command = "/usr/bin/python3"\nargs = ["-m", "codextui", "mcp-server", "--private"]',
        'command = "uv"\nargs = ["run", "codextui", "mcp-server"]',
        'command = "sh"\nargs = ["-c", "cd /work && exec codextui mcp-server"]',
        'url = "http://127.0.0.1:8040/mcp"\nbearer_token_env_var = "CODEXTUI_TOKEN"',
    ],
)
def test_codextui_is_recognised_however_it_is_started(tmp_path: Path, entry: str) -> None:
    home = write(tmp_path, f"[mcp_servers.agents]\n{entry}\n")
    assert own_server_overrides(home, None) == {"mcp_servers.agents.enabled": False}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mcp_servers = 5",
        "[mcp_servers]\nagents = 5",
        '[mcp_servers.agents]\ncommand = "npx"\nargs = ["/work/codextui/tools", "mcp-server"]',
        '[mcp_servers.agents]\ncommand = "codextui"\nargs = ["ps"]',
        '[mcp_servers.agents]\ncommand = "codextui"\nargs = "mcp-server"',
        '[mcp_servers.agents]\nurl = "https://example.com/mcp"',
        '[mcp_servers."two.words"]\ncommand = "codextui"\nargs = ["mcp-server"]',
        '[mcp_servers.agents]\nargs = ["codextui", "mcp-server"]',
        '[mcp_servers.agents]\ncommand = 5\nargs = ["codextui", "mcp-server"]',
        '[mcp_servers.agents]\nurl = 5\nbearer_token_env_var = "CODEXTUI_TOKEN"',
        "this is no TOML",
    ],
)
def test_other_entries_are_left_alone(tmp_path: Path, text: str) -> None:
    assert own_server_overrides(write(tmp_path, text), None) == {}
    project = tmp_path / "project"
    write(project / ".codex", text)
    assert own_server_overrides(tmp_path / "none", str(project)) == {}


def test_a_pipe_in_place_of_the_configuration_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    pipe = tmp_path / ".codex" / "config.toml"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b'[mcp_servers.agents]\ncommand = "codextui"\nargs = ["mcp-server"]\n')
    closing = Timer(10.0, os.close, [writer])  # ends a read of the pipe, which would block
    closing.start()
    assert own_server_overrides(tmp_path / "none", str(tmp_path)) == {}
    assert closing.is_alive()
    closing.cancel()
    os.close(writer)


def test_the_override_of_a_project_entry_is_a_whole_entry(tmp_path: Path) -> None:
    entry = '[mcp_servers.{}]\ncommand = "codextui"\nargs = ["mcp-server"]\n'
    home = write(tmp_path / "home", entry.format("mine"))
    project = tmp_path / "project"
    write(project / ".codex", entry.format("mine") + entry.format("ours"))
    assert own_server_overrides(home, str(project / "deep" / "inside")) == {
        "mcp_servers.mine.enabled": False,
        "mcp_servers.ours.enabled": False,
        "mcp_servers.ours.command": "codextui",
    }


def test_a_missing_configuration_gives_no_overrides(tmp_path: Path) -> None:
    assert own_server_overrides(tmp_path / "none", str(tmp_path)) == {}


@pytest.mark.parametrize("name", ["missing", "../outside", "broken", "a/b"])
def test_the_error_of_an_unusable_profile_names_it(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside.config.toml").write_text('model = "m"\n')
    (home / "broken.config.toml").write_text("model =")
    with pytest.raises(ConfigInvalid, match=name):
        read_profile(home, name)
