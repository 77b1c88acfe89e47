"""The tokens of threads and turns with a real Codex: forks, overflows, restarts, late clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract.serving import Console, serving, until

from codextui.demo import Fail, Run, Say, Script
from codextui.demo.responses import ResponseBuilder
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract

CALL = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 10},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}


@pytest.fixture(autouse=True)
def every_call_uses_120_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResponseBuilder, "_usage", lambda _: CALL)


async def start(console: Console, cwd: Path, prompt: str, handle: str) -> str:
    started = await console.call("codex-start", prompt=prompt, cwd=str(cwd), handle=handle)
    await console.state(started["thread"]["thread_id"], ThreadState.RUNNING)
    return str(started["thread"]["thread_id"])


async def send(console: Console, thread_id: str, prompt: str) -> str:
    turn_id = (await console.call("codex-send", thread=thread_id, prompt=prompt))["turnId"]
    await until(lambda: turn_id in turns(console, thread_id))
    return str(turn_id)


def turns(console: Console, thread_id: str) -> dict[str, int | None]:
    """Return the tokens of a thread's turns that have ended."""
    return {
        event.turn_id: event.msg.usage and event.msg.usage.total
        for event in console.events
        if event.thread_id == thread_id and isinstance(event.msg, ev.TurnCompleted | ev.TurnAborted)
    }


async def totals(console: Console) -> dict[str, int]:
    rows: list[dict[str, Any]] = (await console.call("codex-threads"))["threads"]
    return {row["handle"]: row["usage"]["total"] for row in rows}


async def test_threads_and_turns_show_what_they_used(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script()
    script.on("look", Run("true"), Say("I looked."))
    script.on("two", Say("Second."))
    script.on("other way", Say("Forked."))
    script.on("too long", Fail(0, "Too long for this model.", "context_length_exceeded"))
    async with serving(codex_binary, scratch, script) as served:
        async with served.console() as console:
            source = await start(console, workspace, "look", "source")
            await until(lambda: len(turns(console, source)) == 1)
            (first,) = turns(console, source)
            second = await send(console, source, "two")
            assert turns(console, source) == {first: 240, second: 120}
            whole = (await console.call("codex-fork", thread="source", handle="whole"))["thread"]
            early = (await console.call("codex-fork", thread="source", turn=first, handle="early"))[
                "thread"
            ]
            for fork in (whole["thread_id"], early["thread_id"]):
                forked = await send(console, fork, "other way")
                assert turns(console, fork)[forked] == 120
            # An overflow on a fork: the source's last call comes again, and is not the fork's.
            over = (await console.call("codex-fork", thread="source", handle="over"))["thread"]
            failed = await send(console, over["thread_id"], "too long")
            assert turns(console, over["thread_id"])[failed] is None
            empty = await start(console, workspace, "too long", "empty")
            await until(lambda: len(turns(console, empty)) == 1)
            expected = {"source": 360, "whole": 120, "early": 120, "over": 0, "empty": 0}
            assert await totals(console) == expected
            (shown,) = [t for t in console.messages(empty, ev.TokensCounted) if t.context_window]
            assert shown.context_tokens == shown.context_window
        await served.stop()
        await served.start()
        async with served.console() as late:
            assert await totals(late) == expected
            assert turns(late, source) == {first: 240, second: 120}
            third = await send(late, source, "two")
            again = await send(late, early["thread_id"], "other way")
            assert turns(late, source)[third] == turns(late, early["thread_id"])[again] == 120
            assert await totals(late) == expected | {"source": 480, "early": 240}
