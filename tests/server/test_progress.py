from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.server.mcp.progress import MAX_SHOWN, Progress, tell_msg
from codextui.server.mcp.session import Caller, Session

APPROVAL = Approval("a7", "t", "u", "i", "backend", 1.0, CommandAsked("rm -r build"))


@dataclass
class Told:
    """A channel that keeps what is told."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, method: str, params: dict[str, Any], *, for_call: object) -> None:
        assert method == "notifications/progress"
        assert for_call == 5
        self.messages.append(params)
        self.came.set()

    async def next(self) -> str:
        self.came.clear()
        async with asyncio.timeout(10):
            await self.came.wait()
        return str(self.messages[-1]["message"])


def progress(told: Told, *, token: str | None = "token", interval_s: float = 1000.0) -> Progress:
    session = Session(cast("Any", told))
    caller = Caller(session, 5, supervises=False, elicits=False, progress_token=token)
    return Progress(caller, interval_s=interval_s, how_to_answer=lambda a: f"`{a.approval_id}`")


async def test_every_message_counts_on():
    told = Told()
    with progress(told) as one:
        one.hear(ev.TurnStarted())
        one.hear(ev.TextDelta("i", "a"))
        one.hear(ev.ItemStarted({"id": "i", "type": "reasoning"}))
    assert [message["message"] for message in told.messages] == ["starting", "works", "thinks"]
    assert [message["progress"] for message in told.messages] == [1, 2, 3]
    assert {message["progressToken"] for message in told.messages} == {"token"}


async def test_what_a_person_has_to_do_is_said_until_it_is_done():
    told = Told()
    with progress(told, interval_s=0.01) as one:
        one.hear(ev.ApprovalAsked(APPROVAL))
        assert told.messages[-1]["message"] == "waits for a decision: May Codex run `rm -r build`?"
        one.unattended(APPROVAL)
        needs = "needs input: May Codex run `rm -r build`? Answer with `a7`"
        assert told.messages[-1]["message"] == needs
        one.hear(ev.Warned("something else"))
        assert (await told.next()).startswith(needs)
        one.hear(ev.ApprovalResolved("a7", "approved", "console"))
        assert told.messages[-1]["message"] == "a7 was approved by console"


async def test_nothing_is_said_after_the_end_or_without_a_token():
    told, silent = Told(), Told()
    with progress(told, interval_s=0.0) as one, progress(silent, token=None) as other:
        other.hear(ev.TurnStarted())
    count = len(told.messages)
    one.hear(ev.TurnStarted())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(told.messages) == count
    assert silent.messages == []


@pytest.mark.parametrize(
    ("item", "began", "ended"),
    [
        (
            {"type": "commandExecution", "command": "make\x1b[2J\n test", "exitCode": 2},
            "runs `make\N{REPLACEMENT CHARACTER}[2J test`",
            "ran `make\N{REPLACEMENT CHARACTER}[2J test` (exit code 2)",
        ),
        (
            {"type": "fileChange", "changes": [{"path": "a.py"}, {"path": "b.py"}]},
            "changes a.py, b.py",
            "changed a.py, b.py",
        ),
        ({"type": "fileChange", "changes": None}, "changes files", "changed files"),
        ({"type": "mcpToolCall", "server": "s", "tool": "t"}, "calls s.t", "called s.t"),
        ({"type": "agentMessage", "text": "Hello\nthere"}, "speaks", "said: Hello there"),
        ({"type": "userMessage"}, "", ""),
        ({"type": "quite new"}, "began: quite new", "ended: quite new"),
    ],
)
def test_items_are_told_in_a_line(item: dict[str, Any], began: str, ended: str):
    assert tell_msg(ev.ItemStarted(item)) == began
    assert tell_msg(ev.ItemCompleted(item)) == ended


def test_a_long_command_is_shortened():
    told = tell_msg(ev.ItemStarted({"type": "commandExecution", "command": "x" * 10_000_000}))
    assert len(told) == len("runs ``") + MAX_SHOWN
    assert told.endswith("…`")
