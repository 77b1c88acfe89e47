"""Settings and budgets of threads on the shared server, with the real Codex."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from contract.serving import Console, serving

from codextui.demo import Run, Say, Script
from codextui.errors import CodexLoginMissing, ServerRefused, ThreadUnknown
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract


async def row(console: Console) -> dict[str, Any]:
    (only,) = (await console.call("codex-threads"))["threads"]
    assert isinstance(only, dict)
    return only


async def test_settings_of_a_thread_at_rest_are_those_of_its_next_turn(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("one", Say("One.")).on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call("codex-start", prompt="one", cwd=str(workspace))
        thread_id = started["thread"]["thread_id"]
        await console.event(ev.TurnCompleted)
        wanted = {"model": "gpt-5.4", "effort": "low", "approval-policy": "never"}
        changed = await console.call(
            "codex-settings", thread=thread_id, sandbox="read-only", **wanted
        )
        assert changed["next"] == changed["notes"] == []
        assert changed["text"] == (
            "model gpt-5.4, effort low, approval-policy never, sandbox read-only"
        )
        after = len(console.updates)
        await console.call("codex-send", thread=thread_id, prompt="two")
        await console.event(ev.TurnCompleted, after=after)
        request = served.model.requests_of(thread_id)[-1]
        assert (request.model, request.body["reasoning"]["effort"]) == ("gpt-5.4", "low")
        shown = await row(console)
        assert (shown["model"], shown["effort"]) == ("gpt-5.4", "low")
        assert (shown["approval_policy"], shown["sandbox"]) == ("never", "read-only")


async def test_a_running_turn_says_what_it_does_not_take(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script().on("one", Say("One, two.", chunk=1, gate=gate)).on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call("codex-start", prompt="one", cwd=str(workspace))
        thread_id = started["thread"]["thread_id"]
        await console.event(ev.TextDelta)
        changed = await console.call(
            "codex-settings", thread=thread_id, effort="high", sandbox="read-only", budget=500_000
        )
        assert changed["now"] == ["budget 500k tokens"]
        assert changed["next"] == ["effort high", "sandbox read-only"]
        assert "features.step_model_switching" in changed["text"]
        gate.set()
        await console.event(ev.TurnCompleted)
        await console.call("codex-send", thread=thread_id, prompt="two")
        request = await served.model.wait_for_request(2)
        assert request.body["reasoning"]["effort"] == "high"


async def test_with_the_feature_a_running_turn_takes_an_effort(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("one", Run("until [ -e go ]; do sleep 0.1; done"), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call(
            "codex-start",
            prompt="one",
            cwd=str(workspace),
            config={"features.step_model_switching": True},
        )
        thread_id = started["thread"]["thread_id"]
        await console.event(
            ev.ItemStarted,
            lambda event: event.msg.item.get("type") == "commandExecution",  # type: ignore[union-attr] # its kind was asked for
        )
        changed = await console.call("codex-settings", thread=thread_id, effort="high")
        unknown = await console.call("codex-settings", thread=thread_id, model="nonsense-9")
        (workspace / "go").touch()
        await console.event(ev.TurnCompleted)
        assert (changed["now"], changed["next"]) == (["effort high"], [])
        assert unknown["next"] == ["model nonsense-9"]
        assert "does not know that model" in unknown["text"]
        first, second = served.model.requests_of(thread_id)
        assert first.body["reasoning"]["effort"] != "high"
        assert (second.model, second.body["reasoning"]["effort"]) == (first.model, "high")


async def test_nothing_to_set_and_unknown_threads_are_refused(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        await console.call("codex-start", cwd=str(workspace), handle="mine")
        with pytest.raises(ServerRefused, match="nothing to set"):
            await console.call("codex-settings", thread="mine")
        with pytest.raises(ServerRefused, match="no value"):
            await console.call("codex-settings", thread="mine", model=" ")
        with pytest.raises(ThreadUnknown):
            await console.call("codex-settings", thread="other", model="x")


async def test_a_turn_ends_at_the_budget_and_none_begins_beyond_it(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("one", Run("true"), Run("true"), Say("Too late."))
    script.on("two", Say("Two."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call(
            "codex-start", prompt="one", cwd=str(workspace), handle="mine", budget=100
        )
        thread_id = started["thread"]["thread_id"]
        await console.call("codex-queue", thread=thread_id, action="list")
        info = await console.state(thread_id, ThreadState.INTERRUPTED)
        assert "of its budget of 100 tokens" in info.note
        assert info.usage.total >= 100
        assert len(served.model.requests_of(thread_id)) < 3
        for tool, more in (
            ("codex-send", {"prompt": "two"}),
            ("codex-queue", {"action": "add", "prompt": "two"}),
        ):
            with pytest.raises(ServerRefused, match="mine has used"):
                await console.call(tool, thread=thread_id, **more)
        assert (await row(console))["budget"] == 100
        changed = await console.call("codex-settings", thread=thread_id, budget=0)
        assert changed["text"] == "no budget"
        await console.call("codex-send", thread=thread_id, prompt="two")
        await console.event(ev.TurnCompleted)
        assert (await row(console))["note"] == ""


async def test_the_budget_outlives_the_server(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    async with serving(codex_binary, scratch, Script()) as served:
        async with served.console() as console:
            await console.call("codex-start", prompt="hi", cwd=str(workspace), budget=1_000_000)
            await console.event(ev.TurnCompleted)
        await served.stop()
        await served.start()
        async with served.console() as console:
            assert (await row(console))["budget"] == 1_000_000


async def test_a_goal_of_codex_starts_work_by_itself_so_it_is_no_budget(
    start_exchange: Any, workspace: Path
) -> None:
    """Holds what `codextui.server.threads.budgets` says of `thread/goal/set`."""
    from codextui.demo import ScriptedModel  # noqa: PLC0415

    script = Script().on("", Say("One."), Say("Two."), Say("Three."))
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        with pytest.raises(AssertionError, match="no goal exists"):
            await codex.call("thread/goal/set", threadId=thread, tokenBudget=50)
        await codex.call(
            "thread/goal/set", threadId=thread, objective="Go", status="active", tokenBudget=50
        )
        await codex.heard("turn/completed", thread)  # nobody has started a turn
        goal = (await codex.call("thread/goal/get", threadId=thread))["goal"]
        assert goal["status"] == "budgetLimited"
        turn = await codex.start_turn(thread, "more")
        assert (await codex.finished(thread, turn))["status"] == "completed"


async def test_without_a_login_there_is_no_usage_and_a_clear_sentence(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        row = (await console.call("codex-start", cwd=str(workspace)))["thread"]
        for arguments in ({}, {"thread": row["thread_id"]}):
            with pytest.raises(CodexLoginMissing, match=r"no ChatGPT login.* codextui login"):
                await console.call("codex-usage", **arguments)
