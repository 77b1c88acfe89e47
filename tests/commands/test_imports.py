"""The modules that a command line imports, in a fresh process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from client.fake_server import FakeServer

from codextui.config import paths

HEAVY = {"textual", "mcp", "mcp_types", "pydantic", "rich", "asyncio", "tomlkit", "agents", "anyio"}

PROTOCOL_OR_SCREEN = {
    "mcp",
    "mcp_types",
    "anyio",
    "pydantic",
    "pydantic_core",
    "agents",
    "openai",
    "textual",
}

PROBE = """
import json, sys
from codextui.cli import main
try:
    main({arguments!r})
except SystemExit:
    pass
print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def modules_after(*arguments: str, env: dict[str, str] | None = None) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, **(env or {})},
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["ps", "--help"],
        ["no-such-command"],
        ["ps", "--no-such-option"],
        ["-L", "../evil", "ps"],
        ["complete", "bash", "codextui re", " ="],
        ["complete", "zsh", "codextui", "runs", "show", "--"],
        ["complete", "fish", "codextui", "run", ""],
    ],
)
def test_help_wrong_usage_and_completion_import_nothing_heavy(arguments: list[str]) -> None:
    assert modules_after(*arguments) & HEAVY == set()


def test_a_command_with_one_call_imports_neither_mcp_nor_textual(tmp_path: Path) -> None:
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert modules_after("ps", env=runtime) & PROTOCOL_OR_SCREEN == set()


async def test_a_command_that_has_called_the_server_has_imported_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    async with FakeServer(paths.socket_path("default")) as server:
        server.tools["codex-threads"] = lambda _: {"threads": []}
        loaded = await asyncio.to_thread(modules_after, "ps")
        assert (await server.heard_method("tools/call"))["params"]["name"] == "codex-threads"
    assert loaded & PROTOCOL_OR_SCREEN == set()


def test_the_client_room_imports_nothing_by_itself() -> None:
    probe = "import codextui.client, sys; print('mcp' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "False"]
