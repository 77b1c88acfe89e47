"""Files as Cursor, VS Code, Claude Code and Codex, and people in their editors, write them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.setup.files import write_entry
from codextui.setup.recipe import EntryLocation, Format

ENTRY = {"type": "stdio", "command": "/opt/codextui/bin/codextui", "args": ["mcp-server"]}
MARK = b"\xef\xbb\xbf"

VS_CODE = """\
{
	"servers": {
		"github": {
			"type": "http",
			"url": "https://api.githubcopilot.com/mcp/"
		},
		// of the team; ask Ann
		"playwright": {
			"command": "npx",
			"args": [
				"@playwright/mcp@latest", // pinned next week
			],
			"type": "stdio"
		} /* the last one */
	},
	"inputs": [
		{ "type": "promptString", "id": "key", "description": "API key", "password": true }
	]
}
"""
VS_CODE_AFTER = """\
{
	"servers": {
		"github": {
			"type": "http",
			"url": "https://api.githubcopilot.com/mcp/"
		},
		// of the team; ask Ann
		"playwright": {
			"command": "npx",
			"args": [
				"@playwright/mcp@latest", // pinned next week
			],
			"type": "stdio"
		}, /* the last one */
		"codextui": {
			"type": "stdio",
			"command": "/opt/codextui/bin/codextui",
			"args": [
				"mcp-server"
			]
		}
	},
	"inputs": [
		{ "type": "promptString", "id": "key", "description": "API key", "password": true }
	]
}
"""
CURSOR = """\
{
  "mcpServers": {
    // "old": { "command": "x" },
    "codextui": {
      // Codex, as before
      "command": "codex", // not on PATH
      "args": ["mcp-server", "-c", "model=gpt-5.5"],
      "env": { "CODEX_HOME": "/work/codex" }
    },
    "linear": { "url": "https://mcp.linear.app/sse" },
  }
}"""
CURSOR_AFTER = """\
{
  "mcpServers": {
    // "old": { "command": "x" },
    "codextui": {
      // Codex, as before
      "command": "/opt/codextui/bin/codextui", // not on PATH
      "args": ["mcp-server", "-c", "model=gpt-5.5"],
      "env": { "CODEX_HOME": "/work/codex" },
      "type": "stdio"
    },
    "linear": { "url": "https://mcp.linear.app/sse" },
  }
}"""
CLAUDE = """\
{
    "mcpServers": {
        "codextui": {
            "type": "http",
            "url": "http://127.0.0.1:8040/mcp",
            "headers": {
                "Authorization": "Bearer ${CODEXTUI_TOKEN}"
            }
        },
        "db": {"command": "db", "args": []}
    }
}
"""
CLAUDE_AFTER = """\
{
    "mcpServers": {
        "codextui": {
            "type": "stdio",
            "command": "/opt/codextui/bin/codextui",
            "args": [
                "mcp-server"
            ]
        },
        "db": {"command": "db", "args": []}
    }
}
"""
CODEX = """\
model = "gpt-5.5-codex"
notify = ["notify-send", "Codex"] # desktop

[projects."/home/me/shop"]
trust_level = "trusted"

[mcp_servers.codextui] # since May
# it needs long turns
command = "codex" # the old one
args = ["mcp-server"]

  [mcp_servers.codextui.env]
  RUST_LOG = "debug" # to find the bug

# docs
[mcp_servers.docs]
url = "https://example.org/mcp"
"""
CODEX_AFTER = """\
model = "gpt-5.5-codex"
notify = ["notify-send", "Codex"] # desktop

[projects."/home/me/shop"]
trust_level = "trusted"

[mcp_servers.codextui] # since May
# it needs long turns
command = "/opt/codextui/bin/codextui" # the old one
args = ["mcp-server"]
type = "stdio"

  [mcp_servers.codextui.env]
  RUST_LOG = "debug" # to find the bug

