from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from codextui.protocol.events import Event, Warned
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.registry import ThreadRegistry

BUBBLEWRAP = {"summary": "Codex could not find bubblewrap on PATH.", "details": None}


@pytest.fixture
def published() -> list[Event]:
    return []


@pytest.fixture
async def notifications(
    tmp_path: Path, published: list[Event]
) -> AsyncIterator[CodexNotifications]:
    journal = Journal(tmp_path / "journal.sqlite")
    hub = EventHub(record=published.append)
    yield CodexNotifications(hub, ThreadRegistry(hub, journal), Mock())
    await journal.close()


async def test_a_warning_about_the_setup_is_published_once_for_all_processes(
    notifications: CodexNotifications, published: list[Event]
) -> None:
    for process in (1, 2, 3):
        notifications.handle(process, "configWarning", BUBBLEWRAP)
    notifications.handle(3, "configWarning", {"summary": "Something new.", "details": None})
    assert [event.msg for event in published] == [
        Warned("Codex could not find bubblewrap on PATH."),
        Warned("Something new."),
    ]


async def test_other_warnings_are_published_every_time(
    notifications: CodexNotifications, published: list[Event]
) -> None:
    for _ in range(2):
        notifications.handle(1, "warning", {"message": "The network is slow."})
    assert [event.msg for event in published] == [Warned("The network is slow.")] * 2
