from __future__ import annotations

from pathlib import Path

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked, QuestionsAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.approvals.publisher import ApprovalPublisher
from codextui.server.events.hub import EventHub
from codextui.server.store.journal import Journal
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry


async def test_a_wait_has_one_beginning_until_nothing_is_open(tmp_path: Path):
    journal = Journal(tmp_path / "journal.sqlite")
    hub = EventHub()
    registry = ThreadRegistry(hub, journal, clock=lambda: 100.0)
    record = ThreadRecord(ThreadInfo("t", "backend", ThreadState.IDLE))
    registry.add(record)
    registry.apply(record, "u", ev.TurnStarted())
    publisher = ApprovalPublisher(hub, registry)
    first = Approval("a1", "t", "u", "", "backend", 103.5, CommandAsked("ls"))
    second = Approval("a2", "t", "u", "", "backend", 107.0, QuestionsAsked(()))
    seen: list[tuple[str, float | None]] = []
    for step in (
        lambda: publisher.on_asked(first),
        lambda: publisher.on_asked(second),
        lambda: publisher.on_resolved(first, ev.ApprovalResolved("a1", "approved")),
        lambda: publisher.on_resolved(second, ev.ApprovalResolved("a2", "answered")),
    ):
        step()
        seen.append((record.info.state_word, record.info.state_since))
    assert seen == [
        ("needs approval", 103.5),
        ("needs approval", 103.5),
        ("needs answer", 107.0),
        ("running", 100.0),
    ]
    (started,) = [e for e in hub.events_of("t") if isinstance(e.msg, ev.TurnStarted)]
    assert started.msg == ev.TurnStarted(100.0)
    assert record.info.turn_started_at == 100.0
    await journal.close()
