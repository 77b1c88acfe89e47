"""Requests of people to the roles of a run: messages, pause, stop and rerun."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents.testing import ScriptedModel, function_call
from msgspec import structs
from teams.person import Person
from teams.scripted import (
    Crash,
    FakeConnection,
    create_run,
    doing,
    hand_off,
    new_store,
    role,
    say,
    team,
)

from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction, RunEventKind
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Mode, Team
from codextui.teams.records.events import RunOutcome, RunStopped
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.parallel import run_parallel

WAIT_S = 60


class DirectedRun:
    """A run whose models get their steps after its creation, so that the steps can use it."""

    def __init__(
        self,
        of: Team,
        folder: Path,
        mode: Mode,
        models: dict[str, ScriptedModel] | None = None,
        **options: Any,
    ) -> None:
        self.models = models or {name: ScriptedModel() for name in of.roles}
        self._changed = asyncio.Event()
        self.messages: list[ev.Msg] = []
        self.context, self.events = create_run(
            of, folder, self.models, mode, publish=self._record, **options
        )
        self.person = Person(self.context)

    def _record(self, _: str, __: str, msg: ev.Msg) -> None:
        self.messages.append(msg)
        self._changed.set()

    async def when(self, fits: Callable[[], bool]) -> None:
        """Wait until a condition is true, which is checked after every published message."""
        async with asyncio.timeout(WAIT_S):
            while not fits():
                self._changed.clear()
                await self._changed.wait()

    async def play(self) -> str:
        run = run_handoffs if self.context.mode is Mode.HANDOFFS else run_parallel
        async with asyncio.timeout(WAIT_S):
            return await run(self.context, "Build it.")

    async def stopped(self) -> RunStopped:
        with pytest.raises(RunStopped) as caught:
            await self.play()
        return caught.value

    def state(self, name: str) -> ThreadState:
        return self.context.publisher.roles[name].thread.info.state

    def said(self, name: str) -> list[list[str]]:
        """The user messages in the input of each of a role's model calls."""
        return [
            [item["content"] for item in call.input if item.get("role") == "user"]
            for call in self.models[name].calls
        ]

    def reports(self) -> list[str]:
        return [
            f"{one.role} {one.text}"
            for one in self.events
            if one.kind is RunEventKind.ROLE_DIRECTED
        ]


def fly(number: int = 0) -> list[Any]:
    """A step after which the same role makes another one."""
    return [function_call("fly", {}, call_id=f"fly-{number}")]


class Blocked:
    """A step that waits until a test releases it, or cancels it."""

    def __init__(self, step: Any, *after: Callable[[], object]) -> None:
        self.begun = asyncio.Event()
        self.free = asyncio.Event()
        self._step = step
        self._after = after

    def step(self) -> Any:
        async def respond(_: Any) -> Any:
            self.begun.set()
            await self.free.wait()
            for one in self._after:
                one()
            return self._step

        return {"responder": respond}


async def until(event: asyncio.Event) -> None:
    async with asyncio.timeout(WAIT_S):
        await event.wait()


async def test_a_message_is_read_before_the_next_step_and_keeps_its_position(
    tmp_path: Path,
) -> None:
    run = DirectedRun(team(role("one")), tmp_path, Mode.PARALLEL)
    ask = run.person.requesting("one", "message", "Use tabs.")
    run.models["one"].extend([doing(fly(1), ask), fly(2), say("Done.")])
    await run.play()
    calls = run.models["one"].calls
    assert [said[1:] for said in run.said("one")] == [[], ["Use tabs."], ["Use tabs."]]
    assert calls[1].input[-1]["content"] == "Use tabs."
    assert calls[2].input.index(calls[1].input[-1]) == len(calls[1].input) - 1
    assert [one.role for one in run.events if one.kind is RunEventKind.MESSAGE_READ] == ["one"]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("after", range(1, 24))
