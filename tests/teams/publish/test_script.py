"""Hooks that publish a script's run, without a server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
from agents import Agent, RunConfig, Runner, function_tool
from agents.exceptions import MaxTurnsExceeded
from agents.testing import ScriptedModel, assistant_message, function_call

from codextui.agents import CodexServer
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.teams.publish.script import PublishingHooks

QUIET = RunConfig(tracing_disabled=True)
WAIT_S = 60


class FakeServer:
    """Records what the hooks publish."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.messages: list[tuple[str, str, ev.Msg]] = []
        self.runs: list[str] = []
        self.places: dict[str, tuple[str, str]] = {}
        self.failed_calls: set[str] = set()
        self._refusal = refusal

    async def open_publisher(self, run_id: str, hooks: PublishingHooks) -> FakeServer:
        if self._refusal is not None:
            raise self._refusal
        self.runs.append(run_id)
        return self

    def publish(self, thread_id: str, turn_id: str, msg: ev.Msg) -> None:
        self.messages.append((thread_id, turn_id, msg))

    def place_thread(self, call_id: str, parent: str, handle: str) -> None:
        self.places[call_id] = (parent, handle)

    @property
    def threads(self) -> dict[str, ThreadInfo]:
        """The threads as published last, by handle."""
        changes = (msg.thread for _, _, msg in self.messages if isinstance(msg, ev.ThreadChanged))
        return {thread.handle: thread for thread in changes}

    def of(self, handle: str, *kinds: type[Any]) -> list[Any]:
        thread_id = self.threads[handle].thread_id
        return [msg for of, _, msg in self.messages if of == thread_id and isinstance(msg, kinds)]


def hooks_of(server: FakeServer, name: str = "my team") -> PublishingHooks:
    return PublishingHooks(name, cast("CodexServer", server))


async def run(agent: Agent[Any], task: str, hooks: PublishingHooks, **options: Any) -> Any:
    async with asyncio.timeout(WAIT_S):
        return await Runner.run(agent, task, hooks=hooks, run_config=QUIET, **options)


def pair(boss: ScriptedModel, worker: ScriptedModel) -> Agent[Any]:
    two = Agent(name="Second Hand", model=worker, handoff_description="does it")
    return Agent(name="The Boss", model=boss, handoffs=[two])


def hand_off(number: int = 0) -> list[Any]:
    return [function_call("transfer_to_second_hand", {}, call_id=f"h{number}")]


async def test_a_run_and_its_agents_are_published_as_threads_with_turns() -> None:
    server = FakeServer()
    boss = ScriptedModel([[assistant_message("You do it."), *hand_off()]])
    worker = ScriptedModel([[assistant_message("I did it.")]])
    result = await run(pair(boss, worker), "Do it.", hooks_of(server))
    assert result.final_output == "I did it."
    threads = server.threads
    assert {name: (thread.kind, thread.state) for name, thread in threads.items()} == {
        "my team": (ThreadKind.RUN, ThreadState.DONE),
        "the-boss": (ThreadKind.ROLE, ThreadState.DONE),
        "second-hand": (ThreadKind.ROLE, ThreadState.DONE),
    }
    [run_id] = server.runs
    assert threads["my team"].thread_id == f"run:{run_id}"
    assert threads["the-boss"].parent == f"run:{run_id}"
    assert threads["my team"].brief == "Do it."
    assert threads["second-hand"].brief == "does it"
    assert server.of("the-boss", ev.HandedOff) == [ev.HandedOff("the-boss", "second-hand")]
    assert server.of("my team", ev.HandedOff) == [ev.HandedOff("the-boss", "second-hand")]
    said = [msg.item for msg in server.of("second-hand", ev.ItemCompleted)]
    assert [item["type"] for item in said] == ["userMessage", "agentMessage"]
    assert said[0]["content"][0]["text"] == "the-boss hands off to you."
    assert said[1]["text"] == "I did it."
    assert server.of("second-hand", ev.TurnCompleted) == [ev.TurnCompleted("I did it.")]
    assert server.of("my team", ev.TurnCompleted) == [ev.TurnCompleted("I did it.")]
    spans = [msg.span for msg in server.of("my team", ev.SpanChanged)]
    over = {(span.role, span.kind) for span in spans if span.ended_at is not None}
    assert over == {(r, k) for r in ("the-boss", "second-hand") for k in ("role", "model")}
    assert all(isinstance(span.kind, SpanKind) for span in spans)


