"""Other programs on the same real app-server: what they may do with a thread, and what is told."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from contract.codex_schema import CodexSchema
from contract.other_program import SharedCodex, serving_on
from contract.serving import Served, answer_of, serving

from codextui.codex.threads import ANOTHER_PROGRAM, ListedThread
from codextui.demo import Call, Say, Script, codex_environment
from codextui.errors import ThreadUnknown
from codextui.protocol import events as ev
from codextui.protocol.approvals import Others

pytestmark = pytest.mark.contract

OWN = ("id", "sessionId", "path", "preview", "createdAt", "updatedAt", "recencyAt", "turns")
"""What differs between any two threads."""


@pytest.fixture
def script() -> Script:
    script = Script().on("hello", Say("Hi there.")).on("second", Say("And again."))
    script.on("third", Say("At last."))
    return script.on("use it", Call("look", {}), Say("Looked."))


@pytest.mark.parametrize("others", Others)
async def test_an_mcp_client_replies_to_another_program_only_if_the_user_lets_everybody(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path, others: Others
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    await program.run(thread, "hello")
    async with serving_on(codex, codex_binary, scratch, others=others) as served:
        async with served.console() as console:
            await console.event(ev.ThreadChanged, lambda e: e.thread_id == thread)
        async with served.client("cursor") as client:
            result = await client.call("codex-reply", threadId=thread, prompt="second")
    (said,) = [part["text"] for part in result["content"][:1]]
    if others is Others.DECIDE:
        assert said == "And again."
    else:
        assert result["isError"]
        assert "belongs to Codex TUI, and no other client acts on it" in said
        assert "`codextui adopt tui`" in said
        assert len(codex.model.requests) == 1


async def test_a_person_replies_to_another_program(
    codex: SharedCodex, served: Served, workspace: Path
):
    program = await codex.program()
    thread = await program.start_thread(workspace)
    await program.run(thread, "hello")
    async with served.console() as console:
        await console.event(ev.ThreadChanged, lambda e: e.thread_id == thread)
        replied = await console.call("codex-reply", threadId=thread, prompt="second")
        assert replied["content"] == "And again."


async def test_a_thread_that_was_taken_over_has_its_tools_there_also_after_a_restart(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    program = await codex.program()
    schema = {"type": "object", "properties": {}}
    tool = {"name": "look", "description": "Look.", "inputSchema": schema}
    thread = await program.start_thread(workspace, dynamicTools=[tool])
    await program.run(thread, "hello")
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        await console.event(ev.ThreadChanged, lambda e: e.thread_id == thread)
        adopted = await console.call("codex-adopt", thread=thread)
        assert adopted["thread"]["adopted"]
    async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
        await console.call("codex-server")
        seen = len(console.updates)
        await program.start_turn(thread, "use it")
        request = await program.heard("item/tool/call", thread)
        await console.event(
            ev.ItemStarted,
            lambda e: e.msg.item["type"] == "dynamicToolCall",  # type: ignore[union-attr] # it is one
            seen,
        )
        told = [{"type": "inputText", "text": "I see."}]
        await program.send({"id": request["id"], "result": {"contentItems": told, "success": True}})
        called = await console.event(
            ev.ItemCompleted,
            lambda e: e.msg.item["type"] == "dynamicToolCall",  # type: ignore[union-attr] # it is one
            seen,
        )
        assert isinstance(called.msg, ev.ItemCompleted)
        assert called.msg.item["contentItems"] == told
        await program.call("thread/archive", threadId=thread)
        await console.event(
            ev.ThreadChanged,
            lambda e: not e.msg.thread.adopted,  # type: ignore[union-attr] # it is one
            seen,
        )


@pytest.mark.parametrize("how", ["loaded", "not loaded", "killed"])
async def test_codex_exec_changes_the_settings_of_a_thread_of_ours_for_its_turn_only(
    codex_binary: Path, scratch: Path, script: Script, workspace: Path, how: str
):
    wanted = {"sandbox": "workspace-write", "approval-policy": "on-request"}
    policies: list[tuple[str, str]] = []
    async with serving(codex_binary, scratch, script) as served:
        async with served.console() as console:
            await console.call("codex-start", prompt="hello", cwd=str(workspace), **wanted)
            end = await console.event(ev.TurnCompleted)
            if how == "killed":
                await console.call("codex-kill", thread=end.thread_id)
        if how == "not loaded":
            await served.stop()
            await served.start()
        async with served.console() as console, served.console("codex exec") as client:
            seen = len(console.updates)
            options = {"thread": end.thread_id, "prompt": "second", "sandbox": "read-only"}
            turn = (await client.call("codex-exec", **options))["turnId"]
            event = await client.event(ev.TurnCompleted, lambda e: e.turn_id == turn)
            assert answer_of(event) == "And again."

            def fits(event: ev.Event) -> bool:
                assert isinstance(event.msg, ev.ThreadChanged)
                info = event.msg.thread
                policies.append((info.sandbox, info.approval_policy))
                return ("read-only", "never") in policies and policies[-1][1] == "on-request"

            await console.event(ev.ThreadChanged, fits, seen)
            assert policies[-1] == ("workspace-write", "on-request")
            inputs = [str(one.body["input"]) for one in served.model.requests_of(end.thread_id)]
            assert ["read-only" in text for text in inputs] == [False, True]
            await client.call("codex-send", thread=end.thread_id, prompt="third")
            await client.event(ev.TurnCompleted, lambda e: answer_of(e) == "At last.")
            last = served.model.requests_of(end.thread_id)[-1].body["input"]
            assert str(last).rindex("workspace-write") > str(last).rindex("read-only")


async def test_nobody_knows_an_id_is_said_with_the_id_once(served: Served):
    unknown = "01a22400-7473-7ba2-8acb-b1052da2f4bb"
    async with served.console() as console:
        with pytest.raises(ThreadUnknown) as raised:
            await console.call("codex-resume", thread=unknown)
    assert str(raised.value).count(unknown) == 1


def _has_remote_exec(binary: Path) -> bool:
    said = subprocess.run([binary, "exec", "--help"], capture_output=True, text=True, check=True)
    return "--remote" in said.stdout


async def test_codex_does_not_tell_that_codex_exec_has_started_a_thread(
    codex: SharedCodex, codex_binary: Path, scratch: Path, workspace: Path
):
    """If this fails, Codex tells: `codex.threads` can give it a label of its own."""
    if not await asyncio.to_thread(_has_remote_exec, codex_binary):
        pytest.skip("this Codex has no `exec --remote`")
    first = await codex.program("codextui")
    process = await asyncio.create_subprocess_exec(
        *(codex_binary, "exec", "--remote", codex.address, "--skip-git-repo-check", "hello"),
        cwd=workspace,
        env=codex_environment(scratch / "home"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    (by_exec,) = (await first.call("thread/loaded/list"))["data"]
    unnamed = await first.start_thread(workspace)
    await first.run(unnamed, "hello")

    async def read(thread: str) -> dict[str, Any]:
        answer = (await first.call("thread/read", threadId=thread))["thread"]
        return {key: value for key, value in answer.items() if key not in (*OWN, "cwd")}

    told, of_any = await read(by_exec), await read(unnamed)
    told.pop("environments", None), of_any.pop("environments", None)
    assert told == of_any
    listed = ListedThread.parse({"id": by_exec, **told}, program="codextui")
    assert listed.origin == ANOTHER_PROGRAM


async def test_codex_does_not_tell_which_clients_follow_a_thread(codex_binary: Path):
    """If this fails, a thread of ours that somebody watches elsewhere need not time out."""
    schema = await asyncio.to_thread(CodexSchema.generate, codex_binary)
    names = [*schema.methods("ServerNotification"), *schema.methods("ClientRequest")]
    assert [name for name in names if "subscri" in name.lower()] == ["thread/unsubscribe"]
    members = schema.definitions["Thread"]["properties"]
    words = ("client", "connection", "subscri", "attached", "watch")
    told = [name for name in members if any(word in name.lower() for word in words)]
    assert [name for name in told if name != "attachedToThreadId"] == []
