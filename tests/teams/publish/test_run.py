"""What a run publishes: threads, turns, items, spans and gates."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agents.exceptions import ModelBehaviorError
from agents.testing import ScriptedModel, assistant_message, function_call
from teams.scripted import FakeConnection, create_run, doing, hand_off, new_store, role, say, team

from codextui.protocol import events as ev
from codextui.protocol.events import parse_msg
from codextui.protocol.runs import Span, SpanKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.config.team import Mode, Team
from codextui.teams.records.events import RunOutcome, RunStopped
from codextui.teams.runner.context import RunContext
from codextui.teams.runner.handoffs import run_handoffs
from codextui.teams.runner.parallel import run_parallel

WAIT_S = 60


class Recorder:
    """Records what is published."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, ev.Msg]] = []

    def __call__(self, thread_id: str, turn_id: str, msg: ev.Msg) -> None:
        assert parse_msg(msg.to_json()) == msg
        self.messages.append((thread_id.partition("/")[2], turn_id, msg))

    def of(self, name: str, *kinds: type) -> list[tuple[str, ev.Msg]]:
        return [(turn, m) for who, turn, m in self.messages if who == name and isinstance(m, kinds)]

    def infos(self, name: str) -> list[ThreadInfo]:
        return [
            m.thread for _, m in self.of(name, ev.ThreadChanged) if isinstance(m, ev.ThreadChanged)
        ]

    def states(self, name: str) -> list[ThreadState]:
        """The consecutive states of a thread."""
        states = [info.state for info in self.infos(name)]
        return [s for s, before in zip(states, [None, *states], strict=False) if s is not before]

    def spans(self) -> list[Span]:
        """Every span in its last state."""
        spans = {
            m.span.span_id: m.span for _, _, m in self.messages if isinstance(m, ev.SpanChanged)
        }
        return list(spans.values())

    def items(self, name: str) -> list[tuple[str, str, str]]:
        """The turn, the kind and the text of every item that was completed."""
        shown = []
        for turn, msg in self.of(name, ev.ItemCompleted):
            item: Any = msg.item  # type: ignore[union-attr]
            text = item.get("text") or item.get("tool") or item["content"][0]["text"]
            shown.append((turn, item["type"], text))
        return shown


async def play(context: RunContext) -> str:
    run = run_handoffs if context.mode is Mode.HANDOFFS else run_parallel
    context.publisher.begin()
    async with asyncio.timeout(WAIT_S):
        try:
            answer = await run(context, "Build it.")
        except RunStopped as stopped:
            await context.publisher.finish(stopped.outcome, str(stopped))
            raise
        await context.publisher.finish(RunOutcome.DONE, answer)
    return answer


def pair() -> Team:
    return team(
        role("boss", makes=["plan.md"], to=["worker"], codex=True),
        role("worker", needs=["plan.md"], makes=["work.md"], to=["boss"]),
    )


async def run_with_handoffs(folder: Path) -> Recorder:
    """A run by handoffs with one refusal and one call of Codex."""
    recorder = Recorder()
    codex = function_call("codex", {"prompt": "Plan."}, call_id="c")
    boss = ScriptedModel(
        [
            hand_off("worker", 1),
            [assistant_message("I plan."), codex],
            doing(hand_off("worker", 2), (folder / "plan.md").touch),
            say("All done."),
        ]
    )
    worker = ScriptedModel([doing(hand_off("boss"), (folder / "work.md").touch)])
    models = {"boss": boss, "worker": worker}
    context, _ = create_run(pair(), folder, models, connection=FakeConnection(), publish=recorder)
    await play(context)
    return recorder


async def test_threads_are_published_first_and_end_as_the_run_ends(tmp_path: Path) -> None:
    recorder = await run_with_handoffs(tmp_path)
    assert [who for who, _, _ in recorder.messages[:3]] == ["", "boss", "worker"]
    assert all(isinstance(msg, ev.ThreadChanged) for _, _, msg in recorder.messages[:3])
    assert recorder.states("") == [ThreadState.RUNNING, ThreadState.DONE]
    assert recorder.states("worker") == [ThreadState.WAITING, ThreadState.RUNNING, ThreadState.DONE]
    assert recorder.states("boss") == [
        ThreadState.WAITING,
        ThreadState.RUNNING,
        ThreadState.WAITING,
        ThreadState.RUNNING,
        ThreadState.IDLE,
        ThreadState.DONE,
    ]
    info = recorder.infos("boss")[0]
    assert info.parent == recorder.infos("")[0].thread_id
    assert (info.handle, info.sandbox) == ("boss", "read-only")


