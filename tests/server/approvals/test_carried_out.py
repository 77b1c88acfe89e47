"""Whether the item of an approval shows that our decision was the one that counted."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.outcomes import tells_outcome, was_granted
from codextui.codex.requests import COMMAND_APPROVAL, PATCH_APPROVAL, PERMISSIONS_APPROVAL
from codextui.errors import CodexFailed
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, Asked, CommandAsked, PatchAsked
from codextui.server.approvals import carried_out
from codextui.server.approvals.carried_out import DecisionChecks

COMMAND, PATCH = CommandAsked("make"), PatchAsked()


class Stage:
    """Checks with everything around them played."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, shared: bool = True) -> None:
        self.corrections: list[tuple[str, str]] = []
        self.confirmed = 0
        self.terminals: set[str] | Exception = set()
        self.followed: set[str] = set()
        self.tasks: list[asyncio.Task[Any]] = []
        self.log = Mock()
        self.others = Mock(is_shared=shared)
        self.others.keep_following = lambda thread_id, _: self.followed.add(thread_id)
        self.others.stop_following = lambda thread_id, _: self.followed.discard(thread_id)
        worker = Mock(app=AsyncMock(), is_current=Mock(return_value=True))
        monkeypatch.setattr(carried_out, "list_terminals", self._list)
        self.checks = DecisionChecks(self.log, self._publish, self.others, worker, self._start)

    async def _list(self, *_: object) -> set[str]:
        if isinstance(self.terminals, Exception):
            raise self.terminals
        return self.terminals

    def _publish(self, approval: Approval, correction: ev.ApprovalCorrected) -> None:
        self.corrections.append((approval.approval_id, correction.carried_out))

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    def _confirm(self) -> None:
        self.confirmed += 1

    def watch(
        self, *, granted: bool, asked: Asked = COMMAND, origin: str = "", item: str = "i"
    ) -> None:
        approval = Approval(f"a-{item}", "t", "u", item, "tui", 1.0, asked, origin)
        self.checks.watch(approval, process=1, granted=granted, on_confirmed=self._confirm)

    async def handle(self, msg: ev.Msg, thread: str = "t") -> None:
        self.checks.handle_event(thread, msg)
        while self.tasks:
            await self.tasks.pop()


def ended(status: str, item: str = "i", kind: str = "commandExecution") -> ev.ItemCompleted:
    return ev.ItemCompleted({"id": item, "type": kind, "status": status})


SPEAKS = ev.ItemStarted({"id": "m", "type": "agentMessage"})
STOPPED = ev.TurnAborted("interrupted")
DONE = ev.TurnCompleted("")


@pytest.mark.parametrize("kind", ["commandExecution", "fileChange"])
@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize(
    ("status", "ran"), [("completed", True), ("failed", True), ("declined", False)]
)
async def test_the_end_of_the_item_confirms_or_corrects(
    monkeypatch: pytest.MonkeyPatch, kind: str, granted: bool, status: str, ran: bool
):
    stage = Stage(monkeypatch)
    stage.watch(granted=granted)
    await stage.handle(ended("completed", "another"))
    await stage.handle(ended("completed"), "another thread")
    assert (stage.corrections, stage.confirmed) == ([], 0)
    await stage.handle(ended(status, kind=kind))
    word = "approved" if ran else "declined"
    assert stage.corrections == ([] if granted == ran else [("a-i", word)])
    assert stage.confirmed == (granted == ran)
    assert stage.followed == set()
    await stage.handle(ended("completed"))
    assert len(stage.corrections) + stage.confirmed == 1
    assert stage.log.record_correction.call_count == len(stage.corrections)