async def test_the_task_and_tool_calls_are_published_as_items() -> None:
    server = FakeServer()

    @function_tool
    def add(one: int, two: int) -> int:
        return one + two

    call = [function_call("add", {"one": 1, "two": 2}, call_id="c1")]
    agent = Agent(name="adder", model=ScriptedModel([call, [assistant_message("3")]]), tools=[add])
    await run(agent, "1 + 2?", hooks_of(server))
    items = [msg.item for msg in server.of("adder", ev.ItemCompleted)]
    assert [item["type"] for item in items] == ["userMessage", "mcpToolCall", "agentMessage"]
    assert items[0]["content"] == [{"type": "text", "text": "1 + 2?"}]
    assert (items[1]["tool"], items[1]["server"]) == ("add", "")
    assert items[1]["arguments"] == {"one": 1, "two": 2}
    assert items[1]["result"]["content"][0]["text"] == "3"
    assert server.places == {}


async def test_codex_threads_are_placed_under_their_agent_and_failed_calls_are_marked() -> None:
    server = FakeServer()
    server.failed_calls.add("c2")
    calls = [[function_call("codex", {}, call_id=call_id)] for call_id in ("c1", "c2")]
    model = ScriptedModel([*calls, [assistant_message("Well.")]])
    tools = [function_tool(fly, name_override="codex")]
    await run(Agent(name="Worker", model=model, tools=tools), "Go.", hooks_of(server))
    thread_id = server.threads["worker"].thread_id
    assert server.places == dict.fromkeys(("c1", "c2"), (thread_id, "worker-codex"))
    items = [msg.item for msg in server.of("worker", ev.ItemCompleted)][1:3]
    assert [(item["server"], item["status"]) for item in items] == [
        ("codex", "completed"),
        ("codex", "failed"),
    ]
    assert items[1]["error"] == {"message": "You flew."}


async def test_the_next_run_with_the_same_hooks_is_the_next_turn() -> None:
    server = FakeServer()
    hooks = hooks_of(server)
    model = ScriptedModel([[assistant_message("One.")], [assistant_message("Two.")]])
    agent = Agent(name="Worker", model=model)
    await run(agent, "First.", hooks)
    await run(agent, "Second.", hooks)
    assert server.of("my team", ev.TurnCompleted) == [
        ev.TurnCompleted("One."),
        ev.TurnCompleted("Two."),
    ]
    assert (server.threads["worker"].turn_id, len(server.runs)) == ("t2", 1)
    assert server.threads["my team"].brief == "Second."


async def test_a_failed_run_is_aborted_by_the_next_one_or_the_scripts_end() -> None:
    server = FakeServer()
    hooks = hooks_of(server)
    calls = [[function_call("fly", {}, call_id=f"c{number}")] for number in range(9)]
    agent = Agent(name="Worker", model=ScriptedModel(calls), tools=[function_tool(fly)])
    for task in ("First.", "Second."):
        with pytest.raises(MaxTurnsExceeded):
            await run(agent, task, hooks, max_turns=2)
    assert server.of("worker", ev.TurnAborted) == [
        ev.TurnAborted("interrupted", "another run began")
    ]
    hooks.close()
    for name in ("worker", "my team"):
        assert server.threads[name].state is ThreadState.INTERRUPTED
        assert len(server.of(name, ev.TurnAborted)) == 2


def fly() -> str:
    """Fly."""
    return "You flew."


