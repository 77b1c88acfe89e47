"""Files full of nonsense: each check says something of them, and none fails over them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor.conftest import Stage

NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "zeros": bytes(5000),
    "no UTF-8": b"\xff\xfe\x80 = 3\n",
    "a mark": "\ufeff".encode(),
    "deep lists": b"[" * 5000,
    "deep objects": b'{"mcpServers":' * 5000,
    "a number": b"7",
    "null": b"null",
    "a list": b"[]",
    "servers that are none": b'{"mcpServers": 3, "servers": [], "projects": 7}',
    "an entry that is none": b'{"mcpServers": {"codex": 7}, "projects": {"/": {"mcpServers": []}}}',
    "odd entries": b'{"mcpServers": {"a": {"command": 7, "args": "codex mcp-server"}, "b": {}}}',
    "TOML of other types": b'mcp_servers = 3\nmodel_provider = "x"\nmodel_providers = []\n',
    "long numbers": b"x = " + b"9" * 5000 + b"\n",
    "control characters": b'[ui]\ntheme = "\x1b]0;owned\x07"\n',
}


def files(stage: Stage) -> list[Path]:
    return [
        stage.codex_home / "config.toml",
        stage.config,
        stage.config.parent / "themes" / "mine.toml",
        stage.home / ".claude.json",
        stage.home / ".cursor" / "mcp.json",
        stage.home / ".mcp-inspector" / "mcp.json",
        stage.project / ".mcp.json",
        stage.project / ".vscode" / "mcp.json",
        stage.project / ".codex" / "config.toml",
        stage.state / "default.log",
        stage.state / "default.sqlite",
        stage.runtime / "default.lock",
        stage.runtime / "default.sock",
    ]


def failed(findings: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['check']}: {one['found']}"
        for one in findings
        if "the check itself failed" in one["found"] or "was not done" in one["found"]
    ]


@pytest.mark.parametrize("name", NONSENSE)
async def test_no_check_fails_over_the_content_of_a_file(
    name: str, stage: Stage, examine: Any, examine_text: Any
) -> None:
    for path in files(stage):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NONSENSE[name])
    _, findings = await examine()
    assert failed(findings) == []
    text = await examine_text("--fix")
    assert not set(text.out) & set("\x1b\x07")


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)],
    ids=["a folder", "a pipe", "a loop"],
)
async def test_no_check_fails_over_what_is_no_file(
    make: Callable[[Path], None], stage: Stage, examine: Any
) -> None:
    for path in files(stage):
        if path == stage.config and make is os.mkfifo:
            continue  # every command would wait for its content
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        make(path)
    _, findings = await examine()
    assert failed(findings) == []