async def test_every_turn_has_its_prompt_messages_and_calls(tmp_path: Path) -> None:
    recorder = await run_with_handoffs(tmp_path)
    assert recorder.items("boss") == [
        ("t1", "userMessage", "Build it."),
        ("t1", "agentMessage", "I plan."),
        ("t1", "mcpToolCall", "codex"),
        ("t2", "userMessage", "worker hands off to you."),
        ("t2", "agentMessage", "All done."),
    ]
    assert [
        (turn, type(msg)) for turn, msg in recorder.of("boss", ev.TurnStarted, ev.TurnCompleted)
    ] == [
        ("t1", ev.TurnStarted),
        ("t1", ev.TurnCompleted),
        ("t2", ev.TurnStarted),
        ("t2", ev.TurnCompleted),
    ]
    started = [m.item["id"] for _, m in recorder.of("boss", ev.ItemStarted)]  # type: ignore[union-attr]
    completed = [m.item["id"] for _, m in recorder.of("boss", ev.ItemCompleted)]  # type: ignore[union-attr]
    assert len(set(completed)) == len(completed)
    assert set(started) <= set(completed)


async def test_handoffs_are_published_on_the_role_and_the_run(tmp_path: Path) -> None:
    recorder = await run_with_handoffs(tmp_path)
    refusal = ev.HandoffRefused("boss", "worker", ("plan.md: is not there (the job of boss)",))
    for name in ("", "boss"):
        assert [msg for _, msg in recorder.of(name, ev.HandoffRefused)] == [refusal]
    assert [msg for _, msg in recorder.of("", ev.HandedOff)] == [
        ev.HandedOff("boss", "worker"),
        ev.HandedOff("worker", "boss"),
    ]


async def test_the_time_of_every_role_is_accounted_for(tmp_path: Path) -> None:
    recorder = await run_with_handoffs(tmp_path)
    spans = recorder.spans()
    assert all(span.ended_at is not None and not span.failed for span in spans)
    kinds = sorted((span.role, str(span.kind)) for span in spans)
    assert kinds == [
        ("boss", "codex"),
        *[("boss", "model")] * 4,
        *[("boss", "role")] * 2,
        ("worker", "gate"),
        ("worker", "model"),
        ("worker", "role"),
    ]
    (gate,) = (span for span in spans if span.kind is SpanKind.GATE)
    assert gate.waits_for == ("boss",)


async def test_gates_are_published_when_they_change(tmp_path: Path) -> None:
    recorder = await run_with_handoffs(tmp_path)
    boards = [m.gates for _, m in recorder.of("", ev.GatesChecked)]  # type: ignore[union-attr]
    assert len(set(boards)) == len(boards)
    assert [gate.met for gate in boards[-1]] == [True, True]
    plan = boards[-1][0]
    assert (plan.condition, plan.makers, plan.needed_by) == ("plan.md", ("boss",), ("worker",))
    assert plan.since > 0


async def test_a_resumed_run_has_new_turns_and_publishes_no_item_twice(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    of = team(role("one"))
    models = {"one": ScriptedModel([[function_call("fly", {}, call_id="f")], say("Done.")])}
    first = Recorder()
    context, _ = create_run(of, folder, models, publish=first, store=new_store(folder, 7))
    context.publisher.begin()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - the process is killed somewhere
        await run_handoffs(context, "Build it.")
    second = Recorder()
    context, _ = create_run(of, folder, models, publish=second, store=new_store(folder))
    await play(context)
    assert first.of("one", ev.TurnStarted) == [("t1", ev.TurnStarted())]
    assert second.of("one", ev.TurnStarted) == [("t2", ev.TurnStarted())]
    assert second.of("", ev.TurnStarted) == [("t2", ev.TurnStarted())]
    assert second.items("one") == [("t2", "agentMessage", "Done.")]


async def test_a_model_error_leaves_a_failed_thread_with_the_reason(tmp_path: Path) -> None:
    recorder = Recorder()
    models = {"one": ScriptedModel([ModelBehaviorError("nonsense")]), "two": ScriptedModel()}
    of = team(role("one", to=["two"]), role("two"))
    context, _ = create_run(of, tmp_path, models, publish=recorder)
    with pytest.raises(RunStopped):
        await play(context)
    assert recorder.states("one")[-1] is ThreadState.FAILED
    assert "nonsense" in recorder.infos("one")[-1].note
    assert recorder.states("two")[-1] is ThreadState.INTERRUPTED
    assert recorder.states("")[-1] is ThreadState.FAILED
    assert recorder.of("one", ev.TurnAborted) == [("t1", ev.TurnAborted("failed", "nonsense"))]


async def test_a_role_that_waits_at_its_gate_has_a_span_with_the_makers(
    tmp_path: Path,
) -> None:
    recorder = Recorder()
    of = team(role("one", makes=["a"]), role("two", needs=["a"]))
    models = {
        "one": ScriptedModel([doing(say("One."), (tmp_path / "a").touch)]),
        "two": ScriptedModel([say("Two.")]),
    }
    context, _ = create_run(of, tmp_path, models, Mode.PARALLEL, publish=recorder)
    await play(context)
    gates = [span for span in recorder.spans() if span.kind is SpanKind.GATE]
    assert [(span.role, span.waits_for) for span in gates] == [("two", ("one",))]
    assert recorder.states("two") == [
        ThreadState.WAITING,
        ThreadState.RUNNING,
        ThreadState.IDLE,
        ThreadState.DONE,
    ]
