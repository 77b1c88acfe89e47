"""What differs in a thread's folder, asked of the server, with the real Codex."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from contract.serving import serving

from codextui.demo import Run, Say, Script
from codextui.errors import CodextuiError
from codextui.protocol import events as ev

pytestmark = pytest.mark.contract


async def test_what_a_command_has_changed_on_the_disk_is_told(
    codex_binary: Path, scratch: Path, workspace: Path
):
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q"], cwd=workspace, check=True)
    script = Script().on("begin", Run("echo made > by-a-command.txt"), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        await console.call(
            "codex-start",
            prompt="begin it",
            cwd=str(workspace),
            handle="maker",
            sandbox="danger-full-access",
        )
        await console.event(ev.TurnCompleted)
        found = await console.call("codex-changes", thread="maker")
        assert found["root"] == str(workspace.resolve())
        assert "+++ b/by-a-command.txt\n@@ -0,0 +1 @@\n+made\n" in found["patch"]
        assert await console.call("codex-changes", thread="maker", against="maker") == found
        (workspace / ".git/config").write_text("[broken\n")
        with pytest.raises(CodextuiError, match="bad config line 1"):
            await console.call("codex-changes", thread="maker")
