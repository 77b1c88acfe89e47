"""What a command line imports: in a fresh process, by looking, not by the clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"textual", "mcp", "mcp_types", "pydantic", "rich", "asyncio", "tomlkit", "agents", "anyio"}

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
    ],
)
def test_help_version_and_wrong_usage_import_nothing_heavy(arguments: list[str]) -> None:
    assert modules_after(*arguments) & HEAVY == set()


def test_a_command_of_one_call_imports_neither_mcp_nor_textual(tmp_path: Path) -> None:
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert modules_after("ps", env=runtime) & {"mcp", "mcp_types", "pydantic", "textual"} == set()


def test_the_client_room_imports_nothing_by_itself() -> None:
    probe = "import codextui.client, sys; print('mcp' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "False"]
