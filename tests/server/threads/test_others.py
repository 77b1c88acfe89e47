"""The threads of other programs in the registry, by what a played app-server tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from codextui.errors import CodexDied, CodexFailed, ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.threads import AWAY_NOTE, ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.options import FollowLimits
from codextui.server.store.journal import Journal
from codextui.server.threads.codex_history import CodexHistory
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.others import OthersOptions, OtherThreads
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry

IDLE = {"type": "idle"}
RUNNING: dict[str, Any] = {"type": "active", "activeFlags": []}
ASKING = {"type": "active", "activeFlags": ["waitingOnApproval"]}
LIMITS = FollowLimits(listed=20, shown=2, join_pauses_s=(0.0,))
NOW = 1_000.0


class PlayedCodex:
    """An app-server that other programs use, and the worker that has joined it."""

    is_shared = True
    is_up = True
    program = "codextui"
    address = "unix:///codex.sock"

    def __init__(self) -> None:
        self.threads: dict[str, dict[str, Any]] = {}
        self.turns: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[tuple[str, str]] = []
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.resuming = asyncio.Event()
        self.listing = asyncio.Event()
        self.naming = asyncio.Event()

    async def app(self) -> PlayedCodex:
        return self

    def add(self, thread_id: str, **changes: Any) -> dict[str, Any]:
        thread = {"id": thread_id, "cwd": "/w", "source": "cli", "status": IDLE, **changes}
        self.threads[thread_id] = thread
        return thread

    async def call(self, method: str, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        thread_id = params.get("threadId", "")
        self.calls.append((method, thread_id))
        if method == "thread/resume":
            self.resuming.set()
        loaded = list(self.threads)
        if method == "thread/loaded/list":
            self.listing.set()
        if method == "thread/name/set":
            self.naming.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        match method:
            case "thread/loaded/list":
                return {"data": loaded}
            case _ if thread_id not in self.threads:
                raise CodexFailed(f"no rollout found for thread id {thread_id}")
            case "thread/turns/list":
                return {"data": self.turns.get(thread_id, [])[::-1]}
            case "thread/unsubscribe":
                return {"status": "unsubscribed"}
            case _:
                return {"thread": self.threads[thread_id], "cwd": "/w", "model": "m"}

    def made(self, method: str) -> list[str]:
        return [thread for name, thread in self.calls if name == method]


class Stage:
    def __init__(self, tmp_path: Path) -> None:
        self.codex = PlayedCodex()
        self.published: list[ev.Event] = []
        self.journal = Journal(tmp_path / "journal.sqlite")
        self.hub = EventHub(record=self.published.append)
        self.registry = ThreadRegistry(self.hub, self.journal)
        self.open: list[Approval] = []
        self.approvals = Mock()
        self.approvals.approvals_of = lambda thread: [a for a in self.open if a.thread_id == thread]
        self.approvals.approvals = ()
        self.rejoined: list[str] = []
        self.tasks: set[asyncio.Task[Any]] = set()
        options = OthersOptions(self.start, self.rejoin, LIMITS, clock=lambda: NOW)
        worker: Any = self.codex
        self.others = OtherThreads(self.hub, self.registry, worker, self.approvals, options)
        self.notifications = CodexNotifications(
            self.hub, self.registry, self.approvals, self.others
        )

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def rejoin(self, record: ThreadRecord) -> None:
        self.rejoined.append(record.thread_id)

    async def settle(self) -> None:
        while self.tasks:
            await asyncio.gather(*self.tasks)

    def tell(self, method: str, **params: Any) -> None:
        self.notifications.handle(1, method, params)

    def started(self, thread_id: str, **changes: Any) -> None:
        self.tell("thread/started", thread=self.codex.add(thread_id, **changes))

    def status(self, thread_id: str, status: dict[str, Any]) -> None:
        self.tell("thread/status/changed", threadId=thread_id, status=status)

    def item(self, thread_id: str, item_id: str, turn: str = "u") -> None:
        item = {"id": item_id, "type": "agentMessage", "text": item_id}
        self.tell("item/completed", threadId=thread_id, turnId=turn, item=item)

    def info(self, thread_id: str) -> ThreadInfo:
        record = self.registry.get(thread_id)
        assert record is not None
        return record.info

    def record(self, thread_id: str) -> ThreadRecord:
        record = self.registry.get(thread_id)
        assert record is not None
        return record

    def completed(self, thread_id: str) -> list[str]:
        return [
            str(event.msg.item["id"])
            for event in self.published
            if event.thread_id == thread_id and isinstance(event.msg, ev.ItemCompleted)
        ]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    for task in tuple(stage.tasks):
        task.cancel()
    await stage.journal.close()


def turn(turn_id: str, *items: str, status: str = "completed") -> dict[str, Any]:
    said = [{"id": item, "type": "agentMessage", "text": item} for item in items]
    return {"id": turn_id, "status": status, "items": said, "startedAt": 500}


async def test_the_state_follows_the_status(stage: Stage):
    stage.started("t")
    seen = []
    for status in (RUNNING, ASKING, RUNNING, IDLE, {"type": "systemError"}):
        stage.status("t", status)
        info = stage.info("t")
        seen.append((info.state_word, info.turn_started_at, info.waits_since))
    assert seen == [
        ("running", NOW, None),
        ("needs approval", NOW, NOW),
        ("running", NOW, None),
        ("idle", None, None),
        ("failed", None, None),
    ]
    await stage.settle()


async def test_a_thread_that_finds_a_title_for_another_stands_here_only_while_it_asks(stage: Stage):
    stage.started("t", ephemeral=True, threadSource="thread_title")
    stage.status("t", RUNNING)
    await stage.settle()
    assert stage.registry.get("t") is None
    stage.codex.add("t", ephemeral=True, threadSource="thread_title", status=ASKING)
    stage.status("t", ASKING)
    await stage.settle()
    assert stage.info("t").waits_for == "approval"
    stage.started("exec", ephemeral=True, threadSource="user")
    assert not stage.info("exec").ours


@pytest.mark.parametrize("method", ["thread/closed", "thread/archived", "thread/deleted", "status"])
async def test_a_thread_that_is_gone_leaves_with_its_events(stage: Stage, method: str):
    stage.started("t")
    if method == "status":
        stage.status("t", {"type": "notLoaded"})
    else:
        stage.tell(method, threadId="t")
    assert stage.registry.get("t") is None
    assert [type(event.msg) for event in stage.hub.events_of("t")] == [ev.ThreadLeft]
    stage.approvals.withdraw.assert_called_with(thread_id="t")


async def test_a_handle_is_the_same_after_a_thread_returns(stage: Stage):
    stage.started("a")
    stage.started("b")
    stage.registry.rename(stage.record("b"), "chosen")
    stage.others.remember_handle(stage.record("b"))
    for thread in ("a", "b"):
        stage.tell("thread/closed", threadId=thread)
    stage.started("b")
    stage.started("a")
    assert (stage.info("a").handle, stage.info("b").handle) == ("tui", "chosen")


async def test_thousands_of_threads_are_bounded_with_one_notice(stage: Stage):
    for number in range(5_000):
        stage.codex.add(f"t{number}")
    await stage.others.refresh()
    stage.started("one-more")
    assert len(list(stage.registry)) == LIMITS.listed
    warnings = [event.msg for event in stage.published if isinstance(event.msg, ev.Warned)]
    assert len(warnings) == 1
    assert len(stage.codex.made("thread/read")) == LIMITS.listed


async def test_a_new_connection_finds_what_is_left_and_drops_what_is_gone(stage: Stage):
    stage.started("stays", name="Old name")
    stage.started("goes")
    stage.notifications.handle_exit("gone")
    assert stage.info("stays").state is ThreadState.DISCONNECTED
    del stage.codex.threads["goes"]
    stage.codex.add("stays", name="New name", status=RUNNING)
    stage.codex.add("new")
    await stage.others.refresh()
    assert {record.thread_id for record in stage.registry} == {"stays", "new"}
    info = stage.info("stays")
    assert (info.state, info.name, info.handle) == (ThreadState.RUNNING, "New name", "old-name")


async def test_a_thread_that_starts_while_the_loaded_ones_are_listed_stays(stage: Stage):
    stage.codex.add("gone")
    stage.started("gone")
    stage.codex.threads.clear()
    stage.codex.gate.clear()
    stage.codex.listing.clear()
    stage.start(stage.others.refresh())
    await stage.codex.listing.wait()
    stage.started("new")
    stage.codex.gate.set()
    await stage.settle()
    assert [record.thread_id for record in stage.registry] == ["new"]


async def test_what_a_session_shows_is_followed_again_on_a_new_connection(stage: Stage):
    stage.started("t")
    await stage.others.follow(stage.record("t"), "console")
    stage.notifications.handle_exit("gone")
    assert (stage.others.following.count, stage.info("t").followed) == (0, False)
    await stage.others.refresh()
    await stage.settle()
    assert stage.info("t").followed


async def shown_and_away(stage: Stage) -> ThreadRecord:
    """Return a thread that a session shows, and that a restarted Codex has not loaded."""
    stage.started("t", name="Theirs")
    stage.codex.turns["t"] = [turn("u", "a")]
    await stage.others.follow(stage.record("t"), "console")
    stage.notifications.handle_exit("gone")
    del stage.codex.threads["t"]
    await stage.others.refresh()
    await stage.settle()
    return stage.record("t")


async def test_a_thread_that_a_session_shows_stays_while_its_codex_has_not_loaded_it(stage: Stage):
    record = await shown_and_away(stage)
    assert (record.info.state, record.info.note) == (ThreadState.DISCONNECTED, AWAY_NOTE)
    assert not record.info.followed
    stage.codex.calls.clear()
    await stage.others.follow(record, "another console")
    assert stage.codex.made("thread/resume") == []  # that would load it
    stage.notifications.handle_exit("gone again")
    await stage.others.refresh()
    assert stage.record("t") is record


@pytest.mark.parametrize("how", ["status", "started", "refresh"])
async def test_it_is_followed_again_when_a_program_opens_it(stage: Stage, how: str):
    record = await shown_and_away(stage)
    stage.codex.turns["t"].append(turn("v", "b"))
    match how:
        case "status":
            stage.codex.add("t")
            stage.status("t", IDLE)
        case "started":
            stage.started("t")
        case _:
            stage.codex.add("t")
            await stage.others.refresh()
    await stage.settle()
    assert stage.record("t") is record
    info = record.info
    assert (info.state, info.note, info.followed, info.handle) == (
        ThreadState.IDLE,
        "",
        True,
        "theirs",
    )
    assert stage.completed("t") == ["a", "b"]


@pytest.mark.parametrize("how", ["unfollow", "release"])
async def test_it_leaves_when_no_session_shows_it(stage: Stage, how: str):
    record = await shown_and_away(stage)
    if how == "unfollow":
        await stage.others.unfollow(record, "console")
    else:
        stage.others.release("console")
    await stage.settle()
    assert stage.registry.get("t") is None


async def test_it_can_be_adopted_as_nobody_has_it_open(stage: Stage):
    record = await shown_and_away(stage)
    stage.codex.calls.clear()
    await stage.others.adopt(record, client="console")
    assert (record.info.ours, record.info.state, record.info.note) == (True, ThreadState.IDLE, "")
    assert (record.loaded, stage.codex.calls) == (False, [])  # the next message loads it
    stage.others.release("console")
    await stage.settle()
    assert stage.record("t") is record


async def test_what_a_patch_changes_is_known_again_on_a_new_connection(stage: Stage):
    change = {"path": "a.py", "kind": {"type": "add"}, "diff": "new"}
    patch = {"id": "p", "type": "fileChange", "status": "inProgress", "changes": [change]}
    stage.started("t", status=ASKING)
    stage.codex.turns["t"] = [{**turn("u", status="inProgress"), "items": [patch]}]
    await stage.settle()
    known = stage.record("t").turn
    assert known.patches["p"][0].diff == "new"
    stage.notifications.handle_exit("it was lost")
    await stage.others.refresh()
    await stage.settle()
    assert stage.record("t").turn.patches == known.patches


async def test_a_patch_of_a_thread_that_nobody_follows_waits_for_its_changes(stage: Stage):
    patch = {"id": "p", "type": "fileChange", "status": "inProgress", "changes": []}
    stage.started("t", status=RUNNING)
    stage.codex.turns["t"] = [{**turn("u", status="inProgress"), "items": [patch]}]
    handled: list[str] = []

    def ask() -> None:
        assert "p" in stage.record("t").turn.patches
        handled.append("asked")

    assert stage.others.defer("t", ask, needs_item=True)
    assert stage.others.defer("t", lambda: handled.append("resolved"))
    await stage.settle()
    assert handled == ["asked", "resolved"]
    assert not stage.others.defer("t", ask, needs_item=True)


async def test_events_of_a_thread_that_nobody_follows_are_dropped(stage: Stage):
    stage.started("t")
    stage.item("t", "unseen")
    assert stage.completed("t") == []
    await stage.others.follow(stage.record("t"), "console")
    stage.item("t", "seen")
    await stage.others.unfollow(stage.record("t"), "console")
    stage.item("t", "late")
    assert stage.completed("t") == ["seen"]


async def test_what_comes_while_a_thread_is_joined_follows_its_history_once(stage: Stage):
    stage.started("t", status=RUNNING)
    stage.codex.turns["t"] = [turn("old", "a"), turn("u", "b", status="inProgress")]
    stage.codex.gate.clear()
    following = asyncio.create_task(stage.others.follow(stage.record("t"), "console"))
    await stage.codex.resuming.wait()
    stage.item("t", "b")
    stage.item("t", "c")
    assert stage.completed("t") == []
    stage.codex.gate.set()
    await following
    assert stage.completed("t") == ["a", "b", "c"]
    assert stage.record("t").turn.running_id == "u"
    assert stage.info("t").turn_started_at == 500
    await stage.others.unfollow(stage.record("t"), "console")
    await stage.others.follow(stage.record("t"), "console")
    assert stage.completed("t") == ["a", "b", "c"]


async def test_the_end_of_a_turn_while_it_is_joined_is_not_lost(stage: Stage):
    stage.started("t", status=RUNNING)
    stage.codex.turns["t"] = [turn("u", "a", status="inProgress")]
    stage.codex.gate.clear()
    following = asyncio.create_task(stage.others.follow(stage.record("t"), "console"))
    await stage.codex.resuming.wait()
    stage.status("t", IDLE)
    stage.tell("turn/completed", threadId="t", turn={"id": "u", "status": "interrupted"})
    stage.codex.gate.set()
    await following
    assert stage.info("t").state is ThreadState.INTERRUPTED
    assert stage.record("t").turn.running_id == ""


async def test_a_thread_that_waits_is_followed_and_one_with_an_open_approval_stays(stage: Stage):
    stage.started("t")
    stage.status("t", ASKING)
    await stage.settle()
    assert stage.info("t").followed
    stage.open = [Approval("a1", "t", "u", "i", "tui", 1.0, Mock())]
    stage.status("t", RUNNING)
    await stage.settle()
    assert stage.info("t").followed  # Codex has not said yet how it ended
    stage.open = []
    stage.status("t", RUNNING)
    await stage.settle()
    assert not stage.info("t").followed
    assert stage.codex.made("thread/unsubscribe") == ["t"]


async def test_a_name_that_another_program_gives_meanwhile_stays(stage: Stage):
    stage.started("t")
    worker: Any = stage.codex
    history = CodexHistory(stage.registry, worker, Mock(), stage.others)
    stage.codex.gate.clear()
    naming = asyncio.create_task(history.name(stage.record("t")))
    await stage.codex.naming.wait()
    stage.tell("thread/name/updated", threadId="t", threadName="theirs")
    stage.codex.gate.set()
    await naming
    assert stage.info("t").name == "theirs"


async def test_following_beyond_the_limit_is_refused_and_changes_nothing(stage: Stage):
    for thread in ("a", "b", "c"):
        stage.started(thread)
    await stage.others.follow(stage.record("a"), "console")
    await stage.others.follow(stage.record("b"), "console")
    with pytest.raises(ServerRefused, match="2 threads of other programs are followed"):
        await stage.others.follow(stage.record("c"), "console")
    assert stage.others.following.count == 2
    stage.others.release("console")
    await stage.settle()
    assert stage.others.following.count == 0


async def test_a_thread_that_closes_while_it_is_joined_is_left_again(stage: Stage):
    stage.started("t")
    stage.codex.gate.clear()
    following = asyncio.create_task(stage.others.follow(stage.record("t"), "console"))
    await stage.codex.resuming.wait()
    stage.tell("thread/closed", threadId="t")
    stage.codex.gate.set()
    await following
    assert stage.registry.get("t") is None
    assert stage.codex.made("thread/unsubscribe") == ["t"]


async def test_codex_may_die_while_a_thread_is_joined(stage: Stage):
    stage.started("t")
    stage.codex.failure = CodexDied("gone")
    with pytest.raises(CodexDied):
        await stage.others.follow(stage.record("t"), "console")
    stage.codex.failure = None
    await stage.others.follow(stage.record("t"), "console")
    assert stage.info("t").followed


async def test_the_sub_agent_of_a_foreign_thread_is_foreign_and_stands_under_it(stage: Stage):
    stage.started("parent")
    stage.started("child", parentThreadId="parent", agentNickname="Tester", source="vscode")
    info = stage.info("child")
    assert (info.ours, info.parent, info.origin, info.handle) == (
        False,
        "parent",
        "Codex TUI",
        "tui-tester",
    )


async def test_the_sub_agent_of_ours_is_ours_also_where_its_parent_is_told_later(stage: Stage):
    stage.registry.add(ThreadRecord(ThreadInfo("boss", "boss", ThreadState.RUNNING), loaded=True))
    stage.started("child", parentThreadId="boss")
    assert stage.info("child").ours
    stage.started("late")
    assert not stage.info("late").ours
    spawned = {
        "id": "call",
        "type": "collabAgentToolCall",
        "tool": "spawnAgent",
        "status": "completed",
        "senderThreadId": "boss",
        "receiverThreadIds": ["late"],
        "prompt": "Test it.",
        "model": "small",
        "agentsStates": {},
    }
    stage.tell("item/completed", threadId="boss", turnId="u", item=spawned)
    info = stage.info("late")
    assert (info.ours, info.followed, info.parent, info.origin) == (True, True, "boss", "")


async def test_an_unknown_thread_is_found_by_its_status(stage: Stage):
    stage.codex.add("t", status=RUNNING)
    stage.status("t", RUNNING)
    stage.status("t", RUNNING)
    await stage.settle()
    assert stage.info("t").state is ThreadState.RUNNING
    assert set(stage.codex.made("thread/read")) == {"t"}


async def test_what_is_found_while_a_thread_of_ours_is_opened_is_listed_after_that(stage: Stage):
    with stage.notifications.opening_thread():
        stage.codex.add("before", status=ASKING)
        await stage.others.refresh()
        stage.started("meanwhile")
        stage.codex.threads["meanwhile"]["status"] = ASKING
        stage.status("meanwhile", ASKING)
        await stage.settle()
        assert not list(stage.registry)
    await stage.settle()
    for thread in ("before", "meanwhile"):
        assert (stage.info(thread).waits_for, stage.info(thread).followed) == ("approval", True)


async def test_a_thread_of_ours_that_another_client_loads_is_joined(stage: Stage):
    stage.registry.add(ThreadRecord(ThreadInfo("mine", "mine", ThreadState.IDLE)))
    stage.status("mine", IDLE)
    await stage.settle()
    assert stage.rejoined == ["mine"]
    assert stage.info("mine").ours


async def test_an_app_server_that_nobody_else_can_join_has_no_other_threads(stage: Stage):
    stage.codex.is_shared = False
    stage.started("child")
    assert stage.info("child").ours
    stage.status("child", ASKING)
    assert stage.info("child").state is ThreadState.IDLE


async def test_a_thread_whose_first_turn_begins_gets_its_brief_and_branch(stage: Stage):
    stage.started("t")
    stage.status("t", RUNNING)
    stage.codex.add("t", preview="Fix it", gitInfo={"branch": "main"}, status=RUNNING)
    await stage.settle()
    info = stage.info("t")
    assert (info.brief, info.branch, info.state_word) == ("Fix it", "main", "running")
    reads = stage.codex.made("thread/read")
    stage.status("t", IDLE)
    await stage.settle()
    assert stage.codex.made("thread/read") == reads
