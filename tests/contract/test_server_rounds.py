"""Clients of MCP 2026-07-28, which are asked by the results of their calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from contract.serving import PATIENCE_S, Served, serving
from mcp import ClientSession

from codextui.demo import Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.extensions import APPROVAL_META
from codextui.server.transports.stream import StreamChannel

pytestmark = pytest.mark.contract

ASKING = {"sandbox": "workspace-write", "approval-policy": "on-request"}


def asking_script(folder: Path, times: int = 1) -> Script:
    runs = [Run(f"touch {folder / str(n)}", escalate=True) for n in range(times)]
    return Script().on("leave", *runs, Say("Done."))


async def never(*_: Any) -> types.ElicitResult:
    raise AssertionError


@asynccontextmanager
async def modern_client(served: Served, *, elicits: bool = True) -> AsyncIterator[ClientSession]:
    channel = StreamChannel(*await asyncio.open_unix_connection(served.options.socket, limit=2**24))
    callback = never if elicits else None
    async with ClientSession(channel, channel, elicitation_callback=callback) as session:
        await session.discover()
        yield session
        channel.abort()


async def call(session: ClientSession, **more: Any) -> Any:
    arguments = {"prompt": "leave", **ASKING, **more.pop("arguments", {})}
    async with asyncio.timeout(PATIENCE_S):
        return await session.call_tool("codex", arguments, allow_input_required=True, **more)


def answers(result: types.InputRequiredResult, **answer: Any) -> dict[str, Any]:
    given = types.ElicitResult(**answer)
    return {
        "input_responses": dict.fromkeys(result.input_requests or {}, given),
        "request_state": result.request_state,
    }


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_a_call_returns_questions_and_goes_on_with_the_answers(
    codex_binary: Path, scratch: Path, workspace: Path, action: str
):
    outside = scratch / "0"
    async with (
        serving(codex_binary, scratch, asking_script(scratch)) as served,
        modern_client(served) as session,
    ):
        where = {"cwd": str(workspace)}
        asked = await call(session, arguments=where)
        assert isinstance(asked, types.InputRequiredResult)
        assert asked.input_requests is not None
        (approval_id,) = asked.input_requests
        params = asked.input_requests[approval_id].params
        assert isinstance(params, types.ElicitRequestFormParams)
        assert str(outside) in params.message
        assert "decision" in params.requested_schema["properties"]
        assert asked.meta is not None
        assert asked.meta[APPROVAL_META][approval_id]["kind"] == "command"
        result = await call(session, arguments=where, **answers(asked, action=action))
        assert result.structured_content["content"] == "Done."
        assert outside.exists() is (action == "accept")


async def test_others_are_asked_after_ten_rounds(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        serving(codex_binary, scratch, asking_script(scratch, times=11)) as served,
        modern_client(served) as session,
    ):
        result = await call(session, arguments={"cwd": str(workspace)})
        for _ in range(9):
            assert isinstance(result, types.InputRequiredResult)
            result = await call(session, **answers(result, action="accept"))
        last = asyncio.create_task(call(session, **answers(result, action="accept")))
        async with served.console() as console:
            await console.event(
                ev.ApprovalAsked,
                lambda e: (
                    isinstance(e.msg, ev.ApprovalAsked) and e.msg.approval.approval_id == "a11"
                ),
            )
            approval = await console.offered()
            assert approval.approval_id == "a11"
            await console.connection.answer("a11", Approved())
            assert (await last).structured_content["content"] == "Done."


async def test_a_client_without_elicitation_waits_for_a_supervisor(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        serving(codex_binary, scratch, asking_script(scratch)) as served,
        modern_client(served, elicits=False) as session,
        served.console() as console,
    ):
        waiting = asyncio.create_task(call(session, arguments={"cwd": str(workspace)}))
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
        assert (await waiting).structured_content["content"] == "Done."


async def test_a_returning_client_finds_the_decision_of_a_supervisor(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        serving(codex_binary, scratch, asking_script(scratch)) as served,
        modern_client(served) as session,
        served.console() as console,
    ):
        asked = await call(session, arguments={"cwd": str(workspace)})
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted)
        result = await call(session, **answers(asked, action="decline"))
        assert result.structured_content["content"] == "Done."
        assert (scratch / "0").exists()


async def test_an_unknown_request_state_is_refused(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        serving(codex_binary, scratch, asking_script(scratch)) as served,
        modern_client(served) as session,
    ):
        asked = await call(session, arguments={"cwd": str(workspace)})
        await call(session, **answers(asked, action="accept"))
        for state in (asked.request_state, "made up"):
            with pytest.raises(Exception, match="has ended"):
                await call(session, request_state=state)


@pytest.mark.parametrize("leaves", [True, False])
async def test_the_turn_of_a_client_that_does_not_return_is_interrupted(
    codex_binary: Path, scratch: Path, workspace: Path, leaves: bool
):
    script = asking_script(scratch)
    changes = {} if leaves else {"orphan_timeout_s": 0.2}
    async with serving(codex_binary, scratch, script, **changes) as served:
        async with modern_client(served) as session:
            asked = await call(session, arguments={"cwd": str(workspace)})
            assert isinstance(asked, types.InputRequiredResult)
            if not leaves:
                await interrupted(served)
        await interrupted(served)
        assert not (scratch / "0").exists()


async def interrupted(served: Served) -> None:
    """Wait for a thread's state as a client that cannot decide anything."""
    async with served.client("onlooker") as onlooker, asyncio.timeout(PATIENCE_S):
        states: list[str] = []
        while states != ["interrupted"]:
            threads = await onlooker.call("codex-threads")
            states = [row["state"] for row in threads["structuredContent"]["threads"]]
