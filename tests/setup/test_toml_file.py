"""Setting an entry in TOML files as people write them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from codextui.errors import ConfigInvalid
from codextui.setup.recipe import EntryLocation, Format
from codextui.setup.toml_file import set_entry

PLACE = EntryLocation(Path("/x/config.toml"), Format.TOML, "mcp_servers", "codextui")
ENTRY: dict[str, Any] = {"command": "codextui", "args": ["mcp-server"], "tool_timeout_sec": 86_400}

FILES = {
    "empty": "",
    "settings": 'model = "gpt-5.5" # mine\n',
    "another server": '[mcp_servers.docs]\ncommand = "docs" # docs\n\n[tui]\ntheme = "x"\n',
    "servers apart": '[mcp_servers.a]\ncommand = "a"\n\n[tui]\n\n[mcp_servers.b]\ncommand = "b"\n',
    "a table of servers": '[mcp_servers]\ndocs = { command = "docs" } # inline\n',
    "inline": 'mcp_servers = { docs = { command = "docs" } }\n',
    "dotted": 'mcp_servers.docs.command = "docs"\n',
    "byte order mark": '\ufeffmodel = "gpt-5.5" # mine\n',
    "env apart": '[mcp_servers.codextui]\ncommand = "old"\n\n[mcp_servers.codextui.env]\nA = "1"\n',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_everything_else_stays_and_setting_it_again_changes_nothing(text: str) -> None:
    written = set_entry(text, PLACE, ENTRY)
    assert text.startswith("\ufeff") == written.startswith("\ufeff")
    before, after = (tomllib.loads(one.lstrip("\ufeff")) for one in (text, written))
    servers = before.pop("mcp_servers", {})
    mine = {**servers.get("codextui", {}), **ENTRY}
    assert after.pop("mcp_servers") == {**servers, "codextui": mine}
    assert after == before
    for comment in ("# mine", "# docs", "# inline"):
        assert (comment in written) == (comment in text)
    assert set_entry(written, PLACE, ENTRY) == written


def test_other_settings_of_the_server_stay_with_their_comments() -> None:
    text = """\
[mcp_servers.codextui]
command = "codex" # it was Codex's own
args = ["mcp-server"]
enabled = false # for now
env = { CODEX_HOME = "/mine" }
"""
    entry = {**ENTRY, "env": {"CODEX_HOME": "/other", "XDG_STATE_HOME": "/s"}}
    written = set_entry(text, PLACE, entry)
    server = tomllib.loads(written)["mcp_servers"]["codextui"]
    assert server["env"] == {"CODEX_HOME": "/mine", "XDG_STATE_HOME": "/s"}
    assert server["enabled"] is False
    assert server["command"] == "codextui"
    assert "enabled = false # for now" in written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = \n", "line 2"),
        ('[mcp_servers.codextui]\ncommand = "a"\ncommand = "b"\n', "line 3"),
        ("mcp_servers = 1\n", "mcp_servers must be a table"),
        ('[mcp_servers]\ncodextui = "x"\n', "codextui must be a table"),
        ('[[mcp_servers]]\ncommand = "x"\n', "mcp_servers must be a table"),
        ("a = " + "[" * 5000, ""),
    ],
)
def test_a_broken_file_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"^/x/config.toml: .*{message}"):
        set_entry(text, PLACE, ENTRY)
