"""People and the roles of a run over the real server: approvals, questions, messages, stop."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from contract.serving import Console
from contract.team_stage import Stage, kinds, staged

from codextui.demo.request import ModelRequest
from codextui.demo.script import Call, Say, Step
from codextui.protocol import events as ev
from codextui.protocol.approvals import QuestionsAsked, ToolAsked
from codextui.protocol.threads import ThreadState
from codextui.teams.records.events import RunOutcome

pytestmark = pytest.mark.contract

WAIT_S = 200

CONFIG = """
[teams.pair]
mode = "parallel"
[teams.pair.defaults]
codex = false
[teams.pair.roles.one]
instructions = "You are one."
tools = ["teams.own_tools:lookup"]
[teams.pair.roles.two]
instructions = "You are two."
"""


class PairScript:
    """The models of two roles, and the requests that they got."""

    def __init__(self, **steps: Sequence[Sequence[Step]]) -> None:
        self.given: dict[str, list[ModelRequest]] = defaultdict(list)
        self._steps = {name: list(several) for name, several in steps.items()}

    def __call__(self, request: ModelRequest) -> Sequence[Step]:
        name = "one" if "You are one." in request.instructions else "two"
        self.given[name].append(request)
        return self._steps[name].pop(0)


def pair(stage: Stage) -> tuple[str, ...]:
    config = stage.scratch / "pair.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return ("pair", "Do it.", "--config", str(config), "-C", str(stage.project))


async def begun(process: asyncio.subprocess.Process) -> str:
    """Wait for the run's id, and return it."""
    assert process.stdout is not None
    return str(json.loads(await process.stdout.readline())["run"])


async def ended(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    out, _ = await process.communicate()
    return [json.loads(line) for line in out.splitlines()]


async def state(console: Console, thread: str, wanted: ThreadState) -> None:
    await console.state(thread, wanted)


async def test_a_tool_call_waits_for_a_person_who_sees_all_of_it(
    codex_binary: Path, scratch: Path
) -> None:
    call = Call("lookup", {"word": "bug"})
    script = PairScript(one=[[call], [Say("Found.")]], two=[[Say("Two.")]])
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch, script=script) as stage:
        async with stage.served.console() as console:
            process = await stage.start(*pair(stage))
            run = await begun(process)
            asked = await console.event(ev.ApprovalAsked)
            approval = asked.msg.approval
            assert approval.asked == ToolAsked("lookup", {"word": "bug"})
            assert approval.thread_id == f"run:{run}/one"
            await console.state(approval.thread_id, ThreadState.NEEDS_INPUT)
            await console.call("codex-answer", approval=approval.approval_id, decision="approved")
            lines = await ended(process)
        assert process.returncode == RunOutcome.DONE
    assert [line["asks"] for line in kinds(lines, "person_needed")] == ["tool"]
    assert [line["outcome"] for line in kinds(lines, "person_decided")] == ["approved"]
    assert script.given["one"][1].last_output == "bug means something."


async def test_a_role_asks_a_person_and_reads_the_answer(codex_binary: Path, scratch: Path) -> None:
    call = Call("ask_person", {"question": "Which colour?", "options": ["red", "blue"]})
    script = PairScript(one=[[call], [Say("Blue.")]], two=[[Say("Two.")]])
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch, script=script) as stage:
        async with stage.served.console() as console:
            process = await stage.start(*pair(stage))
            approval = (await console.event(ev.ApprovalAsked)).msg.approval
            assert isinstance(approval.asked, QuestionsAsked)
            (question,) = approval.asked.questions
            await console.call(
                "codex-answer",
                approval=approval.approval_id,
                decision="answered",
                answers={question.question_id: "blue"},
            )
            await ended(process)
        assert process.returncode == RunOutcome.DONE
    assert script.given["one"][1].last_output == "blue"


async def test_a_message_to_a_role_at_work_is_read_before_its_next_step(
    codex_binary: Path, scratch: Path
) -> None:
    gate = asyncio.Event()
    call = Call("fly", {})
    held = Say("I think about it.", gate=gate)
    script = PairScript(one=[[held, call], [Say("With tabs.")]], two=[[Say("Two.")]])
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch, script=script) as stage:
        async with stage.served.console() as console:
            process = await stage.start(*pair(stage))
            role = f"run:{await begun(process)}/one"
            await console.state(role, ThreadState.RUNNING)
            await console.call("codex-role", thread=role, action="message", text="Use tabs.")
            await console.event(ev.RoleRequested)
            gate.set()
            lines = await ended(process)
            read = [m.item for m in console.messages(role, ev.ItemCompleted)]
        assert process.returncode == RunOutcome.DONE
    assert script.given["one"][1].last_user_text == "Use tabs."
    assert [line["role"] for line in kinds(lines, "message_read")] == ["one"]
    shown = [item["content"][0]["text"] for item in read if item["type"] == "userMessage"]
    assert shown[-1] == "Use tabs."