async def test_after_a_crash_at_any_step_a_message_is_read_once_and_no_model_call_repeated(
    tmp_path: Path, mode: Mode, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("one"))
    run = DirectedRun(of, folder, mode, store=new_store(folder))
    models = run.models
    steps = [fly(1), fly(2), say("Done.")]
    models["one"].extend(steps)
    run.person.request("one", "message", "Use tabs.")
    run = DirectedRun(of, folder, mode, models, store=new_store(folder, after))
    answer = ""
    with contextlib.suppress(Crash):
        answer = await run.play()
    if not answer:
        run = DirectedRun(of, folder, mode, models, store=new_store(folder))
        await run.play()
    assert [said.count("Use tabs.") for said in run.said("one")] == [1, 1, 1]


async def test_a_role_that_is_done_resumes_its_conversation_to_read_a_message(
    tmp_path: Path,
) -> None:
    run = DirectedRun(team(role("one"), role("two")), tmp_path, Mode.PARALLEL)
    run.models["one"].extend([say("Done."), say("With a favicon.")])
    blocked = Blocked(say("Two."))
    run.models["two"].extend([blocked.step()])
    running = asyncio.create_task(run.play())
    await until(blocked.begun)
    await run.when(lambda: run.state("one") is ThreadState.DONE)
    run.person.request("one", "message", "Add a favicon.")
    await run.when(lambda: len(run.models["one"].calls) == 2)
    blocked.free.set()
    answer = await running
    assert "one: With a favicon." in answer
    given = run.models["one"].calls[1].input
    assert [item.get("role") for item in given] == ["user", "assistant", "user"]
    assert given[-1]["content"] == "Add a favicon."


async def test_a_paused_role_makes_no_step_until_it_is_resumed(tmp_path: Path) -> None:
    run = DirectedRun(team(role("one"), role("two")), tmp_path, Mode.PARALLEL)
    hold = run.person.requesting("one", "pause")
    let_go = run.person.requesting("one", "resume")
    seen: list[ThreadState] = []

    def look() -> None:
        assert len(run.models["one"].calls) == 1
        seen.append(run.state("one"))

    run.models["one"].extend([doing(fly(1), hold), say("One.")])
    blocked = Blocked(say("Two."), look, let_go)
    run.models["two"].extend([blocked.step()])
    running = asyncio.create_task(run.play())
    await run.when(lambda: run.state("one") is ThreadState.PAUSED)
    blocked.free.set()
    assert "one: One." in await running
    assert seen == [ThreadState.PAUSED]
    assert run.state("one") is ThreadState.DONE
    assert run.reports() == ["one is held before its next step by ann", "one goes on by ann"]


async def test_a_role_that_is_paused_before_its_start_does_not_start(tmp_path: Path) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    run = DirectedRun(of, tmp_path, Mode.PARALLEL)
    run.person.request("two", "pause")
    assert run.state("two") is ThreadState.PAUSED
    run.models["one"].extend([doing(say("One."), (tmp_path / "a").touch)])
    run.models["two"].extend([say("Two.")])
    running = asyncio.create_task(run.play())
    await run.when(lambda: run.state("one") is ThreadState.DONE)
    assert not run.models["two"].calls
    run.person.request("two", "resume")
    assert "two: Two." in await running


async def test_a_stopped_role_does_not_stop_others_and_resumes_with_the_run(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("one"), role("two"))
    run = DirectedRun(of, folder, Mode.PARALLEL)
    blocked_step, blocked = Blocked(say("Never.")), Blocked(say("Two."))
    run.models["one"].extend([fly(1), blocked_step.step(), say("One.")])
    run.models["two"].extend([blocked.step()])
    stopping = asyncio.create_task(run.stopped())
    await until(blocked_step.begun)
    run.person.request("one", "stop")
    await run.when(lambda: run.state("one") is ThreadState.INTERRUPTED)
    blocked.free.set()
    stopped = await stopping
    assert stopped.outcome is RunOutcome.PERSON
    assert "one was stopped by ann" in str(stopped)
    assert run.state("two") is ThreadState.DONE
    run = DirectedRun(of, folder, Mode.PARALLEL, run.models, store=new_store(folder))
    assert "one: One." in await run.play()
    assert [len(run.models[name].calls) for name in ("one", "two")] == [3, 1]