# docs
[mcp_servers.docs]
url = "https://example.org/mcp"
"""
NEW_JSON = """\
{
  "servers": {
    "codextui": {
      "type": "stdio",
      "command": "/opt/codextui/bin/codextui",
      "args": [
        "mcp-server"
      ]
    }
  }
}
"""
NEW_TOML = """\
[mcp_servers.codextui]
type = "stdio"
command = "/opt/codextui/bin/codextui"
args = ["mcp-server"]
"""
ONE_LINE_AFTER = (
    '{"servers":{"a":{"command":"x"}, "codextui": {"type": "stdio", '
    '"command": "/opt/codextui/bin/codextui", "args": ["mcp-server"]}},"z":1}'
)
FILES = {
    "VS Code": (Format.JSONC, "servers", VS_CODE, VS_CODE_AFTER),
    "VS Code, where only a comment is left": (
        Format.JSONC,
        "servers",
        "// none\n",
        f"// none\n{NEW_JSON}",
    ),
    "Cursor": (Format.JSONC, "mcpServers", CURSOR, CURSOR_AFTER),
    "Claude Code": (Format.JSON, "mcpServers", CLAUDE, CLAUDE_AFTER),
    "Codex": (Format.TOML, "mcp_servers", CODEX, CODEX_AFTER),
    "nothing in JSON": (Format.JSON, "servers", "", NEW_JSON),
    "an empty object": (Format.JSON, "servers", "{}\n", NEW_JSON),
    "nothing in TOML": (Format.TOML, "mcp_servers", "", NEW_TOML),
    "one line": (
        Format.JSON,
        "servers",
        '{"servers":{"a":{"command":"x"}},"z":1}',
        ONE_LINE_AFTER,
    ),
}


@pytest.mark.parametrize("mark", [b"", MARK], ids=["", "BOM"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_changed_only_where_its_entry_is(
    name: str, line_end: str, mark: bytes, tmp_path: Path
) -> None:
    file_format, section, before, after = FILES[name]
    location = EntryLocation(tmp_path / "mcp", file_format, section, "codextui")
    if not before.strip():
        before = "\n"  # an empty line, by which its line ends are known
    data = mark + before.replace("\n", line_end).encode()
    location.path.write_bytes(data)
    written = write_entry(location, ENTRY)
    assert written.backup is not None
    assert written.backup.read_bytes() == data
    expected = mark + after.replace("\n", line_end).encode()
    if file_format is Format.TOML and not before.strip():
        expected = mark + (before + after).replace("\n", line_end).encode()
    assert location.path.read_bytes() == expected
    assert not write_entry(location, ENTRY).changed


def test_a_file_with_line_ends_of_two_systems_keeps_each(tmp_path: Path) -> None:
    location = EntryLocation(tmp_path / "mcp.json", Format.JSONC, "servers", "codextui")
    text = '{\r\n  // one\n  "servers": {\r\n    "a": 1\n  },\r\n  "b": 2\n}\n'
    location.path.write_bytes(text.encode())
    write_entry(location, {"command": "c"})
    added = ',\r\n    "codextui": {\r\n      "command": "c"\r\n    }'
    assert location.path.read_bytes().decode() == text.replace('"a": 1', f'"a": 1{added}')


@pytest.mark.parametrize("format_", Format)
def test_a_link_to_a_private_file_stays_both(format_: Format, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "mcp"
    target.parent.mkdir()
    target.touch(mode=0o600)
    link = tmp_path / "mcp"
    link.symlink_to("dotfiles/mcp")
    write_entry(EntryLocation(link, format_, "servers", "codextui"), ENTRY)
    assert link.readlink() == Path("dotfiles/mcp")
    assert b"codextui" in target.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_that_leads_nowhere_is_followed_and_one_in_a_circle_refused(tmp_path: Path) -> None:
    location = EntryLocation(tmp_path / "mcp.json", Format.JSON, "servers", "codextui")
    location.path.symlink_to("later/mcp.json")
    assert write_entry(location, ENTRY).backup is None
    assert location.path.is_symlink()
    assert (tmp_path / "later" / "mcp.json").is_file()
    circle = EntryLocation(tmp_path / "circle", Format.JSON, "servers", "codextui")
    circle.path.symlink_to("circle")
    with pytest.raises(ConfigInvalid, match="circle cannot be changed: "):
        write_entry(circle, ENTRY)


@pytest.mark.parametrize("format_", Format)
def test_a_path_that_is_no_text_is_refused(format_: Format, tmp_path: Path) -> None:
    location = EntryLocation(tmp_path / "mcp", format_, "servers", "codextui")
    folder = os.fsdecode(b"/caf\xe9")
    with pytest.raises(ConfigInvalid, match="not UTF-8"):
        write_entry(location, {"command": "codextui", "env": {"CODEX_HOME": folder}})
    assert list(tmp_path.iterdir()) == []
