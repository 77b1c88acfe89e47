"""Talking to the roles of a run: messages, holding, stopping, beginning again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents.testing import ScriptedModel, function_call
from msgspec import structs
from teams.crews import Crash, FakeLink, crew, doing, hand, new_store, role, say, team
from teams.directed import Person

from codextui.protocol import events as ev
from codextui.protocol.runs import RoleAction
from codextui.protocol.threads import ThreadState
from codextui.teams.config.team import Mode, Team
from codextui.teams.records.events import RunEventKind
from codextui.teams.runner.ending import Ending, RunStopped
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.parallel import run_parallel

WAIT_S = 60


class Scene:
    """A crew whose models get their steps after it was made, so that these can use it."""

    def __init__(
        self,
        of: Team,
        folder: Path,
        mode: Mode,
        models: dict[str, ScriptedModel] | None = None,
        **options: Any,
    ) -> None:
        self.models = models or {name: ScriptedModel() for name in of.roles}
        self._news = asyncio.Event()
        self.heard: list[ev.Msg] = []
        self.crew, self.told = crew(of, folder, self.models, mode, heard=self._hear, **options)
        self.person = Person(self.crew)

    def _hear(self, _: str, __: str, msg: ev.Msg) -> None:
        self.heard.append(msg)
        self._news.set()

    async def when(self, fits: Callable[[], bool]) -> None:
        """Wait until what the crew tells makes something so."""
        async with asyncio.timeout(WAIT_S):
            while not fits():
                self._news.clear()
                await self._news.wait()

    async def play(self) -> str:
        run = run_handoffs if self.crew.mode is Mode.HANDOFFS else run_parallel
        async with asyncio.timeout(WAIT_S):
            return await run(self.crew, "Build it.")

    async def stopped(self) -> RunStopped:
        with pytest.raises(RunStopped) as caught:
            await self.play()
        return caught.value

    def state(self, name: str) -> ThreadState:
        return self.crew.telling.roles[name].row.info.state

    def said(self, name: str) -> list[list[str]]:
        """What people said to a role, in what it was given for each of its steps."""
        return [
            [item["content"] for item in call.input if item.get("role") == "user"]
            for call in self.models[name].calls
        ]

    def directed(self) -> list[str]:
        return [
            f"{one.role} {one.text}" for one in self.told if one.kind is RunEventKind.ROLE_DIRECTED
        ]


def fly(number: int = 0) -> list[Any]:
    """A step that the same role follows with another one."""
    return [function_call("fly", {}, call_id=f"fly-{number}")]


class Blocked:
    """A step that goes on only when a test lets it, or that is cut off."""

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


async def test_a_message_is_read_before_the_next_step_and_stays_where_it_was_said(
    tmp_path: Path,
) -> None:
    scene = Scene(team(role("one")), tmp_path, Mode.PARALLEL)
    ask = scene.person.asking("one", "message", "Use tabs.")
    scene.models["one"].extend([doing(fly(1), ask), fly(2), say("Done.")])
    await scene.play()
    calls = scene.models["one"].calls
    assert [said[1:] for said in scene.said("one")] == [[], ["Use tabs."], ["Use tabs."]]
    assert calls[1].input[-1]["content"] == "Use tabs."
    assert calls[2].input.index(calls[1].input[-1]) == len(calls[1].input) - 1
    assert [one.role for one in scene.told if one.kind is RunEventKind.MESSAGE_READ] == ["one"]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("after", range(1, 24))
async def test_after_a_crash_at_any_step_a_message_was_said_once_and_no_answer_is_asked_again(
    tmp_path: Path, mode: Mode, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("one"))
    scene = Scene(of, folder, mode, store=new_store(folder))
    models = scene.models
    steps = [fly(1), fly(2), say("Done.")]
    models["one"].extend(steps)
    scene.person.ask("one", "message", "Use tabs.")
    scene = Scene(of, folder, mode, models, store=new_store(folder, after))
    answer = ""
    with contextlib.suppress(Crash):
        answer = await scene.play()
    if not answer:
        scene = Scene(of, folder, mode, models, store=new_store(folder))
        await scene.play()
    assert [said.count("Use tabs.") for said in scene.said("one")] == [1, 1, 1]


async def test_a_role_that_is_done_goes_on_with_its_conversation_when_something_is_said_to_it(
    tmp_path: Path,
) -> None:
    scene = Scene(team(role("one"), role("two")), tmp_path, Mode.PARALLEL)
    scene.models["one"].extend([say("Done."), say("With a favicon.")])
    blocked = Blocked(say("Two."))
    scene.models["two"].extend([blocked.step()])
    playing = asyncio.create_task(scene.play())
    await until(blocked.begun)
    await scene.when(lambda: scene.state("one") is ThreadState.DONE)
    scene.person.ask("one", "message", "Add a favicon.")
    await scene.when(lambda: len(scene.models["one"].calls) == 2)
    blocked.free.set()
    answer = await playing
    assert "one: With a favicon." in answer
    given = scene.models["one"].calls[1].input
    assert [item.get("role") for item in given] == ["user", "assistant", "user"]
    assert given[-1]["content"] == "Add a favicon."


async def test_a_role_that_is_held_goes_no_further_until_it_is_let_go(tmp_path: Path) -> None:
    scene = Scene(team(role("one"), role("two")), tmp_path, Mode.PARALLEL)
    hold = scene.person.asking("one", "pause")
    let_go = scene.person.asking("one", "resume")
    seen: list[ThreadState] = []

    def look() -> None:
        assert len(scene.models["one"].calls) == 1
        seen.append(scene.state("one"))

    scene.models["one"].extend([doing(fly(1), hold), say("One.")])
    blocked = Blocked(say("Two."), look, let_go)
    scene.models["two"].extend([blocked.step()])
    playing = asyncio.create_task(scene.play())
    await scene.when(lambda: scene.state("one") is ThreadState.PAUSED)
    blocked.free.set()
    assert "one: One." in await playing
    assert seen == [ThreadState.PAUSED]
    assert scene.state("one") is ThreadState.DONE
    assert scene.directed() == ["one is held before its next step by ann", "one goes on by ann"]


async def test_a_role_that_is_held_before_it_has_begun_does_not_begin(tmp_path: Path) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    scene = Scene(of, tmp_path, Mode.PARALLEL)
    scene.person.ask("two", "pause")
    assert scene.state("two") is ThreadState.PAUSED
    scene.models["one"].extend([doing(say("One."), (tmp_path / "a").touch)])
    scene.models["two"].extend([say("Two.")])
    playing = asyncio.create_task(scene.play())
    await scene.when(lambda: scene.state("one") is ThreadState.DONE)
    assert not scene.models["two"].calls
    scene.person.ask("two", "resume")
    assert "two: Two." in await playing


async def test_a_stopped_role_leaves_the_others_at_work_and_the_run_can_be_gone_on_with(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("one"), role("two"))
    scene = Scene(of, folder, Mode.PARALLEL)
    cut_off, blocked = Blocked(say("Never.")), Blocked(say("Two."))
    scene.models["one"].extend([fly(1), cut_off.step(), say("One.")])
    scene.models["two"].extend([blocked.step()])
    stopping = asyncio.create_task(scene.stopped())
    await until(cut_off.begun)
    scene.person.ask("one", "stop")
    await scene.when(lambda: scene.state("one") is ThreadState.INTERRUPTED)
    blocked.free.set()
    stopped = await stopping
    assert stopped.ending is Ending.PERSON
    assert "one was stopped by ann" in str(stopped)
    assert scene.state("two") is ThreadState.DONE
    scene = Scene(of, folder, Mode.PARALLEL, scene.models, store=new_store(folder))
    assert "one: One." in await scene.play()
    assert [len(scene.models[name].calls) for name in ("one", "two")] == [3, 1]


async def test_a_stopped_role_can_be_let_go_on_while_the_others_are_at_work(
    tmp_path: Path,
) -> None:
    scene = Scene(team(role("one"), role("two")), tmp_path, Mode.PARALLEL)
    cut_off, blocked = Blocked(say("Never.")), Blocked(say("Two."))
    scene.models["one"].extend([fly(1), cut_off.step(), say("One.")])
    scene.models["two"].extend([blocked.step()])
    playing = asyncio.create_task(scene.play())
    await until(cut_off.begun)
    scene.person.ask("one", "stop")
    await scene.when(lambda: scene.state("one") is ThreadState.INTERRUPTED)
    scene.person.ask("one", "resume")
    await scene.when(lambda: scene.state("one") is ThreadState.DONE)
    blocked.free.set()
    assert "one: One." in await playing


async def test_a_role_that_begins_again_does_so_from_its_start_and_makes_the_later_ones_due(
    tmp_path: Path,
) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"], makes=["b"]))
    scene = Scene(of, tmp_path, Mode.PARALLEL)
    made, again = tmp_path / "a", scene.person.asking("one", "rerun")
    (tmp_path / "b").touch()
    scene.models["one"].extend(
        [doing(say("One."), made.touch), doing(say("One again."), lambda: made.write_text("2"))]
    )
    scene.models["two"].extend([doing(fly(), again), say("Two."), say("Two again.")])
    answer = await scene.play()
    assert "one: One again." in answer
    assert "two: Two again." in answer
    assert scene.said("one") == [scene.said("one")[0]] * 2
    assert scene.crew.telling.roles["one"].row.turns == 2


async def test_who_has_not_begun_cannot_begin_again_and_who_is_done_cannot_be_held(
    tmp_path: Path,
) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    scene = Scene(of, tmp_path, Mode.PARALLEL)
    scene.models["one"].extend(
        [doing(say("One."), (tmp_path / "a").touch, scene.person.asking("two", "rerun"))]
    )
    scene.models["two"].extend([doing(say("Two."), scene.person.asking("one", "pause"))])
    await scene.play()
    assert scene.directed() == [
        "two has not begun yet, so it cannot begin again",
        "one cannot be held: it is done",
    ]


async def test_what_is_said_to_the_run_is_read_by_every_role_that_is_not_done(
    tmp_path: Path,
) -> None:
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    scene = Scene(of, tmp_path, Mode.PARALLEL)
    ask = scene.person.asking("", "message", "In Rust.")
    scene.models["one"].extend([doing(fly(), ask), doing(say("One."), (tmp_path / "a").touch)])
    scene.models["two"].extend([say("Two.")])
    await scene.play()
    assert scene.said("one")[1][-1] == "In Rust."
    assert scene.said("two")[0][-1] == "In Rust."


async def test_a_request_is_taken_once_however_often_the_server_tells_of_it(
    tmp_path: Path,
) -> None:
    scene = Scene(team(role("one")), tmp_path, Mode.PARALLEL)
    event = scene.person.ask("one", "message", "Once.")
    scene.person.requests.take(event)
    scene = Scene(team(role("one")), tmp_path, Mode.PARALLEL, store=new_store(tmp_path))
    scene.person.requests.take(event, past=True)
    scene.models["one"].extend([say("One.")])
    await scene.play()
    assert scene.said("one")[0].count("Once.") == 1


async def test_what_cannot_be_kept_is_not_done_and_told(tmp_path: Path) -> None:
    scene = Scene(team(role("one")), tmp_path, Mode.PARALLEL)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    scene.crew.store.write = full  # type: ignore[method-assign]
    scene.person.ask("one", "message", "Hello.")
    (trouble,) = [one.text for one in scene.told if one.kind is RunEventKind.TROUBLE]
    assert "the disk is full" in trouble


async def test_two_requests_of_the_same_moment_are_both_taken(tmp_path: Path) -> None:
    scene = Scene(team(role("one")), tmp_path, Mode.PARALLEL)
    event = scene.person.ask("one", "message", "First.")
    second = ev.RoleRequested(RoleAction.MESSAGE, "Second.", "ann")
    for _ in range(2):
        scene.person.requests.take(structs.replace(event, msg=second))
    scene.models["one"].extend([say("One.")])
    await scene.play()
    assert scene.said("one")[0][1:] == ["First.", "Second."]


async def test_what_was_asked_before_the_run_was_taken_up_holds_and_stops_nobody(
    tmp_path: Path,
) -> None:
    scene = Scene(team(role("one")), tmp_path, Mode.PARALLEL)
    thread = scene.crew.telling.roles["one"].row.thread_id
    for at, action in enumerate((RoleAction.PAUSE, RoleAction.STOP, RoleAction.MESSAGE), 1):
        event = ev.Event(at, thread, "", float(at), ev.RoleRequested(action, "Hello.", "ann"))
        scene.person.requests.take(event, past=True)
    scene.models["one"].extend([say("One.")])
    assert await scene.play() == "one: One."
    assert scene.said("one")[0][-1] == "Hello."


# By handoffs.


def pair() -> Team:
    return team(role("boss", to=["worker"]), role("worker", to=["boss"]))


async def test_a_message_waits_for_a_role_that_is_not_at_work(tmp_path: Path) -> None:
    scene = Scene(pair(), tmp_path, Mode.HANDOFFS)
    ask = scene.person.asking("worker", "message", "Be quick.")
    scene.models["boss"].extend([doing(fly(), ask), hand("worker"), say("Done.")])
    scene.models["worker"].extend([hand("boss")])
    assert await scene.play() == "Done."
    assert [said[1:] for said in scene.said("boss")] == [[], [], ["Be quick."]]
    assert scene.said("worker") == [["Build it.", "Be quick."]]
    assert "it reads the message when it is next" in scene.directed()[0]


async def test_a_message_that_nobody_has_read_is_read_before_the_team_ends(
    tmp_path: Path,
) -> None:
    scene = Scene(pair(), tmp_path, Mode.HANDOFFS)
    ask = scene.person.asking("worker", "message", "And the tests?")
    scene.models["boss"].extend([doing(say("Done."), ask)])
    scene.models["worker"].extend([say("Tested.")])
    assert await scene.play() == "Tested."
    assert scene.said("worker")[0][-1] == "And the tests?"


async def test_a_role_that_begins_again_takes_the_conversation_back_to_where_it_began(
    tmp_path: Path,
) -> None:
    scene = Scene(pair(), tmp_path, Mode.HANDOFFS)
    again = scene.person.asking("worker", "rerun")
    cut_off = Blocked(say("Never."))
    scene.models["boss"].extend([hand("worker", 1), cut_off.step(), say("Done.")])
    scene.models["worker"].extend([fly(1), hand("boss", 1), hand("boss", 2)])
    playing = asyncio.create_task(scene.play())
    await until(cut_off.begun)
    again()
    assert await playing == "Done."
    first, _, second = scene.models["worker"].calls
    assert second.input == first.input
    assert scene.crew.telling.roles["worker"].row.turns == 2


@pytest.mark.parametrize("after", range(1, 24))
async def test_after_a_crash_at_any_step_a_role_has_begun_again_once(
    tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    scene = Scene(pair(), folder, Mode.HANDOFFS)
    models = scene.models
    cut_off = Blocked(say("Never."))
    models["boss"].extend([hand("worker", 1), cut_off.step(), say("Done.")])
    models["worker"].extend([hand("boss", 1), hand("boss", 2)])
    playing = asyncio.create_task(scene.play())
    await until(cut_off.begun)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    scene = Scene(pair(), folder, Mode.HANDOFFS, models, store=new_store(folder))
    scene.person.ask("worker", "rerun")
    scene = Scene(pair(), folder, Mode.HANDOFFS, models, store=new_store(folder, after))
    answer = ""
    with contextlib.suppress(Crash):
        answer = await scene.play()
    if not answer:
        scene = Scene(pair(), folder, Mode.HANDOFFS, models, store=new_store(folder))
        answer = await scene.play()
    assert answer == "Done."
    assert len(models["worker"].calls) == 2


async def test_the_whole_run_begins_again_from_its_task(tmp_path: Path) -> None:
    scene = Scene(pair(), tmp_path, Mode.HANDOFFS)
    again = scene.person.asking("", "rerun")
    cut_off = Blocked(say("Never."))
    scene.models["boss"].extend([hand("worker"), say("Done.")])
    scene.models["worker"].extend([cut_off.step()])
    playing = asyncio.create_task(scene.play())
    await until(cut_off.begun)
    again()
    assert await playing == "Done."
    first, second = scene.models["boss"].calls
    assert second.input == first.input


async def test_the_role_at_work_that_is_stopped_ends_the_run_and_it_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    scene = Scene(pair(), folder, Mode.HANDOFFS)
    cut_off = Blocked(say("Never."))
    scene.models["boss"].extend([hand("worker"), say("Done.")])
    scene.models["worker"].extend([cut_off.step(), hand("boss")])
    stopping = asyncio.create_task(scene.stopped())
    await until(cut_off.begun)
    scene.person.ask("worker", "stop")
    assert (await stopping).ending is Ending.PERSON
    scene = Scene(pair(), folder, Mode.HANDOFFS, scene.models, store=new_store(folder))
    assert await scene.play() == "Done."
    assert len(scene.models["boss"].calls) == 2


async def test_nobody_hands_off_to_a_role_that_was_stopped(tmp_path: Path) -> None:
    scene = Scene(pair(), tmp_path, Mode.HANDOFFS)
    stop = scene.person.asking("worker", "stop")
    scene.models["boss"].extend([doing(hand("worker"), stop), say("Done without.")])
    assert await scene.play() == "Done without."
    answer = scene.models["boss"].calls[1].input[-1]["output"]
    assert "worker was stopped by ann" in answer
    assert scene.state("worker") is ThreadState.INTERRUPTED


async def test_a_stopped_run_ends_and_can_be_gone_on_with(tmp_path: Path) -> None:
    scene = Scene(pair(), tmp_path, Mode.HANDOFFS)
    scene.person.ask("", "stop")
    (stopped,) = scene.person.stopped
    assert stopped.ending is Ending.PERSON
    assert "ann" in str(stopped)


async def test_the_codex_turn_of_a_stopped_role_is_ended_and_no_other(tmp_path: Path) -> None:
    link = SlowLink()
    of = team(role("one", codex=True), role("two", codex=True))
    scene = Scene(of, tmp_path, Mode.PARALLEL, link=link)
    for name in of.roles:
        call = function_call("codex", {"prompt": name}, call_id="c")
        scene.models[name].extend([[call], say(name)])
    stopping = asyncio.create_task(scene.stopped())
    await until(link.both)
    scene.person.ask("one", "stop")
    await until(link.ended)
    link.free.set()
    await stopping
    (interrupted,) = link.interrupted
    assert link.threads[interrupted].handle == "one-codex"
    assert scene.state("two") is ThreadState.DONE


class SlowLink(FakeLink):
    """A server whose Codex answers only when a test lets it."""

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
        if len(self.said) == 2:
            self.both.set()
        return answer

    async def end_of(self, thread_id: str, turn_id: str) -> Any:
        await self.free.wait()
        return await super().end_of(thread_id, turn_id)
