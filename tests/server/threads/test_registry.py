from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.errors import ServerRefused, ThreadUnknown
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import (
    ThreadInfo,
    ThreadState,
    Usage,
    clean_handle,
    handle_problem,
    normalize_handle,
)
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.threads.turn_state import TurnOutcome


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[ThreadRegistry]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield ThreadRegistry(EventHub(record=journal.record_event), journal)
    await journal.close()


def add(
    registry: ThreadRegistry, thread_id: str, handle: str, state: ThreadState = ThreadState.IDLE
) -> ThreadRecord:
    record = ThreadRecord(ThreadInfo(thread_id, handle, state))
    registry.add(record)
    return record


async def test_a_thread_is_found_by_id_by_handle_and_by_the_beginning_of_its_id(
    registry: ThreadRegistry,
):
    record = add(registry, "01a2-b3c4-one", "backend")
    add(registry, "01a2-ffff-two", "tester")
    for name in ("01a2-b3c4-one", "backend", "01a2-b"):
        assert registry.find(name) is record


@pytest.mark.parametrize("name", ["01a2-", "01a2-b3", "", "unknown", "01a2"])
async def test_a_name_that_fits_no_thread_or_several_is_refused(
    registry: ThreadRegistry, name: str
):
    add(registry, "01a2-b3c4-one", "backend")
    add(registry, "01a2-b3c4-two", "tester")
    with pytest.raises(ServerRefused if name == "01a2-b3" else ThreadUnknown):
        registry.find(name)


async def test_a_handle_takes_precedence_over_the_short_id_of_a_run(registry: ThreadRegistry):
    run = add(registry, "run:backend", "bugs")
    assert registry.find("backend") is run
    thread = add(registry, "01a2-b3c4-one", "backend")
    assert registry.find("backend") is thread
    assert registry.find("run:backend") is run


async def test_a_living_thread_takes_precedence_over_killed_ones_with_its_handle(
    registry: ThreadRegistry,
):
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
        ("Ümlaut", "Ümlaut"),
        ("U\u0308mlaut", "Ümlaut"),
        ("役割", "役割"),
        ("तैयारी", "तैयारी"),
        ("a\u3164b\u200bc", "a-b-c"),
    ],
)
async def test_handles_are_short_plain_and_unique(
    registry: ThreadRegistry, wanted: str, given: str
):
    add(registry, "one", "backend")
    add(registry, "two", "codex-1")
    add(registry, "three", "tester", ThreadState.KILLED)
    assert registry.handles.unique(wanted) == given


async def test_only_changes_of_an_info_are_published(tmp_path: Path):
    journal = Journal(tmp_path / "journal.sqlite")
    hub = EventHub()
    registry = ThreadRegistry(hub, journal)
    record = add(registry, "one", "backend")
    registry.update(record, state=ThreadState.IDLE)
    registry.update_quietly(record, brief="what to do")
    assert hub.head == 1
    registry.update(record, state=ThreadState.RUNNING)
    assert hub.head == 2
    event = hub.events_of("one")[-1]
    assert isinstance(event.msg, ev.ThreadChanged)
    assert event.msg.thread.brief == "what to do"
    await journal.close()


async def test_the_outcome_of_a_turn_can_be_awaited_before_and_after_its_end(
    registry: ThreadRegistry,
):
    record = add(registry, "one", "backend", ThreadState.RUNNING)
    registry.apply(record, "u", ev.TurnStarted())
    waiting = asyncio.create_task(record.wait_for("u"))
    registry.apply(
        record, "u", ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": "Done."})
    )
    registry.apply(record, "u", ev.TurnCompleted())
    registry.apply(record, "u", ev.TurnAborted("lost"))
    assert record.turn.running_id == ""
    assert await waiting == await record.wait_for("u") == TurnOutcome("u", "Done.")


async def test_the_end_of_an_earlier_turn_leaves_the_running_one_alone(registry: ThreadRegistry):
    record = add(registry, "one", "backend", ThreadState.RUNNING)
    registry.apply(record, "old", ev.TurnStarted())
    registry.apply(record, "new", ev.TurnStarted())
    registry.apply(record, "old", ev.TurnCompleted())
    assert record.turn.running_id == "new"
    assert record.info.state is ThreadState.RUNNING
    assert not record.outcome_of("new").done()


async def test_only_the_outcomes_of_recent_turns_are_retained(registry: ThreadRegistry):
    record = add(registry, "one", "backend", ThreadState.RUNNING)
    waiting = record.outcome_of("0")
    for number in range(1, 1_000):
        registry.apply(record, str(number), ev.TurnCompleted())
    registry.apply(record, "0", ev.TurnCompleted())
    assert waiting.done()
    registry.apply(record, "last", ev.TurnCompleted())
    assert record.outcome_of("999").done()
    assert not record.outcome_of("500").done()


