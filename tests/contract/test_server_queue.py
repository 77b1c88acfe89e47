"""Queued messages on the shared server, with the real Codex."""

from __future__ import annotations

import asyncio
import base64
import functools
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from contract.other_program import serving_on, shared_codex
from contract.serving import Console, serving

from codextui.demo import Fail, Say, Script, ScriptedModel
from codextui.errors import CodexFailed, ServerRefused, TurnNotRunning, TurnRunning
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo

pytestmark = pytest.mark.contract

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""


async def queued(console: Console, thread_id: str, texts: list[str], after: int = 0) -> ThreadInfo:
    """Return the first info of a thread whose queue has these messages, waiting for it."""

    def fits(event: ev.Event) -> bool:
        assert isinstance(event.msg, ev.ThreadChanged)
        info = event.msg.thread
        return event.thread_id == thread_id and [one.text for one in info.queued] == texts

    event = await console.event(ev.ThreadChanged, fits, after)
    assert isinstance(event.msg, ev.ThreadChanged)
    return event.msg.thread


async def start(console: Console, workspace: Path, prompt: str) -> str:
    row = (await console.call("codex-start", prompt=prompt, cwd=str(workspace)))["thread"]
    await console.event(ev.TextDelta, lambda event: event.thread_id == row["thread_id"])
    return str(row["thread_id"])


async def ends(console: Console, thread_id: str, count: int) -> list[ev.Msg]:
    """Return the ends of a thread's first turns, waiting for so many."""

    def all_of_them(_: object) -> list[ev.Msg] | None:
        msgs = [e.msg for e in console.events if e.thread_id == thread_id]
        found = [m for m in msgs if isinstance(m, ev.TurnCompleted | ev.TurnAborted)]
        return found if len(found) >= count else None

    return await console.first(all_of_them)


def answers(ended: list[ev.Msg]) -> list[str]:
    """Return the last messages of turns, `failed` or the like for one that was aborted."""
    return [m.last_agent_message if isinstance(m, ev.TurnCompleted) else m.reason for m in ended]  # type: ignore[union-attr] # they are ends of turns


def prompts(model: ScriptedModel, thread_id: str) -> list[str]:
    return [request.last_user_text for request in model.requests_of(thread_id)]


