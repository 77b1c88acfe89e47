"""Requests of Codex on an app-server that other programs use, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from codextui.codex.requests import COMMAND_APPROVAL
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.approvals.codex_requests import CodexRequests
from codextui.server.threads.registry import ThreadRecord

AUTOMATIC = [
    ("item/tool/call", {"tool": "look", "arguments": {}}),
    ("currentTime/read", {}),
    ("account/chatgptAuthTokens/refresh", {"reason": "unauthorized"}),
    ("attestation/generate", {}),
]
OURS = ThreadInfo("ours", "backend", ThreadState.RUNNING)
THEIRS = ThreadInfo("theirs", "tui", ThreadState.RUNNING, ours=False, origin="Codex TUI")


class Stage:
    def __init__(self, *, shared: bool) -> None:
        records = {info.thread_id: ThreadRecord(info) for info in (OURS, THEIRS)}
        registry = Mock(get=records.get)
        others = self.others = Mock()
        others.defer = Mock(return_value=False)
        others.is_foreign = lambda thread_id: (
            not records[thread_id].info.ours if thread_id in records else shared
        )
        self.worker = Mock()
        self.broker = Mock()
        self.requests = CodexRequests(
            registry, self.broker, self.worker, Mock(), others, Mock(), Mock()
        )

    def handle(self, method: str, thread: str, params: dict[str, Any]) -> None:
        named = {"threadId": thread} if thread else {}
        self.requests.handle(1, 7, method, {**params, **named})

    @property
    def answered(self) -> bool:
        return bool(self.worker.respond.called or self.worker.refuse.called)


@pytest.mark.parametrize(("method", "params"), AUTOMATIC)
@pytest.mark.parametrize(
    ("thread", "shared", "is_answered"),
    [
        ("ours", True, True),
        ("ours", False, True),
        ("theirs", True, False),
        ("unknown", True, False),
        ("unknown", False, True),
        ("", True, False),
        ("", False, True),
    ],
)
def test_what_needs_no_person_is_answered_for_our_threads_only(
    method: str, params: dict[str, Any], thread: str, shared: bool, is_answered: bool
):
    stage = Stage(shared=shared)
    stage.handle(method, thread, params)
    assert stage.answered == is_answered
    assert not stage.broker.ask.called


@pytest.mark.parametrize("method", [COMMAND_APPROVAL, "item/something/new"])
@pytest.mark.parametrize(
    ("thread", "origin"),
    [("ours", ""), ("theirs", "Codex TUI"), ("unknown", "another program")],
)
def test_what_needs_a_person_is_asked_with_who_asks(method: str, thread: str, origin: str):
    stage = Stage(shared=True)
    stage.handle(method, thread, {"turnId": "u", "itemId": "i", "command": "ls"})
    assert stage.broker.ask.call_args.kwargs["origin"] == origin
    assert not stage.answered


def test_what_was_deferred_is_not_asked_for_a_codex_that_is_gone():
    stage = Stage(shared=True)
    deferred: list[Callable[[], None]] = []
    stage.others.defer = lambda _, handle, **__: deferred.append(handle) or True
    stage.handle(COMMAND_APPROVAL, "theirs", {"command": "make"})
    stage.worker.is_current = Mock(return_value=False)
    for handle in deferred:
        handle()
    assert deferred
    assert not stage.broker.ask.called
