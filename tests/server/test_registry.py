from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codextui.errors import ThreadUnknown
from codextui.protocol.events import ThreadChanged
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.registry import Registry, ThreadRecord, TurnOutcome


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield Registry(EventHub(keep=journal.keep_event), journal)
    await journal.close()


def add(
    registry: Registry, thread_id: str, handle: str, state: ThreadState = ThreadState.IDLE
) -> ThreadRecord:
    record = ThreadRecord(ThreadInfo(thread_id, handle, state))
    registry.add(record)
    return record


async def test_a_thread_is_found_by_id_handle_and_the_beginning_of_its_id(registry: Registry):
    record = add(registry, "01a2-b3c4-one", "backend")
    add(registry, "01a2-ffff-two", "tester")
    for name in ("01a2-b3c4-one", "backend", "01a2-b"):
        assert registry.find(name) is record


@pytest.mark.parametrize("name", ["01a2-", "01a2-b3", "", "unknown", "01a2"])
async def test_what_names_no_thread_or_several_names_none(registry: Registry, name: str):
    add(registry, "01a2-b3c4-one", "backend")
    add(registry, "01a2-b3c4-two", "tester")
    with pytest.raises(ThreadUnknown):
        registry.find(name)


async def test_a_handle_goes_before_the_short_id_of_a_run(registry: Registry):
    run = add(registry, "run:backend", "bugs")
    assert registry.find("backend") is run
    thread = add(registry, "01a2-b3c4-one", "backend")
    assert registry.find("backend") is thread
    assert registry.find("run:backend") is run


async def test_a_living_thread_goes_before_a_killed_one_of_the_same_handle(registry: Registry):
    add(registry, "one", "backend", ThreadState.KILLED)
    living = add(registry, "two", "backend")
    add(registry, "three", "backend", ThreadState.KILLED)
    assert registry.find("backend") is living


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("tester", "tester"),
        ("backend", "backend-2"),
        ("", "codex-2"),
        ("  ", "codex-2"),
        ("[bold]x[/]\x1b[31m", "bold-x-31m"),
        ("front end", "front-end"),
        ("x" * 100, "x" * 40),
        ("..", "codex-2"),
    ],
)
async def test_a_handle_is_short_plain_and_its_own(registry: Registry, wanted: str, given: str):
    add(registry, "one", "backend")
    add(registry, "two", "codex-1")
    add(registry, "three", "tester", ThreadState.KILLED)
    assert registry.unique_handle(wanted) == given


async def test_only_what_changes_a_row_is_told(tmp_path: Path):
    journal = Journal(tmp_path / "journal.sqlite")
    hub = EventHub()
    registry = Registry(hub, journal)
    record = add(registry, "one", "backend")
    registry.update(record, state=ThreadState.IDLE)
    registry.note(record, brief="what to do")
    assert hub.head == 1
    registry.update(record, state=ThreadState.RUNNING)
    assert hub.head == 2
    event = hub.past_of("one")[-1]
    assert isinstance(event.msg, ThreadChanged)
    assert event.msg.thread.brief == "what to do"
    await journal.close()


async def test_who_waits_for_a_turn_hears_of_its_end_also_afterwards():
    record = ThreadRecord(ThreadInfo("one", "backend", ThreadState.RUNNING))
    record.begin_turn("u")
    outcome = TurnOutcome("u", "Done.")
    record.end_turn(outcome)
    record.end_turn(TurnOutcome("u", "again", "lost"))
    assert record.running == ""
    assert await record.wait_for("u") == outcome


async def test_the_end_of_an_old_turn_leaves_the_running_one_alone():
    record = ThreadRecord(ThreadInfo("one", "backend", ThreadState.RUNNING))
    record.begin_turn("old")
    record.begin_turn("new")
    record.end_turn(TurnOutcome("old", ""))
    assert record.running == "new"
    assert not record.outcome_of("new").done()


async def test_only_so_many_ended_turns_are_remembered():
    record = ThreadRecord(ThreadInfo("one", "backend", ThreadState.RUNNING))
    waiting = record.outcome_of("0")
    for number in range(1, 1_000):
        record.end_turn(TurnOutcome(str(number), ""))
    record.end_turn(TurnOutcome("0", ""))
    assert waiting.done()
    record.end_turn(TurnOutcome("last", ""))
    assert record.outcome_of("999").done()
    assert not record.outcome_of("500").done()


@pytest.mark.parametrize(("prompt", "kept"), [("Fix it.", "Fix it."), ("x" * 2_000, "x" * 2_000)])
async def test_a_brief_of_usual_length_is_kept_whole(registry: Registry, prompt: str, kept: str):
    record = add(registry, "t1", "backend")
    registry.note_brief(record, prompt)
    assert record.info.brief == kept


async def test_a_row_carries_only_the_beginning_of_an_enormous_prompt(registry: Registry):
    record = add(registry, "t1", "backend")
    registry.note_brief(record, "x" * 3_000_000)
    assert len(record.info.brief) == 2_000
    assert record.info.brief.endswith("…")
