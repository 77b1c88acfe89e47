"""What a journal tells of turns, waits and threads, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from doctor.conftest import Stage
from hypothesis import given
from hypothesis import strategies as st

from codextui.doctor.journal import PastTurn
from codextui.doctor.threads import PAUSE_S, measure_threads
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.store.decision_log import UNATTENDED_REASON
from codextui.server.store.journal import Journal

DAY = 86_400.0
COMPACTION = ev.ItemCompleted({"id": "c", "type": "contextCompaction"})


async def write_turns(
    stage: Stage,
    turns: Sequence[tuple[float, float]],
    *,
    compactions: int = 0,
    killed: bool = False,
) -> Journal:
    """Write a journal with a thread `backend` that had turns from one time to another."""
    journal = Journal(stage.state / "default.sqlite")
    state = ThreadState.KILLED if killed else ThreadState.IDLE
    journal.record_thread(ThreadInfo("t", "backend", state, cwd="/work"))
    for number, (start, end) in enumerate(turns):
        messages: list[tuple[float, ev.Msg]] = [
            (start, ev.TurnStarted()),
            (end, ev.TurnCompleted()),
        ]
        if number < compactions:
            messages.insert(1, (start, COMPACTION))
        for at, msg in messages:
            journal.record_event(ev.Event(1, "t", f"u{number}", at, msg))
    return journal


def found(findings: list[dict[str, Any]], check: str) -> dict[str, Any]:
    [one] = [one for one in findings if one["check"] == check]
    return one


async def test_a_thread_that_is_taken_up_again_and_again_is_named(
    stage: Stage, examine: Any
) -> None:
    turns = [(day * DAY, day * DAY + 60) for day in range(4)]
    await (await write_turns(stage, turns, compactions=2)).close()
    code, findings = await examine()
    reused = found(findings, "threads.reused")
    assert (code, reused["severity"]) == (0, "advice")
    assert reused["found"].startswith(
        "backend was taken up 4 times in 3 days (4 turns), and its history compacted 2 times"
    )
    assert "codextui fork backend" in reused["advice"]


@pytest.mark.parametrize(
    ("days", "compactions", "killed"),
    [(4, 1, False), (2, 2, False), (4, 2, True), (0, 0, False)],
    ids=["hardly compacted", "two sittings", "killed", "no turns"],
)
async def test_other_threads_are_not(
    stage: Stage, examine: Any, days: int, compactions: int, killed: bool
) -> None:
    turns = [(day * DAY, day * DAY + 60) for day in range(days)]
    await (await write_turns(stage, turns, compactions=compactions, killed=killed)).close()
    assert found((await examine())[1], "threads.reused")["severity"] == "ok"


@given(
    pauses=st.lists(st.floats(0, 10 * PAUSE_S), max_size=20),
    compactions=st.integers(0, 5),
)
def test_the_sittings_of_a_thread_are_its_long_pauses_and_one(
    pauses: list[float], compactions: int
) -> None:
    past, now = [PastTurn("t", 0.0, 0.0)], 0.0
    for pause in pauses:
        now += pause
        past.append(PastTurn("t", now, now))
    past += [PastTurn("t", now, now, is_compaction=True)] * compactions
    [use] = measure_threads(past)
    long = sum(
        later.started_at - earlier.ended_at >= PAUSE_S
        for earlier, later in pairwise(past[: len(pauses) + 1])
    )
    assert (use.turns, use.sittings, use.compactions) == (len(pauses) + 1, long + 1, compactions)
    assert use.is_reused == (use.sittings >= 3 and compactions >= 2)


async def test_a_run_that_may_be_shorter_than_a_turn_is_named(stage: Stage, examine: Any) -> None:
    await (await write_turns(stage, [(0.0, 1800.0)])).close()
    stage.write_config(
        "[teams.shop]\n[teams.shop.limits]\nminutes = 20\n"
        '[teams.shop.roles.a]\ninstructions = "x"\n'
    )
    run = found((await examine())[1], "timeouts.run")
    assert (run["severity"], run["line"]) == ("advice", 3)
    assert "a run may take 20m 00s, and one turn here has taken 30m 00s" in run["found"]


async def decide(journal: Journal, resolved: ev.ApprovalResolved) -> None:
    approval = Approval(resolved.approval_id, "t", "u", "i", "backend", 1.0, CommandAsked("make"))
    journal.record_approval(approval)
    await journal.record_decision(approval, resolved, at=2.0)


async def test_a_time_out_shorter_than_a_person_is_named(stage: Stage, examine: Any) -> None:
    stage.write_config("[approvals]\nunattended_timeout = 60\n")
    journal = await write_turns(stage, [(0.0, 10.0)])
    await decide(journal, ev.ApprovalResolved("a1", "approved", by="me", waited=300.0))
    await journal.close()
    one = found((await examine())[1], "timeouts.unattended")
    assert (one["severity"], one["line"]) == ("advice", 2)
    assert "a person has taken 5m 00s to decide" in one["found"]


async def test_approvals_that_nobody_was_there_for_are_named(stage: Stage, examine: Any) -> None:
    journal = await write_turns(stage, [(0.0, 10.0)])
    message = f"{UNATTENDED_REASON} within 1800 s."
    await decide(journal, ev.ApprovalResolved("a1", "denied", message=message, waited=1800.0))
    await journal.close()
    one = found((await examine())[1], "timeouts.unattended")
    assert "an approval was declined because nobody was there" in one["found"]


async def test_a_journal_that_is_written_is_read_too(stage: Stage, examine: Any) -> None:
    journal = await write_turns(stage, [(day * DAY, day * DAY + 60) for day in range(4)])
    await decide(journal, ev.ApprovalResolved("a1", "approved", by="me", waited=1.0))
    _, findings = await examine()
    await journal.close()
    assert found(findings, "journal")["severity"] == "ok"
