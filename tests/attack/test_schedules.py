"""Random approval schedules against the real server, with a Codex that the test plays.

`CODEXTUI_ATTACK_SEED` and `CODEXTUI_ATTACK_SCHEDULES` choose other ones, or more of them. Each
schedule has a generator of its own, so that `CODEXTUI_ATTACK_ONLY=NUMBER` repeats one alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attack.schedule import Schedule, Violation
from attack.stage import Disk, staged

from codextui.codex.requests import Answer
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.decisions import Approved, Decision, Declined

pytestmark = pytest.mark.attack

SEED = os.environ.get("CODEXTUI_ATTACK_SEED", "codextui")
SCHEDULES = int(os.environ.get("CODEXTUI_ATTACK_SCHEDULES", "10000"))
ONLY = os.environ.get("CODEXTUI_ATTACK_ONLY", "")
PARTS = 8
ON_A_SERVER = 50
"""Schedules that share a server, so that one may disturb the next."""


@pytest.mark.parametrize("part", range(PARTS))
async def test_a_command_runs_if_and_only_if_one_valid_approval_won(
    part: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    record_property: Callable[[str, object], None],
):
    caplog.set_level("CRITICAL", "codextui")  # full disks are nothing to report
    disk = Disk()
    monkeypatch.setattr(sqlite3, "connect", disk.connect)
    numbers = list(range(part, SCHEDULES, PARTS))
    if ONLY:
        numbers = [number for number in numbers if number == int(ONLY)]
    asked = ran = 0
    for first in range(0, len(numbers), ON_A_SERVER):
        folder = tmp_path / str(first)
        folder.mkdir()
        schedules = await play(folder, disk, numbers[first : first + ON_A_SERVER])
        asked += sum(len(schedule.asks) for schedule in schedules)
        answers = schedules[0].stage.answers.values()
        ran += sum(answer.granted for given in answers for answer in given)
    if numbers:
        assert ran
        assert ran < asked
    record_property(
        "attack", f"{len(numbers)} schedules with seed {SEED!r}: {ran} of {asked} commands ran"
    )


def approve_all_that_accepts(result: JsonObject, **_: object) -> Decision:
    return Approved() if result.get("action") == "accept" else Declined()


def accept_always(*_: object) -> Answer:
    return Answer({"decision": "accept"})


async def store_nothing(*_: object, **__: object) -> None:
    return


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("server.approvals.elicitation.parse_elicit_result", approve_all_that_accepts),
        ("server.approvals.input_required.parse_elicit_result", approve_all_that_accepts),
        ("server.approvals.broker.grants", lambda *_: True),
        ("server.approvals.codex_requests.encode_decision", accept_always),
        ("server.store.journal.Journal.record_decision", store_nothing),
        ("server.approvals.broker.ApprovalBroker.withdraw", lambda *_, **__: None),
    ],
    ids=lambda value: value.rpartition(".")[2] if isinstance(value, str) else "",
)
async def test_the_oracle_finds_a_broken_server(
    place: str, fault: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(f"codextui.{place}", fault)
    disk = Disk()
    monkeypatch.setattr(sqlite3, "connect", disk.connect)
    with pytest.raises(Violation):
        await play(tmp_path, disk, list(range(200)))


async def play(folder: Path, disk: Disk, numbers: list[int]) -> list[Schedule]:
    """Play schedules on one server, and compare its audit log in the end.

    Raises:
        Violation: the oracle was contradicted.
    """
    schedules: list[Schedule] = []
    unattended = numbers[0] % PARTS == PARTS - 1
    async with staged(folder, disk, unattended=unattended) as stage:
        for number in numbers:
            schedule = Schedule(stage, Random(f"{SEED} {number}"), number)
            schedules.append(schedule)
            await attempt(number, schedule.run())
    rows = read_log(folder / "s.sqlite")
    for schedule in schedules:
        await attempt(schedule.number, check(schedule, rows))
    return schedules


async def check(schedule: Schedule, rows: dict[str, dict[str, Any]]) -> None:
    schedule.check_log(rows)


async def attempt(number: int, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Violation as error:
        raise Violation(f"schedule {number} with the seed {SEED!r}:\n{error}") from None


def read_log(journal: Path) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(journal)) as database:
        database.row_factory = sqlite3.Row
        rows = database.execute("SELECT * FROM approvals").fetchall()
    assert len(rows) == len({row["approval_id"] for row in rows})
    return {row["approval_id"]: dict(row) for row in rows}
