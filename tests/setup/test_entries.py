"""What the entries of servers start, and which of their options codextui takes over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.setup.entries import Starts, dropped_options, merge_entry, what_starts

NEW = {"type": "stdio", "command": "codextui", "args": ["mcp-server"]}

CODEX = [
    ["codex", "mcp-server"],
    ["/opt/homebrew/bin/codex", "mcp-server"],
    ["codex.exe", "mcp-server"],
    [r"C:\Program Files\nodejs\codex.CMD", "mcp-server"],
    ["/opt/codex-x86_64-unknown-linux-musl", "mcp-server"],
    ["codex", "-c", "a=1", "--search", "mcp-server", "--foo"],
    ["codex mcp-server"],
    [r"C:\Program Files\nodejs\npx.cmd", "-y", "@openai/codex", "mcp-server"],
    ["/opt/my node/bin/npx", "-y", "@openai/codex", "mcp-server"],
    ["/usr/bin/env codex", "mcp-server"],
    ["/bin/sh -c 'codex mcp-server'"],
    ["codex", "mcp"],
    ["codex", "mcp", "serve"],
    ["npx", "-y", "@openai/codex", "mcp-server"],
    ["npx", "--yes", "-p", "@openai/codex@0.150.0", "--", "codex", "mcp-server"],
    ["npx.cmd", "@openai/codex@latest", "mcp", "serve"],
    ["npm", "exec", "--", "@openai/codex", "mcp-server"],
    ["pnpm", "dlx", "@openai/codex", "mcp-server"],
    ["bunx", "@openai/codex", "mcp-server"],
    ["bun", "x", "@openai/codex", "mcp-server"],
    ["yarn", "dlx", "@openai/codex", "mcp-server"],
    ["uvx", "--from", "openai-codex-cli-bin", "codex", "mcp-server"],
    ["uv", "tool", "run", "--from", "x", "codex", "mcp-server"],
    ["pipx", "run", "--spec", "x", "codex", "mcp-server"],
    ["mise", "exec", "--", "codex", "mcp-server"],
    ["env", "A=1", "B=2 3", "codex", "mcp-server"],
    ["/usr/bin/env", "-S", "A=1 codex mcp-server"],
    ["bash", "-lc", "codex mcp-server"],
    ["/bin/zsh", "-i", "-l", "-c", "exec codex -m o3 mcp-server"],
    ["sh", "-c", "A=1 nice -n 5 codex mcp-server"],
    ["cmd", "/c", "codex", "mcp-server"],
    ["cmd.exe", "/d", "/c", "npx -y @openai/codex mcp-server"],
    ["powershell", "-NoProfile", "-Command", "codex mcp-server"],
    ["node", "/usr/lib/node_modules/@openai/codex/bin/codex.js", "mcp-server"],
]
WRAPPED = [
    ["bash", "-lc", "cd /repo && codex mcp-server"],
    ["bash", "-c", "codex mcp-server 2>/tmp/log"],
    ["mcp-proxy", "--", "codex", "mcp-server"],
    ["docker", "run", "-i", "image", "codex", "mcp-server"],
    ["wsl", "codex", "mcp-server"],
    ["env", "-i", "codex", "mcp-server"],
]
OURS = [
    ["codextui", "mcp-server"],
    ["/venv/bin/codextui", "mcp-server", "-L", "team"],
    ["codextui", "-L", "team", "mcp-server", "--private"],
    ["/venv/bin/python3.11", "-m", "codextui", "mcp-server"],
    ["/venv/bin/python", "-P", "-m", "codextui", "mcp-server"],
    ["bash", "-lc", "codextui mcp-server"],
]
OTHERS = [
    ["npx", "-y", "codex-mcp-server"],
    ["npx", "-y", "@other/codex", "mcp-server"],
    ["codex", "exec", "mcp-server"],
    ["codex", "mcp", "list"],
    ["codex"],
    ["codextui", "serve"],
    ["mcp-server", "codex"],
    ["/opt/codex/server", "start"],
    ["python", "codex.py"],
    ["python", "-m", "codex_proxy", "mcp-server"],
    ["python", "proxy.py", "-m", "codextui", "mcp-server"],
    ["bash", "codex"],
    [""],
]


def entry(line: list[str]) -> dict[str, Any]:
    return {"command": line[0], "args": line[1:]} if line[1:] else {"command": line[0]}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        *((line, Starts.CODEX) for line in CODEX),
        *((line, Starts.WRAPPED_CODEX) for line in WRAPPED),
        *((line, Starts.CODEXTUI) for line in OURS),
        *((line, Starts.OTHER) for line in OTHERS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.name,
)
def test_it_is_known_what_a_command_line_starts(line: list[str], kind: Starts) -> None:
    assert what_starts(entry(line)) is kind


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"url": "http://x/mcp", "headers": {"A": "Bearer ${CODEXTUI_TOKEN}"}}, Starts.CODEXTUI),
        ({"url": "http://x/mcp", "bearer_token_env_var": "CODEXTUI_TOKEN"}, Starts.CODEXTUI),
        ({"url": "http://x/mcp", "headers": {"A": "Bearer ${OTHER}"}}, Starts.OTHER),
        ({"url": "http://codex/mcp-server"}, Starts.OTHER),
        ({}, Starts.OTHER),
        ({"command": 7, "args": "codex"}, Starts.OTHER),
        ({"command": "codex", "args": "mcp-server"}, Starts.OTHER),
        (None, Starts.OTHER),
        (7, Starts.OTHER),
    ],
)
def test_urls_and_odd_entries_are_known_too(settings: object, kind: Starts) -> None:
    assert what_starts(settings) is kind


@pytest.mark.parametrize(
    ("line", "args", "env", "dropped"),
    [
        (["codex", "--config", "a=1", "mcp-server", "-m", "o3"], ["-c", "a=1", "-m", "o3"], {}, []),
        (["codex", "-ca=1", "mcp-server", "--enable=x"], ["-c", "a=1", "--enable", "x"], {}, []),
        (["codex", "--model=o3", "mcp", "serve"], ["-m", "o3"], {}, []),
        (["codex", "--profile", "x", "mcp-server", "--foo"], [], {}, ["--profile x", "--foo"]),
        (["codex", "-s", "read-only", "mcp-server"], [], {}, ["-s read-only"]),
        (["codex", "--foo", "bar", "-c", "a=1", "mcp-server"], ["-c", "a=1"], {}, ["--foo bar"]),
        (["codex", "--search", "mcp-server", "--port", "1"], [], {}, ["--search", "--port 1"]),
        (["env", "A=1", "codex", "-m", "o3", "mcp-server"], ["-m", "o3"], {"A": "1"}, []),
        (["bash", "-c", "A='1 2' codex -c a=1 mcp-server"], ["-c", "a=1"], {"A": "1 2"}, []),
        (["codextui", "mcp-server", "--private", "-L", "t"], ["--private", "-L", "t"], {}, []),
        (["codextui", "mcp-server", "--foo"], ["--foo"], {}, []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_are_carried_over_or_named(
    line: list[str], args: list[str], env: dict[str, str], dropped: list[str]
) -> None:
    before = {**entry(line), "cwd": "/repo", "timeout": 1, "odd": {"a": [1]}}
    merged = merge_entry(before, NEW)
    wanted = {**NEW, "args": ["mcp-server", *args], "cwd": "/repo", "timeout": 1, "odd": {"a": [1]}}
    assert merged == {**wanted, **({"env": env} if env else {})}
    assert [option.text for option in dropped_options(before)] == dropped
    assert all(option.reason for option in dropped_options(before))


def test_an_option_that_is_given_again_takes_the_place_of_the_one_before() -> None:
    before = entry(["codextui", "mcp-server", "-L", "old", "--config", "/a", "-c", "a=1"])
    new = {**NEW, "args": ["mcp-server", "-L", "new"]}
    assert merge_entry(before, new)["args"] == [
        *("mcp-server", "-L", "new", "--config", "/a", "-c", "a=1")
    ]


def test_the_variables_of_the_entry_stay_and_those_of_its_command_line_count() -> None:
    before = {**entry(["env", "A=line", "codex", "mcp-server"]), "env": {"A": "entry", "B": "b"}}
    merged = merge_entry(before, {**NEW, "env": {"B": "ours", "C": "c"}})
    assert merged["env"] == {"A": "line", "B": "b", "C": "c"}


WORDS = st.sampled_from(
    [
        *("codex", "codextui", "mcp-server", "mcp", "serve", "env", "A=1", "bash", "-lc", "npx"),
        *("-c", "a=1", "--config", "-m", "o3", "--enable", "x", "--foo", "-L", "--", "-", "-y"),
        *("codex mcp-server -c b=2", "A=1 codex -m o3 mcp-server", "'", "", "python", "--private"),
    ]
)


@given(st.lists(WORDS, min_size=1, max_size=9), st.booleans())
def test_merging_twice_changes_nothing(line: list[str], has_server: bool) -> None:
    new = {**NEW, "args": ["mcp-server", *(["-L", "new"] if has_server else [])]}
    once = merge_entry(entry(line), new)
    assert what_starts(once) is Starts.CODEXTUI
    assert merge_entry(once, new) == once
    assert merge_entry(entry(line), once) == once
    assert dropped_options(once) == ()
