from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from codextui.protocol.events import Event, Warned
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry

PARENT, CHILD = "parent-id", "01a222a6-b4bd-72f1"
BUBBLEWRAP = {"summary": "Codex could not find bubblewrap on PATH.", "details": None}


@pytest.fixture
def published() -> list[Event]:
    return []


@pytest.fixture
async def registry(tmp_path: Path, published: list[Event]) -> AsyncIterator[ThreadRegistry]:
    journal = Journal(tmp_path / "journal.sqlite")
    registry = ThreadRegistry(EventHub(record=published.append), journal)
    parent = ThreadInfo(
        PARENT,
        "backend",
        ThreadState.RUNNING,
        cwd="/w",
        branch="main",
        model="large",
        sandbox="read-only",
        approval_policy="on-request",
    )
    registry.restore(ThreadRecord(parent))
    published.clear()
    yield registry
    await journal.close()


@pytest.fixture
def notifications(registry: ThreadRegistry) -> CodexNotifications:
    others = OtherThreads(registry._hub, registry, Mock(is_shared=False), Mock(), Mock())
    return CodexNotifications(registry._hub, registry, Mock(), others)


async def test_a_warning_about_the_setup_is_published_once_for_all_processes(
    notifications: CodexNotifications, published: list[Event]
) -> None:
    for process in (1, 2, 3):
        notifications.handle(process, "configWarning", BUBBLEWRAP)
    notifications.handle(3, "configWarning", {"summary": "Something new.", "details": None})
    assert [event.msg for event in published] == [
        Warned("Codex could not find bubblewrap on PATH.", "configWarning"),
        Warned("Something new.", "configWarning"),
    ]


async def test_other_warnings_are_published_every_time(
    notifications: CodexNotifications, published: list[Event]
) -> None:
    for _ in range(2):
        notifications.handle(1, "warning", {"message": "The network is slow."})
    assert [event.msg for event in published] == [Warned("The network is slow.", "warning")] * 2


def started(item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "item/completed", {"threadId": PARENT, "turnId": "u", "item": {"id": "call", **item}}


SPAWN = started(
    {
        "type": "collabAgentToolCall",
        "tool": "spawnAgent",
        "status": "completed",
        "senderThreadId": PARENT,
        "receiverThreadIds": [CHILD],
        "prompt": "Test it.",
        "model": "small",
        "agentsStates": {},
    }
)
ACTIVITY = started(
    {
        "type": "subAgentActivity",
        "kind": "started",
        "agentThreadId": CHILD,
        "agentPath": "/root/tester",
        "model": None,
    }
)
TURN = ("turn/started", {"threadId": CHILD, "turn": {"id": "c", "status": "inProgress"}})
THREAD = ("thread/started", {"thread": {"id": CHILD, "parentThreadId": PARENT, "cwd": "/w"}})


@pytest.mark.parametrize("sent", [[SPAWN, TURN], [TURN, SPAWN], [THREAD, SPAWN, TURN], [SPAWN] * 2])
async def test_a_sub_agent_stands_under_its_parent_with_its_settings(
    registry: ThreadRegistry, notifications: CodexNotifications, sent: list[Any]
) -> None:
    for method, params in sent:
        notifications.handle(1, method, params)
    record = registry.get(CHILD)
    assert record is not None
    info = record.info
    assert (info.parent, info.forked_from, info.brief) == (PARENT, "", "Test it.")
    assert (info.cwd, info.model, info.sandbox) == ("/w", "small", "read-only")
    assert (info.approval_policy, info.branch) == ("on-request", "main")
    assert info.codex_usage == Usage()
    registry.name_sub_agent(record, "Lagrange")
    registry.name_sub_agent(record, "Another")
    assert record.info.handle == "backend-lagrange"


async def test_a_sub_agent_with_a_path_is_named_by_it(
    registry: ThreadRegistry, notifications: CodexNotifications
) -> None:
    adopted: list[ThreadRecord] = []
    notifications._on_adopted = adopted.append
    for method, params in (TURN, ACTIVITY, ACTIVITY):
        notifications.handle(1, method, params)
    (record,) = adopted
    assert (record.info.handle, record.info.parent) == ("backend-tester", PARENT)
    assert (record.info.model, record.info.brief) == ("large", "")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "collabAgentToolCall", "tool": "wait", "receiverThreadIds": [CHILD]},
        {"type": "collabAgentToolCall", "tool": "spawnAgent", "receiverThreadIds": [PARENT]},
        {"type": "collabAgentToolCall", "tool": 7, "receiverThreadIds": [CHILD]},
    ],
)
async def test_only_a_spawn_places_a_thread_and_never_under_itself(
    registry: ThreadRegistry, notifications: CodexNotifications, item: dict[str, Any]
) -> None:
    notifications.handle(1, *started(item))
    assert [(record.thread_id, record.info.parent) for record in registry] == [(PARENT, "")]
