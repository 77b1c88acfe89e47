"""What callers of `codex` and `codex-reply` get, with the real Codex."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from contract.serving import PROGRESS, serving, until

from codextui.demo import Patch, Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.extensions import EVENTS
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract

SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


async def test_progress_reports_what_the_agent_does_until_the_call_ends(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("look", Run("echo looked"), Patch.add("a.txt", "one\n"), Say("Seen."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        options = {"sandbox": "workspace-write", "cwd": str(workspace)}
        number = client.begin_watched("codex", prompt="look", **options)
        await client.reply(number)
        told = client.all_of(PROGRESS)
        assert {one["progressToken"] for one in told} == {"watched"}
        assert [one["progress"] for one in told] == list(range(1, len(told) + 1))
        messages = [one["message"] for one in told]
        assert messages[0] == "starting"
        assert any(message.startswith("ran `") and "echo looked" in message for message in messages)
        assert any(message.startswith("changed ") and "a.txt" in message for message in messages)
        assert messages[-1] == "said: Seen."
        assert client.messages[-1]["id"] == number


async def test_progress_is_repeated_while_nothing_happens(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("wait", Say("before the rest", gate=gate))
    served_by = serving(codex_binary, scratch, script, progress_interval_s=0.05)
    async with served_by as served, served.client() as client:
        number = client.begin_watched("codex", prompt="wait", cwd=str(workspace))
        again = await client.progress("speaks (")
        assert again["params"]["message"].endswith(
            " s; to stop it: `codextui interrupt -L test codex-1`)"
        )
        gate.set()
        assert "result" in await client.reply(number)


async def test_without_a_token_there_is_no_progress(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        await client.call("codex", prompt="hello", cwd=str(workspace))
        assert client.all_of(PROGRESS) == []


async def test_a_caller_gets_legacy_events_in_order_and_before_its_result(
    codex_binary: Path, scratch: Path, workspace: Path
):
    text = "One two three four five."
    script = Script().on("count", Say(text)).on("more", Say("Six."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        number = client.begin_tool("codex", prompt="count", cwd=str(workspace))
        answer = await client.reply(number)
        told = client.all_of("codex/event")
        kinds = [one["msg"]["type"] for one in told]
        expected = ["session_configured", "mcp_startup_complete", "task_started", "user_message"]
        assert [kind for kind in kinds if kind in expected] == expected
        assert kinds[-1] == "task_complete"
        assert "raw_response_item" in kinds
        deltas = [
            one["msg"]["delta"]
            for one in told
            if one["msg"]["type"] == "agent_message_content_delta"
        ]
        assert "".join(deltas) == text
        assert {one["_meta"]["requestId"] for one in told} == {number}
        assert client.messages[-1] is answer
        thread_id = answer["result"]["structuredContent"]["threadId"]
        second = client.begin_tool("codex-reply", prompt="more", threadId=thread_id)
        await client.reply(second)
        told = client.all_of("codex/event")[len(told) :]
        assert told[0]["msg"]["type"] == "task_started"
        assert {one["_meta"]["requestId"] for one in told} == {second}


async def test_only_clients_that_want_them_get_legacy_events(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello."))
    unasked: dict[str, Any] = {"experimental": {}}
    declined = {"experimental": {EVENTS: {"send": False}}}
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client("mcp", **unasked) as unknown,
        served.client("happy-codex-client", **unasked) as known,
        served.client("happy-codex-client", **declined) as strict,
        served.client("asks") as asking,
        served.client("mcp", **unasked) as opted_in,
        served.client("asks") as opted_out,
    ):
        opted_in.send({"method": "codextui/relayed", "params": {"cwd": "/", "events": True}})
        opted_out.send({"method": "codextui/relayed", "params": {"cwd": "/", "events": False}})
        got = []
        for client in (unknown, known, strict, asking, opted_in, opted_out):
            result = await client.call("codex", prompt="hello", cwd=str(workspace))
            assert result["structuredContent"]["content"] == "Hello."
            got.append(client.all_of("codex/event") != [])
        assert got == [False, True, False, True, True, False]
        await console.call("codex", prompt="hello", cwd=str(workspace))
        assert not any(isinstance(event.msg, ev.UnknownEvent) for event in console.events)


async def test_a_client_that_passes_on_only_content_can_continue_the_thread(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello.")).on("more", Say("More."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        result = await client.call("codex", prompt="hello", cwd=str(workspace))
        answer, thread = result["content"]
        assert answer == {"type": "text", "text": "Hello."}
        assert thread["annotations"] == {"audience": ["assistant"]}
        thread_id = thread["text"].removeprefix("threadId: ").split()[0]
        assert thread_id == result["structuredContent"]["threadId"]
        reply = await client.call("codex-reply", prompt="more", threadId=thread_id)
        assert [block["text"] for block in reply["content"]] == ["More.", thread["text"]]


async def test_a_caller_that_joins_a_running_turn_gets_the_rest_of_it(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("also", Say("Both done.")).on("wait", Say("before the rest", gate=gate))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.client("first") as first,
        served.client("second") as second,
    ):
        one = first.begin_tool("codex", prompt="wait", cwd=str(workspace))
        begun = await first.event("agent_message_content_delta")
        thread_id = begun["params"]["_meta"]["threadId"]
        two = second.begin_tool("codex-reply", prompt="and also", threadId=thread_id)
        for _ in range(2):  # it waits for the thread, which the reply has by the second time
            await second.call("codex-resume", thread=thread_id)
        gate.set()
        answers = [await first.reply(one), await second.reply(two)]
        contents = [answer["result"]["structuredContent"] for answer in answers]
        assert contents == [{"threadId": thread_id, "content": "Both done."}] * 2
        assert "user_message" in [one["msg"]["type"] for one in second.all_of("codex/event")]
        (row,) = (await first.call("codex-threads"))["structuredContent"]["threads"]
        assert row["state"] == "idle"
        assert not any(
            event["msg"]["type"] == "mcp_startup_complete" for event in second.all_of("codex/event")
        )


async def test_an_answer_that_fits_its_schema_is_returned_as_text_and_as_data(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("which", Say('{"colour": "blue"}'), Say('{"colour": "red"}'))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        arguments = {"prompt": "which", "cwd": str(workspace), "output-schema": SCHEMA}
        result = await client.call("codex", **arguments)
        text = '{"colour": "blue"}'
        thread_id = result["structuredContent"]["threadId"]
        assert result["content"][0] == {"type": "text", "text": text}
        assert result["structuredContent"] == {
            "threadId": thread_id,
            "content": text,
            "output": {"colour": "blue"},
        }
        asked = served.model.requests_of(thread_id)[0].body["text"]["format"]
        assert asked["schema"] == SCHEMA
        reply = {"prompt": "which", "threadId": thread_id, "output-schema": SCHEMA}
        second = await client.call("codex-reply", **reply)
        assert second["structuredContent"]["output"] == {"colour": "red"}


@pytest.mark.parametrize(
    ("said", "why"), [("blue", "is not JSON"), ('{"colour": "green"}', "does not fit")]
)
async def test_an_answer_that_does_not_fit_its_schema_is_returned_with_an_error(
    codex_binary: Path, scratch: Path, workspace: Path, said: str, why: str
):
    script = Script().on("which", Say(said))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        arguments = {"prompt": "which", "cwd": str(workspace), "output-schema": SCHEMA}
        result = await client.call("codex", **arguments)
        assert result["isError"]
        assert why in result["content"][0]["text"]
        assert result["structuredContent"]["content"] == said
        assert why in result["structuredContent"]["error"]["message"]


async def test_an_invalid_schema_is_refused_before_anything_begins(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, Script()) as served, served.client() as client:
        for schema in ({"type": "colour"}, "red", {"properties": []}):
            arguments = {"prompt": "which", "output-schema": schema}
            result = await client.call("codex", **arguments)
            assert result["isError"]
            assert "output-schema" in result["content"][0]["text"]
        assert (await client.call("codex-threads"))["structuredContent"]["threads"] == []


async def test_a_reply_resumes_a_thread_from_before_a_restart(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("first", Say("One.")).on("second", Say("Two."))
    async with serving(codex_binary, scratch, script) as served:
        async with served.client() as client:
            result = await client.call("codex", prompt="first", cwd=str(workspace))
            thread_id = result["structuredContent"]["threadId"]
        await served.stop()
        await served.start()
        async with served.client() as client:
            reply = await client.call("codex-reply", prompt="second", threadId=thread_id)
            assert reply["structuredContent"] == {"threadId": thread_id, "content": "Two."}
        await served.stop()
        served.options.journal.unlink()
        await served.start()
        script.on("third", Say("Three."))
        async with served.client() as client:  # only Codex's own history knows it now
            calls = [
                client.begin_tool("codex-reply", prompt="third", threadId=thread_id)
                for _ in range(2)
            ]
            for call in calls:
                answer = (await client.reply(call))["result"]["structuredContent"]
                assert answer["threadId"] == thread_id
            assert len((await client.call("codex-threads"))["structuredContent"]["threads"]) == 1


async def test_a_reply_to_an_unknown_thread_names_it(codex_binary: Path, scratch: Path):
    unknown = "01a202ef-7236-78c1-9b5a-252b88569098"
    async with serving(codex_binary, scratch, Script()) as served, served.client() as client:
        result = await client.call("codex-reply", prompt="go on", threadId=unknown)
        assert result["isError"]
        assert unknown in result["content"][0]["text"]
        assert result["structuredContent"]["error"]["kind"] == "ThreadUnknown"


async def test_cancelling_a_call_ends_its_turn_and_its_processes_and_is_not_answered(
    codex_binary: Path, scratch: Path, workspace: Path
):
    pid_file = workspace / "pid"
    script = Script().on("run", Run("echo $$ > pid; sleep 600"), Say("Slept."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        options = {"sandbox": "danger-full-access", "approval-policy": "never"}
        number = client.begin_watched("codex", prompt="run", cwd=str(workspace), **options)
        await until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
        pid = int(pid_file.read_text())
        client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
        thread_id = (await console.event(ev.TurnAborted)).thread_id
        await console.state(thread_id, ThreadState.INTERRUPTED)
        await until(lambda: not Path(f"/proc/{pid}").exists() or not _runs(pid))
        after = len(client.all_of(PROGRESS))
        await client.call("codex-threads")
        assert len(client.all_of(PROGRESS)) == after
        assert not [message for message in client.messages if message.get("id") == number]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_supervisors_and_relays_that_ask_for_them_see_all_tools(
    codex_binary: Path, scratch: Path
):
    async with (
        serving(codex_binary, scratch, Script()) as served,
        served.client() as client,
        served.client(experimental={"codextui/supervisor": {}}) as supervisor,
        served.client() as relayed,
    ):
        relayed.send({"method": "codextui/relayed", "params": {"cwd": "/", "tools": "all"}})
        names = []
        for one in (client, supervisor, relayed):
            reply = await one.reply(one.begin("tools/list"))
            names.append([tool["name"] for tool in reply["result"]["tools"]])
        assert names[0] == ["codex", "codex-reply"]
        assert names[1] == names[2]
        assert "codex-threads" in names[1]
