"""Two answers to one request at once: the audit log says in the end what Codex carried out."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.other_program import OtherProgram, SharedCodex
from contract.serving import Console, Served, until

from codextui.demo import Patch, Run, Say, Script
from codextui.errors import ApprovalGone
from codextui.protocol import events as ev
from codextui.protocol.decisions import Aborted, Approved, Decision, Declined, Scope
from codextui.server import app as server_app

pytestmark = pytest.mark.contract

ROUNDS = 24
"""Races of one kind. Between one and three of them used to stand wrong in the log."""


@pytest.fixture
def script(scratch: Path) -> Script:
    script = Script()
    made = scratch / "made"
    ask = Run(f"touch {made}", escalate=True, justification="to see")
    script.on("make it", ask, Say("Made."))
    slow = Run(f"touch {made}; exec sleep 600", escalate=True, justification="to see")
    script.on("begin it", slow, Say("Begun."))
    patch = "*** Begin Patch\n*** Add File: made.txt\n+one line\n*** End Patch\n"
    script.on("patch it", Patch(patch), Say("Patched."))
    twice = Run(f"touch {made}", escalate=True, justification="to see")
    script.on("twice", [twice, twice], Say("Made twice."))
    script.on("not that", Say("Then not."))
    return script


class Held:
    """What Codex tells our server, held back while that is answering."""

    def __init__(self) -> None:
        self.is_holding = False
        self._waiting: list[Callable[[], None]] = []

    def pass_on(self, handle: Callable[[], None]) -> None:
        if self.is_holding:
            self._waiting.append(handle)
        else:
            handle()

    @contextmanager
    def holding(self) -> Iterator[None]:
        self.is_holding = True
        try:
            yield
        finally:
            self.is_holding = False
            for handle in self._waiting:
                handle()
            self._waiting.clear()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held = Held()
    router = server_app._CodexRouter
    handle_notification = router.handle_notification

    def handle(self: Any, *message: Any) -> None:
        held.pass_on(lambda: handle_notification(self, *message))

    monkeypatch.setattr(router, "handle_notification", handle)
    return held


LOGGED = """
SELECT iif(lost_at IS NULL, outcome, 'lost'), carried_out FROM approvals ORDER BY id
"""


def logged(served: Served) -> list[tuple[str, str | None]]:
    """How each approval was decided here, and the correction of that."""
    with closing(sqlite3.connect(served.options.journal)) as database:
        rows = database.execute(LOGGED)
        return [(str(outcome), carried_out) for outcome, carried_out in rows]


def truth(row: tuple[str, str | None]) -> bool | None:
    """Whether the log says in the end that it was granted; None where it says that others know."""
    outcome, carried_out = row
    if carried_out is not None:
        return None if carried_out == "unknown" else carried_out == "approved"
    return None if outcome in ("answered_elsewhere", "lost") else outcome.startswith("approved")


async def begin(program: OtherProgram, workspace: Path, kind: str) -> str:
    """Start a turn that asks, on a thread that is new."""
    options = {"approvalPolicy": "untrusted", "sandbox": "read-only"} if kind == "patch" else {}
    thread = await program.start_thread(workspace, **options)
    await program.start_turn(thread, "patch it" if kind == "patch" else "make it")
    return thread


def made(scratch: Path, workspace: Path) -> Path:
    paths = (scratch / "made", workspace / "made.txt")
    return next((path for path in paths if path.exists()), paths[0])


async def at_rest(served: Served, console: Console) -> None:
    """Wait until nothing of the other program is followed: no decision is to be checked."""
    async with asyncio.timeout(60):
        while (await console.call("codex-server"))["codex"]["following"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


CASES = [
    (Approved(), "decline", "approved", "declined"),
    (Approved(), "cancel", "approved", "declined"),
    (Approved(Scope.SESSION), "decline", "approved_for_session", "declined"),
    (Declined(), "accept", "denied", "approved"),
    (Declined("not that"), "accept", "denied", "approved"),
    (Aborted(), "accept", "abort", "approved"),
    (Approved(), "accept", "approved", None),
    (Declined("not that"), "decline", "denied", None),
]


@pytest.mark.parametrize("kind", ["command", "patch"])
@pytest.mark.parametrize(("ours", "theirs", "outcome", "corrected"), CASES)
@pytest.mark.parametrize("followed", [False, True], ids=["late", "followed"])
async def test_an_answer_that_came_second_is_corrected_in_the_log(
    *,
    codex: SharedCodex,
    served: Served,
    held: Held,
    workspace: Path,
    scratch: Path,
    kind: str,
    ours: Decision,
    theirs: str,
    outcome: str,
    corrected: str | None,
    followed: bool,
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(
            workspace,
            **({"approvalPolicy": "untrusted", "sandbox": "read-only"} if kind == "patch" else {}),
        )
        if followed:
            await console.event(ev.ThreadChanged, lambda e: e.thread_id == thread)
            await console.call("codex-follow", thread=thread, follow=True)
        await program.start_turn(thread, "patch it" if kind == "patch" else "make it")
        request = await program.asked(thread)
        approval = await console.offered()
        with held.holding():
            await program.decide(request, theirs)
            await program.resolved(request)
            await console.connection.answer(approval.approval_id, ours)
        await program.heard("turn/completed", thread)
        if (kind, theirs, followed) == ("command", "cancel", False):
            corrected = "unknown"  # Codex tells of it only who followed the thread before
        if corrected is not None:
            event = await console.event(ev.ApprovalCorrected)
            assert (event.thread_id, event.turn_id) == (thread, approval.turn_id)
        if followed:
            await console.call("codex-follow", thread=thread, follow=False)
        await at_rest(served, console)
        assert len(console.messages(thread, ev.ApprovalCorrected)) == (corrected is not None)
        if theirs == "accept":  # the reason of a decline that did not count is told to nobody
            assert "not that" not in str([one.body["input"] for one in codex.model.requests])
    assert logged(served) == [(outcome, corrected)]
    assert made(scratch, workspace).exists() == (theirs == "accept")


@pytest.mark.parametrize("kind", ["command", "patch"])
@pytest.mark.parametrize(
    ("ours", "theirs", "outcome"),
    [(Approved(), "decline", "approved"), (Declined(), "accept", "denied")],
)
async def test_an_answer_that_came_first_stands(
    *,
    codex: SharedCodex,
    served: Served,
    workspace: Path,
    scratch: Path,
    kind: str,
    ours: Decision,
    theirs: str,
    outcome: str,
):
    program = await codex.program()
    async with served.console() as console:
        thread = await begin(program, workspace, kind)
        request = await program.asked(thread)
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, ours)
        await program.resolved(request)
        await program.decide(request, theirs)
        await program.heard("turn/completed", thread)
        await at_rest(served, console)
    assert logged(served) == [(outcome, None)]
    assert made(scratch, workspace).exists() == isinstance(ours, Approved)


@pytest.mark.parametrize("kind", ["command", "patch"])
async def test_of_answers_in_the_same_moment_the_log_says_in_the_end_which_counted(
    codex: SharedCodex, served: Served, workspace: Path, scratch: Path, kind: str
):
    program = await codex.program()
    results: list[bool] = []
    async with served.console() as console:
        for number in range(1, ROUNDS + 1):
            made(scratch, workspace).unlink(missing_ok=True)
            thread = await begin(program, workspace, kind)
            request = await program.asked(thread)
            approval = await console.offered(number)
            ours, theirs = (Approved(), "decline") if number % 2 else (Declined(), "accept")
            answers = [
                console.connection.answer(approval.approval_id, ours),
                program.decide(request, theirs),
            ]
            ordered = answers if number // 2 % 2 else reversed(answers)
            for end in await asyncio.gather(*ordered, return_exceptions=True):
                assert end is None or isinstance(end, ApprovalGone)
            await program.heard("turn/completed", thread)
            await at_rest(served, console)
            results.append(made(scratch, workspace).exists())
    said = [truth(row) for row in logged(served)]
    assert len(said) == len(results) == ROUNDS
    assert [one for one in zip(said, results, strict=True) if one[0] not in (None, one[1])] == []


@pytest.mark.parametrize("how", ["goes on", "is interrupted"])
async def test_a_command_that_runs_without_a_word_was_granted(
    codex: SharedCodex, served: Served, workspace: Path, scratch: Path, how: str
):
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        turn = await program.start_turn(thread, "begin it")
        await program.asked(thread)
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
        await until((scratch / "made").exists)
        if how == "is interrupted":
            await program.call("turn/interrupt", threadId=thread, turnId=turn)
        await program.heard("turn/completed", thread)  # Codex waits ten seconds for a command
        await at_rest(served, console)
        await program.call("thread/backgroundTerminals/clean", threadId=thread)
    assert logged(served) == [("approved", None if how == "goes on" else "unknown")]


@pytest.mark.parametrize("decision", ["acceptForSession", "rule"])
async def test_codex_settles_no_other_request_by_an_approval_that_would_cover_it(
    codex: SharedCodex, served: Served, workspace: Path, decision: str
):
    """If this fails, such a request must no longer be called answered elsewhere."""
    program = await codex.program()
    async with served.console() as console:
        thread = await program.start_thread(workspace)
        await program.start_turn(thread, "twice")
        first = await program.asked(thread)
        second = await program.asked(thread, seen=program.messages.index(first) + 1)
        here = [await console.offered(1), await console.offered(2)]
        answer: Any = decision
        if decision == "rule":
            prefix = first["params"]["proposedExecpolicyAmendment"]
            answer = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": prefix}}
        await program.decide(first, answer)
        await program.resolved(first)
        await console.withdrawn(here[0].approval_id)
        is_open = (await console.call("codex-approvals"))["approvals"]
        assert [row["approval_id"] for row in is_open] == [here[1].approval_id]
        await program.decide(second, "accept")
        await program.heard("turn/completed", thread)
    assert logged(served) == [("answered_elsewhere", None)] * 2