async def test_a_stopped_role_can_be_resumed_while_others_work(
    tmp_path: Path,
) -> None:
    run = DirectedRun(team(role("one"), role("two")), tmp_path, Mode.PARALLEL)
    blocked_step, blocked = Blocked(say("Never.")), Blocked(say("Two."))
    run.models["one"].extend([fly(1), blocked_step.step(), say("One.")])
    run.models["two"].extend([blocked.step()])
    running = asyncio.create_task(run.play())
    await until(blocked_step.begun)
    run.person.request("one", "stop")
    await run.when(lambda: run.state("one") is ThreadState.INTERRUPTED)
    run.person.request("one", "resume")
    await run.when(lambda: run.state("one") is ThreadState.DONE)
    blocked.free.set()
    assert "one: One." in await running


async def test_a_rerun_role_starts_over_and_makes_later_roles_run_again(
    tmp_path: Path,
) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"], makes=["b"]))
    run = DirectedRun(of, tmp_path, Mode.PARALLEL)
    made, again = tmp_path / "a", run.person.requesting("one", "rerun")
    (tmp_path / "b").touch()
    run.models["one"].extend(
        [doing(say("One."), made.touch), doing(say("One again."), lambda: made.write_text("2"))]
    )
    run.models["two"].extend([doing(fly(), again), say("Two."), say("Two again.")])
    answer = await run.play()
    assert "one: One again." in answer
    assert "two: Two again." in answer
    assert run.said("one") == [run.said("one")[0]] * 2
    assert run.context.publisher.roles["one"].thread.turn_count == 2


async def test_a_role_cannot_be_rerun_before_its_start_nor_paused_after_its_end(
    tmp_path: Path,
) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    run = DirectedRun(of, tmp_path, Mode.PARALLEL)
    run.models["one"].extend(
        [doing(say("One."), (tmp_path / "a").touch, run.person.requesting("two", "rerun"))]
    )
    run.models["two"].extend([doing(say("Two."), run.person.requesting("one", "pause"))])
    await run.play()
    assert run.reports() == [
        "two has not begun yet, so it cannot begin again",
        "one cannot be held: it is done",
    ]


async def test_a_message_to_the_run_is_read_by_every_unfinished_role(
    tmp_path: Path,
) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    run = DirectedRun(of, tmp_path, Mode.PARALLEL)
    ask = run.person.requesting("", "message", "In Rust.")
    run.models["one"].extend([doing(fly(), ask), doing(say("One."), (tmp_path / "a").touch)])
    run.models["two"].extend([say("Two.")])
    await run.play()
    assert run.said("one")[1][-1] == "In Rust."
    assert run.said("two")[0][-1] == "In Rust."


async def test_a_request_that_the_server_replays_is_handled_once(
    tmp_path: Path,
) -> None:
    run = DirectedRun(team(role("one")), tmp_path, Mode.PARALLEL)
    event = run.person.request("one", "message", "Once.")
    run.person.requests.handle(event)
    run = DirectedRun(team(role("one")), tmp_path, Mode.PARALLEL, store=new_store(tmp_path))
    run.person.requests.handle(event, past=True)
    run.models["one"].extend([say("One.")])
    await run.play()
    assert run.said("one")[0].count("Once.") == 1


async def test_a_request_that_cannot_be_stored_is_reported_and_not_carried_out(
    tmp_path: Path,
) -> None:
    run = DirectedRun(team(role("one")), tmp_path, Mode.PARALLEL)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    run.context.store.write = full  # type: ignore[method-assign]
    run.person.request("one", "message", "Hello.")
    (trouble,) = [one.text for one in run.events if one.kind is RunEventKind.TROUBLE]
    assert "the disk is full" in trouble