class Watcher:
    def __init__(self) -> None:
        self.events: list[ev.Msg] = []

    def on_event(self, msg: ev.Msg) -> None:
        self.events.append(msg)

    def on_unattended(self, approval: Approval) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("msg", "infos_before", "infos_after"),
    [
        (ev.TextDelta("i", "a"), 0, 0),
        (ev.TokensCounted(Usage(total=7), Usage()), 0, 0),
        (ev.Warned("careful"), 1, 0),
        (ev.TurnStarted(), 0, 1),
        (ev.TurnCompleted("Done."), 0, 1),
    ],
)
async def test_an_event_is_published_with_the_info_that_it_changes(
    tmp_path: Path, msg: ev.Msg, infos_before: int, infos_after: int
):
    journal = Journal(tmp_path / "journal.sqlite")
    hub = EventHub()
    registry = ThreadRegistry(hub, journal)
    record = add(registry, "one", "backend", ThreadState.RUNNING)
    watcher = Watcher()
    record.watchers.append(watcher)
    subscription = hub.subscribe(hub.head, hub.epoch)
    registry.apply(record, "u", msg)
    kinds = [type(event.msg) for event in await subscription.next_batch()]
    assert kinds == [
        *[ev.ThreadChanged] * infos_before,
        type(msg),
        *[ev.ThreadChanged] * infos_after,
    ]
    assert [type(event) for event in watcher.events] == [type(msg)]
    await journal.close()


async def test_what_an_event_changes_outlasts_an_approval_on_a_role(registry: ThreadRegistry):
    program = ThreadInfo("run:a/b", "b", ThreadState.RUNNING, kind=ThreadKind.ROLE)
    record = ThreadRecord(structs.replace(program, state=ThreadState.NEEDS_INPUT))
    record.program_info = program
    registry.add(record)
    registry.apply(record, "u", ev.TurnStarted())
    registry.apply(record, "u", ev.TokensCounted(Usage(total=7), Usage()))
    assert record.info.state is ThreadState.NEEDS_INPUT
    assert record.program_info == structs.replace(record.info, state=ThreadState.RUNNING)
    assert record.info.usage.total == 7


@pytest.mark.parametrize(("prompt", "kept"), [("Fix it.", "Fix it."), ("x" * 2_000, "x" * 2_000)])
async def test_a_brief_of_normal_length_is_not_shortened(
    registry: ThreadRegistry, prompt: str, kept: str
):
    record = add(registry, "t1", "backend")
    registry.set_brief(record, prompt)
    assert record.info.brief == kept


async def test_the_brief_of_an_enormous_prompt_is_its_beginning(registry: ThreadRegistry):
    record = add(registry, "t1", "backend")
    registry.set_brief(record, "x" * 3_000_000)
    assert len(record.info.brief) == 2_000
    assert record.info.brief.endswith("…")


@pytest.mark.parametrize(
    "handle", ["Prüfer", "役割", "U\u0308mlaut", "тестер-2", "परीक्षक", "a.b_c", "_x"]
)
async def test_a_handle_of_any_script_is_kept_and_found(registry: ThreadRegistry, handle: str):
    record = add(registry, "one", "backend")
    registry.rename(record, handle)
    assert unicodedata.normalize("NFC", handle) == record.info.handle
    for typed in ("NFC", "NFD"):
        assert registry.find(unicodedata.normalize(typed, handle)) is record


@pytest.mark.parametrize(
    ("handle", "why"),
    [
        ("front end", "not ' '"),
        ("a/b", "not '/'"),
        ("a\u200bb", r"not U\+200B"),
        ("a\u3164", "not '"),
        ("\udcc3", r"not U\+DCC3"),
        ("x" * 41, "40 characters"),
        ("-x", "begins and ends"),
        ("x.", "begins and ends"),
        ("\u0301x", "begins and ends"),
        ("", "not empty"),
    ],
)
async def test_a_handle_that_cannot_be_kept_is_refused(
    registry: ThreadRegistry, handle: str, why: str
):
    record = add(registry, "one", "backend")
    with pytest.raises(ServerRefused, match=why):
        registry.rename(record, handle)
    assert record.info.handle == "backend"


@given(st.text(max_size=60))
def test_a_handle_is_either_kept_or_refused_and_a_cleaned_one_is_a_handle(text: str):
    assert bool(handle_problem(text)) or clean_handle(text) == normalize_handle(text)
    cleaned = clean_handle(text)
    assert not cleaned or not handle_problem(cleaned)