async def test_concurrent_runs_with_their_own_hooks_do_not_mix() -> None:
    server = FakeServer()

    async def one(name: str) -> None:
        calls = [[function_call("fly", {}, call_id=f"{name}{n}")] for n in range(3)]
        model = ScriptedModel([*calls, [assistant_message(f"{name} flew.")]])
        agent = Agent(name=name, model=model, tools=[function_tool(fly)])
        await run(agent, f"Fly, {name}!", hooks_of(server, f"{name}'s"))

    await asyncio.gather(one("ann"), one("bob"))
    assert len(server.runs) == 2
    for name in ("ann", "bob"):
        assert server.of(f"{name}'s", ev.TurnCompleted) == [ev.TurnCompleted(f"{name} flew.")]
        assert len(server.of(name, ev.ItemCompleted)) == 5
        assert server.threads[name].parent == server.threads[f"{name}'s"].thread_id


async def test_agents_with_similar_names_get_unique_role_names() -> None:
    server = FakeServer()
    last = Agent(name="a b", model=ScriptedModel([[assistant_message("Yes.")]]))
    calls = [function_call("transfer_to_a_b", {}, call_id="h")]
    first = Agent(name="A-B", model=ScriptedModel([calls]), handoffs=[last])
    nobody = Agent(name="!?", model=ScriptedModel([]), handoffs=[])
    first.handoffs.append(nobody)
    await run(first, "Go.", hooks_of(server))
    assert set(server.threads) == {"my team", "a-b", "a-b-2"}


async def test_a_request_of_a_person_is_answered_by_a_warning_on_its_thread() -> None:
    server = FakeServer()
    hooks = hooks_of(server)
    agent = Agent(name="Worker", model=ScriptedModel([[assistant_message("Done.")]]))
    await run(agent, "Go.", hooks)
    thread_id = server.threads["worker"].thread_id
    hooks.handle_event(
        ev.Event(1, thread_id, "", 0.0, ev.RoleRequested(RoleAction.PAUSE, "", "me")), ""
    )
    [warned] = server.of("worker", ev.Warned)
    assert warned.message.startswith("pause: ")
    assert server.of("my team", ev.Warned) == []


async def test_the_runs_tokens_include_those_of_its_agents_threads() -> None:
    server = FakeServer()
    hooks = hooks_of(server)
    spent = [[assistant_message(f"{n}.")] for n in range(2)]
    agent = Agent(name="Worker", model=ScriptedModel(spent))
    await run(agent, "Go.", hooks)
    thread_id = server.threads["worker"].thread_id
    for total in (70, 100):
        counted = ev.TokensCounted(Usage(total), Usage(30))
        hooks.handle_event(ev.Event(1, "thread", "", 0.0, counted), thread_id)
        hooks.handle_event(ev.Event(1, "other", "", 0.0, counted), "run:other/worker")
    await run(agent, "Again.", hooks)
    own = server.of("worker", ev.TokensCounted)[-1].total
    assert server.of("my team", ev.TokensCounted)[-1].total.total == own.total + 100


def _broken(*_: Any) -> None:
    raise RuntimeError("out of order")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda server: setattr(server, "publish", _broken),
        lambda server: setattr(server, "place_thread", _broken),
        lambda server: setattr(server, "_refusal", ServerRefused("not connected")),
    ],
)
async def test_a_failure_to_publish_is_logged_once_and_never_raised(
    spoil: Callable[[FakeServer], None], caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer()
    spoil(server)
    caplog.set_level(logging.WARNING)
    call = [function_call("codex", {}, call_id="c1")]
    model = ScriptedModel([call, [assistant_message("Done.")]])
    tool = function_tool(fly, name_override="codex")
    hooks = hooks_of(server)
    result = await run(Agent(name="Worker", model=model, tools=[tool]), "Go.", hooks)
    hooks.close()
    assert result.final_output == "Done."
    assert len([one for one in caplog.records if one.name == "codextui.teams.publish.script"]) == 1