async def test_two_requests_with_the_same_time_are_both_handled(tmp_path: Path) -> None:
    run = DirectedRun(team(role("one")), tmp_path, Mode.PARALLEL)
    event = run.person.request("one", "message", "First.")
    second = ev.RoleRequested(RoleAction.MESSAGE, "Second.", "ann")
    for _ in range(2):
        run.person.requests.handle(structs.replace(event, msg=second))
    run.models["one"].extend([say("One.")])
    await run.play()
    assert run.said("one")[0][1:] == ["First.", "Second."]


async def test_an_outdated_pause_or_stop_is_ignored_when_a_run_is_resumed(
    tmp_path: Path,
) -> None:
    run = DirectedRun(team(role("one")), tmp_path, Mode.PARALLEL)
    thread = run.context.publisher.roles["one"].thread.thread_id
    for at, action in enumerate((RoleAction.PAUSE, RoleAction.STOP, RoleAction.MESSAGE), 1):
        event = ev.Event(at, thread, "", float(at), ev.RoleRequested(action, "Hello.", "ann"))
        run.person.requests.handle(event, past=True)
    run.models["one"].extend([say("One.")])
    assert await run.play() == "one: One."
    assert run.said("one")[0][-1] == "Hello."


# By handoffs.


def pair() -> Team:
    return team(role("boss", to=["worker"]), role("worker", to=["boss"]))


async def test_a_message_waits_until_its_role_is_at_work(tmp_path: Path) -> None:
    run = DirectedRun(pair(), tmp_path, Mode.HANDOFFS)
    ask = run.person.requesting("worker", "message", "Be quick.")
    run.models["boss"].extend([doing(fly(), ask), hand_off("worker"), say("Done.")])
    run.models["worker"].extend([hand_off("boss")])
    assert await run.play() == "Done."
    assert [said[1:] for said in run.said("boss")] == [[], [], ["Be quick."]]
    assert run.said("worker") == [["Build it.", "Be quick."]]
    assert "it reads the message when it is next" in run.reports()[0]


async def test_an_unread_message_is_read_before_the_team_ends(
    tmp_path: Path,
) -> None:
    run = DirectedRun(pair(), tmp_path, Mode.HANDOFFS)
    ask = run.person.requesting("worker", "message", "And the tests?")
    run.models["boss"].extend([doing(say("Done."), ask)])
    run.models["worker"].extend([say("Tested.")])
    assert await run.play() == "Tested."
    assert run.said("worker")[0][-1] == "And the tests?"


async def test_a_rerun_rewinds_the_conversation_to_the_start_of_the_roles_turn(
    tmp_path: Path,
) -> None:
    run = DirectedRun(pair(), tmp_path, Mode.HANDOFFS)
    again = run.person.requesting("worker", "rerun")
    blocked_step = Blocked(say("Never."))
    run.models["boss"].extend([hand_off("worker", 1), blocked_step.step(), say("Done.")])
    run.models["worker"].extend([fly(1), hand_off("boss", 1), hand_off("boss", 2)])
    running = asyncio.create_task(run.play())
    await until(blocked_step.begun)
    again()
    assert await running == "Done."
    first, _, second = run.models["worker"].calls
    assert second.input == first.input
    assert run.context.publisher.roles["worker"].thread.turn_count == 2


@pytest.mark.parametrize("after", range(1, 24))
async def test_a_role_is_rerun_once_despite_a_crash_at_any_step(tmp_path: Path, after: int) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    run = DirectedRun(pair(), folder, Mode.HANDOFFS)
    models = run.models
    blocked_step = Blocked(say("Never."))
    models["boss"].extend([hand_off("worker", 1), blocked_step.step(), say("Done.")])
    models["worker"].extend([hand_off("boss", 1), hand_off("boss", 2)])
    running = asyncio.create_task(run.play())
    await until(blocked_step.begun)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    run = DirectedRun(pair(), folder, Mode.HANDOFFS, models, store=new_store(folder))
    run.person.request("worker", "rerun")
    run = DirectedRun(pair(), folder, Mode.HANDOFFS, models, store=new_store(folder, after))
    answer = ""
    with contextlib.suppress(Crash):
        answer = await run.play()
    if not answer:
        run = DirectedRun(pair(), folder, Mode.HANDOFFS, models, store=new_store(folder))
        answer = await run.play()
    assert answer == "Done."
    assert len(models["worker"].calls) == 2


