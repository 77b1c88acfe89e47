"""Turns on the shared server, with the real Codex."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract.serving import answer_of, serving

from codextui.demo import Fail, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract


async def test_codex_returns_the_thread_and_the_last_message(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello yourself."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        result = await client.call("codex", prompt="hello", cwd=str(workspace))
        assert result["structuredContent"]["content"] == "Hello yourself."
        assert result["content"][0] == {"type": "text", "text": "Hello yourself."}
        assert not result.get("isError")
        thread_id = result["structuredContent"]["threadId"]
        threads = await client.call("codex-threads")
        (row,) = threads["structuredContent"]["threads"]
        assert (row["thread_id"], row["state"], row["client"]) == (thread_id, "idle", "client")
        assert row["brief"] == "hello"
        assert row["cwd"] == str(workspace)


async def test_a_supervisor_gets_the_events_of_a_turn_in_order(
    codex_binary: Path, scratch: Path, workspace: Path
):
    text = "One two three four five six seven eight nine ten."
    script = Script().on("count", Say(text))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        row = (await console.call("codex-start", prompt="count", cwd=str(workspace)))["thread"]
        thread_id = row["thread_id"]
        end = await console.event(ev.TurnCompleted)
        assert answer_of(end) == text
        assert console.said(thread_id) == text
        seqs = [event.seq for event in console.events]
        assert seqs == sorted(set(seqs))
        kinds = [type(event.msg).__name__ for event in console.events]
        assert kinds.index("TurnStarted") < kinds.index("TextDelta") < kinds.index("TurnCompleted")
        await console.state(thread_id, ThreadState.IDLE)


async def test_a_failed_turn_gives_its_reason_and_the_thread_goes_on(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("break", Fail(400, "out of order"), Say("works now"))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        failed = await client.call("codex", prompt="break", cwd=str(workspace))
        assert failed["isError"]
        assert "out of order" in failed["content"][0]["text"]
        thread_id = failed["structuredContent"]["threadId"]
        row = await console.state(thread_id, ThreadState.FAILED)
        assert "out of order" in row.note
        reply = await client.call("codex-reply", threadId=thread_id, prompt="break again")
        assert reply["structuredContent"]["content"] == "works now"
        assert (await console.call("codex-threads"))["threads"][0]["note"] == ""
