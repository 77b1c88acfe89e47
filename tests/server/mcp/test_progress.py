from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from codextui.protocol import events as ev
from codextui.protocol.approval_text import MAX_SHORT
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.server.clients import Caller, Session
from codextui.server.mcp.progress import ProgressReporter, describe_event

APPROVAL = Approval("a7", "t", "u", "i", "backend", 1.0, CommandAsked("rm -r build"))


@dataclass
class FakeChannel:
    """A channel that records what it is to send."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    sent: asyncio.Event = field(default_factory=asyncio.Event)

    def notify_soon(self, method: str, params: dict[str, Any], *, for_call: object) -> None:
        assert method == "notifications/progress"
        assert for_call == 5
        self.messages.append(params)
        self.sent.set()

    async def next(self) -> str:
        self.sent.clear()
        async with asyncio.timeout(60):
            await self.sent.wait()
        return str(self.messages[-1]["message"])


def progress(
    channel: FakeChannel,
    *,
    token: str | None = "token",
    interval_s: float = 1000.0,
    stop: str = "",
) -> ProgressReporter:
    session = Session(cast("Any", channel))
    caller = Caller(session, 5, supervises=False, elicits=False, progress_token=token)
    return ProgressReporter(
        caller,
        interval_s=interval_s,
        how_to_answer=lambda a: f"`{a.approval_id}`",
        how_to_stop=lambda: stop,
    )


async def test_progress_increases_with_every_message():
    channel = FakeChannel()
    with progress(channel) as one:
        one.on_event(ev.TurnStarted())
        one.on_event(ev.TextDelta("i", "a"))
        one.on_event(ev.ItemStarted({"id": "i", "type": "reasoning"}))
    assert [message["message"] for message in channel.messages] == ["starting", "works", "thinks"]
    assert [message["progress"] for message in channel.messages] == [1, 2, 3]
    assert {message["progressToken"] for message in channel.messages} == {"token"}


async def test_a_client_that_cannot_cancel_is_told_how_to_stop_the_turn():
    channel = FakeChannel()
    with progress(channel, interval_s=0.01, stop="codextui interrupt backend") as one:
        one.on_event(ev.TurnStarted())
        assert channel.messages[-1]["message"] == "works; to stop it: `codextui interrupt backend`"
        one.on_event(ev.ItemStarted({"id": "i", "type": "reasoning"}))
        assert channel.messages[-1]["message"] == "thinks"
        assert await channel.next() == "thinks (0 s; to stop it: `codextui interrupt backend`)"


async def test_what_a_person_has_to_do_is_repeated_until_it_is_done():
    channel = FakeChannel()
    with progress(channel, interval_s=0.01) as one:
        one.on_event(ev.ApprovalAsked(APPROVAL))
        assert (
            channel.messages[-1]["message"] == "waits for a decision: May Codex run `rm -r build`?"
        )
        one.on_unattended(APPROVAL)
        needs = "needs input: May Codex run `rm -r build`? Answer with `a7`"
        assert channel.messages[-1]["message"] == needs
        one.on_event(ev.Warned("something else"))
        assert (await channel.next()).startswith(needs)
        one.on_event(ev.ApprovalResolved("a7", "approved", "console"))
        assert channel.messages[-1]["message"] == "a7 was approved by console"
        one.on_event(ev.ApprovalCorrected("a7", "declined"))
        said = "a7: another client's answer came first: declined there"
        assert channel.messages[-1]["message"] == said


async def test_nothing_is_reported_after_the_end_or_without_a_token():
    channel, silent = FakeChannel(), FakeChannel()
    with progress(channel, interval_s=0.0) as one, progress(silent, token=None) as other:
        other.on_event(ev.TurnStarted())
    count = len(channel.messages)
    one.on_event(ev.TurnStarted())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(channel.messages) == count
    assert silent.messages == []


@pytest.mark.parametrize(
    ("item", "began", "ended"),
    [
        (
            {"type": "commandExecution", "command": "make\x1b[2J\n test", "exitCode": 2},
            "runs `make␛[2J ␊ test`",
            "ran `make␛[2J ␊ test` (exit code 2)",
        ),
        (
            {"type": "fileChange", "changes": [{"path": "a.py"}, {"path": "b.py"}]},
            "changes a.py, b.py",
            "changed a.py, b.py",
        ),
        ({"type": "fileChange", "changes": None}, "changes files", "changed files"),
        ({"type": "mcpToolCall", "server": "s", "tool": "t"}, "calls s.t", "called s.t"),
        (
            {"type": "collabAgentToolCall", "tool": "wait", "receiverThreadIds": ["c"]},
            "waits for c",
            "waits for c",
        ),
        (
            {
                "type": "subAgentActivity",
                "kind": "started",
                "agentThreadId": "c",
                "agentPath": "/root/tester",
            },
            "",
            "started the sub-agent tester",
        ),
        ({"type": "subAgentActivity"}, "", ""),
        ({"type": "agentMessage", "text": "Hello\nthere"}, "speaks", "said: Hello there"),
        ({"type": "userMessage"}, "", ""),
        ({"type": "quite new"}, "began: quite new", "ended: quite new"),
    ],
)
def test_items_are_described_in_one_line(item: dict[str, Any], began: str, ended: str):
    assert describe_event(ev.ItemStarted(item)) == began
    assert describe_event(ev.ItemCompleted(item)) == ended


def test_a_long_command_is_shortened():
    described = describe_event(
        ev.ItemStarted({"type": "commandExecution", "command": "x" * 10_000_000})
    )
    assert len(described) == len("runs ``") + MAX_SHORT
    assert described.endswith("…`")