async def test_a_rerun_of_the_whole_run_starts_from_its_task(tmp_path: Path) -> None:
    run = DirectedRun(pair(), tmp_path, Mode.HANDOFFS)
    again = run.person.requesting("", "rerun")
    blocked_step = Blocked(say("Never."))
    run.models["boss"].extend([hand_off("worker"), say("Done.")])
    run.models["worker"].extend([blocked_step.step()])
    running = asyncio.create_task(run.play())
    await until(blocked_step.begun)
    again()
    assert await running == "Done."
    first, second = run.models["boss"].calls
    assert second.input == first.input


async def test_stopping_the_role_at_work_ends_the_run_which_resumes_there(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    run = DirectedRun(pair(), folder, Mode.HANDOFFS)
    blocked_step = Blocked(say("Never."))
    run.models["boss"].extend([hand_off("worker"), say("Done.")])
    run.models["worker"].extend([blocked_step.step(), hand_off("boss")])
    stopping = asyncio.create_task(run.stopped())
    await until(blocked_step.begun)
    run.person.request("worker", "stop")
    assert (await stopping).outcome is RunOutcome.PERSON
    run = DirectedRun(pair(), folder, Mode.HANDOFFS, run.models, store=new_store(folder))
    assert await run.play() == "Done."
    assert len(run.models["boss"].calls) == 2


async def test_a_handoff_to_a_stopped_role_is_refused(tmp_path: Path) -> None:
    run = DirectedRun(pair(), tmp_path, Mode.HANDOFFS)
    stop = run.person.requesting("worker", "stop")
    run.models["boss"].extend([doing(hand_off("worker"), stop), say("Done without.")])
    assert await run.play() == "Done without."
    answer = run.models["boss"].calls[1].input[-1]["output"]
    assert "worker was stopped by ann" in answer
    assert run.state("worker") is ThreadState.INTERRUPTED


async def test_a_stopped_run_says_who_stopped_it(tmp_path: Path) -> None:
    run = DirectedRun(pair(), tmp_path, Mode.HANDOFFS)
    run.person.request("", "stop")
    (stopped,) = run.person.stopped
    assert stopped.outcome is RunOutcome.PERSON
    assert "ann" in str(stopped)


async def test_only_the_codex_turn_of_a_stopped_role_is_interrupted(tmp_path: Path) -> None:
    connection = SlowConnection()
    of = team(role("one", codex=True), role("two", codex=True))
    run = DirectedRun(of, tmp_path, Mode.PARALLEL, connection=connection)
    for name in of.roles:
        call = function_call("codex", {"prompt": name}, call_id="c")
        run.models[name].extend([[call], say(name)])
    stopping = asyncio.create_task(run.stopped())
    await until(connection.both)
    run.person.request("one", "stop")
    await until(connection.ended)
    connection.free.set()
    await stopping
    (interrupted,) = connection.interrupted
    assert connection.threads[interrupted].handle == "one-codex"
    assert run.state("two") is ThreadState.DONE


class SlowConnection(FakeConnection):
    """A server whose Codex answers when a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.free, self.both, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.interrupted: list[str] = []

    async def call(self, tool: str, arguments: Any) -> dict[str, object]:
        if tool == "codex-interrupt":
            self.interrupted.append(arguments["thread"])
            self.ended.set()
            return {}
        answer = await super().call(tool, arguments)
        if len(self.prompts) == 2:
            self.both.set()
        return answer

    async def wait_for_turn(self, thread_id: str, turn_id: str) -> Any:
        await self.free.wait()
        return await super().wait_for_turn(thread_id, turn_id)