async def test_queued_messages_follow_the_turn_one_by_one(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script().on("begin", Say("Begun.", chunk=1, gate=gate)).on("one", Fail(400, "broken"))
    script.on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        for text in ("one", "two", "three"):
            result = await console.call("codex-queue", thread=thread_id, action="add", prompt=text)
        shown = ThreadInfo.from_json(result["thread"])
        assert [one.text for one in shown.queued] == ["one", "two", "three"]
        last = shown.queued[-1].queued_id
        result = await console.call("codex-queue", thread=thread_id, action="remove", message=last)
        assert [one["text"] for one in result["thread"]["queued"]] == ["one", "two"]
        with pytest.raises(ServerRefused, match="it may have been sent"):
            await console.call("codex-queue", thread=thread_id, action="remove", message=last)
        with pytest.raises(TurnRunning, match="follows by itself"):
            await console.call("codex-queue", thread=thread_id, action="start")
        after = len(console.updates)
        gate.set()
        ended = answers(await ends(console, thread_id, 3))
        assert ended == ["Begun.", "failed", "Two."]  # a failure does not stop the queue
        await queued(console, thread_id, [], after)
        assert prompts(served.model, thread_id) == ["begin", "one", "two"]
        with pytest.raises(TurnNotRunning, match="nothing is queued"):
            await console.call("codex-queue", thread=thread_id, action="start")


async def test_an_interrupt_holds_the_queue_until_somebody_goes_on(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("begin", Say("Begun.", gate=asyncio.Event(), open_deltas=1))
    script.on("one", Say("One.")).on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        for text in ("one", "two"):
            await console.call("codex-queue", thread=thread_id, action="add", prompt=text)
        await console.call("codex-interrupt", thread=thread_id)
        result = await console.call("codex-queue", thread=thread_id, action="list")
        assert [one["text"] for one in result["thread"]["queued"]] == ["one", "two"]
        assert result["thread"]["state"] == "interrupted"
        await console.call("codex-queue", thread=thread_id, action="start")
        assert answers(await ends(console, thread_id, 3)) == ["interrupted", "One.", "Two."]
        assert prompts(served.model, thread_id)[1:] == ["one", "two"]


async def test_a_message_queued_for_a_thread_at_rest_is_sent_at_once(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("one", Say("One."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        row = (await console.call("codex-start", cwd=str(workspace)))["thread"]
        thread_id = row["thread_id"]
        await console.call("codex-queue", thread=thread_id, action="add", prompt="one")
        assert answers(await ends(console, thread_id, 1)) == ["One."]
        (row,) = (await console.call("codex-threads"))["threads"]
        assert row["brief"] == "one"


async def test_what_is_queued_outlives_codex_and_is_sent_once(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("begin", Say("Begun.", gate=asyncio.Event(), open_deltas=1))
    script.on("one", Say("One.")).on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        for text in ("one", "two"):
            await console.call("codex-queue", thread=thread_id, action="add", prompt=text)
        pid = (await console.call("codex-server"))["codex"]["pid"]
        after = len(console.updates)
        os.kill(pid, signal.SIGKILL)
        await console.event(ev.CodexReady, after=after)
        result = await console.call("codex-queue", thread=thread_id, action="list")
        assert [one["text"] for one in result["thread"]["queued"]] == ["one", "two"]
        assert prompts(served.model, thread_id) == ["begin"]
        await console.call("codex-queue", thread=thread_id, action="start")
        assert answers(await ends(console, thread_id, 3)) == ["lost", "One.", "Two."]
        assert prompts(served.model, thread_id)[1:] == ["one", "two"]


async def test_a_killed_thread_has_no_queue_when_it_comes_back(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("hello", Say("Hello."))
    script.on("begin", Say("Begun.", gate=asyncio.Event(), open_deltas=1))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "hello")
        await ends(console, thread_id, 1)
        await console.call("codex-send", thread=thread_id, prompt="begin")
        await console.call("codex-queue", thread=thread_id, action="add", prompt="one")
        await console.call("codex-kill", thread=thread_id)
        await console.call("codex-resume", thread=thread_id)
        result = await console.call("codex-queue", thread=thread_id, action="list")
        assert result["thread"]["queued"] == []
        assert "one" not in prompts(served.model, thread_id)


async def test_a_queue_is_bounded_and_refuses_what_is_no_message(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("begin", Say("Begun.", gate=asyncio.Event(), open_deltas=1))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        for number in range(50):
            await console.call("codex-queue", thread=thread_id, action="add", prompt=f"p{number}")
        with pytest.raises(ServerRefused, match="50 messages are queued"):
            await console.call("codex-queue", thread=thread_id, action="add", prompt="one more")
        other = (await console.call("codex-start", cwd=str(workspace)))["thread"]["thread_id"]
        with pytest.raises(CodexFailed, match="takes 1,048,576 at most"):
            await console.call("codex-queue", thread=other, action="add", prompt="x" * 1_048_577)


async def test_what_is_queued_outlives_the_server_and_is_sent_once(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("begin", Say("Begun.", chunk=1, gate=asyncio.Event()))
    script.on("one", Say("One.")).on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served:
        async with served.console() as console:
            thread_id = await start(console, workspace, "begin")
            for text in ("one", "two"):
                await console.call("codex-queue", thread=thread_id, action="add", prompt=text)
        await served.stop()
        await served.start()
        async with served.console() as console:
            result = await console.call("codex-queue", thread=thread_id, action="list")
            assert [one["text"] for one in result["thread"]["queued"]] == ["one", "two"]
            assert prompts(served.model, thread_id) == ["begin"]
            after = len(console.updates)
            await console.call("codex-queue", thread=thread_id, action="start")
            await queued(console, thread_id, [], after)
            await console.event(
                ev.TurnCompleted, lambda event: answers([event.msg]) == ["Two."], after
            )
            assert prompts(served.model, thread_id)[1:] == ["one", "two"]


async def test_what_codex_queue_adds_is_listed_and_sent(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    """Codex sends no notification of what another process has queued."""
    gate = asyncio.Event()
    script = Script().on("begin", Say("Begun.", chunk=1, gate=gate)).on("one", Say("One."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        env = dict(served.options.env or os.environ) | {
            "CODEX_HOME": str(served.options.codex_home)
        }
        codex = await asyncio.create_subprocess_exec(
            *(codex_binary, "queue", "--thread", thread_id, "--message", "one"), env=env
        )
        assert await codex.wait() == 0
        result = await console.call("codex-queue", thread=thread_id, action="list")
        assert [one["text"] for one in result["thread"]["queued"]] == ["one"]
        gate.set()
        assert answers(await ends(console, thread_id, 2)) == ["Begun.", "One."]
        assert prompts(served.model, thread_id) == ["begin", "one"]


def texts(result: dict[str, Any]) -> list[str]:
    return [one["text"] for one in result["thread"]["queued"]]


async def test_queued_messages_are_edited_and_moved(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script().on("begin", Say("Begun.", chunk=1, gate=gate))
    for text in ("two", "three", "ONE"):
        script.on(text, Say(f"Did {text}."))
    picture = workspace / "a.png"
    picture.write_bytes(PNG)
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        call = functools.partial(console.call, "codex-queue", thread=thread_id)
        await call(action="add", prompt="one", images=[str(picture)])
        for text in ("two", "three"):
            result = await call(action="add", prompt=text)
        one, two, three = (message["queued_id"] for message in result["thread"]["queued"])

        shown = (await call(action="show", message=one))["message"]
        assert (shown["text"], shown["images"]) == ("one", 1)
        edited = await call(action="edit", message=one, prompt="ONE", version=shown["version"])
        assert texts(edited) == ["ONE", "two", "three"]
        assert edited["thread"]["queued"][0]["images"] == 1  # which the new text does not lose
        with pytest.raises(ServerRefused, match="another client has edited it"):
            await call(action="edit", message=one, prompt="mine", version=shown["version"])
        with pytest.raises(ServerRefused, match="would be empty"):
            await call(action="edit", message=one, prompt=" ")
        with pytest.raises(CodexFailed, match="takes 1,048,576 at most"):
            await call(action="edit", message=one, prompt="x" * 1_048_577)

        assert texts(await call(action="move", message=three, before=one)) == [
            *("three", "ONE", "two")
        ]
        assert texts(await call(action="move", message=one)) == ["three", "two", "ONE"]
        assert texts(await call(action="move", message=one, before=one))[-1] == "ONE"
        await asyncio.gather(  # the queue changes meanwhile
            call(action="move", message=one, before=two), call(action="remove", message=three)
        )
        for change in ({"message": three}, {"message": one, "before": three}):
            with pytest.raises(ServerRefused, match="it may have been sent"):
                await call(action="move", **change)
        assert texts(await call(action="move", message=two, before=one)) == ["two", "ONE"]

        gate.set()
        assert answers(await ends(console, thread_id, 3)) == ["Begun.", "Did two.", "Did ONE."]
        assert prompts(served.model, thread_id) == ["begin", "two", "ONE"]
        for change in ({"action": "edit", "prompt": "late"}, {"action": "show"}):
            with pytest.raises(ServerRefused, match="it may have been sent"):
                await call(message=one, **change)


async def test_what_another_program_does_with_the_queue_is_shown(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    """Codex's own screen, for one, edits and moves what waits."""
    script = Script().on("begin", Say("Begun.", chunk=1, gate=asyncio.Event()))
    async with shared_codex(codex_binary, scratch, script) as codex:
        program = await codex.program()
        async with serving_on(codex, codex_binary, scratch) as served, served.console() as console:
            thread_id = await start(console, workspace, "begin")
            call = functools.partial(console.call, "codex-queue", thread=thread_id)
            for text in ("one", "two"):
                result = await call(action="add", prompt=text)
            one, two = (message["queued_id"] for message in result["thread"]["queued"])
            shown = (await call(action="show", message=one))["message"]

            seen = len(console.updates)
            await program.call(
                "thread/queue/reorder", threadId=thread_id, queuedSubmissionIds=[two, one]
            )
            await queued(console, thread_id, ["two", "one"], seen)
            asked = [{"type": "text", "text": "theirs"}]
            await program.call(
                "thread/queue/update", threadId=thread_id, queuedSubmissionId=one, input=asked
            )
            await queued(console, thread_id, ["two", "theirs"], seen)
            with pytest.raises(ServerRefused, match="another client has edited it"):
                await call(action="edit", message=one, prompt="ours", version=shown["version"])
            await program.call("thread/queue/delete", threadId=thread_id, queuedSubmissionId=one)
            await queued(console, thread_id, ["two"], seen)
            with pytest.raises(ServerRefused, match="it may have been sent"):
                await call(action="edit", message=one, prompt="ours", version=shown["version"])
