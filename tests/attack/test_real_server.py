"""Random approval schedules against a server process with the real Codex, which are killed, too.

A command appends a line to a file of its own: that tells how often it ran. Schedules of a round
share a server, and run at the same time. `CODEXTUI_ATTACK_SEED` and `CODEXTUI_ATTACK_ROUNDS`
choose other ones, or more of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attack.replies import ALWAYS, DENIED, NOES, ONCE, OPEN, YESES, random_arguments, random_result
from contract.serving import Console, RawClient, ServerProcess, server_process

from codextui.client.updates import ApprovalOffered
from codextui.demo import Run, Say, Script
from codextui.errors import CodextuiError
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.decisions import (
    Aborted,
    Approved,
    Decision,
    Declined,
    Scope,
    decision_word,
)

pytestmark = [pytest.mark.attack, pytest.mark.contract]

SEED = os.environ.get("CODEXTUI_ATTACK_SEED", "codextui")
ROUNDS = int(os.environ.get("CODEXTUI_ATTACK_ROUNDS", "4"))
AT_ONCE = 8
PATIENCE_S = 60
ENDS = ("none", "kill Codex", "kill the server", "stop the server")
DECISIONS: list[Decision] = [
    *(Approved(), Approved(), Approved(Scope.SESSION), Approved(Scope.ALWAYS)),
    *(Declined("no"), Aborted()),
]


class Schedule:
    """One command of one thread, and those who decide on it."""

    def __init__(self, name: str, random: Random, folder: Path) -> None:
        self.name = name
        self.random = random
        self.file = folder / f"ran-{name}"
        self.workspace = folder / f"workspace-{name}"
        self.workspace.mkdir()
        self.thread_id = ""
        self.approval: Approval | None = None
        self.attempts: list[tuple[str, frozenset[str]]] = []

    @property
    def run(self) -> Run:
        return Run(f"echo ran >> {self.file}", escalate=True)

    @property
    def times_run(self) -> int:
        return len(self.file.read_text().splitlines()) if self.file.exists() else 0

    async def play(self, served: ServerProcess, consoles: list[Console]) -> None:
        """Let the command be asked about, and be decided by several at once."""
        async with served.client(f"caller-{self.name}", elicitation={}) as caller:
            by_call = self.random.random() < 0.5
            options = {"sandbox": "read-only", "approval-policy": "on-request"}
            arguments = {"prompt": f"<{self.name}>", "cwd": str(self.workspace), **options}
            if by_call:
                caller.begin_tool("codex", **arguments)
            else:
                await consoles[0].call("codex-start", **arguments)
            self.approval = await consoles[0].first(self._offered)
            self.thread_id = self.approval.thread_id
            ways: list[Callable[[], Awaitable[None]]] = [
                lambda: self._by_console(consoles[0], "console-1"),
                lambda: self._by_console(consoles[1], "console-2"),
                lambda: self._by_tool(served),
            ]
            if by_call:
                ways.append(lambda: self._by_caller(caller))
            await self._race([self.random.choice(ways) for _ in range(self.random.randint(1, 4))])
            if all(OPEN in outcomes for _, outcomes in self.attempts):
                await self._by_tool(served, decided=True)
            await consoles[0].first(self._ended)

    def check(self, row: dict[str, Any] | None, *, interrupted: bool) -> None:
        """Compare what ran with the audit log, and that with what was answered.

        Args:
            row: the approval in the audit log; None where it has none.
            interrupted: whether something was killed, so that an approved command need not run.
        """
        ran, outcome = self.times_run, row["outcome"] if row is not None else None
        by = f"{outcome!r} by {row['by']!r}" if row is not None else "nothing"
        said = f"{self.name}: the log has {by}, the answers were {self.attempts}"
        assert ran <= 1, said
        if ran:
            assert outcome in YESES, said
        if outcome in YESES:
            assert row is not None
            assert any(row["by"] == by and outcome in words for by, words in self.attempts), said
            assert ran or interrupted or row["lost_at"], said
        elif not interrupted:
            assert outcome in NOES, said

    def _fitting(self, word: str) -> str:
        """Return a word for a decision, or a no where it is a yes that does not fit."""
        assert self.approval is not None
        assert isinstance(self.approval.asked, CommandAsked)
        return word if word != ALWAYS or self.approval.asked.rule else DENIED

    def _offered(self, update: object) -> Approval | None:
        if isinstance(update, ApprovalOffered) and str(self.file) in str(update.approval.asked):
            return update.approval
        return None

    def _ended(self, update: Any) -> bool | None:
        event = getattr(update, "event", None)
        ends = (ev.TurnCompleted, ev.TurnAborted)
        is_end = event is not None and isinstance(event.msg, ends)
        return True if is_end and event.thread_id == self.thread_id else None

    async def _race(self, ways: list[Callable[[], Awaitable[None]]]) -> None:
        async def later(way: Callable[[], Awaitable[None]], seconds: float) -> None:
            await asyncio.sleep(seconds)
            with suppress(CodextuiError):
                await way()

        pauses = [self.random.choice((0.0, 0.0, 0.005, 0.05)) for _ in ways]
        await asyncio.gather(*map(later, ways, pauses))

    async def _by_console(self, console: Console, name: str) -> None:
        assert self.approval is not None
        decision = self.random.choice(DECISIONS)
        # Where somebody else was faster, it is refused.
        self.attempts.append((name, frozenset({self._fitting(decision_word(decision)), OPEN})))
        await console.connection.answer(self.approval.approval_id, decision)

    async def _by_tool(self, served: ServerProcess, *, decided: bool = False) -> None:
        assert self.approval is not None
        reply = random_arguments(self.random)
        arguments = dict(reply.value or {})
        if decided:
            arguments = {"decision": self.random.choice((ONCE, DENIED))}
        words = frozenset({arguments["decision"]}) if decided else reply.outcomes
        name = f"tool-{self.name}-{len(self.attempts)}"
        fits = words == frozenset(map(self._fitting, words))
        self.attempts.append((name, words if fits else frozenset({OPEN, DENIED})))
        async with served.client(name) as client:
            client.begin_tool("codex-answer", approval=self.approval.approval_id, **arguments)
            await client.message(lambda message: message.get("id") == 2)

    async def _by_caller(self, caller: RawClient) -> None:
        request = await caller.elicited()
        reply = random_result(self.random)
        chance = self.random.random()
        outcomes = frozenset(map(self._fitting, reply.outcomes))
        if reply.value is None or chance < 0.2:
            # An error, or a result and an error at once: nobody there could be asked.
            both = {"result": {"action": "accept"}} if reply.value is not None else {}
            caller.send({"id": request["id"], "error": {"code": -1, "message": "no"}, **both})
            outcomes = frozenset({OPEN, DENIED})
        else:
            caller.answer(request, dict(reply.value))
        self.attempts.append((f"caller-{self.name}", outcomes))


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_real_command_runs_if_and_only_if_one_valid_approval_won(
    number: int,
    codex_binary: Path,
    scratch: Path,
    record_property: Callable[[str, object], None],
):
    random = Random(f"{SEED} real {number}")
    end = ENDS[number % len(ENDS)]
    schedules = [
        Schedule(f"r{number}s{i}", Random(f"{SEED} real {number} {i}"), scratch)
        for i in range(AT_ONCE)
    ]
    script = Script()
    for schedule in schedules:
        script.on(f"<{schedule.name}>", schedule.run, Say("Done."))
    async with server_process(codex_binary, scratch, script) as served:
        async with served.console("console-1") as first, served.console("console-2") as second:
            playing = asyncio.gather(
                *(schedule.play(served, [first, second]) for schedule in schedules),
                return_exceptions=True,
            )
            if end != "none":
                await first.offered(random.randint(1, AT_ONCE))
                if random.random() < 0.7:
                    await first.event(ev.ApprovalResolved)
                await asyncio.sleep(random.random() * 0.05)
                await disturb(end, served, first)
            if end in {"none", "kill Codex"}:
                async with asyncio.timeout(PATIENCE_S):
                    results = await playing
                if end == "none":
                    assert results == [None] * AT_ONCE
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        restarts = served.process.returncode is not None
        if restarts:
            await served.start()
        await check_reading(served, nothing_waits=restarts)
        await served.stop()
    rows = read_log(served.options.journal)
    for schedule in schedules:
        # A schedule that was stopped in time has no approval, or nobody has seen it.
        row = next((r for r in rows if str(schedule.file) in r["asked"]), None)
        schedule.check(row, interrupted=end != "none")
    ran = sum(schedule.times_run for schedule in schedules)
    record_property(
        "attack", f"{AT_ONCE} real schedules with seed {SEED!r}, end: {end}: {ran} commands ran"
    )


async def disturb(end: str, served: ServerProcess, console: Console) -> None:
    match end:
        case "kill Codex":
            os.kill((await console.call("codex-server"))["codex"]["pid"], signal.SIGKILL)
        case "kill the server":
            await served.kill()
        case _:
            served.process.terminate()
            await served.ended()


async def check_reading(served: ServerProcess, *, nothing_waits: bool) -> None:
    """Compare what a client reads of all approvals with the audit log."""
    async with served.console("reader") as reader:
        waiting = (await reader.call("codex-approvals"))["approvals"]
        for approval in waiting:
            await reader.call("codex-answer", approval=approval["approval_id"], decision=DENIED)
        ends = [e.msg for e in reader.events if isinstance(e.msg, ev.ApprovalResolved)]
        read = {end.approval_id: end.outcome for end in ends}
        asked = [e.msg.approval for e in reader.events if isinstance(e.msg, ev.ApprovalAsked)]
        logged = {row["approval_id"]: row for row in read_log(served.options.journal)}
        for approval_id in {approval.approval_id for approval in asked} & read.keys():
            row = logged[approval_id]
            assert read[approval_id] == ("lost" if row["lost_at"] else row["outcome"])
        if nothing_waits:
            assert not waiting
            assert {approval.approval_id for approval in asked} <= read.keys()


def read_log(journal: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM approvals")]
