"""Reviews on the shared server, with the real Codex."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from contract.serving import Console, serving

from codextui.demo import Say, Script
from codextui.errors import ServerRefused, TurnRunning
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract


@pytest.fixture
def repository(workspace: Path) -> Path:
    """A repository with a commit and an uncommitted change."""
    for command in (
        "git init -q -b main",
        "git config user.email ada@example.org",
        "git config user.name Ada",
        "git commit -q --allow-empty -m one",
    ):
        subprocess.run(command.split(), cwd=workspace, check=True)
    (workspace / "shop.py").write_text("price = 1\n")
    return workspace


def kinds(console: Console, thread_id: str) -> list[str]:
    return [str(one.item["type"]) for one in console.messages(thread_id, ev.ItemCompleted)]


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ({}, "current code changes"),
        ({"base": "main"}, "base branch 'main'"),
        ({"commit": "HEAD"}, "commit HEAD"),
        ({"instructions": "look at the price"}, "look at the price"),
    ],
)
async def test_a_review_is_a_turn_that_ends_with_its_findings(
    codex_binary: Path, scratch: Path, repository: Path, target: dict[str, str], asked: str
) -> None:
    script = Script().on("", Say("Nothing to find."), Say("Thanks."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call("codex-review", cwd=str(repository), **target)
        thread_id = started["thread"]["thread_id"]
        end = await console.event(ev.TurnCompleted)
        assert isinstance(end.msg, ev.TurnCompleted)
        assert (end.turn_id, end.msg.last_agent_message) == (started["turnId"], "Nothing to find.")
        info = await console.state(thread_id, ThreadState.IDLE, after=len(console.updates) - 1)
        assert (info.handle, info.turn_id) == ("review", started["turnId"])
        assert len(console.messages(thread_id, ev.TurnStarted)) == 1
        shown = kinds(console, thread_id)
        assert shown[0] == "enteredReviewMode"
        assert "exitedReviewMode" in shown
        assert asked in served.model.requests[0].last_user_text
        after = len(console.updates)
        await console.call("codex-send", thread=thread_id, prompt="thanks")
        again = await console.event(ev.TurnCompleted, after=after)
        assert again.turn_id != end.turn_id


async def test_a_review_of_a_thread_at_rest_is_in_it_and_a_detached_one_beside_it(
    codex_binary: Path, scratch: Path, repository: Path
) -> None:
    gate = asyncio.Event()
    script = Script().on("hello", Say("Hello.")).on("wait", Say("Waited.", chunk=1, gate=gate))
    script.on("current code changes", Say("Fine."), Say("Fine, too."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call("codex-start", prompt="hello", cwd=str(repository))
        thread_id = started["thread"]["thread_id"]
        await console.event(ev.TurnCompleted)
        after = len(console.updates)
        inline = await console.call("codex-review", thread=thread_id)
        assert inline["thread"]["thread_id"] == thread_id
        await console.event(ev.TurnCompleted, after=after)
        await console.call("codex-send", thread=thread_id, prompt="wait")
        with pytest.raises(TurnRunning, match="in a thread of its own"):
            await console.call("codex-review", thread=thread_id)
        detached = await console.call("codex-review", thread=thread_id, detached=True)
        beside = detached["thread"]
        assert (beside["handle"], beside["cwd"]) == ("codex-1-review", str(repository))
        await console.event(ev.TurnCompleted, lambda event: event.thread_id == beside["thread_id"])
        gate.set()


async def test_a_review_can_be_interrupted(
    codex_binary: Path, scratch: Path, repository: Path
) -> None:
    script = Script().on("", Say("Reading on.", chunk=1, gate=asyncio.Event()))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call("codex-review", cwd=str(repository))
        thread_id = started["thread"]["thread_id"]
        await served.model.wait_for_request(1)
        await console.call("codex-interrupt", thread=thread_id)
        end = await console.event(ev.TurnAborted)
        assert isinstance(end.msg, ev.TurnAborted)
        assert (end.turn_id, end.msg.reason) == (started["turnId"], "interrupted")


async def test_what_cannot_be_reviewed_is_refused(
    codex_binary: Path, scratch: Path, repository: Path
) -> None:
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        await console.call("codex-start", cwd=str(repository), handle="mine")
        for arguments, problem in (
            ({"base": "nowhere"}, "no branch or commit 'nowhere'"),
            ({"commit": "--all"}, "no branch or commit '--all'"),
            ({"base": "main", "commit": "HEAD"}, "one of base, commit"),
            ({"instructions": " "}, "with a value"),
            ({"cwd": "/"}, "either thread or cwd"),
        ):
            with pytest.raises(ServerRefused, match=problem):
                await console.call("codex-review", thread="mine", **arguments)
        with pytest.raises(ServerRefused, match="either thread or cwd"):
            await console.call("codex-review")
        with pytest.raises(ServerRefused, match="in no git repository"):
            await console.call("codex-review", cwd=str(scratch), commit="HEAD")
