"""The real Codex with the scripted model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codextui.demo import Call, Fail, ModelRequest, Patch, Run, Say, Script, ScriptedModel, Think

if TYPE_CHECKING:
    from conftest import StartExchange

pytestmark = pytest.mark.contract


async def test_a_plain_turn_streams_the_text(start_exchange: StartExchange, workspace: Path):
    script = Script().on("greet", [Think("Thinking of it."), Say("Hello, dear reader.")])
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "Please greet me.")
        ended = await codex.finished(thread, turn)
    assert ended["status"] == "completed"
    assert codex.text(thread) == "Hello, dear reader."
    assert [item["text"] for item in codex.items(thread, "agentMessage")] == ["Hello, dear reader."]
    assert [item["summary"] for item in codex.items(thread, "reasoning")] == [["Thinking of it."]]
    assert not model.faults


async def test_a_request_names_the_thread_the_turn_and_the_user_texts(
    start_exchange: StartExchange, workspace: Path
):
    (workspace / "AGENTS.md").write_text("Write short sentences.")
    async with ScriptedModel(Script().on("", Say("One."), Say("Two."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace, developerInstructions="You are the tester.")
        first = await codex.start_turn(thread, "First question")
        await codex.finished(thread, first)
        second = await codex.start_turn(thread, "Second question")
        await codex.finished(thread, second)
        one, two = model.requests
    assert [(r.thread_id, r.turn_id, r.number) for r in (one, two)] == [
        (thread, first, 0),
        (thread, second, 1),
    ]
    assert one.user_texts == ("First question",)
    assert two.user_texts == ("First question", "Second question")
    assert two.answer_counts == (1, 0)
    assert one.developer == "You are the tester."
    assert one.instructions.startswith("You are Codex")
    assert {"exec_command", "apply_patch"} <= set(one.tools)
    assert one.last_output is None


async def test_a_command_runs_in_the_sandbox_and_its_output_returns_to_the_model(
    start_exchange: StartExchange, workspace: Path, scratch: Path
):
    outside = scratch / "outside.txt"
    cmd = f"echo inside > made.txt && cat made.txt; echo no > '{outside}' || echo refused"
    async with ScriptedModel(Script().on("work", Run(cmd), Say("Done."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "work")
        ended = await codex.finished(thread, turn)
        output = model.requests[1].last_output
    assert ended["status"] == "completed"
    assert output is not None
    assert "inside" in output
    assert "refused" in output
    assert (workspace / "made.txt").read_text() == "inside\n"
    assert not outside.exists()
    [command] = codex.items(thread, "commandExecution")
    assert command["status"] == "completed"


async def test_an_escalated_command_runs_outside_the_sandbox_once_approved(
    start_exchange: StartExchange, workspace: Path, scratch: Path
):
    outside = scratch / "outside.txt"
    step = Run(f"echo yes > '{outside}'", escalate=True, justification="It belongs outside.")
    async with ScriptedModel(Script().on("leave", step, Say("Done."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "leave")
        asked = await codex.heard("item/commandExecution/requestApproval", thread, turn)
        assert not outside.exists()
        codex.send({"id": asked["requestId"], "result": {"decision": "accept"}})
        ended = await codex.finished(thread, turn)
    assert ended["status"] == "completed"
    assert asked["reason"] == "It belongs outside."
    assert str(outside) in asked["command"]
    assert outside.read_text() == "yes\n"


async def test_a_declined_command_does_not_run_and_the_model_is_told(
    start_exchange: StartExchange, workspace: Path, scratch: Path
):
    outside = scratch / "outside.txt"
    step = Run(f"echo yes > '{outside}'", escalate=True, justification="It belongs outside.")
    async with ScriptedModel(Script().on("leave", step, Say("Then not."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "leave")
        asked = await codex.heard("item/commandExecution/requestApproval", thread, turn)
        codex.send({"id": asked["requestId"], "result": {"decision": "decline"}})
        await codex.finished(thread, turn)
        output = model.requests[1].last_output
    assert output is not None
    assert "rejected by user" in output
    assert codex.text(thread) == "Then not."
    assert not outside.exists()


async def test_patches_add_and_change_a_file(start_exchange: StartExchange, workspace: Path):
    script = Script().on(
        "write",
        Patch.add("notes.txt", "one\ntwo"),
        Patch.update("notes.txt", "two", "three"),
        Say("Written."),
    )
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "write")
        ended = await codex.finished(thread, turn)
    assert ended["status"] == "completed"
    assert (workspace / "notes.txt").read_text() == "one\nthree\n"
    changes = [item["changes"][0]["kind"]["type"] for item in codex.items(thread, "fileChange")]
    assert changes == ["add", "update"]


async def test_one_answer_may_have_several_calls(start_exchange: StartExchange, workspace: Path):
    script = Script().on(
        "both", [Say("First."), Run("echo one"), Run("echo two")], Say("Both ran.")
    )
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "both")
        await codex.finished(thread, turn)
        assert model.requests[1].answer_counts == (1,)
    outputs = [item["aggregatedOutput"] for item in codex.items(thread, "commandExecution")]
    assert sorted(outputs) == ["one\n", "two\n"]
    assert codex.text(thread) == "First.Both ran."


async def test_any_other_function_can_be_called(start_exchange: StartExchange, workspace: Path):
    session = {"session_id": 4711, "chars": ""}
    script = Script().on("write", Call("write_stdin", session), Say("No such session."))
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "write")
        await codex.finished(thread, turn)
        output = model.requests[1].last_output
    assert output is not None
    assert "4711" in output


async def test_a_held_stream_continues_when_its_gate_opens(
    start_exchange: StartExchange, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("tell", Say("before the gate after it", gate=gate, open_deltas=3))
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "tell")
        await codex.wait_for(lambda _: codex.text(thread) == "before the gate ")
        read = await codex.call("thread/read", threadId=thread)
        assert read["thread"]["status"]["type"] == "active"
        gate.set()
        ended = await codex.finished(thread, turn)
    assert ended["status"] == "completed"
    assert codex.text(thread) == "before the gate after it"


async def test_a_turn_interrupted_in_mid_stream_does_not_block_the_next(
    start_exchange: StartExchange, workspace: Path
):
    never = asyncio.Event()
    script = Script().on("hold", Say("held here", gate=never)).on("again", Say("Here I am."))
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "hold")
        await codex.wait_for(lambda _: codex.text(thread) == "held ")
        await codex.call("turn/interrupt", threadId=thread, turnId=turn)
        assert (await codex.finished(thread, turn))["status"] == "interrupted"
        follow_up = await codex.start_turn(thread, "again")
        assert (await codex.finished(thread, follow_up))["status"] == "completed"
        assert model.requests[-1].user_texts == ("hold", "again")
    assert codex.text(thread) == "held Here I am."


async def test_two_threads_at_the_same_time_each_get_their_own_answers(
    start_exchange: StartExchange, workspace: Path
):
    script = Script()
    script.on("work", Run("echo back"), Say("The backend is done."), role="backend")
    script.on("work", Run("echo front"), Say("The frontend is done."), role="frontend")
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        roles = ["backend", "frontend"]
        threads = [
            await codex.start_thread(workspace, developerInstructions=f"You are the {role}.")
            for role in roles
        ]
        turns = await asyncio.gather(*(codex.start_turn(thread, "work") for thread in threads))
        await asyncio.gather(*map(codex.finished, threads, turns))
        assert [len(model.requests_of(thread)) for thread in threads] == [2, 2]
    assert [codex.text(thread) for thread in threads] == [
        "The backend is done.",
        "The frontend is done.",
    ]


async def test_base_instructions_can_name_the_role(start_exchange: StartExchange, workspace: Path):
    script = Script().on("", Say("I test."), role="the tester").on("", Say("I do not."))
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace, baseInstructions="You are the tester.")
        await codex.finished(thread, await codex.start_turn(thread, "who?"))
        assert model.requests[0].instructions == "You are the tester."
    assert codex.text(thread) == "I test."


async def test_a_fork_continues_where_its_source_was_and_does_not_move_it(
    start_exchange: StartExchange, workspace: Path
):
    script = Script().on("begin", Say("One."), Say("Two."), Say("Three."))
    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        source = await codex.start_thread(workspace)
        await codex.finished(source, await codex.start_turn(source, "begin"))
        forked = await codex.call("thread/fork", threadId=source, excludeTurns=True)
        fork = forked["thread"]["id"]
        for thread in (fork, source, source, fork):
            await codex.finished(thread, await codex.start_turn(thread, "go on"))
        assert model.requests_of(fork)[0].user_texts == ("begin", "go on")
    assert codex.text(source) == "One.Two.Three."
    assert codex.text(fork) == "Two.Three."


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Fail(400, "The model is out of order."), id="http"),
        pytest.param(Fail(0, "The model is out of order."), id="event"),
    ],
)
async def test_a_failing_model_fails_the_turn(
    failure: Fail, start_exchange: StartExchange, workspace: Path
):
    async with ScriptedModel(Script().on("try", failure, Say("Now it works."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        ended = await codex.finished(thread, await codex.start_turn(thread, "try"))
        again = await codex.finished(thread, await codex.start_turn(thread, "try again"))
    assert ended["status"] == "failed"
    assert "The model is out of order." in ended["error"]["message"]
    assert again["status"] == "completed"
    assert codex.text(thread) == "Now it works."


async def test_a_model_that_disconnects_fails_the_turn(
    start_exchange: StartExchange, workspace: Path
):
    async with ScriptedModel(Script().on("try", Fail(-1))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        ended = await codex.finished(thread, await codex.start_turn(thread, "try"))
    assert ended["status"] == "failed"


async def test_a_script_without_further_answers_says_so(
    start_exchange: StartExchange, workspace: Path
):
    async with ScriptedModel(Script().on("once", Say("Once."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        for prompt in ("once", "once more"):
            await codex.finished(thread, await codex.start_turn(thread, prompt))
    assert codex.text(thread).startswith("Once.The script has no more answers")


async def test_a_compaction_takes_no_answer_from_the_script(
    start_exchange: StartExchange, workspace: Path
):
    async with ScriptedModel(Script().on("begin", Say("One."), Say("Two."))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        await codex.finished(thread, await codex.start_turn(thread, "begin"))
        await codex.call("thread/compact/start", threadId=thread)
        started = await codex.heard("item/started", thread, item="contextCompaction")
        await codex.finished(thread, started["turnId"])
        await codex.finished(thread, await codex.start_turn(thread, "go on"))
        assert [request.kind for request in model.auxiliary] == ["compaction"]
        assert model.requests[-1].user_texts == ("begin", "go on")
    assert codex.text(thread).endswith("Two.")


async def test_twenty_thousand_deltas_arrive_complete_and_in_order(
    start_exchange: StartExchange, workspace: Path
):
    text = "".join(f"{number:05d} " for number in range(20_000))
    async with ScriptedModel(Script().on("count", Say(text, chunk=6))) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        await codex.finished(thread, await codex.start_turn(thread, "count"))
    deltas = [m for m in codex.messages if m.get("method") == "item/agentMessage/delta"]
    assert len(deltas) == 20_000
    assert codex.text(thread) == text


async def test_a_script_can_be_an_async_generator_that_waits(
    start_exchange: StartExchange, workspace: Path
):
    may_run = asyncio.Event()

    async def script(request: ModelRequest):
        if request.last_output is None:
            yield Say("Wait. ")
            await may_run.wait()
            yield Run("echo ran")
        else:
            yield Say(f"Read: {request.last_output.splitlines()[-1]}")

    async with ScriptedModel(script) as model:
        codex = await start_exchange(model)
        thread = await codex.start_thread(workspace)
        turn = await codex.start_turn(thread, "go")
        await codex.wait_for(lambda _: codex.text(thread) == "Wait. ")
        assert not codex.items(thread, "commandExecution")
        may_run.set()
        await codex.finished(thread, turn)
    assert codex.text(thread) == "Wait. Read: ran"
