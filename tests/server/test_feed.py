"""What Codex says, brought to the threads and to everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from codextui.protocol.events import Event, Warned
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.registry import Registry

BUBBLEWRAP = {"summary": "Codex could not find bubblewrap on PATH.", "details": None}


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
async def feed(tmp_path: Path, told: list[Event]) -> AsyncIterator[CodexNotifications]:
    journal = Journal(tmp_path / "journal.sqlite")
    hub = EventHub(keep=told.append)
    yield CodexNotifications(hub, Registry(hub, journal), Mock())
    await journal.close()


async def test_a_warning_about_the_configuration_is_told_once_for_all_processes(
    feed: CodexNotifications, told: list[Event]
) -> None:
    for process in (1, 2, 3):
        feed.hear(process, "configWarning", BUBBLEWRAP)
    feed.hear(3, "configWarning", {"summary": "Something new.", "details": None})
    assert [event.msg for event in told] == [
        Warned("Codex could not find bubblewrap on PATH."),
        Warned("Something new."),
    ]


async def test_a_warning_about_what_happens_is_told_every_time(
    feed: CodexNotifications, told: list[Event]
) -> None:
    for _ in range(2):
        feed.hear(1, "warning", {"message": "The network is slow."})
    assert [event.msg for event in told] == [Warned("The network is slow.")] * 2
