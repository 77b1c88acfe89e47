"""What threads said and did is searched in the journal, with the real Codex."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract.serving import Console, serving

from codextui.demo import Run, Say, Script
from codextui.errors import CodextuiError
from codextui.protocol import events as ev

pytestmark = pytest.mark.contract


async def search(console: Console, text: str, **more: object) -> list[dict[str, Any]]:
    """Return all matches, page by page."""
    matches: list[dict[str, Any]] = []
    cursor = ""
    while True:
        where = {"cursor": cursor} if cursor else {}
        page = await console.call("codex-search", text=text, **where, **more)
        matches += page["matches"]
        if not (cursor := page["cursor"]):
            return matches


async def test_what_a_killed_thread_said_and_did_is_found(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("begin", Run("echo NEEDLE-$((40+2))"), Say("It printed the needle."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        begun = await console.call(
            "codex-start", prompt="begin it", cwd=str(workspace), handle="seeker"
        )
        await console.event(ev.TurnCompleted)
        found: list[dict[str, Any]] = []
        for _ in range(100):  # the journal is written in a thread of its own
            found = await search(console, "needle")
            if {"agentMessage", "commandExecution"} <= {match["kind"] for match in found}:
                break
        kinds = {match["kind"]: match for match in found}
        assert kinds["agentMessage"]["line"] == "It printed the needle."
        assert kinds["agentMessage"]["handle"] == "seeker"
        assert kinds["commandExecution"]["lines"] >= 1
        await console.call("codex-kill", thread="seeker")
        assert await search(console, "needle", thread=begun["thread"]["thread_id"], limit=1)
        killed = await search(console, "printed the NEEDLE")
        assert [match["state"] for match in killed] == ["killed"]
        assert await search(console, "never said") == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"text": "   "}, "text is empty"),
        ({"text": "x", "cursor": "tomorrow"}, "cursor is none of a page before"),
        ({"text": "x", "thread": "nobody"}, "nobody"),
        ({"text": ""}, "text"),
        ({"text": "x", "limit": 0}, "limit"),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    codex_binary: Path, scratch: Path, arguments: dict[str, object], reason: str
):
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        with pytest.raises(CodextuiError, match=reason):
            await console.call("codex-search", **arguments)
