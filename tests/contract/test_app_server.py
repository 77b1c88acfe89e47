"""Turns, threads and items of the real Codex, through `codextui.codex`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from contract.listener import Listener, listening

from codextui.codex.calls import (
    archive_thread,
    fork_thread,
    read_turns,
    resume_thread,
    start_thread,
    start_turn,
    steer_turn,
    unarchive_thread,
)
from codextui.codex.login import read_login_problem
from codextui.codex.notifications import translate_history
from codextui.codex.threads import ThreadOptions
from codextui.demo import Fail, Patch, Run, Say, Script, ScriptedModel, Think
from codextui.errors import CodexFailed, ConfigInvalid, ThreadUnknown, TurnNotRunning
from codextui.protocol import events as ev

pytestmark = pytest.mark.contract


async def test_a_plain_turn_comes_as_events_in_order(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("hello", [Think("A greeting."), Say("Hello, you there.")])
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "hello")
        assert await codex.ended(thread, turn) == ev.TurnCompleted("Hello, you there.")
        kinds = [type(msg).__name__ for msg in codex.msgs(thread, turn)]
        user = codex.items(thread, "userMessage")
        agent = codex.items(thread, "agentMessage")
        tokens = await codex.msg(ev.TokensCounted, thread)
        reasoning = [m for m in codex.msgs(thread) if isinstance(m, ev.ReasoningDelta)]
    assert kinds[0] == "TurnStarted"
    assert kinds[-1] == "TurnCompleted"
    assert user[0]["clientId"] == "m1"
    assert [item["text"] for item in agent] == ["Hello, you there."]
    assert codex.text(thread) == "Hello, you there."
    assert "".join(m.delta for m in reasoning) == "A greeting."
    assert tokens.total.total > 0
    assert tokens.context_window


async def test_deltas_come_in_order_and_none_is_lost(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    said = " ".join(f"{number:04d}" for number in range(2000))
    script = Script().on("count", Say(said, chunk=5))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        await codex.ended(thread, await codex.turn(thread, "count"))
        assert codex.text(thread) == said
        assert codex.items(thread, "agentMessage")[0]["text"] == said


async def test_a_command_streams_its_output_and_says_how_it_ended(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    """Output of the first moments may have no delta (0.153.4 even forgets it for good)."""
    command_line = "sleep 0.5; echo one; sleep 0.3; echo two; exit 3"
    script = Script().on("run", Run(command_line), Say("It failed."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "run")
        await codex.ended(thread, turn)
        command = codex.items(thread, "commandExecution")[0]
        output = "".join(m.delta for m in codex.msgs(thread) if isinstance(m, ev.OutputDelta))
    assert command["exitCode"] == 3
    assert command["aggregatedOutput"].split() == ["one", "two"]
    assert output.split() == ["one", "two"]


async def test_a_failed_turn_says_why(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("break", Fail(400, "out of order"), Say("Works now."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "break")
        ended = await codex.ended(thread, turn)
        assert isinstance(ended, ev.TurnAborted)
        assert ended.reason == "failed"
        assert "out of order" in ended.message
        assert "out of order" in (await codex.msg(ev.ErrorRaised, thread)).message
        status = await codex.notification("thread/status/changed", _is_system_error)
        assert status["threadId"]
        again = await codex.turn(thread, "go on")
        assert await codex.ended(thread, again) == ev.TurnCompleted("Works now.")


async def test_a_steer_reaches_the_running_turn_and_no_other(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    """0.163.0 cuts off what the model says, and that message is never completed; 0.153.4 waits."""
    gate = asyncio.Event()
    script = Script()
    script.on("wait", Say("before the rest", gate=gate, open_deltas=1))
    script.on("turn left", Say("Turned left."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "wait")
        await codex.msg(ev.TextDelta, thread)
        await steer_turn(codex.app, thread, turn, "turn left", client_message_id="m2")
        with pytest.raises(TurnNotRunning):
            await steer_turn(codex.app, thread, "other", "no", client_message_id="m3")
        gate.set()
        await codex.ended(thread, turn)
        said = [item["text"] for item in codex.items(thread, "agentMessage", turn)]
        prompts = [item["clientId"] for item in codex.items(thread, "userMessage", turn)]
        with pytest.raises(TurnNotRunning):
            await steer_turn(codex.app, thread, turn, "too late", client_message_id="m4")
    assert said[-1] == "Turned left."
    assert codex.text(thread).startswith("before ")
    assert codex.text(thread).endswith("Turned left.")
    assert prompts == ["m1", "m2"]


async def test_a_fork_runs_independently_of_its_source(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("start", Say("First."), Say("Second."), Say("Third."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        source, turns = await _three_turns(codex, workspace)
        options = ThreadOptions(sandbox="workspace-write")
        now = await fork_thread(codex.app, source, options)
        through = await fork_thread(codex.app, source, options, last_turn_id=turns[0])
        kept_now = [turn["id"] for turn in await read_turns(codex.app, now.thread_id)]
        kept = [turn["id"] for turn in await read_turns(codex.app, through.thread_id)]
        further = await codex.turn(through.thread_id, "on")
        await codex.ended(through.thread_id, further)
        said = codex.items(through.thread_id, "agentMessage", further)
    assert now.forked_from == through.forked_from == source
    assert (now.sandbox, now.approval_policy) == ("workspace-write", "on-request")
    assert now.cwd == str(workspace)
    assert kept_now == turns
    assert kept == turns[:1]
    assert [item["text"] for item in said] == ["Second."]


async def test_a_turn_that_runs_cannot_be_the_last_of_a_fork(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script().on("wait", Say("before the rest", gate=gate, open_deltas=1))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "wait")
        await codex.msg(ev.TextDelta, thread)
        with pytest.raises(CodexFailed):
            await fork_thread(codex.app, thread, last_turn_id=turn)
        now = await fork_thread(codex.app, thread)
        history = translate_history(now.thread_id, await read_turns(codex.app, now.thread_id))
        gate.set()
        await codex.ended(thread, turn)
    assert history[-1].msg == ev.TurnAborted("interrupted")


async def test_the_history_of_a_thread_is_translated_into_events(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("make", Patch.add("a.txt", "hello\n"), Run("cat a.txt"), Say("Made it."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "make")
        await codex.ended(thread, turn)
        events = translate_history(thread, await read_turns(codex.app, thread))
    kinds = [m.msg.item["type"] for m in events if isinstance(m.msg, ev.ItemCompleted)]
    assert events[0].msg == ev.TurnStarted()
    assert kinds == ["userMessage", "fileChange", "commandExecution", "agentMessage"]
    assert events[-1].msg == ev.TurnCompleted("Made it.")
    assert {event.turn_id for event in events} == {turn}
    assert (workspace / "a.txt").read_text() == "hello\n"


async def test_an_archived_thread_comes_back_with_its_name(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("start", Say("First."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        await codex.ended(thread, await codex.turn(thread, "start"))
        await codex.app.call("thread/name/set", {"threadId": thread, "name": "backend"})
        named = await codex.notification("thread/name/updated")
        assert named == {"threadId": thread, "threadName": "backend"}
        await archive_thread(codex.app, thread)
        assert await codex.notification("thread/archived")
        with pytest.raises(ThreadUnknown):
            await start_turn(codex.app, thread, "no", client_message_id="m2")
        with pytest.raises(ThreadUnknown):
            await resume_thread(codex.app, thread)
        archived = list(await _listed(codex, archived=True))
        await unarchive_thread(codex.app, thread)
        again = await resume_thread(codex.app, thread, ThreadOptions(sandbox="workspace-write"))
        listed = await _listed(codex)
    assert archived == [thread]
    assert listed[thread]["name"] == "backend"
    assert (again.name, again.sandbox) == ("backend", "workspace-write")
    assert [turn["status"] for turn in again.turns] == ["completed"]


async def test_the_history_of_many_turns_is_complete_and_oldest_first(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("start", Say("First."), Say("Second."), Say("Third."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread, turns = await _three_turns(codex, workspace)
        assert [turn["id"] for turn in await read_turns(codex.app, thread)] == turns
        assert [turn["id"] for turn in await read_turns(codex.app, thread, limit=2)] == turns[1:]


async def test_an_unknown_thread_raises_our_own_error(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    nobody = "0199a213-81c0-7800-8aa1-bbab2a035a53"
    async with (
        ScriptedModel(Script()) as model,
        listening(codex_binary, codex_home, model) as codex,
    ):
        for unknown in (nobody, "no such id"):
            with pytest.raises(ThreadUnknown):
                await start_turn(codex.app, unknown, "hello", client_message_id="m1")
            with pytest.raises(ThreadUnknown):
                await resume_thread(codex.app, unknown)
            with pytest.raises(ThreadUnknown):
                await fork_thread(codex.app, unknown)
        thread = await codex.thread(workspace)
        with pytest.raises(CodexFailed, match="1,048,577 characters"):
            await codex.turn(thread, "x" * 1_048_577)
        with pytest.raises(ConfigInvalid, match=r"nope\.config\.toml"):
            await start_thread(codex.app, ThreadOptions(profile="nope"))
        with pytest.raises(CodexFailed):
            await start_thread(codex.app, ThreadOptions(sandbox="no-such-sandbox"))
        assert await read_login_problem(codex.app) == ""


async def test_more_calls_than_codex_takes_at_once_are_all_answered(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    async with (
        ScriptedModel(Script()) as model,
        listening(codex_binary, codex_home, model) as codex,
    ):
        answers = await asyncio.gather(*(_listed(codex) for _ in range(500)))
    assert answers == [{}] * 500


async def test_a_profile_and_single_settings_reach_the_thread(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    async with (
        ScriptedModel(Script()) as model,
        listening(codex_binary, codex_home, model) as codex,
    ):
        (codex_home / "careful.config.toml").write_text(
            'approval_policy = "never"\nsandbox_mode = "workspace-write"\n'
        )
        options = ThreadOptions(
            cwd=str(workspace), profile="careful", config={"sandbox_mode": "read-only"}
        )
        started = await start_thread(codex.app, options)
    assert (started.approval_policy, started.sandbox) == ("never", "read-only")
    assert started.model == "gpt-5.5"


async def _three_turns(codex: Listener, cwd: Path) -> tuple[str, list[str]]:
    thread = await codex.thread(cwd)
    turns = []
    for prompt in ("start", "on", "on"):
        turns.append(await codex.turn(thread, prompt))
        await codex.ended(thread, turns[-1])
    return thread, turns


async def _listed(codex: Listener, *, archived: bool = False) -> dict[str, Any]:
    """Return the threads of Codex's history by id."""
    page: Any = await codex.app.call("thread/list", {"archived": archived, "limit": 100})
    return {thread["id"]: thread for thread in page["data"]}


def _is_system_error(params: Any) -> bool:
    return bool(params["status"]["type"] == "systemError")