async def test_a_stopped_run_ends_and_can_be_resumed(codex_binary: Path, scratch: Path) -> None:
    never = Say("Never said.", gate=asyncio.Event())
    script = PairScript(one=[[never], [Say("One.")]], two=[[Say("Two.")]])
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=script) as stage,
        stage.served.console() as console,
    ):
        process = await stage.start(*pair(stage))
        run = await begun(process)
        await console.state(f"run:{run}/two", ThreadState.DONE)
        await console.event(ev.TextDelta, lambda event: event.thread_id.endswith("/one"))
        await console.call("codex-role", thread=f"run:{run}", action="stop")
        await console.state(f"run:{run}", ThreadState.INTERRUPTED)
        await console.state(f"run:{run}/one", ThreadState.INTERRUPTED)
        lines = await ended(process)
        assert process.returncode == RunOutcome.PERSON
        assert "stopped by" in lines[-1]["text"]
        code, _ = await stage.run("--resume", run)
        assert code == RunOutcome.DONE
        await console.state(f"run:{run}", ThreadState.DONE, len(console.updates) - 1)
        turns = console.messages(f"run:{run}", ev.TurnStarted)
    assert len(turns) == 2
    assert len(script.given["two"]) == 1


async def test_a_paused_role_continues_when_it_is_resumed(
    codex_binary: Path, scratch: Path
) -> None:
    gate = asyncio.Event()
    held = Say("I think about it.", gate=gate)
    script = PairScript(one=[[held, Call("fly", {})], [Say("One.")]], two=[[Say("Two.")]])
    async with asyncio.timeout(WAIT_S), staged(codex_binary, scratch, script=script) as stage:
        async with stage.served.console() as console:
            process = await stage.start(*pair(stage))
            role = f"run:{await begun(process)}/one"
            await console.state(role, ThreadState.RUNNING)
            await console.call("codex-role", thread=role, action="pause")
            await console.event(ev.RoleRequested)
            gate.set()
            await console.state(role, ThreadState.PAUSED)
            assert len(script.given["one"]) == 1
            await console.call("codex-role", thread=role, action="resume")
            await ended(process)
            await console.state(role, ThreadState.DONE)
        assert process.returncode == RunOutcome.DONE


async def test_the_threads_of_a_killed_run_say_how_to_resume_it(
    codex_binary: Path, scratch: Path
) -> None:
    never = Say("Never said.", gate=asyncio.Event())
    script = PairScript(one=[[never], [Say("One.")]], two=[[Say("Two.")]])
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=script) as stage,
        stage.served.console() as console,
    ):
        process = await stage.start(*pair(stage))
        run = await begun(process)
        await console.event(ev.TextDelta, lambda event: event.thread_id.endswith("/one"))
        process.send_signal(signal.SIGKILL)
        row = await console.state(f"run:{run}", ThreadState.DISCONNECTED)
        assert f"codextui run --resume {run}" in row.note
        code, _ = await stage.run("--resume", run)
    assert code == RunOutcome.DONE


async def test_a_run_continues_on_a_new_server_that_knows_its_threads(
    codex_binary: Path, scratch: Path
) -> None:
    gate = asyncio.Event()
    held = Say("I think about it.", gate=gate)
    script = PairScript(one=[[held, Call("fly", {})], [Say("One.")]], two=[[Say("Two.")]])
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=script) as stage,
    ):
        async with stage.served.console() as console:
            process = await stage.start(*pair(stage))
            run = f"run:{await begun(process)}"
            await console.state(f"{run}/one", ThreadState.RUNNING)
            await console.state(f"{run}/two", ThreadState.DONE)
        await stage.served.stop()
        await stage.served.start()
        async with stage.served.console() as console:
            await console.state(run, ThreadState.RUNNING)
            await console.state(f"{run}/one", ThreadState.RUNNING)
            await console.call("codex-role", thread=f"{run}/one", action="message", text="Hi.")
            await console.event(ev.RoleRequested)
            gate.set()
            lines = await ended(process)
            await console.state(run, ThreadState.DONE)
            rows = {row["thread_id"]: row for row in await stage.rows()}
    assert process.returncode == RunOutcome.DONE
    assert [line["role"] for line in kinds(lines, "message_read")] == ["one"]
    assert rows[f"{run}/two"]["state"] == ThreadState.DONE


async def test_a_rerun_role_is_asked_as_at_first(codex_binary: Path, scratch: Path) -> None:
    never = Say("Never said.", gate=asyncio.Event())
    script = PairScript(one=[[never], [Say("One.")]], two=[[Say("Two.")]])
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=script) as stage,
        stage.served.console() as console,
    ):
        process = await stage.start(*pair(stage))
        role = f"run:{await begun(process)}/one"
        await console.event(ev.TextDelta, lambda event: event.thread_id == role)
        await console.call("codex-role", thread=role, action="rerun")
        await ended(process)
        await console.state(role, ThreadState.DONE)
        turns = [type(msg) for msg in console.messages(role, ev.TurnStarted | ev.TurnAborted)]
    assert process.returncode == RunOutcome.DONE
    first, again = script.given["one"]
    assert first.input == again.input
    assert turns == [ev.TurnStarted, ev.TurnAborted, ev.TurnStarted]


async def test_a_run_that_is_killed_from_the_console_ends_and_stays_hidden(
    codex_binary: Path, scratch: Path
) -> None:
    never = Say("Never said.", gate=asyncio.Event())
    script = PairScript(one=[[never]], two=[[Say("Two.")]])
    async with (
        asyncio.timeout(WAIT_S),
        staged(codex_binary, scratch, script=script) as stage,
        stage.served.console() as console,
    ):
        process = await stage.start(*pair(stage))
        run = f"run:{await begun(process)}"
        await console.event(ev.TextDelta, lambda event: event.thread_id == f"{run}/one")
        await console.call("codex-kill", thread=run)
        lines = await ended(process)
        rows = await stage.rows()
    assert process.returncode == RunOutcome.PERSON
    assert lines[-1]["outcome"] == "person"
    assert {row["state"] for row in rows} == {ThreadState.KILLED}
