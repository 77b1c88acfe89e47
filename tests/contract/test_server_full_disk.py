"""A server whose state folder has no room, with the real Codex: nothing runs off the record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from contract.serving import Console, serving, until
from contract.test_server_approvals import asking_script, start
from server.store.small_disk import SmallDisk, small_disk

from codextui.client.updates import EventReceived
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract


@pytest.fixture
def disk(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    with small_disk(scratch / "disk", monkeypatch) as disk:
        yield disk


async def warned(console: Console, words: str, after: int = 0) -> None:
    def find(update: object) -> bool | None:
        event = update.event if isinstance(update, EventReceived) else None
        fits = event is not None and isinstance(event.msg, ev.Warned) and words in event.msg.message
        return fits or None

    await console.first(find, after)


async def test_nothing_is_carried_out_that_is_not_on_the_record(
    codex_binary: Path, scratch: Path, workspace: Path, disk: SmallDisk
):
    outside = scratch / "outside.txt"
    journal = disk.folder / "j.sqlite"
    script = asking_script(outside)
    async with (
        serving(codex_binary, scratch, script, journal=journal) as served,
        served.console() as console,
    ):
        disk.fill()
        thread_id = await start(console, workspace, "leave", handle="begun-while-full")
        approval = await console.offered()
        await warned(console, "cannot be written")
        told = await console.call("codex-approvals")
        assert "cannot be written" in told["warning"]
        with pytest.raises(ServerRefused, match="could not record it"):
            await console.connection.answer(approval.approval_id, Approved())
        answer = {"approval": approval.approval_id, "decision": "approved"}
        with pytest.raises(ServerRefused, match="could not be recorded"):
            await console.call("codex-answer", **answer)
        assert not outside.exists()
        assert (await console.call("codex-approvals"))["approvals"]
        await console.offered(2)
        disk.free()
        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted)
        assert outside.exists()
        with closing(sqlite3.connect(journal)) as database:
            row = database.execute("SELECT approval_id, outcome, by FROM approvals").fetchall()
        assert row == [(approval.approval_id, "approved", "console")]
        await warned(console, "nothing is missing")
        assert "warning" not in await console.call("codex-approvals")
        await console.state(thread_id, ThreadState.IDLE)
    async with (
        serving(codex_binary, scratch, script, journal=journal) as served,
        served.console() as console,
    ):
        rows = (await console.call("codex-threads"))["threads"]
        assert [row["handle"] for row in rows] == ["begun-while-full"]
        (resolved,) = console.messages(thread_id, ev.ApprovalResolved)
        assert resolved.outcome == "approved"
        await until(lambda: len(console.messages(thread_id, ev.TurnCompleted)) == 1)
