"""The Inspector starts what `codextui setup inspector` has written into its catalogue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from clients.installed import Installed

TIMEOUT_S = 120


@pytest.mark.slow
def test_the_inspector_lists_the_tools_of_an_entry_that_was_taken_over(
    installed: Installed, tmp_path: Path
) -> None:
    node, folder = installed.node
    catalogue = tmp_path / ".mcp-inspector" / "mcp.json"
    catalogue.parent.mkdir()
    old = {"command": "npx", "args": ["-y", "@openai/codex", "mcp-server"]}
    catalogue.write_text(json.dumps({"mcpServers": {"codex": old}}))
    config = tmp_path / ".config" / "codextui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[codex]\nattach = "private"\n')  # no daemon that would stay
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        env = {
            "HOME": str(tmp_path),
            "PATH": f"{node.parent}:{os.environ['PATH']}",
            "XDG_RUNTIME_DIR": runtime,
        }

        def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command,
                cwd=tmp_path,
                env=env,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )

        codextui = (sys.executable, "-m", "codextui")
        written = run(*codextui, "setup", "inspector", "--name", "codex", "--write")
        assert written.returncode == 0, written.stderr
        program = folder / "node_modules" / ".bin" / "mcp-inspector"
        listed = run(program, "--cli", "--server", "codex", "--method", "tools/list")
        run(*codextui, "kill-server")
    assert listed.returncode == 0, listed.stderr
    assert [tool["name"] for tool in json.loads(listed.stdout)["tools"]] == ["codex", "codex-reply"]