@pytest.mark.parametrize(
    ("msg", "granted", "asked", "origin", "runs", "carried_out"),
    [
        (SPEAKS, True, COMMAND, "IDE", False, "declined"),
        (SPEAKS, True, COMMAND, "IDE", True, None),
        (SPEAKS, False, COMMAND, "IDE", True, "approved"),
        (SPEAKS, False, COMMAND, "IDE", False, None),
        (DONE, True, COMMAND, "", False, "declined"),
        (DONE, True, PATCH, "", False, "declined"),
        (STOPPED, True, COMMAND, "IDE", False, "unknown"),
        (STOPPED, True, COMMAND, "IDE", True, None),
        (STOPPED, True, COMMAND, "", False, None),
        (STOPPED, False, COMMAND, "IDE", False, None),
        (STOPPED, True, PATCH, "IDE", False, "declined"),
        (ev.OutputDelta("i", "x"), False, COMMAND, "IDE", False, "approved"),
        (ev.OutputDelta("i", "x"), True, COMMAND, "IDE", False, None),
    ],
)
async def test_what_happens_without_an_end_of_the_item_tells_as_well(
    *,
    monkeypatch: pytest.MonkeyPatch,
    msg: ev.Msg,
    granted: bool,
    asked: Asked,
    origin: str,
    runs: bool,
    carried_out: str | None,
):
    stage = Stage(monkeypatch)
    stage.terminals = {"i"} if runs else {"of another item"}
    stage.watch(granted=granted, asked=asked, origin=origin)
    await stage.handle(ev.TextDelta("m", "x"))
    await stage.handle(ev.ItemStarted({"id": "j", "type": "commandExecution"}))
    assert stage.followed == {"t"}
    await stage.handle(msg)
    assert stage.corrections == ([] if carried_out is None else [("a-i", carried_out)])
    assert stage.followed == set()


async def test_a_second_request_about_an_item_means_that_the_first_was_granted(
    monkeypatch: pytest.MonkeyPatch,
):
    stage = Stage(monkeypatch)
    stage.watch(granted=True)
    stage.checks.handle_asked("t", "i")
    assert (stage.corrections, stage.confirmed) == ([], 1)
    stage.watch(granted=False)
    await stage.handle(ended("declined"))
    assert (stage.corrections, stage.confirmed) == ([], 2)


async def test_where_codex_cannot_be_asked_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch):
    stage = Stage(monkeypatch)
    stage.terminals = CodexFailed("no")
    stage.watch(granted=True, origin="IDE")
    await stage.handle(DONE)
    stage.watch(granted=True, item="j")
    stage.checks.handle_exit()
    await stage.handle(ended("declined", "j"))
    assert (stage.corrections, stage.confirmed, stage.followed) == ([], 0, set())


async def test_where_nobody_else_can_answer_nothing_is_checked(monkeypatch: pytest.MonkeyPatch):
    stage = Stage(monkeypatch, shared=False)
    stage.watch(granted=True)
    await stage.handle(ended("declined"))
    assert (stage.corrections, stage.confirmed) == ([], 1)


async def test_of_threads_that_are_never_seen_again_a_bounded_number_is_checked(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(carried_out, "MAX_CHECKS", 2)
    stage = Stage(monkeypatch)
    for item in "abc":
        stage.watch(granted=True, item=item)
    for item in "abc":
        await stage.handle(ended("declined", item))
    assert stage.corrections == [("a-b", "declined"), ("a-c", "declined")]


@pytest.mark.parametrize(
    ("method", "params", "tells"),
    [
        (COMMAND_APPROVAL, {"itemId": "i"}, True),
        (COMMAND_APPROVAL, {"itemId": "i", "kind": "command"}, True),
        (COMMAND_APPROVAL, {"itemId": "i", "kind": "humanCommand"}, True),
        (COMMAND_APPROVAL, {"itemId": "i", "kind": "writeStdin"}, False),
        (COMMAND_APPROVAL, {"itemId": "i", "approvalId": "a"}, False),
        (COMMAND_APPROVAL, {"itemId": "i", "networkApprovalContext": {"host": "h"}}, False),
        (COMMAND_APPROVAL, {}, False),
        (PATCH_APPROVAL, {"itemId": "i"}, True),
        (PERMISSIONS_APPROVAL, {"itemId": "i"}, False),
        ("item/tool/requestUserInput", {"itemId": "i"}, False),
        ("mcpServer/elicitation/request", {}, False),
    ],
)
def test_which_requests_have_an_item_that_tells(
    method: str, params: dict[str, Any], tells: bool
) -> None:
    assert tells_outcome(method, params) is tells


@given(
    st.dictionaries(
        st.sampled_from(["type", "status", "id"]),
        st.one_of(
            st.none(),
            st.integers(),
            st.lists(st.text()),
            st.sampled_from(["commandExecution", "fileChange", "completed", "inProgress", "new"]),
        ),
    )
)
def test_an_item_that_cannot_be_read_says_nothing(item: dict[str, Any]) -> None:
    is_kind = item.get("type") in ("commandExecution", "fileChange")
    expected = True if is_kind and item.get("status") == "completed" else None
    assert was_granted(item) is expected
